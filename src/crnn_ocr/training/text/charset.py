"""The characters of the Chinese-English recogniser, in class order, and how labels are spelt with them.

The list starts with the 6,904 characters of PP-OCRv6 tiny and its space, in its order, so that a head that
was trained for one can be carried over to the other row by row. What that list lacks follows: the rest of
GB 2312 (both levels), of Big5 level 1, pinyin, units and symbols of everyday documents.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from pathlib import Path

from crnn_ocr.errors import TrainingError

BLANK = ""
"""The CTC blank: class 0 and no text."""

PINYIN = "ǎǐǒǔǖǘǚǜ"
SYMBOLS = "№＜＞＊＂＇＄＋＾＿｛｝＼㎡㎥㎏㎎㎜㎝㎞㏄℡❶❷❸❹❺❻❼❽❾❿⑴⑵⑶⑷⑸⑹⑺⑻⑼⑽▪➢➤❖⊿㊣"
CANTONESE = "嘅咗喺啲嘢冇佢哋唔畀乜咁嗰喎嚟嘥攞揾搵掹瞓啱噉嘞囉喇嗱咪"
"""Written Cantonese of Hong Kong, outside of Big5 level 1."""

_TWINS = {
    "∙⋅‧・･": "·",
    "―─━": "—",
    "∥": "‖",
    "∶︰": ":",
    "∷": "::",
    "∼〜": "～",
    "µ": "μ",
    "∆": "Δ",
    "✔": "✓",
    "✘✖": "✕",
    "►": "▶",
    "◄": "◀",
    "∕": "/",
    "‑‐−": "-",
    "＄": "$",
    "﹪": "%",
    "﹥": ">",
    "﹏": "_",
    "\u00a0\u3000\u2002\u2003\u2009\u202f\t": " ",
    "\u200b\ufeff\u00ad\u200e\u200f\r\n": "",
}
_FOLD = str.maketrans({twin: spelt for twins, spelt in _TWINS.items() for twin in twins})


def spell(text: str) -> str:
    """Return `text` as labels spell it: composed, twins folded, single spaces, none at the ends.

    What looks the same in print (`∙` and `·`, `µ` and `μ`, `―` and `—`, `°C` and `℃`) must share one label,
    or the network is taught noise: of two labels for degrees it read `°℃`.
    """
    folded = unicodedata.normalize("NFC", text).translate(_FOLD).replace("°C", "℃").replace("°F", "℉")
    return " ".join(folded.split())


def write_characters(path: Path, listed: Iterable[str]) -> None:
    """Write one character a line, without the blank; `read_characters` reads it back."""
    path.write_text("".join(f"{character}\n" for character in listed), encoding="utf-8")


def read_characters(path: Path) -> list[str]:
    """Read what `write_characters` wrote.

    Raises:
        TrainingError: The file is missing or not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingError(f"The characters {path} cannot be read: {error}.") from error


@cache
def characters() -> tuple[str, ...]:
    """Return the text of every class, blank first, as `charset.txt` lists them."""
    listed = resources.files(__package__).joinpath("charset.txt").read_text(encoding="utf-8")
    return (BLANK, *listed.removesuffix("\n").split("\n"))


@cache
def known() -> frozenset[str]:
    """Return the characters that a label may hold, as a set."""
    return frozenset(characters()[1:])


def compose(tiny: Iterable[str]) -> list[str]:
    """Return the list that `charset.txt` holds, made from PP-OCRv6 tiny's dictionary (without its space)."""
    found = dict.fromkeys([*tiny, " "])
    found.update(dict.fromkeys(gb2312()))
    found.update(dict.fromkeys(big5_common()))
    found.update(dict.fromkeys([*PINYIN, *SYMBOLS, *CANTONESE]))
    return list(found)


def gb2312() -> Iterator[str]:
    """Give the 6,763 ideographs of GB 2312, level 1 (by sound) before level 2 (by radical)."""
    for high in range(0xB0, 0xF8):
        for low in range(0xA1, 0xFF):
            try:
                yield bytes((high, low)).decode("gb2312")
            except UnicodeDecodeError:
                continue


def big5_common() -> Iterator[str]:
    """Give the 5,401 frequent ideographs of Big5 (its level 1)."""
    rows = [*range(0x40, 0x7F), *range(0xA1, 0xFF)]
    for code in (0x100 * high + low for high in range(0xA4, 0xC7) for low in rows):
        if code <= 0xC67E:
            yield code.to_bytes(2).decode("big5")


def is_ideograph(character: str) -> bool:
    """Tell whether a character is one of the CJK Unified Ideographs, without their extensions."""
    return "一" <= character <= "鿿"


def ideographs(text: str) -> str:
    """Return the Chinese characters of a text without what stands between them."""
    return "".join(filter(is_ideograph, text))

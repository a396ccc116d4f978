"""Tests a recogniser with a probe: a line that it must be able to read before it is used."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.models.registry import Pack
from crnn_ocr.pixels import Pixels
from crnn_ocr.recognition.network.recognizer import Recognizer

#: Text of the program's own probe; characters that a recogniser does not know are left out. The most common
#: fault is a list of characters that is off by one or two: in this order it gets every character wrong.
PROBE_TEXT = "9385206147 DGPRKFTM"
#: A recogniser that does not know these cannot read the program's probe; its pack should bring its own.
DIGITS = frozenset("0123456789")
#: Share of a probe's characters that may be wrong. Every trained network that was tried reads the drawn probe
#: without an error; one whose weights or characters are not its own gets next to none right.
TOLERANCE = 0.3

_PIXELS, _MARGIN = 36, 12


def check_reads(recognizer: Recognizer, pack: Pack) -> None:
    """Check that a loaded recogniser can read its probe: the pack's own, or a line of digits and letters.

    A recogniser that does not know the digits and has no probe of its own is not tested.

    Raises:
        ModelBrokenError: It cannot read the probe, or the pack's probe is not a picture.
    """
    own = pack.manifest.probe
    if own is not None:
        text, picture = own.text, _picture(pack)
    elif recognizer.characters >= DIGITS:
        text = "".join(char for char in PROBE_TEXT if char == " " or char in recognizer.characters).strip()
        picture = draw_probe(text)
    else:
        return
    line = recognizer.prepare(picture)
    read = recognizer.decode(line, [recognizer.infer(window) for window in line.windows]).text
    expected, found = _comparable(text), _comparable(read)
    wrong = _distance(expected, found)
    if wrong > TOLERANCE * len(expected):
        raise ModelBrokenError(
            f"pack {pack.manifest.name!r} cannot read its probe: {wrong} of {len(expected)} characters wrong",
            hint="The weights, the characters, or mean and std in the manifest do not fit the network.",
        )


def draw_probe(text: str) -> Pixels:
    """Return a line of black text on white in Pillow's built-in font, (H, W, 3) BGR."""
    font = ImageFont.load_default(size=_PIXELS)
    left, top, right, bottom = font.getbbox(text)
    size = (round(right - left) + 2 * _MARGIN, round(bottom - top) + 2 * _MARGIN)
    picture = Image.new("RGB", size, "white")
    ImageDraw.Draw(picture).text((_MARGIN - left, _MARGIN - top), text, font=font, fill="black")
    return np.ascontiguousarray(picture, np.uint8)


def _picture(pack: Pack) -> Pixels:
    """Return the pack's own probe, (H, W, 3) BGR."""
    assert pack.manifest.probe is not None
    path = pack.verified(pack.manifest.probe.image)
    try:
        with Image.open(path) as picture:
            picture.thumbnail((4096, 512))
            return np.ascontiguousarray(np.asarray(picture.convert("RGB"), np.uint8)[:, :, ::-1])
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise ModelBrokenError(f"pack {pack.manifest.name!r}: its probe is not a picture") from error


def _comparable(text: str) -> str:
    """Return the text without white space and in one case, which do not count as errors."""
    return "".join(text.split()).casefold()


def _distance(first: str, second: str) -> int:
    """Return how many characters must be changed, added or removed (Levenshtein)."""
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(second, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]

"""Does a model pack keep what its manifest promises, and can it read?"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from crnn_ocr.errors import ModelBrokenError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from crnn_ocr.models.registry import Pack
    from crnn_ocr.recognition.network.recognizer import Recognizer

#: What the program's own probe says, without the characters that a recogniser does not know. In an order in
#: which a list of characters that is off by one or two, the commonest fault, gets every one of them wrong.
PROBE_TEXT = "9385206147 DGPRKFTM"
#: Without these the program has no probe for a pack; it should bring its own.
DIGITS = frozenset("0123456789")
#: Share of a probe's characters that may be wrong. Every trained network that was tried reads the drawn probe
#: without an error; one whose weights or characters are not its own gets next to none right.
TOLERANCE = 0.3

_PIXELS, _MARGIN = 36, 12


def check_pack(pack: Pack) -> None:
    """Compare every file with the manifest and load the pack in every precision that it has.

    Raises:
        ModelBrokenError: Something of it does not hold.
    """
    _check(pack, reads=False)


def prove_pack(pack: Pack) -> None:
    """As `check_pack`, and recognisers must read their probe: what is used has been proved so.

    Raises:
        ModelBrokenError: Something of it does not hold.
    """
    _check(pack, reads=True)


def check_reads(recognizer: Recognizer, pack: Pack) -> None:
    """Let a loaded recogniser read its probe: the pack's own, else a line of digits and letters.

    A recogniser that knows not even digits and brings no probe is not asked.

    Raises:
        ModelBrokenError: It reads something else, or the pack's probe is no picture.
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
            hint="The weights, the list of characters or mean and std in the manifest are not the network's.",
        )


def draw_probe(text: str) -> NDArray[np.uint8]:
    """A line of black text on white in Pillow's built-in font, (H, W, 3) BGR."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(size=_PIXELS)
    left, top, right, bottom = font.getbbox(text)
    size = (round(right - left) + 2 * _MARGIN, round(bottom - top) + 2 * _MARGIN)
    picture = Image.new("RGB", size, "white")
    ImageDraw.Draw(picture).text((_MARGIN - left, _MARGIN - top), text, font=font, fill="black")
    return np.ascontiguousarray(picture, np.uint8)


def _check(pack: Pack, *, reads: bool) -> None:
    # Imported here: OpenCV and ONNX Runtime take longer to load than everything else together.
    from crnn_ocr.detection.load import load_pack as load_detector
    from crnn_ocr.recognition.network.load import load_pack as load_recognizer

    pack.verify()
    if pack.manifest.kind == "det":
        load_detector(pack, threads=1)
        return
    with _scratch() as cache:  # what belongs to a broken pack must not outlive it
        for precision in ("fp32", "int8"):
            if precision in ("fp32", pack.manifest.precision):
                recognizer = load_recognizer(pack, cache_dir=cache, precision=precision)
                if reads:
                    check_reads(recognizer, pack)


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for prepared graphs, gone in the end; where none can be made, a path that cannot be either."""
    try:
        made = tempfile.TemporaryDirectory()
    except OSError:
        yield Path(os.devnull, "none")  # graphs stay in memory then
        return
    with made as folder:
        yield Path(folder)


def _picture(pack: Pack) -> NDArray[np.uint8]:
    """The pack's own probe, (H, W, 3) BGR."""
    import numpy as np
    from PIL import Image

    assert pack.manifest.probe is not None
    path = pack.verified(pack.manifest.probe.image)
    try:
        with Image.open(path) as picture:
            picture.thumbnail((4096, 512))
            return np.ascontiguousarray(np.asarray(picture.convert("RGB"), np.uint8)[:, :, ::-1])
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise ModelBrokenError(f"pack {pack.manifest.name!r}: its probe is no picture") from error


def _comparable(text: str) -> str:
    """Without what is a matter of taste: white space and case."""
    return "".join(text.split()).casefold()


def _distance(first: str, second: str) -> int:
    """Levenshtein distance: how many characters must be changed, added or left out."""
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(second, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]

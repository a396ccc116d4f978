"""Read headers and pixels of one raster file, in a separate process (`crnn_ocr.imaging.process`).

It only decodes: the pixels go to the parent as they are stored, in whatever mode they have (`pixels.Bands`).

| operation | question | answer |
|---|---|---|
| open | `format`, `limits`, `pages`, the file or its `path` | `count` of pages seen; `pages`, see below |
| read | `page` | `width`, `height`, `mode`, `row` …, and the rows as bytes |

Of each wanted page `pages` tells its number, width and height, the bytes that decoding takes here, and the
most of both processes at a time, since the parent converts a page while it is kept here; all zero for a page
that cannot be decoded, which `read` then explains. `row` is the bytes of a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from PIL import ExifTags

from crnn_ocr.errors import ImageDecodeError, ImageTooLargeError, OcrError
from crnn_ocr.imaging.formats import Format
from crnn_ocr.imaging.limits import Limits
from crnn_ocr.imaging.page_ranges import PageRanges
from crnn_ocr.imaging.process.program import Bounds
from crnn_ocr.imaging.raster.files import open_file, orientation_of, translated
from crnn_ocr.imaging.raster.footprint import converted, stored

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile
    from PIL.TiffImagePlugin import TiffImageFile

BAND_ROWS = 64  # rows per message part: only so many are copied at a time

_SLOW_PIXELS = 4_000_000  # some decoders are pure Python and take a second or two per million pixels
_TAG_SUBFILE, _TAG_TILE_WIDTH, _TAG_TILE_HEIGHT, _TAG_ROWS, _TAG_BITS = 254, 322, 323, 278, 258
_REDUCED = 1  # bit of the tag NewSubfileType: a smaller version of another page (TIFF 6.0, page 36)
_MOST_THUMBNAILS = 100  # beyond one for each page
_LARGE_TILE = 1024 * 1024  # pixels; larger ones are only for pages of about that size


class Reader:
    """Answers the questions about one raster file; see `crnn_ocr.imaging.process.program.Decoder`."""

    def __init__(self, bounds: Bounds) -> None:
        """Prepare for a file; `bounds` is not needed, since Pillow never leaves anything out."""
        self._name = Format.TIFF
        self._limits = Limits(0, 0, 0, 0)
        self._image: ImageFile | None = None
        self._count = 0
        #: The index of each wanted page in the file, and its needs with its number in front.
        self._pages: dict[int, list[int]] = {}

    def answer(
        self, question: dict[str, Any], data: bytearray
    ) -> tuple[dict[str, Any], Iterable[memoryview]]:
        """Run one operation."""
        if question["do"] == "open":
            self._name = Format[question["format"]]
            self._limits = Limits(*question["limits"])
            with translated(self._name):
                return self._open(question.get("path") or data, PageRanges.parse(question["pages"])), ()
        with translated(self._name):
            return self._read(list(self._pages)[question["page"]])

    def failure_message(self, question: dict[str, Any]) -> str:
        """Return the message for a damaged file."""
        return f"The {self._name.value} file is damaged: it cannot be decoded."

    def sent(self, question: dict[str, Any]) -> None:
        """Keep what there is: the next page takes its place."""

    def _open(self, source: bytearray | str, wanted: PageRanges) -> dict[str, Any]:
        image = self._image = open_file(source, self._name)
        if self._name is Format.TIFF:
            self._count, self._pages = _tiff_pages(image, self._limits, wanted)  # type: ignore[arg-type]
        else:
            self._limits.check_size(*image.size)
            _check_slow(image, self._name)
            needs = _needs(image, self._name, turned=orientation_of(image) != 1)
            self._limits.check_memory(needs[3], self._name.value)
            self._count, self._pages = 1, {0: [1, *needs]} if 1 in wanted else {}
        return {"pages": list(self._pages.values()), "count": self._count}

    def _read(self, index: int) -> tuple[dict[str, Any], Iterable[memoryview]]:
        image = self._image
        assert image is not None
        orientation = 1
        if self._name is Format.TIFF:  # Pillow turns its pages upright by itself
            image.seek(index)
            needs = _tiff_needs(image, self._limits)  # type: ignore[arg-type]
            self._limits.check_memory(needs[3], self._name.value)
            image.load()
        else:
            image.load()
            orientation = orientation_of(image)
        width, height = image.size
        row = len(image.crop((0, 0, width, 1)).tobytes())
        answer = {
            "width": width,
            "height": height,
            "mode": image.mode,
            "row": row,
            "palette": _palette(image),
            "transparency": _plain(image.info.get("transparency")),
            "transparent": bool(image.has_transparency_data),
            "orientation": orientation,
            "bytes": row * height,
        }
        return answer, _rows(image)


def _rows(image: ImageFile) -> Iterator[memoryview]:
    width, height = image.size
    for top in range(0, height, BAND_ROWS):
        yield memoryview(image.crop((0, top, width, min(height, top + BAND_ROWS))).tobytes())


def _palette(image: ImageFile) -> list[str] | None:
    """Return the palette's mode and its bytes as hexadecimal digits."""
    if image.mode not in ("P", "PA") or image.palette is None:
        return None
    mode = image.palette.mode
    return [mode, bytes(image.im.getpalette(mode, mode)).hex()]


def _plain(transparency: Any) -> Any:
    """Return Pillow's `transparency` as JSON can hold it: an integer, a list, or hexadecimal digits."""
    return transparency.hex() if isinstance(transparency, bytes) else transparency


def _needs(image: ImageFile, name: Format, *, turned: bool, buffer: int = 0) -> list[int]:
    """Return width and height, and the bytes that decoding takes here and in both processes together."""
    width, height = image.size
    pixels = width * height
    upright = turned and name is not Format.TIFF  # a TIFF is turned here, which takes a copy for a moment
    kept = stored(image, name) * pixels
    here = kept * (2 if turned and name is Format.TIFF else 1) + buffer
    there = converted(image.mode, turned=upright, transparent=image.has_transparency_data) * pixels
    return [width, height, round(here), round(max(here, kept + buffer + there))]


def _check_slow(image: ImageFile, name: Format) -> None:
    """Refuse large pictures whose decoder is pure Python, because they would keep a core busy for long."""
    packed = name is Format.BMP and image.info.get("compression") in (1, 2)  # run-length coded
    scaled = bool(image.tile) and image.tile[0][0] == "ppm"  # PNM whose values do not end at 255 or 65,535
    width, height = image.size
    if (packed or scaled) and width * height > _SLOW_PIXELS:
        raise ImageTooLargeError(
            f"The {name.value} picture has {width} × {height} pixels; this variant of the format is read "
            f"up to {_SLOW_PIXELS / 1e6:.0f} million.",
            hint="Save it as PNG.",
        )


def _tiff_pages(image: TiffImageFile, limits: Limits, wanted: PageRanges) -> tuple[int, dict[int, list[int]]]:
    """Read the directories without pixels, up to the last wanted page.

    Returns:
        How many pages there are, thumbnails left out; and by their index in the file the numbers and needs of
        the wanted ones. The needs of a page that cannot be decoded are zero.

    Raises:
        OcrError: There are too many pages or thumbnails, or none of the wanted pages can be decoded.
    """
    pages: dict[int, list[int]] = {}
    broken: OcrError | None = None
    first: list[int] | None = None
    count = index = 0
    while wanted.last is None or count < wanted.last:
        try:
            with translated(Format.TIFF):
                if not _seek(image, index):
                    break
                needs = _tiff_needs(image, limits)
        except OcrError as error:
            broken, needs = broken or error, [0, 0, 0, 0]
        first = first or needs
        subfile = image.tag_v2.get(_TAG_SUBFILE)
        if not (isinstance(subfile, int) and subfile & _REDUCED):
            count += 1
            if count in wanted:
                limits.check_pages(len(pages) + 1, at_least=True)
                pages[index] = [count, *needs]
        if image.tell() != index:  # the directory itself is damaged, and nothing tells where the next one is
            break
        index += 1
        most = limits.max_pages + _MOST_THUMBNAILS
        if index - count > most:
            raise ImageDecodeError(
                f"The TIFF has more than {most} thumbnails: such files are made to do harm."
            )
    if not count and first is not None:
        count, pages = 1, {0: [1, *first]} if 1 in wanted else {}
    if broken is not None and not any(max(needs[1:]) for needs in pages.values()):
        raise broken
    return count, pages


def _seek(image: TiffImageFile, index: int) -> bool:
    """Go to a page; return whether there is one."""
    try:
        image.seek(index)
    except EOFError:
        return False
    return True


def _tiff_needs(image: TiffImageFile, limits: Limits) -> list[int]:
    """Return the needs of the page that the file is at; see `_needs`.

    Raises:
        OcrError: It exceeds the limits, or its tiles do.
    """
    limits.check_size(*image.size)
    turned = image.tag_v2.get(ExifTags.Base.Orientation, 1) != 1
    return _needs(image, Format.TIFF, turned=turned, buffer=_tile_bytes(image, limits))


def _tile_bytes(image: TiffImageFile, limits: Limits) -> int:
    """Return the bytes of the buffer in which libtiff unpacks a tile or strip of the current page.

    Raises:
        OcrError: The tiles are larger than the limits allow, or much larger than the page.
    """
    tags = image.tag_v2
    width, height = image.size
    wide, high = tags.get(_TAG_TILE_WIDTH), tags.get(_TAG_TILE_HEIGHT)
    if isinstance(wide, int) and isinstance(high, int):
        limits.check_size(wide, high)
        if wide * high > max(_LARGE_TILE, 4 * width * height):
            raise ImageDecodeError(
                f"The TIFF claims tiles of {wide} × {high} pixels for a page of {width} × {height}."
            )
    elif image.tile and image.tile[0][0] == "libtiff":
        rows = tags.get(_TAG_ROWS)
        wide, high = width, min(rows, height) if isinstance(rows, int) else height
    else:  # Pillow reads unpacked strips row by row
        return 0
    bits = tags.get(_TAG_BITS, 8)
    return wide * high * (sum(bits) if isinstance(bits, tuple) else int(bits)) // 8

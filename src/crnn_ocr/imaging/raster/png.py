"""Check the chunks of PNG files before a decoder remembers every one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from crnn_ocr.errors import ImageDecodeError

#: Chunks that hold pixels or belong to a frame of an animation: at most so many, and one for so many bytes.
_DATA = frozenset((b"IDAT", b"fdAT", b"fcTL"))
_MOST_DATA, _BYTES_PER_DATA = 1_000, 512
#: Other chunks: a picture has about ten.
_MOST_OTHERS = 1_000
#: Those that are unpacked when they are read, to at most 1 MiB each by Pillow: editors write about five.
_PACKED = frozenset((b"zTXt", b"iTXt", b"iCCP"))
_MOST_PACKED = 20


def chunks(data: bytes) -> Iterator[bytes]:
    """Yield the types of all chunks (PNG specification, 5.3)."""
    place = 8
    while place + 8 <= len(data):
        yield data[place + 4 : place + 8]
        place += 12 + int.from_bytes(data[place : place + 4], "big")


def check_chunks(data: bytes, check: Callable[[], None]) -> None:
    """Refuse a PNG whose chunks would take much more memory or time than its pixels.

    Args:
        data: The whole file.
        check: Called for every chunk; an exception from it ends the walk.

    Raises:
        ImageDecodeError: The file has too many chunks, each of which costs its decoder memory and time.
    """
    pixels = others = packed = 0
    most_data = _MOST_DATA + len(data) // _BYTES_PER_DATA
    for kind in chunks(data):
        check()
        pixels += kind in _DATA
        others += kind not in _DATA
        packed += kind in _PACKED
        if pixels > most_data or others > _MOST_OTHERS or packed > _MOST_PACKED:
            raise ImageDecodeError("The PNG has far too many parts: such files are made to do harm.")

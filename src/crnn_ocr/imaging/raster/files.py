"""Open raster files with Pillow, using one known decoder per format; NumPy and OpenCV are not needed for it.

Pillow's `Image.open` would try unwanted decoders (such as Ghostscript for EPS) and checks sizes against
limits that are global to the process. So the decoder's class is called directly, after `formats.sniff` has
told the format, and the size is checked after reading the header and before decoding the pixels.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import ExifTags, Image

from crnn_ocr.errors import ImageDecodeError, ImageTooLargeError, OcrError, UnsupportedImageError
from crnn_ocr.imaging.formats import Format

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

# Damaged metadata is not worth a line on stderr for each picture, and sizes are checked here, not by Pillow.
# The filter is set once, because `warnings.catch_warnings` is not thread-safe.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").addHandler(logging.NullHandler())  # else its warnings may go to stderr

_DECODERS: dict[Format, tuple[str, str]] = {
    Format.JPEG: ("JpegImagePlugin", "JpegImageFile"),
    Format.PNG: ("PngImagePlugin", "PngImageFile"),
    Format.WEBP: ("WebPImagePlugin", "WebPImageFile"),
    Format.GIF: ("GifImagePlugin", "GifImageFile"),
    Format.BMP: ("BmpImagePlugin", "BmpImageFile"),
    Format.TIFF: ("TiffImagePlugin", "TiffImageFile"),
    Format.PNM: ("PpmImagePlugin", "PpmImageFile"),
}


def open_file(data: bytes | bytearray | str, name: Format) -> ImageFile:
    """Read the header of a file, or of the file at a path, with the one decoder for its format.

    Raises:
        UnsupportedImageError: This build of Pillow lacks the decoder.
        Exception: The file is damaged; see `translated`.
    """
    module, class_name = _DECODERS[name]
    try:
        decoder: type[ImageFile] = getattr(import_module(f"PIL.{module}"), class_name)
    except (ImportError, AttributeError) as error:
        raise UnsupportedImageError(f"This installation of Pillow cannot read {name.value}.") from error
    # A stream of our own, since Pillow closes one that it has opened itself after the first page.
    stream = Path(data).open("rb") if isinstance(data, str) else io.BytesIO(data)  # noqa: SIM115
    return decoder(stream)


def orientation_of(image: Image.Image) -> int:
    """Return the Exif or XMP orientation of a Pillow image; 1 if there is none or it cannot be read."""
    try:
        # Not the method of PngImageFile, which decodes the pixels to find metadata behind them.
        value = Image.Image.getexif(image).get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged metadata may raise anything, but must not make the picture unreadable
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


@contextmanager
def translated(name: Format | str) -> Iterator[None]:
    """Translate any exception of a decoder into an `OcrError`.

    Args:
        name: The format, for the messages.
    """
    label = name.value if isinstance(name, Format) else name
    try:
        yield
    except OcrError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageTooLargeError(f"The {label} picture has more pixels than its decoder takes.") from error
    except MemoryError as error:
        raise ImageTooLargeError(f"There is not enough memory for this {label} picture.") from error
    except Exception as error:
        # Decoders raise OSError, SyntaxError, ValueError, struct.error, KeyError … for damaged input.
        cut = isinstance(error, EOFError) or "truncated" in str(error).lower()
        what = "is cut short" if cut else "is damaged"
        raise ImageDecodeError(f"The {label} file {what}: it cannot be decoded.") from error

"""Check how large an input is. Every check uses only the header, before pixels take memory."""

from __future__ import annotations

from dataclasses import dataclass

from crnn_ocr.errors import ImageDecodeError, ImageTooLargeError

MIB = 1024 * 1024

#: Bytes that decoding may take for each of `max_pixels`: enough for ordinary JPEGs (3), PNGs (3) and
#: progressive JPEGs (6). Formats that take more, such as lossless WebP (13), may have fewer pixels.
DECODING_BYTES = 6
#: Bytes that decoding may always take, however small `max_pixels` is.
LEAST_DECODING = 64 * MIB

_FEWER = "Choose some pages with the option `pages`, or split the document."


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest input that is accepted.

    Attributes:
        max_bytes: Bytes of the encoded file.
        max_pixels: Width times height of one page.
        max_side: Pixels of the longer side of one page.
        max_pages: Pages of one file that are read as pictures.
        max_text_pages: Pages of a PDF whose text may be taken, which costs a hundredth of reading them.
    """

    max_bytes: int
    max_pixels: int
    max_side: int
    max_pages: int
    max_text_pages: int = 2_000

    def check_bytes(self, count: int) -> None:
        """Refuse a file of too many bytes.

        Raises:
            ImageTooLargeError: `count` exceeds `max_bytes`.
        """
        if count > self.max_bytes:
            raise ImageTooLargeError(
                f"The file has {count / MIB:.1f} MiB; at most {self.max_bytes / MIB:.1f} MiB are taken."
            )

    def check_size(self, width: int, height: int) -> None:
        """Refuse a picture whose size is impossible or too large.

        Raises:
            ImageDecodeError: A side is not positive.
            ImageTooLargeError: A side exceeds `max_side`, or the area exceeds `max_pixels`.
        """
        if width <= 0 or height <= 0:
            raise ImageDecodeError(f"The header claims a size of {width} × {height} pixels.")
        if max(width, height) > self.max_side:
            raise ImageTooLargeError(
                f"The picture has {width} × {height} pixels; a side may have at most {self.max_side}."
            )
        if width * height > self.max_pixels:
            raise ImageTooLargeError(
                f"The picture has {width} × {height} pixels ({width * height / 1e6:.1f} million); "
                f"at most {self.max_pixels / 1e6:.1f} million are taken."
            )

    def check_memory(self, count: int, name: str) -> None:
        """Refuse a picture whose decoder would take too much memory, although its size is allowed.

        Args:
            count: Bytes that decoding takes at its peak.
            name: The format, for the message.

        Raises:
            ImageTooLargeError: `count` exceeds what `max_pixels` pixels of an ordinary picture take.
        """
        most = max(LEAST_DECODING, DECODING_BYTES * self.max_pixels)
        if count > most:
            raise ImageTooLargeError(
                f"Decoding this {name} picture would take {count / MIB:.0f} MiB of memory; at most "
                f"{most / MIB:.0f} are given.",
                hint="Scale it down, or save it as JPEG, or as PNG without transparency.",
            )

    def check_pages(self, count: int, *, at_least: bool = False) -> None:
        """Refuse a document of too many pages.

        Args:
            count: Number of pages found.
            at_least: Whether counting stopped early, so that there may be more.

        Raises:
            ImageTooLargeError: `count` exceeds `max_pages`.
        """
        if count > self.max_pages:
            number = "more pages than that" if at_least else f"{count} pages"
            raise ImageTooLargeError(
                f"At most {self.max_pages} pages are read of one file, and this one has {number}.",
                hint=_FEWER,
            )

    def check_text_pages(self, count: int, *, at_least: bool = False) -> None:
        """Refuse a document of too many pages, although they may hold their text.

        Args:
            count: Number of pages found.
            at_least: Whether counting stopped early, so that there may be more.

        Raises:
            ImageTooLargeError: `count` exceeds `max_text_pages`.
        """
        if count > self.max_text_pages:
            kind, number = ("file", "more pages than that") if at_least else ("PDF", str(count))
            raise ImageTooLargeError(
                f"At most {self.max_text_pages} pages are taken of one {kind}, and this one has {number}.",
                hint=_FEWER,
            )

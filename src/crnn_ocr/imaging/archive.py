"""Read the pictures in a ZIP archive, in the natural order of their names.

Nothing is unpacked to a disk, and only one member is in memory at a time. `archive_members` checks what an
archive claims before anything is unpacked.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property

from crnn_ocr.errors import (
    DeadlineExceededError,
    OcrError,
    OverloadedError,
    RequestCancelledError,
    UnsupportedImageError,
)
from crnn_ocr.imaging.archive_members import DAMAGED, PLAIN, RATIO, open_archive, unpacked
from crnn_ocr.imaging.formats import Format, sniff
from crnn_ocr.imaging.limits import Limits
from crnn_ocr.imaging.page_ranges import ALL_PAGES
from crnn_ocr.imaging.page_source import PageSource, Wanted
from crnn_ocr.imaging.pdf.page_text import PageText
from crnn_ocr.imaging.raster.footprint import Extent
from crnn_ocr.pixels import Pixels
from crnn_ocr.scheduling.ticket import Ticket

#: The same ratio up to which a member is a file that is compressed itself, such as a JPEG with its metadata.
_DENSE = 2
#: Bytes that tell the format of a member.
_HEAD = 2048

#: Opens the bytes of one member.
Open = Callable[..., PageSource]


@dataclass(frozen=True, slots=True)
class _Place:
    """A page: the member it is in, its place there, and why it cannot be read, if so."""

    member: int
    inner: int
    extent: Extent
    holds_text: bool = False
    error: OcrError | None = None


class ArchivePages(PageSource):
    """The wanted pages of all pictures in an archive; to be used by one thread at a time."""

    def __init__(
        self, data: bytes, limits: Limits, open_member: Open, ticket: Ticket | None, wanted: Wanted
    ) -> None:
        """Read the list of members, and the header of each one.

        Args:
            data: The whole archive.
            limits: The largest input that is accepted, as an archive and as a member.
            open_member: Opens the bytes of a member, as `decode_pages` does.
            ticket: Deadline and cancellation of the request; None for no limit.
            wanted: Which pages, and whether the text of PDFs may be taken.

        Raises:
            ImageDecodeError: The archive is damaged or made to do harm.
            ImageTooLargeError: Its members are too many or too large.
            UnsupportedImageError: It holds no pictures, or is the file of another program.
            InvalidOptionError: It has none of the wanted pages.
            OcrError: The ticket is no longer valid, or no process can be started.
        """
        self._limits = limits
        self._ticket = ticket or Ticket()
        self._open_member = open_member
        self._wanted = wanted
        self._archive, self._members = open_archive(io.BytesIO(data), limits)
        self._current: tuple[int, PageSource] | None = None
        self._places: list[_Place] = []
        self.numbers = self._choose()

    def _choose(self) -> tuple[int, ...]:
        """Take the wanted pages, and return their numbers; no member behind the last of them is opened.

        Raises:
            ImageTooLargeError: They are too many.
            InvalidOptionError: There are none.
        """
        pages, last = self._wanted.pages, self._wanted.pages.last
        limits = self._limits
        check = limits.check_pages if self._wanted.text == "force" else limits.check_text_pages
        numbers: list[int] = []
        number = 0
        with closing(self._survey()) as found:
            for number, place in enumerate(found, 1):
                if number in pages:
                    numbers.append(number)
                    self._places.append(place)
                    check(len(numbers), at_least=True)
                if number == last:
                    break
        if not numbers:
            raise pages.nothing_left(number)
        return tuple(numbers)

    @cached_property
    def extents(self) -> Sequence[Extent]:
        """Size and memory of each page according to the headers; nothing for one that cannot be read."""
        return tuple(place.extent for place in self._places)

    def draw(self, place: int) -> Pixels:
        """Decode a page, see `PageSource.draw`."""
        return self._source(place).draw(self._places[place].inner)

    def text(self, place: int) -> PageText | None:
        """Return the text that a page of a PDF holds, see `PageSource.text`."""
        found = self._places[place]
        if found.error is not None:
            raise found.error
        return self._source(place).text(found.inner) if found.holds_text else None

    def dpi(self, place: int) -> float | None:
        """Return the pixels per inch of a page, see `PageSource.dpi`."""
        found = self._places[place]
        return self._source(place).dpi(found.inner) if found.holds_text else None

    def close(self) -> None:
        """Release the archive and the member that is open."""
        super().close()
        self._close_member()
        self._archive.close()

    def _close_member(self) -> None:
        if self._current is not None:
            self._current[1].close()
            self._current = None

    def _source(self, place: int) -> PageSource:
        """Return the opened member of a page."""
        found = self._places[place]
        if found.error is not None:
            raise found.error
        if self._current is None or self._current[0] != found.member:
            self._close_member()
            self._current = found.member, self._opened(self._members[found.member])
        return self._current[1]

    def _survey(self) -> Generator[_Place, None, None]:
        """Read the header of every member and yield its pages; one that cannot be read has one page."""
        for index, member in enumerate(self._members):
            self._ticket.check()
            try:
                source = self._opened(member)
            except (DeadlineExceededError, RequestCancelledError, OverloadedError):
                raise
            except OcrError as error:
                yield _Place(index, 0, Extent(0, 0, 0), error=error)
                continue
            try:
                holds_text = self._is_pdf(member)
                for inner, extent in enumerate(_extents(source)):
                    yield _Place(index, inner, extent, holds_text)
            finally:
                source.close()

    def _is_pdf(self, member: zipfile.ZipInfo) -> bool:
        with self._archive.open(member) as stream:
            return sniff(stream.read(_HEAD)) is Format.PDF

    def _opened(self, member: zipfile.ZipInfo) -> PageSource:
        """Open a member.

        Raises:
            OcrError: It cannot be opened; the message names it.
        """
        data = unpacked(self._archive, member, self._limits)
        if sniff(data) is Format.ZIP:
            raise UnsupportedImageError(
                "The archive holds another archive.", hint="Unpack it, and pack the pictures themselves."
            )
        wanted = Wanted(ALL_PAGES, self._wanted.text, self._wanted.password)
        return self._open_member(data, ticket=self._ticket, wanted=wanted)


class PackedPictures:
    """The members of an archive by page number, as far as that can be told without decoding them."""

    def __init__(self, data: bytes) -> None:
        """Read the first bytes of the members up to the first one that may have several pages.

        Args:
            data: The whole archive, of which pages have been read.

        Raises:
            OcrError: It cannot be opened.
        """
        self._limits = Limits(RATIO * len(data), 0, 0, 0)
        self._archive, members = open_archive(io.BytesIO(data), self._limits)
        #: Members may lie over one another, and all of them together then be larger than the archive.
        self._overlap = sum(member.compress_size for member in members) > len(data)
        self._members: list[tuple[zipfile.ZipInfo, bytes, Format | None]] = []
        for member in members:
            head, name = self._head(member)
            if name in (Format.TIFF, Format.PDF):
                break
            self._members.append((member, head, name))

    def of(self, number: int) -> tuple[bytes, Format, bool] | None:
        """Return the file that a page comes from; None if it is unknown.

        Args:
            number: Number of the page, from 1.

        Returns:
            Its bytes, its format, and whether they are the whole file; if it becomes much larger when
            unpacked, there are only the first ones.
        """
        if not 1 <= number <= len(self._members):
            return None
        member, head, name = self._members[number - 1]
        if name is None:
            return None
        if self._overlap or member.file_size > _DENSE * member.compress_size:
            return head, name, False
        try:
            return unpacked(self._archive, member, self._limits), name, True
        except OcrError:
            return None

    def _head(self, member: zipfile.ZipInfo) -> tuple[bytes, Format | None]:
        if member.flag_bits & 1 or member.compress_type not in PLAIN:
            return b"", None
        try:
            with self._archive.open(member) as stream:
                head = stream.read(_HEAD)
            return head, sniff(head)
        except (OcrError, zipfile.BadZipFile, zlib.error, *DAMAGED):
            return b"", None


def _extents(source: PageSource) -> Sequence[Extent]:
    try:
        return source.extents
    except OcrError:  # drawing the pages will show which of them are damaged
        return [Extent(0, 0, 0)] * len(source.numbers)

"""Checks the list of members of a ZIP archive before anything is unpacked, and unpacks one member.

What an archive claims is checked first: the number of its members, their paths, their sizes, and how much
smaller they are packed.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO

from crnn_ocr.errors import (
    ImageDecodeError,
    ImageEmptyError,
    ImageTooLargeError,
    UnsupportedImageError,
)
from crnn_ocr.imaging.limits import MIB, Limits
from crnn_ocr.imaging.natural_order import natural_key

#: Unpacked bytes of all members together, as a multiple of the largest file that is accepted.
_TOTAL = 16
#: Largest ratio of unpacked to packed bytes of a member, and the size from which it is checked. Blank
#: pictures without compression of their own, such as BMP, reach 1,000 and are small in number.
RATIO, _RATIO_FROM = 200, 4 * MIB
#: Bytes of the list of members that each may take: 46, its name, its extra fields and its comment.
_ENTRY = 1024
#: The record at the end of an archive (APPNOTE.TXT, 4.3.16), and how far from the end it may begin.
_END, _END_REACH = struct.Struct("<4s4H2LH"), 22 + 65_535
#: What may stand right before it (4.3.15): the place of a second such record, which has larger numbers.
_LARGE_END, _LARGE_END_BYTES = b"PK\x06\x07", 20
#: What `zipfile` raises at damaged archives, in addition to errors of its own and of zlib.
DAMAGED = (ValueError, OSError, EOFError, NotImplementedError, RuntimeError)
#: Methods of compression that are unpacked.
PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
#: Files that programs leave in archives, which no person has put there.
_LEFT_BY_PROGRAMS = re.compile(r"(.*/)?(\..*|thumbs\.db|desktop\.ini|icon\r)|__macosx/.*", re.I | re.S)
#: Members that tell an Office document, an OpenDocument or EPUB, and a Java archive.
_STRANGERS = {"[Content_Types].xml", "mimetype", "META-INF/MANIFEST.MF"}


def open_archive(file: BinaryIO, limits: Limits) -> tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]:
    """Return the opened archive, and the files that a person has put in, in the natural order of their names.

    Args:
        file: The archive, which must stay open as long as the result is used.
        limits: The largest member (`max_bytes`), and the most members (`max_text_pages`).

    Raises:
        ImageDecodeError: It is damaged or made to do harm.
        ImageTooLargeError: Its members are too many or too large.
        UnsupportedImageError: It holds no files, or is the file of another program.
    """
    _check_end(file, limits)
    try:
        archive = zipfile.ZipFile(file)
        entries = archive.infolist()
    except (zipfile.BadZipFile, struct.error, *DAMAGED) as error:
        raise ImageDecodeError("The ZIP archive is damaged: its list of files cannot be read.") from error
    if any(entry.filename in _STRANGERS for entry in entries):
        raise UnsupportedImageError(
            "The file is not a picture but an Office document or a program.",
            hint="Export the document as PDF or pictures.",
        )
    for entry in entries:
        path = entry.filename.replace("\\", "/")
        if path.startswith("/") or ".." in path.split("/") or re.match("[A-Za-z]:", path):
            raise ImageDecodeError(
                "The ZIP archive holds a path that leads out of it: it is made to do harm."
            )
    members = [
        entry
        for entry in entries
        if not entry.filename.endswith("/") and not _LEFT_BY_PROGRAMS.fullmatch(entry.filename)
    ]
    if not members:
        raise UnsupportedImageError("The ZIP archive holds no pictures.", hint="Pack pictures or PDFs.")
    if len(members) > limits.max_text_pages:
        raise _too_many(limits)
    total = sum(entry.file_size for entry in members)
    if total > _TOTAL * limits.max_bytes:
        raise ImageTooLargeError(
            f"The files in the ZIP archive have {total / MIB:.0f} MiB; at most "
            f"{_TOTAL * limits.max_bytes / MIB:.0f} MiB are taken.",
            hint="Divide the archive.",
        )
    return archive, sorted(members, key=lambda entry: natural_key(entry.filename))


def _check_end(file: BinaryIO, limits: Limits) -> None:
    """Check how long the list of members is before it is read: each entry takes a kilobyte of memory."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _END_REACH - _LARGE_END_BYTES))
    data = file.read(_END_REACH + _LARGE_END_BYTES)
    place = data.rfind(b"PK\x05\x06", max(0, len(data) - _END_REACH))
    if place < 0 or len(data) < place + _END.size:
        raise ImageDecodeError("The ZIP archive is damaged or cut short: it has no end.")
    if data.startswith(_LARGE_END, max(0, place - _LARGE_END_BYTES)):
        raise UnsupportedImageError(
            "The ZIP archive is of the kind for very many or very large files (ZIP64).",
            hint="Pack it as an ordinary ZIP, or divide it.",
        )
    count, length = _END.unpack_from(data, place)[4:6]
    if count > limits.max_text_pages or length > _ENTRY * limits.max_text_pages:
        raise _too_many(limits)


def _too_many(limits: Limits) -> ImageTooLargeError:
    return ImageTooLargeError(
        f"The ZIP archive holds more than {limits.max_text_pages} files.", hint="Divide the archive."
    )


def unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limits: Limits) -> bytes:
    """Return the bytes of a member.

    Raises:
        OcrError: It is encrypted, damaged, packed in an unusual way, empty or too large.
    """
    with member_stream(archive, member, limits) as stream:
        data = stream.read(limits.max_bytes + 1)  # whatever its header tells
    limits.check_bytes(len(data))
    if not data:
        raise ImageEmptyError("A file in the ZIP archive is empty.")
    return data


class MemberStream:
    """The bytes of a member, which may be more than its header tells."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        """Read up to that many bytes; none at the end.

        Raises:
            ImageDecodeError: The member is damaged.
        """
        try:
            return self._stream.read(size)
        except (zipfile.BadZipFile, zlib.error, *DAMAGED) as error:
            raise _damaged() from error


@contextmanager
def member_stream(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, limits: Limits
) -> Iterator[MemberStream]:
    """Yield the bytes of a member as a stream.

    Raises:
        OcrError: It is encrypted, damaged, packed in an unusual way or too large.
    """
    if member.flag_bits & 1:
        raise UnsupportedImageError(
            "A file in the ZIP archive is encrypted.", hint="Pack it without a password."
        )
    if member.compress_type not in PLAIN:
        raise UnsupportedImageError(
            "A file in the ZIP archive is packed in an unusual way.", hint="Pack it with Deflate."
        )
    limits.check_bytes(member.file_size)
    if member.file_size > max(_RATIO_FROM, RATIO * member.compress_size):
        raise ImageTooLargeError("A file in the ZIP archive becomes far larger when it is unpacked.")
    try:
        stream = archive.open(member)
    except (zipfile.BadZipFile, zlib.error, *DAMAGED) as error:
        raise _damaged() from error
    with stream:
        yield MemberStream(stream)


def _damaged() -> ImageDecodeError:
    return ImageDecodeError("A file in the ZIP archive is damaged.")

"""Makes a job of uploaded files: stores them, expands archives, and creates the job at the end or not at all.

A file is stored as it arrives, and is never held in memory. A ZIP archive counts as its files; while it is
expanded it lies where the first of them will lie, and its list is checked first (`imaging.archive_members`).
Whatever fails before the job exists takes all of its files with it.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from crnn_ocr.errors import (
    BadRequestError,
    BatchTooLargeError,
    ImageEmptyError,
    ImageTooLargeError,
    InvalidOptionError,
    JobsUnavailableError,
    MissingImageError,
    OcrError,
    TooManyJobsError,
    UnsupportedImageError,
)
from crnn_ocr.export import FORMATS
from crnn_ocr.imaging.archive_members import member_stream, open_archive
from crnn_ocr.imaging.formats import Format, sniff
from crnn_ocr.imaging.limits import Limits
from crnn_ocr.jobs.backends import Jobs
from crnn_ocr.jobs.files import Readable, source_key, unconfirmed_key
from crnn_ocr.jobs.records import Job, JobRequest, NewJob, SourceFile
from crnn_ocr.jobs.webhooks import check_webhook
from crnn_ocr.options import ReadOptions
from crnn_ocr.settings import MIB, Settings

#: Bytes of a file that tell its format; as many as `imaging` looks at in a member of an archive.
_HEAD = 2048
#: First bytes of an archive without files (APPNOTE.TXT, 4.3.16), which no format of pictures has.
_EMPTY_ARCHIVE = b"PK\x05\x06"
#: Longest name of a file, in characters: what file systems take, if each character takes one byte.
_LONGEST_NAME = 255
#: Shortest time to live, in seconds: a client must be able to fetch the result.
LEAST_TTL_S = 60.0
#: What an `Idempotency-Key` may be: printable ASCII, at most as long as a name.
_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")


def job_request(
    settings: Settings,
    options: ReadOptions,
    *,
    formats: Sequence[str] = (),
    webhook: str | None = None,
    ttl: float | None = None,
) -> JobRequest:
    """Return what a client asks of a job, after checking it.

    Args:
        settings: The limits.
        options: How to read.
        formats: Names of the formats to be written; JSON and text always are.
        webhook: URL that is told about the end; None for none.
        ttl: Seconds after its end for which the job is kept; None for as long as possible.

    Raises:
        InvalidOptionError: A value is not valid.
        WebhooksDisabledError: A webhook is asked for, and this service sends none.
        WebhookNotAllowedError: The webhook may not be called.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown:
        raise InvalidOptionError(
            f"There is no format {unknown[0]!r}.", hint=f"There are: {', '.join(FORMATS)}."
        )
    if ttl is not None and not LEAST_TTL_S <= ttl <= settings.jobs_ttl_s:  # NaN too
        raise InvalidOptionError(
            f"'ttl' is {ttl:g}; a job is kept from {LEAST_TTL_S:g} to {settings.jobs_ttl_s:g} seconds.",
            hint="Name a time in between, or leave 'ttl' out for the longest.",
        )
    if webhook is not None:
        check_webhook(webhook, settings)
    return JobRequest(
        options=options.model_dump(exclude_unset=True),
        formats=tuple(dict.fromkeys(formats)),
        webhook=webhook,
        ttl_s=settings.jobs_ttl_s if ttl is None else ttl,
    )


def check_idempotency_key(key: str | None) -> str | None:
    """Return the key of a request, or None if it has none.

    Raises:
        BadRequestError: It is not 1 to 255 printable ASCII characters.
    """
    if key is not None and not _KEY.fullmatch(key):
        raise BadRequestError(
            "The header Idempotency-Key is not 1 to 255 printable ASCII characters.",
            hint="Send a random value, such as a UUID, one for each job.",
        )
    return key


class Submission:
    """A job that is being made: files are added, then it is created. A context manager.

    Unless the job has been created by its end, its files are deleted.
    """

    def __init__(self, jobs: Jobs, *, owner: str, idempotency_key: str | None = None) -> None:
        """Prepare.

        Args:
            jobs: Where the job will live.
            owner: Name of the API key; "" without keys.
            idempotency_key: See `NewJob`.

        Raises:
            TooManyJobsError: The owner has as many unfinished jobs as it may have.
            JobsUnavailableError: The store cannot be reached, so no file need be sent.
        """
        self._jobs = jobs
        self._owner = owner
        self._idempotency_key = idempotency_key
        self._most_unfinished = jobs.settings.jobs_per_key
        self._id = secrets.token_hex(16)
        self._files: list[SourceFile] = []
        self._uploads: list[list[Any]] = []
        self._refused: list[OcrError] = []
        self._created = False
        if idempotency_key is None:  # a repeated request must find its job, however many there are
            self._refuse_early()
        else:
            jobs.store.get(self._id)  # only to learn, before files are sent, whether the store answers

    def _refuse_early(self) -> None:
        """Refuse the job before its files are sent; `create` checks it again, for all requests at once."""
        most = self._most_unfinished
        unfinished = self._jobs.store.jobs(self._owner, states=("queued", "running"), limit=most)
        if len(unfinished) >= most:
            raise TooManyJobsError(f"This client has {most} unfinished jobs.")

    def add(self, name: str, content: Readable) -> None:
        """Store an uploaded file, or the files of an uploaded archive.

        Args:
            name: Its name; directories in it are left out.
            content: Its bytes.

        Raises:
            ImageEmptyError: It is empty.
            ImageTooLargeError: It, or a file in an archive, is too large.
            BatchTooLargeError: The job has too many files.
            UnsupportedImageError: It is an archive that cannot be used.
            ImageDecodeError: It is an archive that is damaged or made to do harm.
            JobStorageFullError: There is no room.
            JobsUnavailableError: The store cannot be reached or written.
        """
        name = clean_name(name.replace("\\", "/").rpartition("/")[2])
        number = len(self._files)
        self._check_number(number + 1)
        upload = _Upload(content, self._jobs.settings.jobs_max_file_bytes, name)
        if not upload.head:
            raise ImageEmptyError(f"The file {name!r} is empty.")
        self._jobs.files.put(source_key(self._id, number), upload)
        self._uploads.append([name, upload.size, upload.digest])
        if self._is_archive(upload.head):
            self._expand(number, name)
        else:
            self._files.append(SourceFile(name, upload.size))

    def _is_archive(self, head: bytes) -> bool:
        """Return whether a file is a ZIP archive, and note if it cannot be read at all."""
        if head.startswith(_EMPTY_ARCHIVE):
            return True
        try:
            found = sniff(head)
        except OcrError as error:
            self._refused.append(error)
            return False
        return found is Format.ZIP

    def _expand(self, number: int, name: str) -> None:
        settings, files = self._jobs.settings, self._jobs.files
        limits = Limits(settings.jobs_max_file_bytes, 0, 0, 0, settings.jobs_max_files)
        with files.local(source_key(self._id, number)) as path, path.open("rb") as file:
            archive, members = open_archive(file, limits)
            with archive:
                self._check_number(number + len(members))
                expanded: list[SourceFile] = []
                # The first one last: it takes the place of the archive, which is open until then.
                for place in reversed(range(len(members))):
                    member = clean_name(members[place].filename)
                    with member_stream(archive, members[place], limits) as stream:
                        content = _Upload(stream, settings.jobs_max_file_bytes, member)
                        if self._is_archive(content.head):
                            raise UnsupportedImageError(
                                f"The archive {name!r} holds another archive, {member!r}.",
                                hint="Unpack it, and pack the documents themselves.",
                            )
                        files.put(source_key(self._id, number + place), content)
                    expanded.append(SourceFile(member, content.size))
        self._files += reversed(expanded)

    def _check_number(self, count: int) -> None:
        most = self._jobs.settings.jobs_max_files
        if count > most:
            raise BatchTooLargeError(
                f"The job has {count} files or more, and at most {most} are taken.",
                hint="Divide the files among several jobs.",
            )

    def create(self, request: JobRequest) -> Job:
        """Create the job, or return the one that an equal request with the same idempotency key made before.

        Raises:
            MissingImageError: There is no file.
            OcrError: Not one of the files can be read, as far as their first bytes tell.
            TooManyJobsError: The owner has as many unfinished jobs as it may have.
            IdempotencyKeyReusedError: The key was used with another request.
            JobsUnavailableError: The store cannot be reached or written.
        """
        if not self._files:
            raise MissingImageError("The job has no file.", hint="Send at least one file, in a field 'file'.")
        if len(self._refused) == len(self._files):  # otherwise those fail alone, when they are planned
            raise self._refused[0]
        new = NewJob(
            id=self._id,
            owner=self._owner,
            request=request,
            files=tuple(self._files),
            idempotency_key=self._idempotency_key,
            digest=_digest(request, self._uploads),
        )
        try:
            job, self._created = self._jobs.store.create(new, most_unfinished=self._most_unfinished)
        except JobsUnavailableError:
            job = self._perhaps_created()
        self._jobs.announce()
        return job

    def _perhaps_created(self) -> Job:
        """Return the job if it was created although the store did not answer; otherwise raise again.

        Where that cannot be told, the files stay, with a mark: if there is no job, the watcher deletes them
        soon after the store is back, and if there is one, it is read, and a repeated request finds it by its
        idempotency key.
        """
        self._created = True
        try:
            job = self._jobs.store.get(self._id)
        except JobsUnavailableError:
            with suppress(OcrError):  # without the mark it takes longer
                self._jobs.files.put(unconfirmed_key(self._id), b"?")
            raise
        if job is None:
            self._created = False
            raise JobsUnavailableError("The job could not be created.")
        return job

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._created:
            with suppress(OcrError):  # the watcher deletes files without a job, too
                self._jobs.files.delete_job(self._id)


def clean_name(name: str) -> str:
    """Return a file name as it is shown: without control characters, bounded, never empty."""
    shown = "".join(sign for sign in name if unicodedata.category(sign) not in ("Cc", "Cf", "Cs"))
    return shown.strip()[-_LONGEST_NAME:] or "document"


def _digest(request: JobRequest, uploads: list[list[Any]]) -> str:
    whole = [request.options, request.formats, request.webhook, request.ttl_s, uploads]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


class _Upload:
    """Bytes of a file: its head can be looked at, and its size and digest are known after it was read."""

    def __init__(self, content: Readable, most: int, name: str) -> None:
        self._content = content
        self._most = most
        self._name = name
        self._hash = hashlib.sha256()
        self.size = 0
        self.head = self._first()
        self._unread = self.head

    def _first(self) -> bytes:
        head = b""
        while len(head) < _HEAD and (piece := self._content.read(_HEAD - len(head))):
            head += piece
        return head

    @property
    def digest(self) -> str:
        """SHA-256 of what was read, in hexadecimal digits."""
        return self._hash.hexdigest()

    def read(self, size: int, /) -> bytes:
        """Read up to that many bytes.

        Raises:
            ImageTooLargeError: The file is too large.
        """
        if self._unread:
            piece, self._unread = self._unread[:size], self._unread[size:]
        else:
            piece = self._content.read(size)
        self.size += len(piece)
        if self.size > self._most:
            raise ImageTooLargeError(
                f"The file {self._name!r} is larger than {self._most / MIB:g} MiB.",
                hint="Split the document, or scale its pictures down.",
            )
        self._hash.update(piece)
        return piece

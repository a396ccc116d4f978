"""Keep a document open in its own process, and hand out its pages one by one."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Generic, TypeVar

from crnn_ocr.imaging.page_source import PageSource
from crnn_ocr.imaging.process import process_limit
from crnn_ocr.imaging.process.helper import DecoderSpec, Helper
from crnn_ocr.imaging.process.stored_file import StoredFile
from crnn_ocr.scheduling.ticket import Ticket

D = TypeVar("D", bound="ProcessDocument")


class ProcessDocument:
    """A document that is open in its own process; it is opened again if that process was released."""

    def __init__(self, data: bytes | StoredFile, spec: DecoderSpec, ticket: Ticket) -> None:
        """Keep the file; nothing is started yet.

        Args:
            data: The whole file, or where it is.
            spec: What the process is to decode.
            ticket: Deadline and cancellation of the request.
        """
        self._data = data
        self._spec = spec
        self._ticket = ticket
        self._helper: Helper | None = None

    @property
    def has_process(self) -> bool:
        """Whether the document has a process."""
        return self._helper is not None

    def release(self) -> Callable[[], None]:
        """Detach the process and return a function that ends it."""
        helper, self._helper = self._helper, None
        return helper.close if helper is not None else lambda: None

    def close(self) -> None:
        """End the process and free the file's bytes."""
        self.release()()
        self._data = b""

    def _slot(self) -> AbstractContextManager[None]:
        """Occupy one of the places for running processes."""
        return process_limit.current().slot(self, self._ticket)

    def _running(self, open_in: Callable[[Helper], None]) -> Helper:
        """Return the process, in which the document is open; the caller must occupy a slot."""
        if self._helper is not None and self._helper.is_usable:
            return self._helper
        self.release()()
        helper = self._helper = Helper(self._spec)
        open_in(helper)
        return helper


class ProcessPages(PageSource, Generic[D]):
    """The pages of a document in its own process; to be used by one thread at a time.

    Attributes:
        numbers: Number of each wanted page, from 1.
    """

    def __init__(self, document: D, numbers: Callable[[], tuple[int, ...]]) -> None:
        """Open the document; `numbers` does so and returns the numbers of the wanted pages."""
        self._document = document
        self._finalizer = weakref.finalize(self, document.close)
        try:
            self.numbers = numbers()
        except BaseException:
            self.close()
            raise

    @property
    def count(self) -> int:
        """Number of wanted pages."""
        return len(self.numbers)

    def close(self) -> None:
        """Release the document; no more pages can be decoded."""
        self._next = len(self.numbers)
        self._finalizer()

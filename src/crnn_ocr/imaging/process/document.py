"""Keep a document open in its own process, and hand out its pages one by one."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Generic, TypeVar

from crnn_ocr.imaging.process import process_limit
from crnn_ocr.imaging.process.helper import Helper, Trade
from crnn_ocr.pixels import Pixels
from crnn_ocr.scheduling.ticket import Ticket

D = TypeVar("D", bound="ProcessDocument")


class ProcessDocument:
    """A document that is open in its own process; it is opened again if that process was released."""

    def __init__(self, data: bytes, trade: Trade, ticket: Ticket) -> None:
        """Keep the file; nothing is started yet.

        Args:
            data: The whole file.
            trade: What the process is to decode.
            ticket: Deadline and cancellation of the request.
        """
        self._data = data
        self._trade = trade
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
        helper = self._helper = Helper(self._trade)
        open_in(helper)
        return helper


class ProcessPages(Iterator[Pixels], Generic[D]):
    """The pages of a document in its own process; to be used by one thread at a time.

    Attributes:
        count: Number of pages.
    """

    def __init__(self, document: D, count: Callable[[], int]) -> None:
        """Open the document; `count` does so and returns its number of pages."""
        self._document = document
        self._finalizer = weakref.finalize(self, document.close)
        self._next = 0
        try:
            self.count = count()
        except BaseException:
            self.close()
            raise

    def __next__(self) -> Pixels:
        """Decode the next page; nothing else keeps a reference to it."""
        index = self._next
        if index >= self.count or not self._finalizer.alive:
            raise StopIteration
        self._next += 1
        try:
            return self._draw(index)
        except BaseException:
            self.close()
            raise
        finally:
            if self._next >= self.count:
                self.close()

    def _draw(self, index: int) -> Pixels:
        """Decode one page."""
        raise NotImplementedError

    def close(self) -> None:
        """Release the document; no more pages can be decoded."""
        self._finalizer()

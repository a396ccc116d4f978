"""Runs the threads of jobs in a process: each goes on whatever fails, and tells it in the log."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from crnn_ocr.errors import OcrError

_log = logging.getLogger(__name__)


class Loop:
    """Thread that works as long as its process lives; sub-classes say what it does in `_run`."""

    def __init__(self, name: str, *, outage: str, fault: str) -> None:
        """Prepare; nothing is started yet.

        Args:
            name: Name of the thread.
            outage: What is logged where the table or the files cannot be reached.
            fault: What is logged where the program has a bug.
        """
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._outage, self._fault = outage, fault
        self._reported = ""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout_s: float | None = None) -> None:
        """End; what is in hand is given back. Wait for that, at most for so many seconds."""
        self._ended.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        raise NotImplementedError

    @contextmanager
    def _logged(self) -> Iterator[None]:
        """Log what fails in the block; the same reason is logged once until the block succeeds again."""
        try:
            yield
            self._reported = ""
        except OcrError as error:
            if error.message != self._reported:
                self._reported = error.message
                fields = {"code": error.code, "reason": error.message}
                _log.warning(self._outage, extra={"fields": fields})
        except Exception:
            _log.exception(self._fault)

"""What the service asks of the engine, and whether the engine is ready."""

from __future__ import annotations

import logging
import threading
from typing import Protocol

from crnn_ocr.document import Document
from crnn_ocr.errors import NotReadyError, OcrError
from crnn_ocr.models.fingerprint import Fingerprint
from crnn_ocr.options import ReadOptions
from crnn_ocr.scheduling.ticket import Ticket

_log = logging.getLogger(__name__)


class Reader(Protocol):
    """The part of `crnn_ocr.OCR` that the service uses; tests put a fake in its place.

    One reader serves all threads of a process at once, without a lock around it.
    """

    @property
    def ready(self) -> bool:
        """Whether the models are loaded and have passed their self-check."""
        ...

    @property
    def model(self) -> str:
        """Name and version of the default recogniser, for example "ppocrv6-small/1"."""
        ...

    def fingerprint(self, options: ReadOptions) -> Fingerprint:
        """What decides an answer beside the picture and the options; raises `OcrError` as `read` does."""
        ...

    def read(
        self, source: bytes, options: ReadOptions | None = None, *, ticket: Ticket | None = None
    ) -> Document:
        """Read one encoded picture or PDF; raises `OcrError` for whatever is wrong with it.

        Once the ticket is invalid it raises `DeadlineExceededError` or `RequestCancelledError`.
        """
        ...

    def warm_up(self) -> None:
        """Load the models and check them."""
        ...


class Readiness:
    """Loads the models in the background and knows why they are not there yet."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._failure: str | None = None

    def start_warm_up(self) -> threading.Thread:
        """Load the models in a thread of their own, so that the port answers at once."""
        thread = threading.Thread(target=self._warm_up, name="warm-up", daemon=True)
        thread.start()
        return thread

    def check(self) -> None:
        """Return when the models are ready.

        Raises:
            NotReadyError: They are not; the message says why.
        """
        if self._reader.ready:
            return
        if self._failure is not None:
            raise NotReadyError(f"The model could not be loaded: {self._failure}")
        raise NotReadyError("The model is still being loaded.")

    def _warm_up(self) -> None:
        try:
            self._reader.warm_up()
        except OcrError as error:
            self._failure = f"{error.message} {error.hint}"
            _log.error("warm-up failed", extra={"fields": {"code": error.code, "reason": error.message}})
        except Exception as error:  # a thread's exception would vanish
            self._failure = type(error).__name__
            _log.critical("warm-up failed", exc_info=error)
        else:
            _log.info("ready", extra={"fields": {"model": self._reader.model}})

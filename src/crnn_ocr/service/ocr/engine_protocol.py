"""Defines the service's interface to the engine, and tracks whether the engine is ready."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from crnn_ocr.document import Document
from crnn_ocr.errors import NotReadyError, OcrError
from crnn_ocr.imaging.opened import Admit
from crnn_ocr.models.fingerprint import Fingerprint
from crnn_ocr.models.listing import ModelList
from crnn_ocr.options import ReadOptions
from crnn_ocr.scheduling.scheduler import SchedulerStats
from crnn_ocr.scheduling.ticket import Ticket

_log = logging.getLogger(__name__)


class ReadyModel(Protocol):
    """A model that is loaded and has passed its self-check, beside the active one of its kind."""

    @property
    def name(self) -> str:
        """Name of its pack."""
        ...

    @property
    def model(self) -> str:
        """Name and version."""
        ...

    def commit(self) -> None:
        """Make it the active one; readings in progress go on with the old one."""
        ...

    def cancel(self) -> None:
        """Unload it; the active model stays."""
        ...


class PictureReader(Protocol):
    """Reads pictures."""

    def fingerprint(self, options: ReadOptions) -> Fingerprint:
        """Return the fingerprint of all that decides an answer but the picture; raise as `read` does."""
        ...

    def read(
        self,
        source: bytes,
        options: ReadOptions | None = None,
        *,
        ticket: Ticket | None = None,
        admit: Admit | None = None,
    ) -> Document:
        """Read one encoded picture or PDF; raise `OcrError` if it cannot be read.

        Raises:
            DeadlineExceededError: The ticket's time ran out.
            RequestCancelledError: The ticket was cancelled.
        """
        ...


class Reader(PictureReader, Protocol):
    """Interface of the part of `crnn_ocr.OCR` that the service uses; tests use a fake.

    One reader serves all threads of a process at once, without a lock around it.
    """

    @property
    def ready(self) -> bool:
        """Whether the models are loaded and have passed their self-check."""
        ...

    @property
    def model(self) -> str:
        """Name and version of the default recogniser, for example "crnn-zh-en/1"."""
        ...

    def warm_up(self) -> None:
        """Load the models and check them; return at once if they are loaded."""
        ...

    def hold(self, memory: int, ticket: Ticket) -> AbstractContextManager[None]:
        """Hold room for a picture of so many bytes, which the caller decodes, while the block runs."""
        ...

    def scheduler_stats(self) -> SchedulerStats:
        """Return how many cores are busy and how many tasks wait for one."""
        ...

    # -- models

    @property
    def problem(self) -> str | None:
        """Why the models cannot be loaded; None if no reason is known."""
        ...

    @property
    def loaded(self) -> tuple[str, ...]:
        """Names of the packs that are in memory."""
        ...

    @property
    def active_packs(self) -> Mapping[str, str]:
        """Names of the packs that are used if a request names none, by kind."""
        ...

    def kind_of(self, model: str) -> str:
        """Return the kind of the pack with that name or alias; raise as `resolve` does."""
        ...

    def models(self) -> ModelList:
        """Return the installed packs."""
        ...

    def resolve(self, model: str) -> str:
        """Return the name of the pack with that name or alias; raise `ModelNotFoundError`."""
        ...

    def prepare(self, model: str) -> ReadyModel:
        """Load another model beside the active one; raise `OcrError` if it cannot be used."""
        ...


class Readiness:
    """Loads the models in the background, and tracks why they are not ready."""

    def __init__(self, reader: Reader, *, lazy: bool = False) -> None:
        """Track a reader.

        Args:
            reader: Reader whose models are loaded.
            lazy: Whether the service counts as ready before the models are loaded.
        """
        self._reader = reader
        self._lazy = lazy
        self._loaded_once = False
        self._failure: str | None = None
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start_warm_up(self) -> threading.Thread:
        """Load the models in a new thread, so that the service answers requests meanwhile."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._warm_up, name="warm-up", daemon=True)
                self._thread.start()
            return self._thread

    def check(self) -> None:
        """Return if requests can be read, if only after models that were unloaded have been loaded again.

        Loading that failed is tried again, so that the service recovers when its files have been repaired.
        The engine remembers failures, so frequent checks cost little.

        Raises:
            NotReadyError: They cannot be read; the message says why.
        """
        if self._reader.ready:
            self._loaded_once = True
            return
        problem = self._failure or self._reader.problem
        if problem is not None:
            self.start_warm_up()
            raise NotReadyError(f"The model could not be loaded: {problem}")
        if not (self._lazy or self._loaded_once):
            raise NotReadyError("The model is still being loaded.")

    def _warm_up(self) -> None:
        before = self._failure
        try:
            self._reader.warm_up()
        except OcrError as error:
            self._failure = f"{error.message} {error.hint}"
            if self._failure != before:
                _log.error("warm-up failed", extra={"fields": {"code": error.code, "reason": error.message}})
        except Exception as error:  # a thread's exception would vanish
            self._failure = type(error).__name__
            if self._failure != before:
                _log.critical("warm-up failed", exc_info=error)
        else:
            self._failure = None
            self._loaded_once = True
            _log.info("ready", extra={"fields": {"model": self._reader.model}})

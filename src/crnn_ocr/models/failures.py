"""Packs that could not be loaded, and why: they are not tried again for a while."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from crnn_ocr.errors import ModelBrokenError, OcrError
from crnn_ocr.models.catalogue import Edition, Stamp

#: So long the failure to load a pack whose files stay the same is taken for final, in seconds.
RETRY_AFTER_S = 30.0


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a pack could not be loaded; not the exception itself, which holds on to the frames it came by."""

    kind: type[OcrError]
    message: str
    hint: str | None
    stamp: Stamp
    until: float


class Failures:
    """Failures by name of the pack; whoever shares it between threads holds a lock."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Know of none yet; the clock tells seconds and never goes back."""
        self._clock = clock
        self._of: dict[str, _Failure] = {}

    def remember(self, error: Exception, edition: Edition) -> None:
        """That edition could not be loaded."""
        until = self._clock() + RETRY_AFTER_S
        if isinstance(error, OcrError):
            failure = _Failure(type(error), error.message, error.hint, edition.stamp, until)
        else:
            message = f"pack {edition.name!r} cannot be loaded: {type(error).__name__}"
            failure = _Failure(ModelBrokenError, message, None, edition.stamp, until)
        self._of[edition.name] = failure

    def forget(self, name: str) -> None:
        """It could be loaded."""
        self._of.pop(name, None)

    def known(self, edition: Edition) -> bool:
        """Whether these very files need not be tried now."""
        failure = self._of.get(edition.name)
        return failure is not None and failure.stamp == edition.stamp and self._clock() < failure.until

    def check(self, edition: Edition) -> None:
        """Raise anew what was raised when these very files were tried, unless they may be tried again."""
        if self.known(edition):
            failure = self._of[edition.name]
            raise failure.kind(failure.message, hint=failure.hint)

    def problem(self, name: str) -> str | None:
        """What was in the way when that pack was last tried; None where nothing was."""
        failure = self._of.get(name)
        return None if failure is None else f"{failure.message} {failure.hint or ''}".strip()

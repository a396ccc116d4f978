"""Packs that could not be loaded, and why: they are not tried again for a while."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from crnn_ocr.errors import ModelBrokenError, OcrError
from crnn_ocr.models.catalogue import PackSnapshot, Stamp

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


class LoadFailures:
    """LoadFailures by name of the pack; whoever shares it between threads holds a lock."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Know of none yet; the clock tells seconds and never goes back."""
        self._clock = clock
        self._by_name: dict[str, _Failure] = {}

    def record(self, error: Exception, snapshot: PackSnapshot) -> None:
        """That snapshot could not be loaded."""
        until = self._clock() + RETRY_AFTER_S
        if isinstance(error, OcrError):
            failure = _Failure(type(error), error.message, error.hint, snapshot.stamp, until)
        else:
            message = f"pack {snapshot.name!r} cannot be loaded: {type(error).__name__}"
            failure = _Failure(ModelBrokenError, message, None, snapshot.stamp, until)
        self._by_name[snapshot.name] = failure

    def forget(self, name: str) -> None:
        """It could be loaded."""
        self._by_name.pop(name, None)

    def failed_lately(self, snapshot: PackSnapshot) -> bool:
        """Whether these very files need not be tried now."""
        failure = self._by_name.get(snapshot.name)
        return failure is not None and failure.stamp == snapshot.stamp and self._clock() < failure.until

    def check(self, snapshot: PackSnapshot) -> None:
        """Raise anew what was raised when these very files were tried, unless they may be tried again."""
        if self.failed_lately(snapshot):
            failure = self._by_name[snapshot.name]
            raise failure.kind(failure.message, hint=failure.hint)

    def problem(self, name: str) -> str | None:
        """What was in the way when that pack was last tried; None where nothing was."""
        failure = self._by_name.get(name)
        return None if failure is None else f"{failure.message} {failure.hint or ''}".strip()

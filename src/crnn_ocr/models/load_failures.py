"""Remembers packs that could not be loaded, so that they are not retried for a while."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from crnn_ocr.errors import ModelBrokenError, OcrError
from crnn_ocr.models.catalogue import PackSnapshot, Stamp

#: How long a pack that failed to load is not retried while its files stay the same, in seconds.
RETRY_AFTER_S = 30.0


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a pack could not be loaded. The exception itself is not kept, as it would keep its frames alive."""

    kind: type[OcrError]
    message: str
    hint: str | None
    stamp: Stamp
    until: float


class LoadFailures:
    """Failures by name of the pack. It is not thread-safe: callers hold a lock."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Start without failures.

        Args:
            clock: Returns the time in seconds; it must never go back.
        """
        self._clock = clock
        self._by_name: dict[str, _Failure] = {}

    def record(self, error: Exception, snapshot: PackSnapshot) -> None:
        """Remember that this snapshot could not be loaded."""
        until = self._clock() + RETRY_AFTER_S
        if isinstance(error, OcrError):
            failure = _Failure(type(error), error.message, error.hint, snapshot.stamp, until)
        else:
            message = f"pack {snapshot.name!r} cannot be loaded: {type(error).__name__}"
            failure = _Failure(ModelBrokenError, message, None, snapshot.stamp, until)
        self._by_name[snapshot.name] = failure

    def forget(self, name: str) -> None:
        """Forget the failure of a pack, because it could be loaded."""
        self._by_name.pop(name, None)

    def failed_lately(self, snapshot: PackSnapshot) -> bool:
        """Return whether exactly these files failed to load and are not to be retried yet."""
        failure = self._by_name.get(snapshot.name)
        return failure is not None and failure.stamp == snapshot.stamp and self._clock() < failure.until

    def check(self, snapshot: PackSnapshot) -> None:
        """Raise the error of the last attempt again if exactly these files are not to be retried yet.

        Raises:
            OcrError: The last attempt to load these files failed.
        """
        if self.failed_lately(snapshot):
            failure = self._by_name[snapshot.name]
            raise failure.kind(failure.message, hint=failure.hint)

    def problem(self, name: str) -> str | None:
        """Return why the last attempt to load that pack failed; None if it did not."""
        failure = self._by_name.get(name)
        return None if failure is None else f"{failure.message} {failure.hint or ''}".strip()

"""The root of all errors."""

from __future__ import annotations

from typing import ClassVar


class OcrError(Exception):
    """A bug or fault of the product itself; also the base class of every error below.

    Attributes:
        code: Stable upper-case identifier, part of the API contract.
        http_status: The status that the REST API answers with.
        message: One sentence about this particular input.
        hint: One sentence that says what to do.
        retry_after: Seconds after which the same request may succeed; None if waiting does not help.
    """

    code: ClassVar[str] = "INTERNAL_ERROR"
    http_status: ClassVar[int] = 500
    default_hint: ClassVar[str] = "Try again. If it happens again, report it with the request id."

    def __init__(self, message: str, *, hint: str | None = None, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = self.default_hint if hint is None else hint
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[object, ...]:
        """Support pickling between processes, which keeps message and hint."""
        return _rebuild, (type(self), self.message, self.hint, self.retry_after)


def _rebuild(cls: type[OcrError], message: str, hint: str, retry_after: int | None) -> OcrError:
    return cls(message, hint=hint, retry_after=retry_after)

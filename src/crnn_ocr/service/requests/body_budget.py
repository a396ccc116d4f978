"""Limits how many request bodies are held at a time and how much memory they take, without HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable

from crnn_ocr.errors import OverloadedError


class Intake:
    """Slots for requests with a body, limited in number and in bytes.

    A slot is taken before the body is read and kept until the answer is ready. There are fewer slots than
    threads in the process, so health checks and pages never wait for uploads or readings.
    """

    def __init__(self, slots: int, max_bytes: int, *, retry_after: Callable[[], int] = lambda: 1) -> None:
        """Set the limits.

        Args:
            slots: Number of bodies at a time.
            max_bytes: Bytes of all bodies together; a single larger one is accepted if there is no other.
            retry_after: Returns the seconds after which a refused client should try again.
        """
        if slots < 1 or max_bytes < 1:
            raise ValueError(f"{slots} slots for {max_bytes} bytes let nobody in")
        self._slots = slots
        self._max_bytes = max_bytes
        self._retry_after = retry_after
        self._lock = threading.Lock()
        self._held: dict[object, int] = {}
        self._fetched: dict[object, int] = {}

    @property
    def max_bytes(self) -> int:
        """Bytes that all bodies and fetched pictures together may take."""
        return self._max_bytes

    @property
    def held(self) -> int:
        """Number of bodies that are held."""
        with self._lock:
            return len(self._held)

    @property
    def held_bytes(self) -> int:
        """Bytes reserved for bodies and fetched pictures."""
        with self._lock:
            return self._sum()

    def _sum(self) -> int:
        return sum(self._held.values()) + sum(self._fetched.values())

    def enter(self, size: int) -> Slot:
        """Take a slot for a body of at most `size` bytes.

        Raises:
            OverloadedError: All slots are taken, or the bodies would be too large together.
        """
        with self._lock:
            crowded = len(self._held) >= self._slots
            heavy = bool(self._held) and self._sum() + size > self._max_bytes
            if not (crowded or heavy):
                token = object()
                self._held[token] = size
                return Slot(self, token)
        raise self._full("bytes in its memory" if heavy else "requests")

    def reservation(self) -> Reservation:
        """Return an empty reservation of bytes for a picture that a request fetches; it takes no slot."""
        return Reservation(self, object())

    def _full(self, what: str) -> OverloadedError:
        return OverloadedError(
            f"The service holds as many {what} as it may.", retry_after=max(1, self._retry_after())
        )

    def _reserve(self, token: object, size: int) -> None:
        with self._lock:
            before = self._fetched.get(token, 0)
            # The request itself has a slot; if it is the only one, its only picture is accepted.
            alone = len(self._held) <= 1 and len(self._fetched) == (token in self._fetched)
            if alone or self._sum() - before + size <= self._max_bytes:
                self._fetched[token] = size
                return
        raise self._full("bytes in its memory")

    def _resize(self, token: object, size: int) -> None:
        with self._lock:
            if token in self._held:
                self._held[token] = size

    def _release(self, token: object) -> None:
        with self._lock:
            self._held.pop(token, None)
            self._fetched.pop(token, None)


class Slot:
    """A slot that is taken; it may be released several times."""

    def __init__(self, intake: Intake, token: object) -> None:
        self._intake, self._token = intake, token

    def resize(self, size: int) -> None:
        """Set the body's true size in bytes, once it is known."""
        self._intake._resize(self._token, size)

    def release(self) -> None:
        """Release the slot."""
        self._intake._release(self._token)


class Reservation:
    """Bytes reserved for a fetched picture; they may be released several times."""

    def __init__(self, intake: Intake, token: object) -> None:
        self._intake, self._token = intake, token

    def reserve(self, size: int) -> None:
        """Reserve that many bytes in total.

        Raises:
            OverloadedError: There are too few; what was reserved before stays reserved.
        """
        self._intake._reserve(self._token, size)

    def release(self) -> None:
        """Release all bytes."""
        self._intake._release(self._token)

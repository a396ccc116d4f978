"""How many bodies are held at a time, and how much memory they and pictures take: pure policy, no HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable

from crnn_ocr.errors import OverloadedError


class Intake:
    """Places for requests that bring a body, bounded in number and in bytes.

    A place is taken before the body is read and kept until the answer is made. As the places are fewer than
    the threads of the process, probes and pages never wait behind uploads or readings.
    """

    def __init__(self, places: int, max_bytes: int, *, retry_after: Callable[[], int] = lambda: 1) -> None:
        """Open the places.

        Args:
            places: Bodies at a time.
            max_bytes: Bytes of all bodies together; a single larger one is let in alone.
            retry_after: Tells after how many seconds a refused client should come again.
        """
        if places < 1 or max_bytes < 1:
            raise ValueError(f"{places} places for {max_bytes} bytes let nobody in")
        self._places = places
        self._max_bytes = max_bytes
        self._retry_after = retry_after
        self._lock = threading.Lock()
        self._held: dict[object, int] = {}
        self._beside: dict[object, int] = {}

    @property
    def max_bytes(self) -> int:
        """Bytes that all bodies and pictures together may take."""
        return self._max_bytes

    @property
    def held(self) -> int:
        """Bodies held now."""
        with self._lock:
            return len(self._held)

    @property
    def held_bytes(self) -> int:
        """Bytes reserved for them, and for pictures beside them."""
        with self._lock:
            return self._sum()

    def _sum(self) -> int:
        return sum(self._held.values()) + sum(self._beside.values())

    def enter(self, size: int) -> Place:
        """Take a place for a body of at most `size` bytes.

        Raises:
            OverloadedError: There are too many already, or together they would be too large.
        """
        with self._lock:
            crowded = len(self._held) >= self._places
            heavy = bool(self._held) and self._sum() + size > self._max_bytes
            if not (crowded or heavy):
                token = object()
                self._held[token] = size
                return Place(self, token)
        raise self._full("bytes in its memory" if heavy else "requests")

    def room(self) -> Room:
        """Room for a picture that a request names: none at first, and no place of its own."""
        return Room(self, object())

    def _full(self, what: str) -> OverloadedError:
        return OverloadedError(
            f"The service holds as many {what} as it may.", retry_after=max(1, self._retry_after())
        )

    def _reserve(self, token: object, size: int) -> None:
        with self._lock:
            before = self._beside.get(token, 0)
            # The request itself has a place; if it is the only one, its only picture is let in.
            alone = len(self._held) <= 1 and len(self._beside) == (token in self._beside)
            if alone or self._sum() - before + size <= self._max_bytes:
                self._beside[token] = size
                return
        raise self._full("bytes in its memory")

    def _resize(self, token: object, size: int) -> None:
        with self._lock:
            if token in self._held:
                self._held[token] = size

    def _leave(self, token: object) -> None:
        with self._lock:
            self._held.pop(token, None)
            self._beside.pop(token, None)


class Place:
    """One taken place; giving it back twice does no harm."""

    def __init__(self, intake: Intake, token: object) -> None:
        self._intake, self._token = intake, token

    def resize(self, size: int) -> None:
        """Tell the body's true size in bytes, once it is known."""
        self._intake._resize(self._token, size)

    def leave(self) -> None:
        """Give the place back."""
        self._intake._leave(self._token)


class Room:
    """Bytes that are held beside the bodies; giving them back twice does no harm."""

    def __init__(self, intake: Intake, token: object) -> None:
        self._intake, self._token = intake, token

    def reserve(self, size: int) -> None:
        """Hold so many bytes in all.

        Raises:
            OverloadedError: There is no room for them; what was held before is still held.
        """
        self._intake._reserve(self._token, size)

    def leave(self) -> None:
        """Give all of it back."""
        self._intake._leave(self._token)

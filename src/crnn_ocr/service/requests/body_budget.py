"""Limits how many request bodies are held at a time and how much memory they take, without HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from crnn_ocr.errors import OverloadedError

#: Bytes by which a reservation grows, so that few readers ask for the lock.
STEP = 256 * 1024
#: The part of the memory that one client may take with several bodies: the rest is left to the others.
_SHARE = 0.75


@dataclass(slots=True, eq=False)
class _Holding:
    """Bytes of one body or of one fetched picture.

    Attributes:
        client: Whose they are.
        body: The holding of the request's body; a body's own is itself None.
        size: How many are reserved.
        oversized: Announced as larger than all memory, and let in while nobody else was there.
    """

    client: str
    body: _Holding | None = None
    size: int = 0
    oversized: bool = False


class Intake:
    """Slots for requests with a body, limited in number and in bytes.

    A slot is taken before the body is read and kept until the answer is ready. There are fewer slots than
    threads in the process, so health checks and pages never wait for uploads or readings. Bytes are reserved
    as they arrive: what a client only announces takes nothing from the others.
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
        self._held: set[_Holding] = set()

    @property
    def max_bytes(self) -> int:
        """Bytes that all bodies and fetched pictures together may take."""
        return self._max_bytes

    @property
    def held(self) -> int:
        """Number of bodies that are held."""
        with self._lock:
            return self._bodies()

    @property
    def held_bytes(self) -> int:
        """Bytes reserved for bodies and fetched pictures."""
        with self._lock:
            return sum(holding.size for holding in self._held)

    def _bodies(self) -> int:
        return sum(holding.body is None for holding in self._held)

    def enter(self, announced: int = 0, client: str = "") -> Slot:
        """Take a slot for a body, of which nothing has been read.

        Args:
            announced: Size of the body in bytes; 0 if it is not known.
            client: Whose it is.

        Raises:
            OverloadedError: All slots are taken, or there is no room for so many bytes now.
        """
        body = _Holding(client)
        with self._lock:
            crowded = self._bodies() >= self._slots
            if not crowded and self._has_room(body, announced):
                body.oversized = announced > self._max_bytes  # it was alone; whoever comes in waits for it
                self._held.add(body)
                return Slot(self, body, announced)
        raise self._full("requests" if crowded else "bytes in its memory")

    def _full(self, what: str) -> OverloadedError:
        return OverloadedError(
            f"The service holds as many {what} as it may.", retry_after=max(1, self._retry_after())
        )

    def _has_room(self, holding: _Holding, size: int) -> bool:
        others = [other for other in self._held if other not in (holding, holding.body)]
        taken = sum(other.size for other in others)
        of_client = sum(other.size for other in others if other.client == holding.client)
        if not taken or holding.oversized:
            return True  # what is larger than all memory is let in alone
        if of_client and of_client + size > self._max_bytes * _SHARE:
            return False
        own_body = 0 if holding.body is None else holding.body.size
        return taken + own_body + size <= self._max_bytes

    def _reserve(self, holding: _Holding, size: int) -> None:
        with self._lock:
            if size <= holding.size or self._has_room(holding, size):
                if holding.body is not None:
                    self._held.add(holding)
                holding.size = size
                return
            # It is not read on, so others that arrive at the same time need not be refused as well.
            holding.size = 0
        raise self._full("bytes in its memory")

    def _release(self, holding: _Holding) -> None:
        with self._lock:
            self._held.discard(holding)


class Reservation:
    """Bytes reserved for a fetched picture; they may be released several times."""

    def __init__(self, intake: Intake, holding: _Holding) -> None:
        self._intake, self._holding = intake, holding

    def reserve(self, size: int) -> None:
        """Reserve that many bytes in total.

        Raises:
            OverloadedError: There are too few; what was reserved before is given up, too.
        """
        self._intake._reserve(self._holding, size)

    def release(self) -> None:
        """Release all bytes."""
        self._intake._release(self._holding)


class Slot(Reservation):
    """A slot that is taken, with the bytes of its body; it may be released several times."""

    def __init__(self, intake: Intake, holding: _Holding, announced: int) -> None:
        super().__init__(intake, holding)
        self._announced = announced

    def make_room(self, size: int) -> None:
        """Reserve as many bytes as the body has by now, and some of those to come.

        Raises:
            OverloadedError: There are too few; what was reserved before is given up, too.
        """
        if size > self._holding.size:
            stepped = -(-size // STEP) * STEP
            self.reserve(min(stepped, self._announced) if size <= self._announced else stepped)

    def settle(self, size: int) -> None:
        """Set the true size of the body, once all of it is there; not more than is reserved."""
        self._holding.size = min(self._holding.size, size)

    def for_picture(self) -> Reservation:
        """Return an empty reservation for a picture that the request fetches; it takes no slot."""
        return Reservation(self._intake, _Holding(self._holding.client, self._holding))

"""Which piece of work runs next when a core is free: pure, without threads and without a clock.

Between requests: every request has a tag, and the one with the lowest tag is next. The tag is the work that
had been started when the request came, of all requests together, plus `crowd` times what it was given itself.

* Up to `crowd` requests share the cores equally, and one that comes in is next: a line behind a page of 300
  lines does not wait. That is fair queueing (Goyal, Vin and Cheng, "Start-time Fair Queueing", SIGCOMM 1996).
* In a greater crowd each gets so little that its tag falls behind the work that is done, and those who came
  first go first. Fair queueing would go on sharing: among n requests a large one takes n times as long, so
  that under overload the small ones are fast and the large ones never end. Here a request of cost c is passed
  by nobody who comes when `crowd` × c of work have been done.

Inside a request the costliest item goes first, so that no core idles at its end.

A few items need so much memory that only so many of them may run at a time. One that waits for memory lets
those pass that need none, and lets no other that needs some.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

#: An item that takes less is not made to wait for memory: the number of cores bounds what such items take.
LEAST_COUNTED = 24 * 1024 * 1024

Request = TypeVar("Request", bound=Hashable)
Payload = TypeVar("Payload")


@dataclass(frozen=True, slots=True)
class Demand:
    """What one item asks for.

    Attributes:
        cost: Expected seconds on one core, more than 0; only the ratios matter.
        memory: Bytes that it takes while it runs, where they are worth counting.
        most_cores: On so many cores at once it can run, if nobody else has a use for them.
    """

    cost: float
    memory: int = 0
    most_cores: int = 1


def counted(memory: int) -> int:
    """What to put into a `Demand` for so many bytes: all or nothing."""
    return memory if memory >= LEAST_COUNTED else 0


@dataclass(frozen=True, slots=True)
class Grant(Generic[Request, Payload]):
    """Leave to run one item; the policy hears of its end by `finish`."""

    request: Request
    payload: Payload
    cores: int
    memory: int


@dataclass(slots=True)
class _Flow(Generic[Payload]):
    """What a request has waiting."""

    number: int
    tag: float
    waiting: list[tuple[float, int, Demand, Payload]] = field(default_factory=list)


class Policy(Generic[Request, Payload]):
    """The waiting items of all requests, and what of them runs; not safe in threads."""

    def __init__(self, cores: int, *, memory: int, crowd: int | None = None) -> None:
        """Begin with nothing.

        Args:
            cores: How many cores may be busy at a time, at least 1.
            crowd: Up to so many requests share the cores equally; twice the number of cores, when None.
            memory: How many bytes running items may take together. An item that needs more runs when no
                other runs that needs any.
        """
        if cores < 1 or memory < 0:
            raise ValueError(f"no work can be done on {cores} cores in {memory} bytes")
        self._cores = cores
        self._memory = memory
        self._free = cores
        self._taken = 0
        self._reserved = 0
        self._flows: dict[Request, _Flow[Payload]] = {}
        self._crowd = 2 * cores if crowd is None else crowd
        self._started = 0.0  # cost of all that was started so far
        self._numbers = itertools.count()

    # ---- what there is ------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """Items that have not been started."""
        return sum(len(flow.waiting) for flow in self._flows.values())

    @property
    def busy(self) -> int:
        """Cores that are in use."""
        return self._cores - self._free

    @property
    def requests(self) -> tuple[Request, ...]:
        """Those that are open, in the order in which they came."""
        return tuple(self._flows)

    # ---- what comes and goes ------------------------------------------------------------------------

    def open(self, request: Request) -> None:
        """A request comes in; its work may follow at any time."""
        if request in self._flows:
            raise ValueError("this request is open already")
        self._flows[request] = _Flow(next(self._numbers), self._started)

    def close(self, request: Request) -> list[Payload]:
        """A request has ended, in whatever way.

        Returns:
            Its items that were still waiting; they will not be started.
        """
        dropped = self.drop(request)
        self._flows.pop(request, None)
        return dropped

    def add(self, request: Request, items: Iterable[tuple[Demand, Payload]]) -> None:
        """Let items of an open request wait for their turn."""
        flow = self._flows[request]
        for demand, payload in items:
            if not demand.cost > 0 or demand.memory < 0 or demand.most_cores < 1:
                raise ValueError(f"nothing can be granted to {demand}")
            heapq.heappush(flow.waiting, (-demand.cost, next(self._numbers), demand, payload))

    def drop(self, request: Request) -> list[Payload]:
        """Forget what a request has waiting, because it is cancelled or overdue; what runs goes on.

        Returns:
            The items that will not be started.
        """
        flow = self._flows.get(request)
        if flow is None:
            return []
        dropped = [payload for *_, payload in flow.waiting]
        flow.waiting.clear()
        return dropped

    def reserve(self, memory: int) -> None:
        """Leave so many bytes to something that is no item, or some less where negative.

        However much that is, one item that needs memory may run at a time.
        """
        self._reserved += memory

    # ---- what runs ----------------------------------------------------------------------------------

    def start(self) -> Grant[Request, Payload] | None:
        """The item that runs next; None where no core is free or nothing that waits can be run now.

        Call it until it gives None, whenever items were added or have ended.
        """
        if self._free < 1:
            return None
        able = self._startable()
        if not able:
            return None
        request = able[0]
        flow = self._flows[request]
        _, _, demand, payload = heapq.heappop(flow.waiting)
        self._started += demand.cost
        flow.tag += self._crowd * demand.cost
        self._taken += demand.memory
        cores = min(demand.most_cores, self._cores)
        if cores > self._free or self._startable():
            cores = 1
        self._free -= cores
        return Grant(request, payload, cores, demand.memory)

    def finish(self, grant: Grant[Request, Payload]) -> None:
        """An item has ended; what it took is free again."""
        self._free += grant.cores
        self._taken -= grant.memory

    def _startable(self) -> list[Request]:
        """Requests whose next item could start if a core is free, the first of them first."""
        able = []
        blocked = False
        for request, flow in sorted(
            ((request, flow) for request, flow in self._flows.items() if flow.waiting),
            key=lambda pair: (pair[1].tag, pair[1].number),
        ):
            memory = flow.waiting[0][2].memory
            if memory == 0 or (not blocked and self._fits(memory)):
                able.append(request)
            blocked = blocked or memory > 0
        return able

    def _fits(self, memory: int) -> bool:
        return self._taken == 0 or self._taken + memory <= self._memory - self._reserved

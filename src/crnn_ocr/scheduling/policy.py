"""Decides which work item runs next when a core is free. It is pure: it has neither threads nor a clock.

Between requests: every request has a tag, and the request with the lowest tag is next. The tag is the cost of
all work that had been started when the request arrived, plus `crowd` times the cost of its own started work.

* Up to `crowd` requests share the cores equally, and a new request is next: one line that arrives after a
  page of 300 lines does not wait. That is fair queueing (Goyal, Vin and Cheng, "Start-time Fair Queueing",
  SIGCOMM 1996).
* With more requests each gets so little that its tag falls behind the work that has been done, and requests
  are served in the order of arrival. Fair queueing would go on sharing: among n requests a large one takes n
  times as long, so under overload the small ones are fast and the large ones never end. Here, no request that
  arrives after another `crowd` × c of work has been done can overtake a request of cost c.

Requests in the background, such as the pages of jobs, start an item only where no other request has one that
waits, be it for memory. An exception is made while somebody waits for what a request in the background may
hold (`pressed`): it can only give it back by going on, and has its turn as soon as it has waited longer than
all others. Costs of the two kinds do not affect each other.

Inside a request the most expensive item goes first, so that no core is idle at the end.

A few items need so much memory that only a limited number of them may run at a time. While one waits for
memory, items that need none may overtake it, and items that need some may not.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

#: An item that takes less never waits for memory: the number of cores limits what such items take together.
LEAST_COUNTED = 24 * 1024 * 1024

Request = TypeVar("Request", bound=Hashable)
Payload = TypeVar("Payload")


@dataclass(frozen=True, slots=True)
class Demand:
    """What a work item needs.

    Attributes:
        cost: Expected seconds on one core, more than 0; only the ratios matter.
        memory: Bytes that it takes while it runs; 0 if they are too few to count.
        most_cores: The number of cores that it can use at once, if no other item needs them.
    """

    cost: float
    memory: int = 0
    most_cores: int = 1


def counted(memory: int) -> int:
    """Return the `memory` of a `Demand` for that many bytes: all of them, or 0 below `LEAST_COUNTED`."""
    return memory if memory >= LEAST_COUNTED else 0


@dataclass(frozen=True, slots=True)
class Grant(Generic[Request, Payload]):
    """Permission to run one item; the caller must report its end with `Policy.finish`."""

    request: Request
    payload: Payload
    cores: int
    memory: int


@dataclass(slots=True)
class _Flow(Generic[Payload]):
    """The waiting items of a request."""

    number: int
    tag: float
    background: bool
    waiting: list[tuple[float, int, Demand, Payload]] = field(default_factory=list)


class Policy(Generic[Request, Payload]):
    """The waiting and running items of all requests. It is not thread-safe."""

    def __init__(self, cores: int, *, memory: int, crowd: int | None = None) -> None:
        """Start without items.

        Args:
            cores: Number of cores that may be busy at a time, at least 1.
            crowd: Number of requests that share the cores equally; twice the number of cores when None.
            memory: Bytes that running items may take together. An item that needs more runs when no other
                item that needs memory is running.

        Raises:
            ValueError: There are no cores, or the memory is negative.
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
        #: Cost of all that was started so far, of requests in the background and of others.
        self._started = {True: 0.0, False: 0.0}
        self._numbers = itertools.count()

    # ---- state --------------------------------------------------------------------------------------

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
        """The open requests, in the order of their arrival."""
        return tuple(self._flows)

    # ---- requests and their items -------------------------------------------------------------------

    def open(self, request: Request, *, background: bool = False) -> None:
        """Open a request; its items may be added at any time after that.

        Args:
            request: The request.
            background: Whether all others go first.

        Raises:
            ValueError: It is open already.
        """
        if request in self._flows:
            raise ValueError("this request is open already")
        self._flows[request] = _Flow(next(self._numbers), self._started[background], background)

    def close(self, request: Request) -> list[Payload]:
        """Close a request, however it ended.

        Returns:
            Its items that were still waiting; they will not be started.
        """
        dropped = self.drop(request)
        self._flows.pop(request, None)
        return dropped

    def add(self, request: Request, items: Iterable[tuple[Demand, Payload]]) -> None:
        """Add items of an open request to the waiting ones.

        Raises:
            KeyError: The request is not open.
            ValueError: A demand is impossible.
        """
        flow = self._flows[request]
        for demand, payload in items:
            if not demand.cost > 0 or demand.memory < 0 or demand.most_cores < 1:
                raise ValueError(f"nothing can be granted to {demand}")
            heapq.heappush(flow.waiting, (-demand.cost, next(self._numbers), demand, payload))

    def drop(self, request: Request) -> list[Payload]:
        """Remove the waiting items of a cancelled or overdue request; running items go on.

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
        """Reserve memory for something that is not an item, or free it again.

        However much is reserved, one item that needs memory may always run.

        Args:
            memory: Bytes to reserve; a negative number frees them.
        """
        self._reserved += memory

    # ---- running items ------------------------------------------------------------------------------

    def start(self, *, pressed: bool = False) -> Grant[Request, Payload] | None:
        """Start the next item; return None if no core is free or no waiting item can run now.

        Call it until it returns None whenever items have been added or have ended.

        Args:
            pressed: Whether requests in the background may go before others that came later.
        """
        if self._free < 1:
            return None
        able = self._startable(pressed)
        if not able:
            return None
        request = able[0]
        flow = self._flows[request]
        _, _, demand, payload = heapq.heappop(flow.waiting)
        self._started[flow.background] += demand.cost
        flow.tag += self._crowd * demand.cost
        self._taken += demand.memory
        cores = min(demand.most_cores, self._cores)
        others = flow.background and not all(other.background for other in self._flows.values())
        if cores > self._free or others or self._startable(pressed):
            cores = 1
        self._free -= cores
        return Grant(request, payload, cores, demand.memory)

    def finish(self, grant: Grant[Request, Payload]) -> None:
        """Free the cores and the memory of an item that has ended."""
        self._free += grant.cores
        self._taken -= grant.memory

    def _startable(self, pressed: bool) -> list[Request]:
        """Return the requests whose next item could start on a free core, in the order of their tags."""
        able = []
        blocked = False
        for request, flow in self._ordered(pressed):
            memory = flow.waiting[0][2].memory
            if memory == 0 or (not blocked and self._fits(memory)):
                able.append(request)
            blocked = blocked or memory > 0
        return able

    def _ordered(self, pressed: bool) -> list[tuple[Request, _Flow[Payload]]]:
        """Return the requests with waiting items that may start now, the next one first."""
        waiting = [(request, flow) for request, flow in self._flows.items() if flow.waiting]
        waiting.sort(key=lambda pair: (pair[1].tag, pair[1].number))
        others = [pair for pair in waiting if not pair[1].background]
        if not others:
            return waiting
        if not pressed:
            return others
        first = min(flow.number for _, flow in others)
        return [pair for pair in waiting if pair[1].background and pair[1].number < first] + others

    def _fits(self, memory: int) -> bool:
        return self._taken == 0 or self._taken + memory <= self._memory - self._reserved

"""Cores and time that exist only on paper, to see what the policy does with them."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from crnn_ocr.scheduling.policy import Demand, Grant, Policy

Item = tuple[str, int]


@dataclass(frozen=True)
class Arrival:
    """A request that comes at some time, with all its items."""

    at: float
    name: str
    demands: tuple[Demand, ...]
    cancelled_at: float | None = None
    background: bool = False


@dataclass
class Simulation:
    """Runs a policy until nothing is left; every item takes the time that its cost says."""

    cores: int
    memory: int
    crowd: int | None = None
    begun: dict[Item, float] = field(default_factory=dict)
    ended: dict[Item, float] = field(default_factory=dict)
    order: list[Item] = field(default_factory=list)
    dropped: set[Item] = field(default_factory=set)
    granted: dict[Item, int] = field(default_factory=dict)

    def run(
        self,
        arrivals: Sequence[Arrival],
        watch: Callable[[Policy[str, Item], list[Grant[str, Item]]], None] = lambda *_: None,
    ) -> None:
        """Let them come; `watch` sees policy and running items after every change."""
        policy: Policy[str, Item] = Policy(self.cores, memory=self.memory, crowd=self.crowd)
        events: list[tuple[float, int, Callable[[], None]]] = []
        running: list[Grant[str, Item]] = []
        count = 0

        def at(time: float, what: Callable[[], None]) -> None:
            nonlocal count
            count += 1
            heapq.heappush(events, (time, count, what))

        def come(arrival: Arrival) -> None:
            policy.open(arrival.name, background=arrival.background)
            policy.add(
                arrival.name, ((demand, (arrival.name, n)) for n, demand in enumerate(arrival.demands))
            )

        def end(grant: Grant[str, Item]) -> None:
            running.remove(grant)
            policy.finish(grant)
            self.ended[grant.payload] = now

        for arrival in arrivals:
            at(arrival.at, lambda arrival=arrival: come(arrival))  # type: ignore[misc]
            if arrival.cancelled_at is not None:
                at(
                    arrival.cancelled_at,
                    lambda name=arrival.name: self.dropped.update(policy.close(name)),  # type: ignore[misc]
                )
        costs = {(a.name, n): demand.cost for a in arrivals for n, demand in enumerate(a.demands)}
        while events:
            now = events[0][0]
            while events and events[0][0] == now:
                heapq.heappop(events)[2]()
            while (grant := policy.start()) is not None:
                running.append(grant)
                assert grant.payload not in self.begun, "started twice"
                self.begun[grant.payload] = now
                self.granted[grant.payload] = grant.cores
                self.order.append(grant.payload)
                at(now + costs[grant.payload] / grant.cores, lambda grant=grant: end(grant))  # type: ignore[misc]
            watch(policy, running)
        assert policy.waiting == 0
        assert policy.busy == 0

"""The policy between requests, by simulation: nothing lost, nothing twice, nobody starves, no core idle."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.scheduling.policy import Demand, Grant, Policy
from tests.scheduling.simulation import Arrival, Item, Simulation

MEMORY = 100

costs = st.integers(1, 40).map(float)
demands = st.builds(
    Demand,
    cost=costs,
    memory=st.one_of(st.just(0), st.integers(1, 150)),
    most_cores=st.integers(1, 4),
)


@st.composite
def traffic(
    draw: st.DrawFn, demand: st.SearchStrategy[Demand] = demands, *, cancels: bool = False
) -> list[Arrival]:
    arrivals = []
    for n in range(draw(st.integers(1, 8))):
        at = float(draw(st.integers(0, 60)))
        wait = draw(st.one_of(st.none(), st.integers(0, 60))) if cancels else None
        items = tuple(draw(st.lists(demand, max_size=12)))
        arrivals.append(Arrival(at, f"r{n}", items, None if wait is None else at + wait))
    return arrivals


def every_item(arrivals: list[Arrival]) -> set[Item]:
    return {(arrival.name, n) for arrival in arrivals for n in range(len(arrival.demands))}


@given(traffic(), st.integers(1, 5))
def test_every_item_runs_once(arrivals: list[Arrival], cores: int) -> None:
    simulation = Simulation(cores, MEMORY)

    simulation.run(arrivals)

    assert set(simulation.ended) == every_item(arrivals)  # the simulation refuses second starts
    assert len(simulation.order) == len(simulation.ended)


@given(traffic(cancels=True), st.integers(1, 5))
def test_what_is_cancelled_before_it_starts_never_runs(arrivals: list[Arrival], cores: int) -> None:
    simulation = Simulation(cores, MEMORY)

    simulation.run(arrivals)

    assert not simulation.dropped & set(simulation.begun)
    assert simulation.dropped | set(simulation.begun) == every_item(arrivals)
    ends = {arrival.name: arrival.cancelled_at for arrival in arrivals}
    for (name, _), begun in simulation.begun.items():
        cancelled_at = ends[name]
        assert cancelled_at is None or begun <= cancelled_at


@given(traffic(), st.integers(1, 5))
def test_no_core_idles_while_something_could_run(arrivals: list[Arrival], cores: int) -> None:
    def watch(policy: Policy[str, Item], running: list[Grant[str, Item]]) -> None:
        used = sum(grant.cores for grant in running)
        assert used == policy.busy <= cores
        taken = [grant.memory for grant in running if grant.memory]
        assert sum(taken) <= MEMORY or len(taken) == 1
        if used < cores and policy.waiting:
            # All that waits needs memory, and the memory is taken.
            assert taken
            assert policy.start() is None

    Simulation(cores, MEMORY).run(arrivals, watch)


@given(traffic(st.builds(Demand, cost=costs)), st.integers(1, 5))
def test_items_without_memory_keep_exactly_all_cores_busy(arrivals: list[Arrival], cores: int) -> None:
    def watch(policy: Policy[str, Item], running: list[Grant[str, Item]]) -> None:
        assert len(running) == cores or policy.waiting == 0

    Simulation(cores, MEMORY).run(arrivals, watch)


@given(traffic(st.just(Demand(1.0))), st.integers(1, 3), st.integers(0, 200), st.integers(1, 5))
def test_a_new_request_waits_for_one_start_of_each_other(
    arrivals: list[Arrival], items: int, at: int, cores: int
) -> None:
    simulation = Simulation(cores, MEMORY, crowd=len(arrivals) + 1)

    simulation.run([*arrivals, Arrival(at + 0.5, "new", (Demand(1.0),) * items)])

    first = min(n for n, (name, _) in enumerate(simulation.order) if name == "new")
    before = [item for item in simulation.order[:first] if simulation.begun[item] > at + 0.5]
    assert len({name for name, _ in before}) == len(before)


@given(
    traffic(st.builds(Demand, cost=costs)),
    st.lists(st.builds(Demand, cost=costs), min_size=1, max_size=8),
    st.integers(0, 60),
    st.integers(1, 5),
    st.integers(1, 8),
)
def test_delay_is_bounded_however_many_come(
    others: list[Arrival], items: list[Demand], at: int, cores: int, crowd: int
) -> None:
    """Nobody goes first who comes when `crowd` times a request's cost has been done since it came."""
    stream = [Arrival(0.25 + n, f"s{n}", (Demand(cores * 1.5),)) for n in range(300)]
    patient = Arrival(at + 0.5, "patient", tuple(items))
    simulation = Simulation(cores, MEMORY, crowd=crowd)

    simulation.run([*others, *stream, patient])

    came = {arrival.name: arrival.at for arrival in (*others, *stream)}
    cost = {(a.name, n): demand.cost for a in (*others, *stream) for n, demand in enumerate(a.demands)}
    last = max(n for n, (name, _) in enumerate(simulation.order) if name == "patient")
    between = [i for i in simulation.order[:last] if i[0] != "patient" and simulation.begun[i] > patient.at]
    bound = crowd * sum(demand.cost for demand in items)
    done = 0.0
    late = set(came)
    for item in simulation.order[:last]:
        if item[0] == "patient" or simulation.begun[item] <= patient.at:
            continue
        if done < bound:
            late -= {name for name, moment in came.items() if moment <= simulation.begun[item]}
        done += cost[item]
    assert not {name for name, _ in between} & late


@given(st.lists(costs, min_size=5, max_size=30), st.lists(costs, min_size=5, max_size=30), st.integers(1, 4))
def test_requests_that_both_wait_get_equal_shares(one: list[float], two: list[float], cores: int) -> None:
    simulation = Simulation(cores, MEMORY)
    both = {"one": one, "two": two}

    simulation.run([Arrival(0.0, name, tuple(map(Demand, items))) for name, items in both.items()])

    given_to = {"one": 0.0, "two": 0.0}
    left = {name: len(items) for name, items in both.items()}
    for name, n in simulation.order:
        if min(left.values()) == 0:
            break
        given_to[name] += both[name][n]
        left[name] -= 1
        # The bound of start-time fair queueing: one largest item of each (Goyal, Vin, Cheng, theorem 1).
        assert abs(given_to["one"] - given_to["two"]) <= max(one) + max(two)


@given(traffic(), demands, st.integers(1, 4))
def test_nobody_starves_however_many_come(others: list[Arrival], demand: Demand, cores: int) -> None:
    """A stream of short requests without end, and one that needs much memory."""
    stream = [Arrival(float(n), f"s{n}", (Demand(cores * 1.5, memory=60 * (n % 2)),) * 2) for n in range(200)]
    patient = Arrival(20.5, "patient", (Demand(demand.cost, 90, demand.most_cores),))
    simulation = Simulation(cores, MEMORY)

    simulation.run([*others, *stream, patient])

    after = [item for item in simulation.order if simulation.begun[item] > 20.5]
    # Those who were there may each go first once; of those who come later only what needs no memory.
    passed = after[: after.index(("patient", 0))]
    heavy = {f"s{n}" for n in range(21, 200, 2)}
    assert not heavy & {name for name, _ in passed}


def test_one_line_behind_three_hundred_is_next() -> None:
    long = Arrival(0.0, "long", (Demand(1.0),) * 300)
    short = Arrival(10.25, "short", (Demand(1.0),))
    simulation = Simulation(2, MEMORY)

    simulation.run([long, short])

    assert simulation.begun["short", 0] == 11.0
    assert max(simulation.ended.values()) == 151.0


def test_wide_items_go_first_inside_a_request() -> None:
    simulation = Simulation(2, MEMORY)

    simulation.run([Arrival(0.0, "page", tuple(Demand(float(n)) for n in (3, 9, 1, 7, 7)))])

    assert [n for _, n in simulation.order] == [1, 3, 4, 0, 2]


def test_a_cancelled_request_frees_the_queue_at_once() -> None:
    long = Arrival(0.0, "long", (Demand(4.0),) * 50, cancelled_at=9.0)
    other = Arrival(0.0, "other", (Demand(1.0),))
    simulation = Simulation(1, MEMORY)

    simulation.run([long, other])

    assert max(simulation.ended.values()) <= 13.0
    assert len(simulation.dropped) == 48


def test_alone_an_item_gets_all_cores_that_it_can_use() -> None:
    wide = Demand(8.0, memory=90, most_cores=4)
    simulation = Simulation(4, MEMORY)

    simulation.run(
        [Arrival(0.0, "alone", (wide,)), Arrival(10.0, "one", (wide,)), Arrival(10.0, "two", (wide,))]
    )

    # The second may not run beside the first for lack of memory, so the first has no use to leave cores free.
    assert list(simulation.granted.values()) == [4, 4, 4]
    assert simulation.ended["alone", 0] == 2.0


def test_an_item_leaves_the_cores_to_others_who_wait() -> None:
    wide = Demand(8.0, memory=90, most_cores=4)
    simulation = Simulation(4, MEMORY)

    simulation.run([Arrival(0.0, "lines", (Demand(1.0),) * 9), Arrival(0.0, "wide", (wide,))])

    assert simulation.granted["wide", 0] == 1
    assert simulation.begun["wide", 0] == 0.0


def test_in_a_crowd_those_who_came_first_go_first() -> None:
    simulation = Simulation(1, MEMORY, crowd=2)
    crowd = [Arrival(4.0 * n, f"r{n}", (Demand(1.0),) * 10) for n in range(8)]

    simulation.run(crowd)

    ends = [max(end for (name, _), end in simulation.ended.items() if name == f"r{n}") for n in range(8)]
    assert ends == sorted(ends)
    took = [end - arrival.at for end, arrival in zip(ends, crowd, strict=True)]
    # Shared equally, the first would take 73 seconds.
    assert took[0] <= 30
    assert max(took) <= 54


def test_a_crowd_does_not_keep_a_large_request_from_its_end() -> None:
    """Three times as much comes as can be done; nobody is refused, as if there were no admission."""
    small = [Arrival(n / 3, f"s{n}", (Demand(1.0),)) for n in range(900)]
    large = Arrival(30.5, "large", (Demand(1.0),) * 20)
    simulation = Simulation(1, MEMORY)

    simulation.run([*small, large])

    # What was there before it, and what came while 40 seconds of work were done: its own 20, times the crowd.
    before = sum(arrival.at < 30.5 for arrival in small) - 30
    ended = max(end for (name, _), end in simulation.ended.items() if name == "large")
    assert ended <= 30.5 + before + 3 * 40 + 20


def test_reserved_memory_is_not_granted_but_one_item_runs() -> None:
    policy: Policy[str, str] = Policy(3, memory=100)
    policy.open("r")
    policy.add("r", [(Demand(1.0, memory=40), name) for name in "abc"])
    policy.reserve(70)
    first = policy.start()
    assert first is not None
    assert policy.start() is None
    policy.reserve(-50)
    assert policy.start() is not None
    assert policy.start() is None
    policy.finish(first)
    policy.reserve(-20)
    assert policy.start() is not None


def test_what_makes_no_sense_is_refused() -> None:
    for cores, memory in ((0, 1), (1, -1)):
        with pytest.raises(ValueError, match="cores"):
            Policy(cores, memory=memory)
    policy: Policy[str, str] = Policy(1, memory=1)
    policy.open("r")
    with pytest.raises(ValueError, match="open already"):
        policy.open("r")
    for demand in (Demand(0.0), Demand(1.0, memory=-1), Demand(1.0, most_cores=0)):
        with pytest.raises(ValueError, match="nothing can be granted"):
            policy.add("r", [(demand, "x")])
    assert policy.close("unknown") == []


# ---- requests in the background ----------------------------------------------------------------------


@st.composite
def two_kinds(draw: st.DrawFn) -> list[Arrival]:
    found = draw(traffic())
    return [replace(arrival, background=draw(st.booleans())) for arrival in found]


@given(two_kinds(), st.integers(1, 5))
def test_in_the_background_every_item_runs_once_too(arrivals: list[Arrival], cores: int) -> None:
    simulation = Simulation(cores, MEMORY)

    simulation.run(arrivals)

    assert set(simulation.ended) == every_item(arrivals)


@given(two_kinds(), st.integers(1, 5))
def test_nothing_starts_in_the_background_while_another_request_waits(
    arrivals: list[Arrival], cores: int
) -> None:
    simulation = Simulation(cores, MEMORY)
    background = {arrival.name for arrival in arrivals if arrival.background}
    came = {arrival.name: arrival.at for arrival in arrivals}

    simulation.run(arrivals)

    place = {item: n for n, item in enumerate(simulation.order)}
    for item, begun in simulation.begun.items():
        if item[0] not in background:
            continue
        for other in simulation.begun:
            if other[0] not in background and came[other[0]] <= begun:
                assert place[other] < place[item], "it waited, and had to wait on"


@given(two_kinds(), st.integers(1, 5))
def test_in_the_background_several_cores_are_taken_only_where_nobody_else_is(
    arrivals: list[Arrival], cores: int
) -> None:
    simulation = Simulation(cores, MEMORY)
    background = {arrival.name for arrival in arrivals if arrival.background}
    first = min((arrival.at for arrival in arrivals if not arrival.background), default=float("inf"))

    simulation.run(arrivals)

    for item, granted in simulation.granted.items():
        if item[0] in background and simulation.begun[item] >= first:
            assert granted == 1  # the simulation never closes a request that has ended


@given(two_kinds(), st.integers(1, 5))
def test_other_requests_wait_only_for_what_runs(arrivals: list[Arrival], cores: int) -> None:
    """An item that fits is not started only while all cores are busy, whatever waits in the background."""

    def watch(policy: Policy[str, Item], running: list[Grant[str, Item]]) -> None:
        used = sum(grant.cores for grant in running)
        if used < cores and policy.waiting:
            assert any(grant.memory for grant in running)

    Simulation(cores, MEMORY).run(arrivals, watch)


def waiting_policy(*requests: tuple[str, bool]) -> Policy[str, str]:
    policy: Policy[str, str] = Policy(1, memory=MEMORY)
    for name, background in requests:
        policy.open(name, background=background)
        policy.add(name, [(Demand(1.0), f"{name}{n}") for n in range(2)])
    return policy


def order(policy: Policy[str, str], *, pressed: bool) -> list[str]:
    found = []
    while (grant := policy.start(pressed=pressed)) is not None:
        found.append(grant.payload)
        policy.finish(grant)
    return found


def test_who_holds_what_others_wait_for_has_its_turn() -> None:
    requests = (("old", False), ("job", True), ("new", False))
    assert order(waiting_policy(*requests), pressed=False)[-2:] == ["job0", "job1"]
    # It came after one request and before the other, and so it goes on.
    found = order(waiting_policy(*requests), pressed=True)
    assert found.index("job0") < found.index("new1")
    assert set(found[: found.index("job0")]) >= {"old0", "old1"}


def test_costs_in_the_background_do_not_count_against_others() -> None:
    policy = waiting_policy(("job", True))
    order(policy, pressed=False)
    for name in ("a", "b"):
        policy.open(name)
    policy.add("a", [(Demand(1.0), "a0")])
    policy.add("b", [(Demand(1.0), "b0")])
    plain: Policy[str, str] = Policy(1, memory=MEMORY)
    for name in ("a", "b"):
        plain.open(name)
        plain.add(name, [(Demand(1.0), f"{name}0")])
    assert order(policy, pressed=False) == order(plain, pressed=False)

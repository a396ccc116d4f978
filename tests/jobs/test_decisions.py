from __future__ import annotations

import heapq

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.jobs.records import MOST_ATTEMPTS, JobRequest, Problem
from crnn_ocr.jobs.tables.decisions import (
    CROWD,
    LARGEST_PAGE,
    after_loss,
    checked_plan,
    cost_of,
    final_state,
    following,
    serve,
)
from crnn_ocr.jobs.tables.encoding import decode_problem, decode_request, encode_problem, encode_request

PAGES = st.sets(st.integers(1, 40), max_size=8)


class Queue:
    """Flows that always have work, served by their tags."""

    def __init__(self) -> None:
        self.virtual = 0.0
        self.served: dict[int, int] = {}
        self._flows: list[tuple[float, int]] = []

    def arrive(self) -> int:
        number = len(self.served)
        self.served[number] = 0
        heapq.heappush(self._flows, (self.virtual, number))
        return number

    def serve(self, cost: int) -> int:
        tag, number = heapq.heappop(self._flows)
        self.virtual, tag = serve(self.virtual, tag, cost)
        heapq.heappush(self._flows, (tag, number))
        self.served[number] += cost
        return number

    def leave(self, number: int) -> None:
        self._flows = [flow for flow in self._flows if flow[1] != number]
        heapq.heapify(self._flows)


# ---- fairness ------------------------------------------------------------------------------------------


@given(flows=st.integers(1, 20), costs=st.lists(st.integers(1, 8), min_size=50, max_size=300))
def test_flows_that_came_together_get_the_same(flows: int, costs: list[int]) -> None:
    queue = Queue()
    for _ in range(flows):
        queue.arrive()
    for cost in costs:
        queue.serve(cost)
        assert max(queue.served.values()) - min(queue.served.values()) <= 2 * max(costs)


@given(flows=st.integers(1, CROWD // 2), before=st.integers(0, 600), costs=st.integers(1, 8))
def test_a_new_flow_is_served_at_once(flows: int, before: int, costs: int) -> None:
    queue = Queue()
    for _ in range(flows):
        queue.arrive()
    for _ in range(before):
        queue.serve(costs)
    newest = queue.arrive()
    # At most everybody who is as far behind as the newest comes first, once.
    assert newest in [queue.serve(costs) for _ in range(flows + 1)]


@given(lag=st.integers(1, 8), crowd=st.integers(1, 4))
def test_a_flood_of_new_flows_starves_nobody(lag: int, crowd: int) -> None:
    queue = Queue()
    large = queue.arrive()
    queue.serve(lag)
    for _ in range(CROWD * lag + crowd + 1):  # one page each, and always somebody new
        queue.arrive()
        served = queue.serve(1)
        if served == large:
            break
        queue.leave(served)
    assert queue.served[large] > lag


def test_a_task_without_pages_costs_something() -> None:
    assert [cost_of(pages) for pages in (0, 1, 8)] == [1, 1, 8]


# ---- what is tried again -------------------------------------------------------------------------------


@given(pages=PAGES, data=st.data(), attempt=st.integers(1, MOST_ATTEMPTS), begun=st.booleans())
def test_a_loss_loses_no_page(pages: set[int], data: st.DataObject, attempt: int, begun: bool) -> None:
    running_pages = data.draw(st.sets(st.sampled_from(sorted(pages)))) if pages else set()
    running = {page: data.draw(st.integers(1, MOST_ATTEMPTS)) for page in running_pages}
    again, failed = after_loss(running, pages - running_pages, attempt, begun=begun)
    given_out = [page for remainder in again for page in remainder.pages]
    assert sorted(given_out + failed) == sorted(pages)
    assert given_out == sorted(given_out) or len(again) > 1
    for remainder in again:
        assert remainder.pages
        assert list(remainder.pages) == sorted(remainder.pages)
        assert remainder.attempt <= MOST_ATTEMPTS
        if running_pages & set(remainder.pages):
            (page,) = remainder.pages
            assert remainder.attempt == running[page] + 1
        else:
            assert remainder.attempt == attempt + (not running and not begun)
    if begun or running:
        assert failed == sorted(page for page, attempts in running.items() if attempts == MOST_ATTEMPTS)


@given(pages=PAGES.filter(bool))
def test_losses_come_to_an_end(pages: set[int]) -> None:
    """Whatever is begun before each worker dies: every page fails after a bounded number of losses."""
    attempts = dict.fromkeys(pages, 0)
    waiting = [(tuple(sorted(pages)), 1)]
    for _ in range((MOST_ATTEMPTS + 1) * len(pages) + MOST_ATTEMPTS):
        if not waiting:
            break
        task, attempt = waiting.pop(0)
        attempts[task[0]] += 1
        again, _ = after_loss({task[0]: attempts[task[0]]}, task[1:], attempt, begun=True)
        waiting += [(remainder.pages, remainder.attempt) for remainder in again]
    assert not waiting
    assert set(attempts.values()) == {MOST_ATTEMPTS}


# ---- what follows --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("open_tasks", "files", "failed", "expected"),
    [
        (1, 1, 0, "nothing"),
        (1, 2, 1, "nothing"),
        (0, 2, 2, "failed"),
        (0, 2, 1, "assemble"),
        (0, 2, 0, "assemble"),
    ],
)
def test_what_follows_the_last_task(open_tasks: int, files: int, failed: int, expected: str) -> None:
    assert following(open_tasks, files, failed) == expected


@pytest.mark.parametrize(
    ("done", "failed", "files_failed", "state"),
    [
        (3, 0, 0, "succeeded"),
        (0, 0, 0, "succeeded"),
        (3, 1, 0, "partial"),
        (3, 0, 1, "partial"),
        (0, 3, 0, "failed"),
        (0, 0, 1, "failed"),
    ],
)
def test_how_a_job_ends(done: int, failed: int, files_failed: int, state: str) -> None:
    assert final_state(done, failed, files_failed) == state


def test_a_plan_is_sorted_and_checked() -> None:
    assert checked_plan([[3, 1], [], [2]]) == [(1, 3), (2,)]
    assert checked_plan([]) == []
    for wrong in ([[1], [1]], [[2, 2]], [[0]], [[LARGEST_PAGE + 1]]):
        with pytest.raises(ValueError, match="every page"):
            checked_plan(wrong)


# ---- encoding ------------------------------------------------------------------------------------------

TEXT = st.text(st.sampled_from("aé文😀\0\udce9\"\\'\n"), max_size=8)
JSON = st.one_of(st.booleans(), st.integers(-9, 9), TEXT, st.none())


@given(
    options=st.dictionaries(TEXT, JSON, max_size=4),
    formats=st.lists(TEXT, max_size=3).map(tuple),
    webhook=st.one_of(st.none(), TEXT),
    ttl_s=st.floats(60, 1e7),
)
def test_requests_survive(
    options: dict[str, object], formats: tuple[str, ...], webhook: str, ttl_s: float
) -> None:
    request = JobRequest(options, formats, webhook, ttl_s)
    assert decode_request(encode_request(request).encode()) == request


@given(st.builds(Problem, TEXT, TEXT, TEXT))
def test_problems_survive(problem: Problem) -> None:
    assert decode_problem(encode_problem(problem).encode()) == problem
    assert decode_problem(None) is None
    assert decode_problem("") is None

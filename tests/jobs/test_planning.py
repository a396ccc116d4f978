"""Tasks of pages: small first, never more than a few pages, every page once and in order."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.engine.page_readings import PageReadings
from crnn_ocr.imaging.raster.footprint import Extent
from crnn_ocr.jobs.work.planning import MOST_PAGES, TASK_COST, divided, plan

costs = st.lists(st.floats(0.001, 20), min_size=1, max_size=300)


@given(costs)
def test_every_page_is_in_one_task_in_order(costs: list[float]) -> None:
    numbers = range(3, 3 + len(costs))
    tasks = divided(numbers, costs)
    assert [page for task in tasks for page in task] == list(numbers)
    assert len(tasks[0]) == 1
    assert all(1 <= len(task) <= MOST_PAGES for task in tasks)
    cost = dict(zip(numbers, costs, strict=True))
    for task in tasks:
        assert len(task) == 1 or sum(cost[page] for page in task) <= TASK_COST * 1.001
    # No two neighbours could be one task, the first one aside.
    for task, after in pairwise(tasks[1:]):
        assert len(task) == MOST_PAGES or sum(cost[page] for page in (*task, after[0])) > TASK_COST * 0.999


@dataclass
class Pages:
    """A document of which only some pages hold text."""

    count: int
    texts: frozenset[int]
    asked: list[int] = field(default_factory=list)

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(range(1, self.count + 1))

    @property
    def extents(self) -> tuple[Extent, ...]:
        return tuple(Extent(1654, 2339, 0) for _ in range(self.count))

    def holds_text(self, number: int) -> bool:
        self.asked.append(number)
        return number in self.texts


def planned(pages: Pages, **how: Any) -> list[list[int]]:
    return plan(cast(PageReadings, pages), **{"blocks": False, "takes_text": True, **how})


def test_pages_with_text_come_together_and_pictures_alone() -> None:
    book = Pages(2000, frozenset(range(1, 2001)))
    assert [len(task) for task in planned(book)] == [1] + [8] * 249 + [7]
    scan = Pages(2000, frozenset())
    assert {len(task) for task in planned(scan)[1:-1]} == {4}
    assert len(book.asked) == len(scan.asked) < 10  # whatever the number of pages


def test_a_book_with_scanned_plates_is_planned_by_its_parts() -> None:
    half = Pages(800, frozenset(range(1, 401)))
    tasks = planned(half)
    sizes = {task[0]: len(task) for task in tasks}
    assert max(size for first, size in sizes.items() if first > 500) == 4
    assert min(size for first, size in sizes.items() if 1 < first < 300) == 8


def test_no_page_is_asked_for_its_text_where_none_may_be_taken() -> None:
    scan = Pages(3, frozenset({1, 2, 3}))
    planned(scan, takes_text=False)
    assert scan.asked == []


def test_one_page() -> None:
    assert planned(Pages(1, frozenset())) == [[1]]

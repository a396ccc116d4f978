"""Divides the pages of a file into tasks: few pages that cost much, or several that cost little."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from crnn_ocr.engine.page_readings import PageReadings

#: Most pages of a task: what a killed worker has to read again, and what others wait for.
MOST_PAGES = 8
#: Cost of a task in that of a page whose picture is read, about a second on one core. More would let others
#: wait, less would open files more often.
TASK_COST = 4.0
#: Cost of pages whose text is taken, with and without a look at the picture for their blocks. Measured on
#: pages of A4: 10 ms and 0.2 s.
TEXT_COST, LOOK_COST = 0.01, 0.2
#: Cost of a picture by its million pixels, up to a whole page; larger ones have larger text.
_PER_MEGAPIXEL, _MOST_MEGAPIXELS = 0.5, 2.0
#: Pages of a PDF that are looked at to learn which ones hold text: taking the text of one costs 10 ms.
_SAMPLES = 9


def plan(readings: PageReadings, *, blocks: bool, takes_text: bool) -> list[list[int]]:
    """Return the pages of each task.

    Args:
        readings: The opened document.
        blocks: Whether pages with text are looked at, too.
        takes_text: Whether the text of pages may be taken at all.

    Raises:
        OcrError: The document cannot be read, or its ticket is no longer valid.
    """
    numbers = readings.numbers
    holds_text = _holding_text(readings) if takes_text else [False] * len(numbers)
    costs = [
        (LOOK_COST if blocks else TEXT_COST) if texts else picture_cost(readings, place)
        for place, texts in enumerate(holds_text)
    ]
    return divided(numbers, costs)


def divided(numbers: Sequence[int], costs: Sequence[float]) -> list[list[int]]:
    """Return the pages in tasks of about `TASK_COST`; the first task is one page, which its client sees soon.

    Args:
        numbers: Numbers of the pages, ascending.
        costs: The cost of each.
    """
    tasks: list[list[int]] = []
    spent = TASK_COST
    for number, cost in zip(numbers, costs, strict=True):
        is_full = len(tasks) == 1 or len(tasks[-1]) >= MOST_PAGES if tasks else True
        if is_full or spent + cost > TASK_COST:
            tasks.append([])
            spent = 0.0
        tasks[-1].append(number)
        spent += cost
    return tasks


def picture_cost(readings: PageReadings, place: int) -> float:
    """Return the cost of reading the picture of a page."""
    if not readings.extents:
        return _PER_MEGAPIXEL * _MOST_MEGAPIXELS
    extent = readings.extents[place]
    return _PER_MEGAPIXEL * min(extent.width * extent.height / 1e6, _MOST_MEGAPIXELS)


def _holding_text(readings: PageReadings) -> list[bool]:
    """Return for every page whether it is likely to hold text: what the nearest sample does."""
    count = len(readings.numbers)
    places = sorted({round(at * (count - 1) / (_SAMPLES - 1)) for at in range(_SAMPLES)})
    found = {place: readings.holds_text(readings.numbers[place]) for place in places}
    texts = [found[places[0]]] * count
    for before, after in pairwise(places):
        for place in range(before, after + 1):
            texts[place] = found[before if place - before <= after - place else after]
    return texts

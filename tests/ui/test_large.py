"""A result with 2,000 lines and a list of 500 files stay smooth."""

from __future__ import annotations

import itertools
import logging
from dataclasses import dataclass

from playwright.sync_api import expect

from tests.ui.conftest import Opener
from tests.ui.scenes import Stage, choose, lines, many_lines, picture

MANY, FEW = 2000, 200

SCROLL = """async () => {
    const panel = document.querySelector("#panel-proofread");
    for (let step = 0; step < 60; step += 1) {
        panel.scrollTop = step * 90;
        await new Promise(requestAnimationFrame);
    }
}"""


@dataclass(frozen=True)
class Spent:
    """Seconds that the page's main thread worked: for a whole result, and for single acts on it."""

    building: float
    scrolling: float
    choosing: float
    searching: float


def spent_on(count: int, open_page: Opener, stage: Stage) -> Spent:
    """Show a result of so many lines, scroll, choose and search; return what each took."""
    stage.play(lambda *_: many_lines(count))
    view = open_page()
    devtools = view.context.new_cdp_session(view)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent() -> float:
        metrics = {
            entry["name"]: entry["value"] for entry in devtools.send("Performance.getMetrics")["metrics"]
        }
        return float(metrics["TaskDuration"])

    times = [spent()]
    choose(view, picture())
    expect(lines(view)).to_have_count(count, timeout=120_000)
    times.append(spent())
    view.locator(".line").nth(count // 2).scroll_into_view_if_needed()
    start = spent()
    view.evaluate(SCROLL)
    times.append(times[-1] + spent() - start)
    start = spent()
    for share in (0.0, 0.35, 0.75, 0.99):
        view.locator(".line").nth(int(share * count)).click()
    times.append(times[-1] + spent() - start)
    view.locator("#search").fill("no such text")
    # Not by expect(), which describes the whole page, all its lines, when it is asked too early: the search
    # itself comes only now.
    view.locator("#search-count", has_text="no hit").wait_for()
    start = spent()
    view.locator("#search").fill("line 19")
    expect(view.locator("#search-count")).to_have_text("1 of 111" if count == MANY else "1 of 11")
    times.append(times[-1] + spent() - start)
    building, scrolling, choosing, searching = (b - a for a, b in itertools.pairwise(times))
    return Spent(building, scrolling, choosing, searching)


def test_two_thousand_lines_stay_smooth(open_page: Opener, stage: Stage) -> None:
    few = spent_on(FEW, open_page, stage)
    many = spent_on(MANY, open_page, stage)

    logging.getLogger(__name__).info("few %s, many %s", few, many)
    # Ten times the lines may cost ten times as much, and half of that again for noise; what grows with the
    # square of their number costs a hundred times.
    for act in ("building", "scrolling", "choosing", "searching"):
        assert getattr(many, act) < 15 * getattr(few, act), (act, few, many)


def test_five_hundred_files_stay_smooth(open_page: Opener) -> None:
    view = open_page()
    choose(view, *(picture(name=f"{number:03}.png") for number in range(500)))
    expect(view.locator("#queue-count")).to_have_text("500 of 500 read", timeout=240_000)
    devtools = view.context.new_cdp_session(view)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent() -> float:
        metrics = {one["name"]: one["value"] for one in devtools.send("Performance.getMetrics")["metrics"]}
        return float(metrics["ScriptDuration"])

    # CPU seconds of scripts, so a busy machine does not count: far from the 16 ms of a frame.
    before = spent()
    view.evaluate(SCROLL.replace("#panel-proofread", "#queue-list"))
    assert (spent() - before) / 60 < 0.016
    before = spent()
    for _ in range(30):
        view.locator("body").press("n")
    expect(view.locator("#picture-name")).to_have_text("030.png")
    assert (spent() - before) / 30 < 0.016

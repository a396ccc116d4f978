from __future__ import annotations

import time

import pytest

from crnn_ocr import OCR
from crnn_ocr.errors import DeadlineExceededError, RequestCancelledError
from crnn_ocr.scheduling.stage_clock import STAGES, StageClock, listener, tell, waited
from crnn_ocr.scheduling.ticket import Ticket
from tests.drawing import line


def test_times_of_a_stage_add_up_and_each_part_is_told() -> None:
    heard: list[tuple[str, float, float, float]] = []
    token = listener.set(lambda *stage: heard.append(stage))
    try:
        clock = StageClock(Ticket())
        for stage in ("decode", "detect", "decode"):
            with clock(stage):
                pass
    finally:
        listener.reset(token)
    assert [stage for stage, *_ in heard] == ["decode", "detect", "decode"]
    assert list(clock.milliseconds) == ["decode", "detect"]
    for name in clock.milliseconds:
        told = sum(end - begin for stage, begin, end, _ in heard if stage == name) * 1000
        assert clock.milliseconds[name] == pytest.approx(told)
        assert told >= 0


def test_a_stage_that_fails_is_told_too() -> None:
    heard: list[str] = []
    token = listener.set(lambda stage, *_: heard.append(stage))
    clock = StageClock(Ticket())
    try:
        with pytest.raises(ValueError, match="broken"), clock("detect"):
            raise ValueError("broken")
    finally:
        listener.reset(token)
    assert heard == ["detect"]


def test_waiting_belongs_to_no_other_stage() -> None:
    heard: dict[str, float] = {}
    token = listener.set(lambda stage, _begin, _end, spent: heard.update({stage: spent}))
    clock = StageClock(Ticket())
    try:
        with clock("detect"):
            time.sleep(0.03)
            now = time.perf_counter()
            waited(now - 0.02, now)
        with clock("layout"):
            pass
    finally:
        listener.reset(token)
    assert heard["queue"] == pytest.approx(0.02)
    assert clock.milliseconds["queue"] == pytest.approx(20)
    assert heard["detect"] * 1000 == pytest.approx(clock.milliseconds["detect"])
    assert heard["detect"] >= 0.009
    assert list(clock.milliseconds) == ["detect", "queue", "layout"]
    waited(1.0, 2.0)  # outside of stages it is nobody's


def test_without_a_listener_nothing_is_told() -> None:
    tell("queue", 0.0, 1.0)


def test_no_stage_begins_with_an_invalid_ticket() -> None:
    cancelled = Ticket()
    cancelled.cancel()
    for ticket, error in (
        (cancelled, RequestCancelledError),
        (Ticket(deadline=0, clock=lambda: 1.0), DeadlineExceededError),
    ):
        clock = StageClock(ticket)
        with pytest.raises(error), clock("detect"):
            raise AssertionError("it began")
        assert clock.milliseconds == {}


def test_the_engine_tells_only_known_stages(ocr: OCR) -> None:
    heard: set[str] = set()
    token = listener.set(lambda stage, *_: heard.add(stage))
    try:
        document = ocr.read(line("Invoice 10234"))
    finally:
        listener.reset(token)
    assert heard >= {"queue", "decode", "enhance", "detect", "recognise", "layout"}
    assert heard <= set(STAGES)
    assert set(document.timings_ms) <= set(STAGES)

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.service.middleware.request_timing import Timing, server_timing, stage_fields
from tests.service.server_timing import parse


def test_the_header_has_every_stage_in_order_and_the_total() -> None:
    header = server_timing({"decode": 0.0123, "detect": 0.2}, total_s=0.31415, cache="miss")
    assert header == "decode;dur=12.3, detect;dur=200.0, cache;desc=miss, total;dur=314.1"
    assert list(parse(header)) == ["decode", "detect", "cache", "total"]


@given(st.text(), st.floats(-1, 1e6), st.text())
def test_whatever_the_names_the_header_keeps_to_the_grammar(stage: str, spent: float, source: str) -> None:
    for header in (
        server_timing({f"a{stage}": spent}, total_s=1.0, cache=source),
        server_timing({}, total_s=spent, cache=stage),
    ):
        parsed = parse(header)
        assert {"cache", "total"} <= parsed.keys()
        assert all(float(metric["dur"]) >= 0 for metric in parsed.values() if "dur" in metric)


def test_stages_add_up_whoever_adds() -> None:
    timing = Timing()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: timing.add("detect", 0.25), range(400)))
    assert timing.seconds == {"detect": 100.0}
    assert stage_fields({"detect": 0.01234}) == {"detect_ms": 12.3}


@pytest.mark.parametrize("path", ["/", "/healthz", "/nothing", "/ui/page.css"])
def test_every_answer_tells_its_total(client: FlaskClient, path: str) -> None:
    with client.get(path) as answer:
        (total,) = parse(answer.headers["Server-Timing"]).values()
        assert 0 <= float(total["dur"]) < 60_000

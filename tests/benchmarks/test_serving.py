"""The load benchmark's own arithmetic, and its clients against a small server."""

from __future__ import annotations

import http.server
import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
from benchmarks.serving import clients, soak
from benchmarks.serving.clients import NO_ANSWER, Outcome, Run, closed_loop, open_loop, rounds
from benchmarks.serving.library import Library
from benchmarks.serving.memory_group import NoGroupError, memory_group
from benchmarks.serving.pictures import Picture
from benchmarks.serving.processes import PeakWatch, cpu_seconds, memory, tree
from benchmarks.serving.scenarios import (
    Measured,
    Mixture,
    judge_capacity,
    judge_overload,
    judge_peer,
    mixture_table,
    page_f1,
)
from benchmarks.serving.services import SERVICES, Running
from benchmarks.serving.soak import Look

PICTURES = [
    Picture("a", b"a", "a"),
    Picture("b", b"b", "b"),
    Picture("busy", b"busy"),
    Picture("cut", b"cut"),
]


class Handler(http.server.BaseHTTPRequestHandler):
    """Reads its body back; is busy or hangs up where the body says so."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body == b"cut":
            self.close_connection = True
            return
        answer = json.dumps({"lines": [{"text": body.decode()}]}).encode()
        self.send_response(HTTPStatus.SERVICE_UNAVAILABLE if body == b"busy" else HTTPStatus.OK)
        if body == b"busy":
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def up() -> Iterator[Running]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Running(SERVICES["crnn-ocr"], server.server_address[1], os.getpid(), Path())
        server.shutdown()
        thread.join()


def outcome(picture: Picture, *, seconds: float = 1.0, status: int = 200, retry: bool = False) -> Outcome:
    return Outcome(picture, status, seconds, (picture.name,) if status == 200 else (), retry)


def measured(*outcomes: Outcome, wall_s: float = 1.0, service: str = "crnn-ocr") -> Measured:
    library = Library({"a": 0.5, "b": 1.5}, {"a": ("a",), "b": ("b",)})
    run = Run(list(outcomes), wall_s=wall_s, cpu_s=2.2)
    wrong = len(library.wrong(run))
    return Measured("load", service, run, 0, library.efficiency(run, 2), library.overhead(run), wrong)


def test_the_outcome_of_each_request_is_told(up: Running) -> None:
    run = closed_loop(up, rounds(PICTURES, 10), clients=3)
    assert run.statuses == {NO_ANSWER: 2, 200: 6, 503: 2}
    assert sorted(o.texts for o in run.read) == [("a",)] * 3 + [("b",)] * 3
    assert all(o.retry_after for o in run.outcomes if o.status == 503)
    assert run.wall_s > 0


def test_who_is_refused_comes_again_if_told_so(up: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "_BUSY_S", 0.0)
    refused: list[str] = []
    send = clients._Client.send

    def refuse_first(client: clients._Client, picture: Picture, due: float) -> Outcome:
        if refused.count(picture.name) < 2:
            refused.append(picture.name)
            return outcome(picture, status=503, retry=picture.name == "a")
        return send(client, picture, due)

    monkeypatch.setattr(clients._Client, "send", refuse_first)
    assert closed_loop(up, PICTURES[:2], clients=1, tries=3).statuses == {200: 1, 503: 1}
    refused.clear()
    assert closed_loop(up, PICTURES[:1], clients=1, tries=2).statuses == {503: 1}


def test_arrivals_keep_their_rate(up: Running) -> None:
    run = open_loop(up, PICTURES[:2], rate=100, seconds=1, most_clients=8)
    assert 60 < len(run.read) < 140
    assert set(run.statuses) == {200}


def test_a_closed_loop_ends_in_time(up: Running) -> None:
    run = closed_loop(up, rounds(PICTURES[:1], 10**6), clients=2, seconds=0.3)
    assert 0.2 < run.wall_s < 5
    assert len(run.outcomes) < 10**6


def test_latencies_are_those_of_pictures_that_were_read() -> None:
    run = Run([outcome(PICTURES[0], seconds=float(second)) for second in range(100)])
    run.outcomes.append(outcome(PICTURES[1], seconds=1e9, status=503))
    assert (run.latency(0.5), run.latency(0.99), run.latency(1)) == (50, 99, 99)
    assert math.isnan(Run().latency(0.5))


def test_efficiency_compares_with_the_library() -> None:
    found = measured(outcome(PICTURES[0]), outcome(PICTURES[1]))
    # Two CPU seconds of the library's work in one second on two cores; 2.2 were spent on it.
    assert found.efficiency == pytest.approx(1.0)
    assert found.overhead == pytest.approx(1.1)
    assert found.numbers()["wrong"] == 0


def test_wrong_answers_are_found() -> None:
    swapped = Outcome(PICTURES[0], 200, 1.0, ("b",))
    assert measured(swapped, outcome(PICTURES[1])).wrong == 1
    assert [verdict.kept for verdict in judge_capacity(measured(swapped, wall_s=0.1))] == [True, False, True]


def test_f1_counts_pages_alone() -> None:
    line = Picture("line", b"", "something else", page=False)
    assert page_f1(Run([outcome(PICTURES[0]), outcome(line)])) == 100
    assert math.isnan(page_f1(Run([outcome(line)])))


def test_pages_per_minute_stand_beside_what_was_read_of_them() -> None:
    page = Picture("page", b"", "one\ntwo\nsix\nten")

    def shown(*texts: str) -> list[str]:
        large = Run([Outcome(page, 200, 1.0, texts)] * 2, wall_s=60.0)
        small = Run([outcome(PICTURES[0])], wall_s=1.0)
        row = mixture_table([("a service", Mixture(small, small, large))]).splitlines()[2]
        return [cell.strip() for cell in row.split("|")[-5:-1]]

    assert shown("one", "two", "six", "ten") == ["2.0", "100.0", "100 %", "8"]
    assert shown("one") == ["2.0", "40.0", "25 %", "2"]


@pytest.mark.parametrize(
    ("extra", "kept"),
    [
        (outcome(PICTURES[2], status=503, retry=True), [True, True, True, True]),
        (outcome(PICTURES[2], status=503), [False, True, True, True]),
        (outcome(PICTURES[2], status=500), [False, True, True, True]),
        (outcome(PICTURES[2], status=NO_ANSWER), [False, True, True, True]),
        (outcome(PICTURES[0], seconds=3.5), [True, True, False, True]),
    ],
)
def test_what_must_hold_under_overload(extra: Outcome, kept: list[bool]) -> None:
    before = measured(outcome(PICTURES[0]), outcome(PICTURES[0]))
    now = measured(outcome(PICTURES[0]), outcome(PICTURES[0]), extra)
    assert [verdict.kept for verdict in judge_overload(now, before)] == kept
    slower = measured(*now.run.outcomes, wall_s=2.0)
    assert not judge_overload(slower, before)[3].kept


def test_a_faster_peer_that_reads_worse_is_not_a_win_for_us() -> None:
    ours = measured(outcome(PICTURES[0]), outcome(PICTURES[1]))
    slow = measured(outcome(PICTURES[0]), service="peer")
    fast = measured(*[outcome(PICTURES[0])] * 5, service="peer")
    assert [judge_peer(ours, peer)[0].kept for peer in (slow, fast)] == [True, False]


def looks(*mean: float) -> list[Look]:
    return [Look(50 * (place + 1), place, 9, mib, mib + 50, 400) for place, mib in enumerate(mean)]


def test_growth_counts_from_request_200_on() -> None:
    grown = soak.growth(looks(100, 150, 180, *[200] * 5, *[210] * 4))
    assert grown is not None
    assert grown[0] == pytest.approx(5.0)
    assert soak.growth(looks(*[200] * 6)) is None
    run = Run([outcome(PICTURES[0])])
    assert [verdict.kept for verdict in soak.judge(looks(*[200] * 12), run)] == [True, True, True]
    assert [verdict.kept for verdict in soak.judge(looks(*[200] * 8, *[300] * 4), run)] == [True, True, False]
    assert [verdict.kept for verdict in soak.judge(looks(*[470] * 12), run)] == [True, False, True]


def test_a_soak_inside_a_limit_tells_what_the_kernel_killed() -> None:
    run = Run([outcome(PICTURES[0])])
    assert [soak.judge(looks(200), run, kills)[2].kept for kills in (0, 1)] == [True, False]


def test_the_kernel_enforces_the_limit_of_a_group() -> None:
    try:
        with memory_group(64 * soak.MIB) as group:
            eat = group.inside([sys.executable, "-c", "b'x' * 2**28"])
            small = group.inside([sys.executable, "-c", "b'x' * 2**20"])
            assert [subprocess.run(program, check=False).returncode for program in (small, eat)] == [0, -9]
            assert group.kills == 1
    except NoGroupError as error:
        pytest.skip(str(error))
    assert not group.folder.exists()


def test_looks_survive_their_file(tmp_path: Path) -> None:
    found = looks(1.5, 2.5, 3)
    soak.write(found, tmp_path / "new" / "soak.csv")
    assert soak.read(tmp_path / "new" / "soak.csv") == found


def test_this_process_has_memory_and_has_used_time() -> None:
    own = memory(os.getpid())
    assert 0 < own.pss <= own.rss <= own.peak_rss + 2**20
    assert cpu_seconds(os.getpid()) > 0
    assert next(tree(os.getpid())) == os.getpid()
    with PeakWatch(os.getpid(), interval=0.01) as watch:
        peak, mean = watch.take()
    assert 0 < mean <= peak
    gone = 2**22 + 1
    assert memory(gone).rss == 0
    assert cpu_seconds(gone) == 0

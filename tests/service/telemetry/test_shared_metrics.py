"""Metrics of several processes: what becomes of them when workers end, however they end.

Workers are forked, so every case is a program of its own.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from crnn_ocr.service.telemetry import shared_metrics
from crnn_ocr.service.telemetry.shared_metrics import VARIABLE, SharedMetrics, make_file
from tests.service import small_memory

PRELUDE = """
import json, os, signal, sys, time
from pathlib import Path
from types import SimpleNamespace
from crnn_ocr.service.telemetry.shared_metrics import SharedMetrics

folder = Path(sys.argv[1], "metrics")
shared = SharedMetrics.create(folder, workers=2)
arbiter = SimpleNamespace(WORKERS={})

def worker(work, end=lambda: sys.exit(0)):
    new = SimpleNamespace(pid=None)
    shared.pre_fork(arbiter, new)
    new.pid = os.fork()
    if new.pid:
        arbiter.WORKERS[new.pid] = new
        return new
    new.pid = os.getpid()
    status = 1
    try:
        shared.post_fork(arbiter, new)
        from crnn_ocr.service.telemetry.metrics import Metrics
        metrics = Metrics()
        work(metrics)
        try:
            end()
        finally:
            shared.worker_exit(arbiter, new)
    except SystemExit as leaving:
        status = leaving.code or 0
    finally:
        os._exit(status)

def ended(old):
    os.waitpid(old.pid, 0)
    del arbiter.WORKERS[old.pid]
    shared.child_exit(arbiter, old)

def scrape():
    from crnn_ocr.service.telemetry.metrics import Metrics
    from prometheus_client.parser import text_string_to_metric_families as parse
    text = Metrics().exposition()[0].decode()
    return {
        sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in parse(text) for sample in family.samples
    }

def scrape_in_a_worker():
    read_end, write_end = os.pipe()
    def tell(metrics):
        os.write(write_end, json.dumps(scrape()).encode())
        os.close(write_end)
    asked = worker(tell)
    os.close(write_end)
    found = json.loads(os.fdopen(read_end).read())
    ended(asked)
    return found

def read(lines):
    def work(metrics):
        metrics.lines.inc(lines)
        metrics.errors.labels("X").inc()
        metrics.stage_seconds.labels("detect").observe(0.2)
        metrics.backlog.set(3)
    return work
"""


def run(program: str, folder: Path) -> Any:
    text = PRELUDE + textwrap.dedent(program)
    done = subprocess.run(
        [sys.executable, "-c", text, str(folder)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_counts_of_all_workers_are_added_up_and_outlive_them(tmp_path: Path) -> None:
    before, after, files = run(
        """
        all_ = [worker(read(10)), worker(read(20), lambda: os.kill(os.getpid(), signal.SIGKILL))]
        all_.append(worker(read(30), lambda: sys.exit(3)))
        for one in all_:
            os.waitid(os.P_PID, one.pid, os.WEXITED | os.WNOWAIT)
        before = scrape_in_a_worker()
        for one in all_:
            ended(one)
        files = sorted(path.name for path in folder.iterdir() if "_3." not in path.name)
        print(json.dumps([before, scrape_in_a_worker(), files]))
        """,
        tmp_path,
    )
    for values in (before, after):
        assert values["crnn_ocr_lines_total"] == 60
        assert values["crnn_ocr_errors_total X"] == 3
        assert values["crnn_ocr_stage_duration_seconds_count detect"] == 3
        assert values["crnn_ocr_stage_duration_seconds_bucket 0.1 detect"] == 0
        assert values["crnn_ocr_stage_duration_seconds_bucket 0.25 detect"] == 3
    assert before["crnn_ocr_admission_backlog_seconds"] == 9
    assert after["crnn_ocr_admission_backlog_seconds"] == 0, "the dead have no backlog"
    assert after["crnn_ocr_worker_exits_total left"] == 2, "with the one that was asked"
    assert after["crnn_ocr_worker_exits_total crashed"] == 2
    kept = [f"{kind}_{slot}.db" for kind in ("counter", "histogram") for slot in range(3)]
    assert files == sorted([*kept, "counter_supervisor.db"])


def test_many_generations_leave_no_more_files_than_one(tmp_path: Path) -> None:
    count, sizes = run(
        """
        for _ in range(30):
            ended(worker(read(1)))
        found = scrape_in_a_worker()["crnn_ocr_lines_total"]
        print(json.dumps([found, {path.name: path.stat().st_size for path in folder.iterdir()}]))
        """,
        tmp_path,
    )
    assert count == 30
    assert len(sizes) <= 2 * 4 + 1
    assert all(size <= shared_metrics.FILES[name.rpartition("_")[0]] for name, size in sizes.items())


def test_files_have_room_for_all_series_that_labels_allow(tmp_path: Path) -> None:
    """One that outgrew its room would be sparse, and deadly on a full disk."""
    used = run(
        """
        import struct
        from crnn_ocr import errors
        from crnn_ocr.service.telemetry.metrics import METHODS, MOST_NAMES

        def everything(metrics):
            from crnn_ocr.settings import Settings
            from tests.service.fakes import FakeReader, create_app
            rules = create_app(FakeReader(), Settings(), warm_up=False).url_map.iter_rules()
            for route in {*(rule.rule for rule in rules), "other"}:
                # Its own answers, and what any other method or a refusal gets.
                for status in (200, 304, 400, 401, 403, 404, 405, 408, 413, 415, 422, 429, 500, 503, 504):
                    for method in {*METHODS, "other"} if status in (200, 401, 405) else {"GET", "POST"}:
                        metrics.requests.labels(method, route, str(status)).inc()
                    metrics.request_seconds.labels(route, f"{status // 100}xx").observe(0.1)
            for name, value in vars(errors).items():
                if hasattr(value, "code"):
                    metrics.errors.labels(value.code).inc()
            for number in range(MOST_NAMES + 1):
                metrics.pages.labels(f"{'a-long-name-of-a-pack' * 2}-{number}/1").inc()
                metrics.model_active.labels(f"{'a-long-name-of-a-pack' * 2}-{number}/1").set(1)
                metrics.model_loaded.labels(f"{'a-long-name-of-a-pack' * 2}-{number}/1").set(1)

        asked = worker(everything)
        os.waitid(os.P_PID, asked.pid, os.WEXITED | os.WNOWAIT)
        print(json.dumps({
            path.name.rpartition("_")[0]: [struct.unpack("i", path.read_bytes()[:4])[0], path.stat().st_size]
            for path in folder.glob("*_0.db")
        }))
        """,
        tmp_path,
    )
    assert used.keys() == shared_metrics.FILES.keys()
    for kind, (bytes_used, size) in used.items():
        assert bytes_used > 500
        assert bytes_used < size == shared_metrics.FILES[kind], kind


def test_a_damaged_folder_is_told_and_the_supervisor_goes_on(tmp_path: Path) -> None:
    assert (
        run(
            """
        import shutil
        one = worker(read(10))
        os.waitid(os.P_PID, one.pid, os.WEXITED | os.WNOWAIT)
        shutil.rmtree(folder)
        ended(one)
        ended(worker(read(1)))
        print(json.dumps(scrape_in_a_worker()["crnn_ocr_lines_total"]))
        """,
            tmp_path,
        )
        == 0
    )


def test_without_room_every_process_counts_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(VARIABLE, "somebody else's")
    assert SharedMetrics.create(tmp_path / "missing" / "metrics", 1) is None
    assert VARIABLE not in os.environ
    (record,) = caplog.records
    assert record.getMessage() == "no room for metrics: not shared"


@pytest.mark.skipif(not small_memory.possible(), reason="no mount namespaces here")
def test_a_full_disk_kills_no_worker_and_loses_no_count(tmp_path: Path) -> None:
    program = PRELUDE + textwrap.dedent(
        """
        from tests.service.small_memory import fill

        def with_new_series(metrics):
            fill(Path("/dev/shm"))
            for number in range(500):
                metrics.errors.labels(f"E{number}").inc()
            read(10)(metrics)

        first = worker(with_new_series)
        assert os.waitid(os.P_PID, first.pid, os.WEXITED | os.WNOWAIT).si_status == 0
        ended(first)
        found = scrape_in_a_worker()  # its gauges find room: those of the first one's
        print(json.dumps([found["crnn_ocr_lines_total"], found["crnn_ocr_errors_total E499"]]))
        """
    )
    command = [sys.executable, "-c", program, "/dev/shm"]
    done = subprocess.run(
        small_memory.inside(command), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [10, 1]


def test_a_file_is_made_whole_or_not_at_all(tmp_path: Path) -> None:
    make_file(tmp_path / "counter_0.db", 4096)
    assert (tmp_path / "counter_0.db").stat().st_blocks * 512 >= 4096
    (tmp_path / "counter_0.db").write_bytes(b"kept")
    make_file(tmp_path / "counter_0.db", 4096)
    assert (tmp_path / "counter_0.db").read_bytes() == b"kept"
    with pytest.raises(OSError, match=r"File too large|No space"):
        make_file(tmp_path / "counter_1.db", 2**62)
    assert [path.name for path in tmp_path.iterdir()] == ["counter_0.db"]


def test_only_the_worker_itself_leaves_word(tmp_path: Path) -> None:
    class Worker:
        pid = os.getpid() + 1
        has_left = bytearray(1)

    try:
        sys.exit(0)
    except SystemExit:
        SharedMetrics(tmp_path).worker_exit(None, Worker())
    assert Worker.has_left == b"\0"
    assert signal.SIGKILL  # a killed worker runs no hook: see above

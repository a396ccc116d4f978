"""Metrics of several processes: what becomes of them when workers end, however they end.

`prometheus_client` decides at its import whether it writes files, so every case is a program of its own.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from crnn_ocr.service.telemetry import metrics_folder
from crnn_ocr.service.telemetry.archive import Supervision

PRELUDE = """
import json, os, signal, sys, time
from pathlib import Path
from types import SimpleNamespace
from crnn_ocr.service.telemetry import metrics_folder
from crnn_ocr.service.telemetry.archive import Supervision

folder = metrics_folder.create(Path(sys.argv[1]))
supervision = Supervision(folder)

def worker(work, end=lambda: sys.exit(0)):
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        from crnn_ocr.service.telemetry.metrics import Metrics
        metrics = Metrics()
        work(metrics)
        try:
            end()
        finally:
            supervision.worker_exit(None, SimpleNamespace(pid=os.getpid()))
        status = 0
    except SystemExit as leaving:
        status = leaving.code or 0
    finally:
        os._exit(status)

def ended(pid):
    os.waitpid(pid, 0)
    supervision.child_exit(None, SimpleNamespace(pid=pid))

def scrape():
    from crnn_ocr.service.telemetry.metrics import Metrics
    from prometheus_client.parser import text_string_to_metric_families as parse
    text = Metrics().exposition()[0].decode()
    return {
        sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in parse(text) for sample in family.samples
    }

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


def test_counts_of_all_workers_are_added_up_and_stay_when_they_end(tmp_path: Path) -> None:
    found = run(
        """
        pids = [worker(read(10)), worker(read(20), lambda: os.kill(os.getpid(), signal.SIGKILL))]
        pids.append(worker(read(30), lambda: sys.exit(3)))
        for pid in pids:
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        before = scrape()
        for pid in pids:
            ended(pid)
        after = scrape()
        files = sorted(path.name for path in folder.iterdir() if f"_{os.getpid()}." not in path.name)
        print(json.dumps([before, after, files]))
        """,
        tmp_path,
    )
    before, after, files = found
    for values in (before, after):
        assert values["crnn_ocr_lines_total"] == 60
        assert values["crnn_ocr_errors_total X"] == 3
        assert values["crnn_ocr_stage_duration_seconds_count detect"] == 3
        assert values["crnn_ocr_stage_duration_seconds_bucket 0.1 detect"] == 0
        assert values["crnn_ocr_stage_duration_seconds_bucket 0.25 detect"] == 3
    assert before["crnn_ocr_admission_backlog_seconds"] == 9
    assert after["crnn_ocr_admission_backlog_seconds"] == 0, "the dead have no backlog"
    assert after["crnn_ocr_worker_exits_total left"] == 1
    assert after["crnn_ocr_worker_exits_total crashed"] == 2
    assert files == ["alive", "counter_0.db", "histogram_0.db", "lock"]


def test_many_generations_leave_one_archive(tmp_path: Path) -> None:
    count, files = run(
        """
        for _ in range(30):
            ended(worker(read(1)))
        print(json.dumps([scrape()["crnn_ocr_lines_total"], len(list(folder.glob("*_*.db")))]))
        """,
        tmp_path,
    )
    assert count == 30
    assert files <= 2 + 4, "the archive, and what this process wrote"


def test_a_scrape_never_sees_counts_twice_or_not_at_all(tmp_path: Path) -> None:
    seen = run(
        """
        import threading
        pids = [worker(read(10)) for _ in range(20)]
        for pid in pids:
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        seen, done = [], threading.Event()
        def look():
            while not done.is_set():
                seen.append(scrape()["crnn_ocr_lines_total"])
        looking = threading.Thread(target=look)
        looking.start()
        while not seen:
            time.sleep(0.01)
        for pid in pids:
            ended(pid)
            time.sleep(0.003)
        while len(seen) < 3:
            time.sleep(0.01)
        done.set()
        looking.join()
        print(json.dumps([len(seen), sorted(set(seen))]))
        """,
        tmp_path,
    )
    assert seen[0] > 1
    assert seen[1] == [200]


def test_the_supervisor_does_not_wait_for_a_stopped_scrape(tmp_path: Path) -> None:
    spent, waiting, later = run(
        """
        pid = worker(read(10))
        with metrics_folder.unchanged(folder):
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            begin = time.monotonic()
            ended(pid)
            spent = time.monotonic() - begin
        waiting = (folder / f"counter_{pid}.db").exists()
        ended(worker(read(5)))
        print(json.dumps([spent, waiting, scrape()["crnn_ocr_lines_total"]]))
        """,
        tmp_path,
    )
    assert spent < 5
    assert waiting
    assert later == 15


def test_damaged_files_do_not_stop_the_supervisor(tmp_path: Path) -> None:
    found = run(
        """
        pid = worker(read(10))
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        (folder / f"counter_{pid}.db").write_bytes(b"\\xff\\x00\\x00\\x00" + b"\\xff" * 100)
        ended(pid)
        ended(worker(read(5)))
        print(json.dumps(scrape()))
        """,
        tmp_path,
    )
    assert found["crnn_ocr_lines_total"] == 5
    assert found["crnn_ocr_worker_exits_total left"] == 2


def test_folders_of_killed_services_are_removed_and_those_of_living_ones_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(metrics_folder.VARIABLE, "another service's")
    killed = tmp_path / "crnn-ocr-metrics-killed"
    living = tmp_path / "crnn-ocr-metrics-living"
    begun = tmp_path / "crnn-ocr-metrics-begun"
    for folder in (killed, living, begun):
        folder.mkdir()
    (killed / "alive").touch()
    with (living / "alive").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = metrics_folder.create(tmp_path)
        assert made is not None
        assert metrics_folder.current() == made
        assert not killed.exists()
        assert living.exists()
        assert begun.exists()
        assert made.stat().st_mode & 0o077 == 0
    metrics_folder.remove(made)
    assert not made.exists()
    assert metrics_folder.current() is None


def test_without_a_place_every_process_counts_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(metrics_folder.VARIABLE, "somebody else's")
    assert metrics_folder.create(tmp_path / "missing") is None
    assert metrics_folder.current() is None
    (record,) = caplog.records
    assert record.getMessage() == "no folder for metrics"


def test_only_the_worker_itself_leaves_a_mark(tmp_path: Path) -> None:
    supervision = Supervision(tmp_path)

    class Other:
        pid = os.getpid() + 1

    try:
        sys.exit(0)
    except SystemExit:
        supervision.worker_exit(None, Other())
    assert list(tmp_path.iterdir()) == []
    assert signal.SIGKILL  # a killed worker runs no hook: see above

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from crnn_ocr.errors import ModelSwitchRunningError, SettingsError
from crnn_ocr.service.workers.shared_state import Choice, Report, Runtime
from tests.full_disks import without_temporary_folder


@pytest.fixture
def runtime() -> Iterator[Runtime]:
    made = Runtime.create("first")
    yield made
    made.remove()


def folder_of(runtime: Runtime) -> Path:
    return runtime.folder


def test_it_begins_with_the_first_model_in_a_private_folder(runtime: Runtime) -> None:
    assert runtime.choice() == Choice(0, "first")
    assert folder_of(runtime).stat().st_mode & 0o077 == 0


def test_every_change_of_the_choice_is_seen_at_once(runtime: Runtime) -> None:
    other = Runtime(folder_of(runtime))
    for generation in range(1, 50):
        runtime.choose(Choice(generation, "first"))
        assert other.choice() == other.choice() == Choice(generation, "first")


def test_without_memory_it_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = Runtime.create("first", memory=tmp_path / "missing")
    assert folder_of(made).parent == tmp_path
    made.remove()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(SettingsError, match="No such file or directory"):
        Runtime.create("first", memory=tmp_path / "missing")
    assert list(tmp_path.iterdir()) == []


def test_read_only_disks_leave_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    without_temporary_folder(monkeypatch)
    made = Runtime.create("first")
    assert made.choice().active == "first"
    made.remove()
    with pytest.raises(SettingsError, match="No folder for temporary files can be written to: there is none"):
        Runtime.create("first", memory=tmp_path / "missing")


def test_choices_are_replaced_whole(runtime: Runtime) -> None:
    def write(worker: int) -> None:
        for generation in range(200):
            runtime.choose(Choice(generation, "a" * 50, "b" * generation or None))

    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(write, 0)
        seen = 0
        while not writing.done():
            choice = runtime.choice()
            assert choice.generation >= seen or choice.active == "first"
            assert len(choice.candidate or "") == choice.generation
            seen = choice.generation
        writing.result()


def test_one_switch_at_a_time(runtime: Runtime) -> None:
    other = Runtime(folder_of(runtime))
    assert not other.being_switched()
    with runtime.switching():
        assert other.being_switched()
        with pytest.raises(ModelSwitchRunningError), other.switching():
            pass
    assert not other.being_switched()
    with other.switching():
        pass


def test_workers_report_and_count_as_long_as_they_live(runtime: Runtime) -> None:
    assert runtime.reports() == []
    member = runtime.join()
    assert runtime.reports() == [Report(os.getpid())]
    report = Report(os.getpid(), 3, "a/1", ("a", "b"), "why")
    member.report(report)
    assert runtime.reports() == [report]
    member.leave()
    assert runtime.reports() == []
    left = {path.name for path in folder_of(runtime).iterdir()}
    assert left <= {"choice.json", "service.lock", "switch.lock"}


JOIN = """
import sys, time
from pathlib import Path
from crnn_ocr.service.workers.shared_state import Runtime
member = Runtime(Path(sys.argv[1])).join()
print("joined", flush=True)
time.sleep(60)
"""


def test_a_killed_worker_counts_no_more_and_holds_no_lock(runtime: Runtime) -> None:
    program = JOIN.replace(
        "time.sleep",
        "runtime = Runtime(Path(sys.argv[1])); lock = runtime.switching(); "
        "lock.__enter__(); print('locked', flush=True); time.sleep",
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, folder_of(runtime)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(2)] == ["joined\n", "locked\n"]
        assert [report.pid for report in runtime.reports()] == [process.pid]
        assert runtime.being_switched()
        process.kill()
        process.wait(10)
    assert runtime.reports() == []
    assert not runtime.being_switched()


CREATE = """
from crnn_ocr.service.workers.shared_state import Runtime
import time
print(Runtime.create("first").folder, flush=True)
time.sleep(60)
"""


def test_what_a_killed_service_leaves_is_removed_by_the_next() -> None:
    with subprocess.Popen([sys.executable, "-c", CREATE], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        Runtime.create("second").remove()
        assert folder.is_dir()  # it lives
        process.kill()
        process.wait(10)
    assert folder.is_dir()
    Runtime.create("third").remove()
    assert not folder.exists()

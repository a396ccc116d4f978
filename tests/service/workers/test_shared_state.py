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
from crnn_ocr.service.workers.shared_state import Choice, Report, SharedState
from tests.full_disks import without_temporary_folder


@pytest.fixture
def runtime() -> Iterator[SharedState]:
    made = SharedState.create({"rec": "first"})
    yield made
    made.remove()


def test_it_begins_with_the_first_model_in_a_private_folder(runtime: SharedState) -> None:
    assert runtime.choice() == Choice(0, {"rec": "first"})
    assert runtime.folder.stat().st_mode & 0o077 == 0


def test_every_change_of_the_choice_is_seen_at_once(runtime: SharedState) -> None:
    other = SharedState(runtime.folder)
    for generation in range(1, 50):
        runtime.choose(Choice(generation, {"rec": "first"}))
        assert other.choice() == other.choice() == Choice(generation, {"rec": "first"})


def test_without_memory_it_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = SharedState.create({"rec": "first"}, memory=tmp_path / "missing")
    assert made.folder.parent == tmp_path
    made.remove()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(SettingsError, match="No such file or directory"):
        SharedState.create({"rec": "first"}, memory=tmp_path / "missing")
    assert list(tmp_path.iterdir()) == []


def test_read_only_disks_leave_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    without_temporary_folder(monkeypatch)
    made = SharedState.create({"rec": "first"})
    assert made.choice().active == {"rec": "first"}
    made.remove()
    with pytest.raises(SettingsError, match="No folder for temporary files can be written to: there is none"):
        SharedState.create({"rec": "first"}, memory=tmp_path / "missing")


def test_choices_are_replaced_whole(runtime: SharedState) -> None:
    def write(worker: int) -> None:
        for generation in range(200):
            runtime.choose(Choice(generation, {"rec": "a" * 50}, "b" * generation or None))

    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(write, 0)
        seen = 0
        while not writing.done():
            choice = runtime.choice()
            assert choice.generation >= seen or choice.active["rec"] == "first"
            assert len(choice.candidate or "") == choice.generation
            seen = choice.generation
        writing.result()


def test_one_switch_at_a_time(runtime: SharedState) -> None:
    other = SharedState(runtime.folder)
    with runtime.switching(), pytest.raises(ModelSwitchRunningError), other.switching():
        pass
    with other.switching():
        pass


def test_workers_report_and_count_until_they_are_forgotten(runtime: SharedState) -> None:
    assert runtime.reports() == []
    runtime.report(Report(7))
    runtime.report(Report(8))
    assert runtime.reports() == [Report(7), Report(8)]
    report = Report(7, 3, "a/1", ("a", "b"), "why")
    runtime.report(report)
    assert runtime.reports() == [report, Report(8)]
    for pid in (7, 8, 8):
        runtime.forget(pid, crashed=False)
    assert runtime.reports() == []
    left = {path.name for path in runtime.folder.iterdir()}
    assert left == {"choice.json", "service.lock", "switch.lock"}


def test_the_last_workers_that_crashed_are_remembered(runtime: SharedState) -> None:
    assert runtime.crashed() == []
    for pid in range(1, 200):
        runtime.forget(pid, crashed=pid % 2 == 1)
    assert runtime.crashed() == list(range(73, 200, 2))  # 64
    assert runtime.reports() == []


def test_a_switch_ends_with_its_leader_but_no_other_worker(runtime: SharedState) -> None:
    with runtime.switching():
        runtime.choose(Choice(1, {"rec": "first"}, candidate="second"))
        runtime.forget(7, crashed=True)
        assert runtime.choice() == Choice(1, {"rec": "first"}, candidate="second")
    runtime.forget(8, crashed=False)  # it held the lock
    assert runtime.choice() == Choice(2, {"rec": "first"})
    runtime.forget(9, crashed=True)
    assert runtime.choice() == Choice(2, {"rec": "first"})


LEAD = """
import sys, time
from pathlib import Path
from crnn_ocr.service.workers.shared_state import SharedState
with SharedState(Path(sys.argv[1])).switching():
    print("locked", flush=True)
    time.sleep(60)
"""


def test_a_killed_leader_holds_no_lock(runtime: SharedState) -> None:
    command = [sys.executable, "-c", LEAD, str(runtime.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        with pytest.raises(ModelSwitchRunningError), runtime.switching():
            pass
        process.kill()
        process.wait(10)
    with runtime.switching():
        pass


def left_behind(folder: Path, kind: str) -> Path:
    """What looks like the folder of a service that was killed."""
    left = folder / "crnn-ocr-left"
    if kind == "link":
        (folder / "elsewhere").mkdir()
        (folder / "elsewhere" / "service.lock").touch()
        left.symlink_to(folder / "elsewhere")
        return left
    if kind == "file":
        left.touch()
        return left
    left.mkdir()
    lock = left / "service.lock"
    if kind == "FIFO":
        os.mkfifo(lock)
    elif kind == "linked lock":
        (folder / "other").touch()
        lock.symlink_to(folder / "other")
    elif kind == "folder":
        lock.mkdir()
    elif kind != "nothing":
        lock.touch()
    return left


@pytest.mark.parametrize("kind", ["FIFO", "linked lock", "link", "folder", "file", "nothing"])
def test_what_only_looks_like_a_services_folder_is_left_alone(tmp_path: Path, kind: str) -> None:
    left = left_behind(tmp_path, kind)  # opening the FIFO would wait for ever
    made = SharedState.create({"rec": "first"}, memory=tmp_path)
    made.remove()
    assert left.exists()
    assert (tmp_path / "elsewhere" / "service.lock").exists() == (kind == "link")


@pytest.mark.parametrize("whose", ["mine", "another user's"])
def test_another_users_folder_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whose: str
) -> None:
    left = left_behind(tmp_path, "lock")
    if whose != "mine":
        own = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: own + 1)
    SharedState.create({"rec": "first"}, memory=tmp_path).remove()
    assert left.exists() == (whose != "mine")


CREATE = """
from crnn_ocr.service.workers.shared_state import SharedState
import time
print(SharedState.create({"rec": "first"}).folder, flush=True)
time.sleep(60)
"""


def test_what_a_killed_service_leaves_is_removed_by_the_next() -> None:
    with subprocess.Popen([sys.executable, "-c", CREATE], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        SharedState.create({"rec": "second"}).remove()
        assert folder.is_dir()  # it lives
        process.kill()
        process.wait(10)
    assert folder.is_dir()
    SharedState.create({"rec": "third"}).remove()
    assert not folder.exists()

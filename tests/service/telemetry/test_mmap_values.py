"""Values of metrics where there is no room for them."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values
from prometheus_client.multiprocess import MultiProcessCollector

from crnn_ocr.service.telemetry import metrics_folder, mmap_values
from crnn_ocr.service.telemetry.archive import Supervision
from crnn_ocr.service.telemetry.metrics import Metrics
from crnn_ocr.service.telemetry.mmap_values import ReservedDict, SharedValues
from tests.service import small_memory


class Disk:
    """A disk that may be full."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = False
        self.asked = 0
        self.now = 0.0
        self._really = os.posix_fallocate
        monkeypatch.setattr(os, "posix_fallocate", self._reserve)

    def _reserve(self, descriptor: int, offset: int, length: int) -> None:
        self.asked += 1
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._really(descriptor, offset, length)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: Disk) -> Iterator[SharedValues]:
    made = SharedValues(tmp_path, retry_s=10, clock=lambda: disk.now)
    monkeypatch.setattr(values, "ValueClass", made)
    yield made
    made.close()


def seen(folder: Path) -> dict[str, float]:
    """What another process would read."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
    return {
        "".join([sample.name, *(f" {value}" for value in sample.labels.values())]): sample.value
        for family in registry.collect()
        for sample in family.samples
    }


class Made:
    """Metrics of each kind."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self.counter = Counter("lines", "Lines.", ["kind"], registry=registry)
        self.gauge = Gauge("room", "Room.", registry=registry, multiprocess_mode="livesum")
        self.histogram = Histogram("seconds", "Time.", registry=registry, buckets=(1, 2))


def test_values_are_seen_by_other_processes(tmp_path: Path, shared: SharedValues) -> None:
    made = Made()
    made.counter.labels("a").inc(3)
    made.gauge.set(7)
    made.gauge.dec()
    made.histogram.observe(1.5)
    assert seen(tmp_path) == {
        "lines_total a": 3,
        "room": 6,
        "seconds_bucket 1.0": 0,
        "seconds_bucket 2.0": 1,
        "seconds_bucket +Inf": 1,
        "seconds_count": 1,
        "seconds_sum": 1.5,
    }
    assert not shared.failing


def test_every_byte_of_a_file_has_its_place(tmp_path: Path, shared: SharedValues) -> None:
    made = Made()
    for number in range(1500):
        made.counter.labels(f"name {number} {'x' * 100}").inc(number)
    (file,) = tmp_path.glob("counter_*.db")
    status = file.stat()
    assert status.st_size > 64 * 1024, "it has grown"
    assert status.st_blocks * 512 >= status.st_size
    found = seen(tmp_path)
    assert all(found[f"lines_total name {number} {'x' * 100}"] == number for number in range(1500))


def test_without_room_values_wait_in_memory(
    tmp_path: Path, shared: SharedValues, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    disk.full = True
    made = Made()
    made.counter.labels("a").inc(3)
    made.gauge.set(7)
    made.histogram.observe(1.5)
    assert [path.name for path in tmp_path.iterdir()] == []
    assert (shared.failing, disk.asked) == (True, 1)
    disk.full = False
    made.counter.labels("a").inc()
    assert disk.asked == 1, "it does not ask every time"
    disk.now = 11
    made.counter.labels("a").inc()
    found = seen(tmp_path)
    assert (found["lines_total a"], found["room"], found["seconds_sum"]) == (5, 7, 1.5)
    assert not shared.failing
    assert [record.getMessage() for record in caplog.records] == [
        "no room for metrics: not shared",
        "room for metrics: shared again",
    ]


def test_a_file_that_cannot_grow_stays_as_it_is(tmp_path: Path, shared: SharedValues, disk: Disk) -> None:
    made = Made()
    made.counter.labels("a").inc(3)
    disk.full = True
    for number in range(1500):
        made.counter.labels(f"name {number} {'x' * 100}").inc()
    made.counter.labels("a").inc()
    assert shared.failing
    found = seen(tmp_path)
    assert found["lines_total a"] == 4
    assert 100 < len(found) < 1500
    disk.full, disk.now = False, 11.0
    made.counter.labels("name 1499 " + "x" * 100).inc()
    found = seen(tmp_path)
    assert found["lines_total name 1499 " + "x" * 100] == 2
    assert len([name for name in found if name.startswith("lines_total name")]) == 1500


def test_a_second_metric_of_the_same_name_goes_on_with_the_first(
    tmp_path: Path, shared: SharedValues
) -> None:
    Made().counter.labels("a").inc(3)
    again = Made()
    assert seen(tmp_path)["lines_total a"] == 3
    again.counter.labels("a").inc()
    assert seen(tmp_path)["lines_total a"] == 4


def test_a_sparse_file_is_filled_before_it_is_used(tmp_path: Path) -> None:
    path = tmp_path / "counter_1.db"
    with path.open("wb") as file:
        file.truncate(256 * 1024)
    ReservedDict(path).close()  # type: ignore[no-untyped-call]
    assert path.stat().st_blocks * 512 >= 256 * 1024


# ---- the folder -------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv(metrics_folder.VARIABLE, "")
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    made = metrics_folder.create(tmp_path)
    assert made is not None
    yield made
    current: object = values.ValueClass
    assert isinstance(current, SharedValues)
    current.close()


def test_a_place_without_room_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: Disk
) -> None:
    monkeypatch.setenv(metrics_folder.VARIABLE, "")
    disk.full = True
    assert metrics_folder.create(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    assert metrics_folder.current() is None
    disk.full = False
    assert metrics_folder.create(tmp_path / "missing", tmp_path) is not None


def test_another_programs_folder_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(metrics_folder.VARIABLE, str(tmp_path))
    monkeypatch.setattr(values, "ValueClass", values.MutexValue)
    metrics = Metrics()
    metrics.lines.inc(3)
    assert b"crnn_ocr_lines_total 3.0" in metrics.exposition()[0]
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_cannot_share_answers_for_itself_where_it_is_alone(folder: Path, disk: Disk) -> None:
    disk.full = True
    metrics = Metrics()
    metrics.lines.inc(3)
    assert mmap_values.unshared()
    assert b"crnn_ocr_lines_total 3.0" in metrics.exposition()[0]


def test_one_that_cannot_share_answers_for_the_others(folder: Path, disk: Disk) -> None:
    """Counts that fall, because another worker is asked, would look like a restart."""
    other = SharedValues(folder)
    other._pid = 1234567
    values.ValueClass = other
    made = Made()
    made.counter.labels("a").inc(3)
    made.gauge.set(1)
    disk.full = True
    metrics = Metrics()
    metrics.lines.inc(3)
    text = metrics.exposition()[0]
    assert b'\nlines_total{kind="a"} 3.0' in text
    assert b"crnn_ocr_lines_total" not in text
    other.close()


def test_a_folder_that_is_gone_costs_no_scrape(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics()
    metrics.lines.inc(3)
    shutil.rmtree(folder)
    assert b"crnn_ocr_lines_total 3.0" in metrics.exposition()[0]
    assert caplog.records[-1].levelno == logging.ERROR


def test_counts_of_an_ended_worker_wait_for_room(folder: Path, disk: Disk) -> None:
    metrics = Metrics()
    metrics.lines.inc(3)
    # As if this process's counts were those of a worker.
    for path in folder.glob(f"*_{os.getpid()}.db"):
        path.rename(path.with_name(path.name.replace(str(os.getpid()), "1234567")))
    supervision = Supervision(folder)

    class Worker:
        pid = 1234567

    disk.full = True
    supervision.child_exit(None, Worker())
    assert seen(folder)["crnn_ocr_lines_total"] == 3
    assert (folder / "counter_1234567.db").exists()
    disk.full = False

    class Next:
        pid = 1234568

    supervision.child_exit(None, Next())
    assert seen(folder)["crnn_ocr_lines_total"] == 3
    assert (folder / "counter_0.db").exists()
    assert not (folder / "counter_1234567.db").exists()


# ---- a real file system -----------------------------------------------------------------------------

PROGRAM = """
import os, sys
from pathlib import Path
from tests.service.small_memory import fill
from crnn_ocr.service.telemetry import metrics_folder

place = Path("/dev/shm")
folder = metrics_folder.create(place)
filler = fill(place)
worker = os.fork()
if not worker:
    from crnn_ocr.service.telemetry.metrics import Metrics
    metrics = Metrics()
    metrics.lines.inc(3)
    text = metrics.exposition()[0]
    os._exit(0 if b"crnn_ocr_lines_total 3.0" in text else 3)
_, status = os.waitpid(worker, 0)
print(os.waitstatus_to_exitcode(status), len(list(folder.glob("*.db"))))
filler.unlink()
"""


@pytest.mark.skipif(not small_memory.possible(), reason="no mount namespaces here")
def test_a_full_file_system_kills_nobody() -> None:
    """Mapped without reserved room, the worker would end with SIGBUS."""
    done = subprocess.run(
        small_memory.inside([sys.executable, "-c", textwrap.dedent(PROGRAM)]),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["0", "1"], done.stderr

"""Pictures that end a worker: which are refused, which suspected, and for how long."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from crnn_ocr.errors import DeadlineExceededError, ImageDecodeError, ImageKilledWorkerError
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.service.server import harmful_pictures
from crnn_ocr.service.server.harmful_pictures import (
    MOST_KNOWN,
    MOST_READ,
    REMEMBERED_S,
    HarmfulPictures,
    KnownPictures,
    Reading,
)
from tests.service.middleware.test_gate import wait_for
from tests.service.server.test_orphaned_requests import bodies
from tests.service.slow_server import crashing_png, slow_png, slow_server
from tests.service.wire import Server

# ---- both sides, without processes ---------------------------------------------------------------------


class Setting:
    """A supervisor, whose workers are objects, and a clock that stands."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self.kills: int | None = 5
        monkeypatch.setattr(harmful_pictures, "memory_kills", lambda: self.kills)
        self.supervisor = HarmfulPictures(clock=lambda: self.now)
        self.start()

    def start(self) -> None:
        """Start a worker; the one before has ended."""
        self.worker = SimpleNamespace(killed_by=None, aborted=False)
        self.supervisor.pre_fork(None, self.worker)
        self.reading = Reading(self.worker.pictures, self.supervisor._known)

    def read(self, picture: bytes, *, whole: bool = True) -> None:
        with self.reading.watched(picture, Ticket(), whole=whole):
            pass

    def end(self, *pictures: bytes, by: int | None = signal.SIGSEGV, aborted: bool = False) -> None:
        """End the worker while it reads these pictures."""
        with contextlib.ExitStack() as stack:
            for picture in pictures:
                stack.enter_context(self.reading.watched(picture, Ticket(), whole=False))
            self.worker.killed_by, self.worker.aborted = by, aborted
            self.supervisor.child_exit(None, self.worker)
        self.start()

    def is_refused(self, picture: bytes) -> bool:
        try:
            self.read(picture, whole=False)
        except ImageKilledWorkerError:
            return True
        return False


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch) -> Setting:
    return Setting(monkeypatch)


def test_a_picture_that_crashed_a_worker_is_refused_for_an_hour(setting: Setting) -> None:
    setting.read(b"other")
    setting.end(b"harmful")
    assert setting.is_refused(b"harmful")
    assert not setting.is_refused(b"other")
    setting.now += REMEMBERED_S - 1
    assert setting.is_refused(b"harmful")
    setting.now += 2
    assert not setting.is_refused(b"harmful")


@pytest.mark.parametrize(
    ("by", "kills", "aborted", "refused"),
    [
        (signal.SIGBUS, 5, False, True),
        (signal.SIGABRT, 5, False, True),
        (signal.SIGABRT, 5, True, False),  # Gunicorn ended a worker that hung
        (signal.SIGKILL, 6, False, True),  # the kernel did, because memory ran out
        (signal.SIGKILL, 5, False, False),  # a person did
        (signal.SIGTERM, 6, False, False),
        (None, 6, False, False),
    ],
)
def test_only_ends_that_a_picture_can_cause_are_blamed_on_it(
    setting: Setting, by: int | None, kills: int, aborted: bool, refused: bool
) -> None:
    setting.kills = kills
    setting.end(b"harmful", by=by, aborted=aborted)
    assert setting.is_refused(b"harmful") is refused


def test_a_kill_for_want_of_memory_counts_once(setting: Setting) -> None:
    setting.kills = 6
    setting.end(b"first", by=signal.SIGKILL)
    setting.end(b"second", by=signal.SIGKILL)
    assert [setting.is_refused(picture) for picture in (b"first", b"second")] == [True, False]


def test_two_workers_that_the_kernel_kills_at_once_are_both_accounted_for(setting: Setting) -> None:
    setting.kills = 7
    for picture in (b"first", b"second", b"third"):
        setting.end(picture, by=signal.SIGKILL)
    assert [setting.is_refused(picture) for picture in (b"first", b"second", b"third")] == [True, True, False]


@pytest.mark.parametrize("looks_after", [(6,), (6, 3), (1, 1, 1, 1, 1, 1), (30, 1, 0)])
def test_kills_of_other_processes_are_not_taken_for_those_of_workers_later(
    setting: Setting, looks_after: tuple[int, ...]
) -> None:
    """Memory ran out in a helper that decodes; long afterwards a person kills a worker."""
    for _ in range(30):
        setting.now += 1
        setting.supervisor.look()
    setting.kills = 6
    for seconds in looks_after:
        setting.now += seconds
        setting.supervisor.look()
    setting.now += 6
    setting.supervisor.look()
    setting.now += 6
    setting.end(b"good", by=signal.SIGKILL)
    assert not setting.is_refused(b"good")


@pytest.mark.parametrize("look_s", [1, 4, 6, 60])
@pytest.mark.parametrize("ending_s", [0, 2, 4.5])
def test_a_kill_is_noticed_whenever_the_supervisor_looks(
    setting: Setting, look_s: float, ending_s: float
) -> None:
    for _ in range(5):
        setting.now += look_s
        setting.supervisor.look()
    setting.kills = 6
    for _ in range(int(ending_s)):
        setting.now += 1
        setting.supervisor.look()
    setting.now += ending_s % 1
    setting.supervisor.look()
    setting.end(b"harmful", by=signal.SIGKILL)
    assert setting.is_refused(b"harmful")


def test_where_nothing_counts_kills_nobody_is_blamed_for_them(setting: Setting) -> None:
    setting.kills = None
    setting.end(b"first", by=signal.SIGKILL)
    setting.end(b"first", by=signal.SIGKILL)
    assert not setting.is_refused(b"first")


def test_of_several_the_one_that_does_it_again_is_refused(setting: Setting) -> None:
    setting.end(b"harmful", b"first", b"second", b"first")
    assert not any(setting.is_refused(picture) for picture in (b"harmful", b"first", b"second"))
    setting.read(b"first")
    setting.end(b"harmful", b"first", b"third")
    assert setting.is_refused(b"harmful")
    assert not any(setting.is_refused(picture) for picture in (b"first", b"second", b"third"))


def test_who_was_not_read_to_the_end_stays_a_suspect(setting: Setting) -> None:
    setting.end(b"harmful", b"damaged")
    setting.read(b"harmful", whole=False)
    with pytest.raises(ImageDecodeError), setting.reading.watched(b"damaged", Ticket(), whole=True):
        raise ImageDecodeError("it is damaged")
    setting.end(b"harmful", b"other")
    setting.end(b"damaged", b"other")
    assert setting.is_refused(b"harmful")
    assert setting.is_refused(b"damaged")


def test_a_worker_reads_one_suspect_at_a_time(setting: Setting) -> None:
    setting.end(b"first", b"second")
    late = Ticket(deadline=0, clock=lambda: 1)
    with setting.reading.watched(b"first", Ticket(), whole=True):
        setting.read(b"other")
        with pytest.raises(DeadlineExceededError), setting.reading.watched(b"second", late, whole=True):
            pass
    setting.read(b"second")


def test_who_waited_for_a_picture_to_be_read_hears_that_it_is_refused_now(setting: Setting) -> None:
    setting.end(b"first", b"second")
    refused: list[bool] = []
    with setting.reading.watched(b"first", Ticket(), whole=True):
        waiting = threading.Thread(target=lambda: refused.append(setting.is_refused(b"second")))
        waiting.start()
        wait_for(lambda: len(setting.reading._one_suspect._queue) == 1)
        setting.supervisor.blame(digest_of(setting, b"second"))  # another worker ended
    waiting.join()
    assert refused == [True]


def digest_of(setting: Setting, picture: bytes) -> bytes:
    """What a worker tells while it reads that picture alone."""
    digests = bytearray(MOST_READ * 16)
    with Reading(digests, KnownPictures(bytearray(1))).watched(picture, Ticket(), whole=False):
        return bytes(digests)


def test_the_table_is_bounded_and_keeps_what_is_refused(setting: Setting) -> None:
    setting.end(b"harmful")
    for number in range(2 * MOST_KNOWN):
        setting.now += 1
        setting.end(b"a %d" % number, b"b %d" % number)
    assert setting.is_refused(b"harmful")
    for number in range(MOST_KNOWN):
        setting.now += 1
        setting.end(b"c %d" % number)
    assert not setting.is_refused(b"harmful")
    assert setting.is_refused(b"c 0")


def test_more_pictures_than_can_be_told_apart_are_read_all_the_same(setting: Setting) -> None:
    pictures = [b"%d" % number for number in range(MOST_READ + 1)]
    setting.end(*pictures)
    for picture in pictures:
        setting.read(picture)
    assert len(setting.reading._free) == MOST_READ
    assert not any(bytes(setting.worker.pictures))


# ---- the real service --------------------------------------------------------------------------------


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as executor:
        yield executor


def read(server: Server, picture: bytes, path: str = "/ocr") -> str:
    """The code of the error, or the status."""
    answer = server.ask("POST", path, picture, {"Content-Type": "image/png"})
    return "200" if answer.status == 200 else f"{answer.status} {answer.code}"


def test_a_picture_that_ends_a_worker_is_not_read_twice() -> None:
    with slow_server(CRNN_OCR_WORKERS="2") as server:
        assert read(server, crashing_png()) == "503 WORKER_LOST"
        for _ in range(10):  # by either worker
            assert read(server, crashing_png()) == "422 IMAGE_KILLED_WORKER"
        assert read(server, crashing_png(), "/preview") == "422 IMAGE_KILLED_WORKER"
        assert read(server, slow_png(0)) == "200"
        exits = server.get("/metrics").body.decode()
        assert 'crnn_ocr_worker_exits_total{reason="crashed"} 1.0' in exits


def test_those_that_were_read_beside_it_are_read_when_they_come_again(
    pool: ThreadPoolExecutor, tmp_path: Path
) -> None:
    go_on = tmp_path / "go on"
    others = [slow_png(600, until=go_on, name=str(number)) for number in range(3)]
    with slow_server(CRNN_OCR_THREADS="4", CRNN_OCR_QUEUE_SECONDS="100") as server:
        asked: list[Future[str]] = [pool.submit(read, server, other) for other in others]
        wait_for(lambda: bodies(server) == len(others))
        assert read(server, crashing_png()) == "503 WORKER_LOST"
        assert [future.result() for future in asked] == ["503 WORKER_LOST"] * 3
        go_on.touch()
        assert read(server, crashing_png()) == "503 WORKER_LOST"
        assert [read(server, other) for other in others] == ["200"] * 3
        assert read(server, crashing_png()) == "422 IMAGE_KILLED_WORKER"

"""Switches among workers, each with a reader of its own; no server, no engine."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
from collections.abc import Iterator

import pytest

from crnn_ocr.errors import (
    ModelBrokenError,
    ModelNotFoundError,
    ModelSwitchError,
    ModelSwitchRunningError,
)
from crnn_ocr.service.workers.model_switch import Follower, SharedSwitching
from crnn_ocr.service.workers.shared_state import Choice, Report, SharedState
from tests.service.fakes import FakeReader, FakeReady


@pytest.fixture
def runtime() -> Iterator[SharedState]:
    made = SharedState.create({"rec": "fake"})
    yield made
    made.remove()


@contextlib.contextmanager
def following(followers: list[Follower], *, every_s: float = 0.005) -> Iterator[None]:
    ended = threading.Event()
    for follower in followers:
        follower.start(every_s=every_s, stop=ended.is_set)
    yield
    ended.set()
    time.sleep(3 * every_s)


def test_all_workers_load_before_any_switches(runtime: SharedState) -> None:
    readers = [FakeReader() for _ in range(3)]
    log: list[str] = []
    for reader in readers:
        reader.log = log
    with following([Follower(reader, runtime, pid=1 + n) for n, reader in enumerate(readers)]):
        made = SharedSwitching(readers[0], runtime).switch("other")
    assert (made.model, made.previous, made.workers, made.pending) == ("other/1", "fake/1", 3, ())
    assert log == ["prepare other"] * 3 + ["commit other"] * 3
    assert {reader.model for reader in readers} == {"other/1"}
    assert runtime.choice().active["rec"] == "other"


def test_where_one_worker_cannot_all_stay(runtime: SharedState) -> None:
    able, unable = FakeReader(), FakeReader()
    unable.prepare_errors["other"] = ModelBrokenError("too little memory")
    with following([Follower(able, runtime, pid=1), Follower(unable, runtime, pid=2)]):
        switching = SharedSwitching(able, runtime)
        with pytest.raises(ModelSwitchError, match="too little memory"):
            switching.switch("other")
        wait_for(lambda: "cancel other" in able.log)
        assert {able.model, unable.model} == {"fake/1"}
        assert runtime.choice().active["rec"] == "fake"
        assert runtime.choice().candidate is None
        wait_for(lambda: all(report.problem is None for report in runtime.reports()))
        assert switching.switch("third").workers == 2
    assert {able.model, unable.model} == {"third/1"}


def test_an_unforeseen_error_is_told_without_its_words(
    runtime: SharedState, caplog: pytest.LogCaptureFixture
) -> None:
    reader = FakeReader()
    reader.prepare_errors["other"] = RuntimeError("/some/path of ours")
    with following([Follower(reader, runtime)]), pytest.raises(ModelSwitchError) as caught:
        SharedSwitching(reader, runtime).switch("other")
    assert "RuntimeError" in caught.value.message
    assert "/some/path" not in caught.value.message


def test_a_worker_that_is_too_slow_keeps_all_from_switching(runtime: SharedState) -> None:
    quick, stuck = FakeReader(), FakeReader()
    member = Follower(stuck, runtime, pid=2)  # never looks
    with following([Follower(quick, runtime)]):
        with pytest.raises(ModelSwitchError, match="1 workers did not load"):
            SharedSwitching(quick, runtime, prepare_s=0.1).switch("other")
        wait_for(lambda: "cancel other" in quick.log)
    assert quick.model == "fake/1"
    member.look()
    assert stuck.model == "fake/1"


def test_a_worker_that_is_slow_to_commit_is_pending(runtime: SharedState) -> None:
    quick, slow = FakeReader(), FakeReader()
    follower = Follower(slow, runtime, pid=2)
    with following([Follower(quick, runtime)]):
        made: list[tuple[int, int]] = []

        def lead() -> None:
            outcome = SharedSwitching(quick, runtime, commit_s=0.1).switch("other")
            made.append((outcome.workers, len(outcome.pending)))

        leader = threading.Thread(target=lead)
        leader.start()
        wait_for(lambda: runtime.choice().candidate == "other")
        follower.look()
        leader.join(10)
    assert made == [(1, 1)]
    assert slow.model == "fake/1"
    follower.look()
    assert slow.model == "other/1"


def test_a_late_worker_that_cannot_load_it_turns_all_back(runtime: SharedState) -> None:
    first, late = FakeReader(), FakeReader()
    late.prepare_errors["other"] = ModelBrokenError("no such file")
    committed = threading.Event()
    commit = runtime.choose

    def choose(choice: Choice) -> None:
        commit(choice)
        if choice.active["rec"] == "other":
            committed.set()

    with following([Follower(first, runtime)]):
        runtime.choose = choose  # type: ignore[method-assign]
        original = runtime.reports

        def reports() -> list[object]:
            if committed.is_set() and not joined:
                joined.append(Follower(late, runtime, pid=2))  # started just after the switch was made
                joined[0].look()
            return list(original())

        joined: list[Follower] = []
        runtime.reports = reports  # type: ignore[method-assign, assignment]
        with pytest.raises(ModelSwitchError, match="no such file"):
            SharedSwitching(first, runtime).switch("other")
        wait_for(lambda: first.model == "fake/1")
    assert runtime.choice().active["rec"] == "fake"


class WithDetector(FakeReader):
    """A reader whose model `third` is a detector, and `scanner` the one that it starts with."""

    detector = "scanner"

    @property
    def active_packs(self) -> dict[str, str]:
        return {"rec": self.active, "det": self.detector}

    def kind_of(self, model: str) -> str:
        return "det" if model in ("scanner", "third") else "rec"

    def prepare(self, model: str) -> FakeReady:
        ready = super().prepare(model)
        return DetectorReady(self, model) if self.kind_of(model) == "det" else ready


class DetectorReady(FakeReady):
    """A detector that is ready to become a reader's active one."""

    def commit(self) -> None:
        assert isinstance(self._reader, WithDetector)
        self._reader.detector = self.name


@pytest.mark.parametrize("refused", [False, True])
def test_a_detector_is_switched_everywhere_or_nowhere(refused: bool) -> None:
    shared = SharedState.create({"rec": "fake", "det": "scanner"})
    first, late = WithDetector(), WithDetector()
    if refused:
        late.prepare_errors["third"] = ModelBrokenError("no such file")
    commit, original = shared.choose, shared.reports
    joined: list[Follower] = []

    def reports() -> list[object]:
        if shared.choice().active["det"] == "third" and not joined:
            joined.append(Follower(late, shared, pid=2))  # started just after the switch was made
            joined[0].look()
        return list(original())

    with following([Follower(first, shared)]):
        shared.reports = reports  # type: ignore[method-assign, assignment]
        if refused:
            with pytest.raises(ModelSwitchError, match="no such file"):
                SharedSwitching(first, shared).switch("third")
            wait_for(lambda: first.detector == "scanner")
        else:
            made = SharedSwitching(first, shared).switch("third")
            assert (made.model, made.previous) == ("third/1", "scanner")
            assert (first.detector, late.detector) == ("third", "third")
    assert shared.choice().active == {"rec": "fake", "det": "scanner" if refused else "third"}
    assert (first.active, shared.choose) == ("fake", commit)
    shared.remove()


def test_a_restarted_worker_comes_up_with_what_was_chosen(runtime: SharedState) -> None:
    reader = FakeReader()
    with following([Follower(reader, runtime)]):
        SharedSwitching(reader, runtime).switch("other")
    restarted = FakeReader()
    restarted.active = runtime.choice().active["rec"]
    Follower(restarted, runtime).look()
    assert restarted.log == []  # it has it from the beginning
    stale = FakeReader()  # read the choice just before the switch
    Follower(stale, runtime).look()
    assert stale.model == "other/1"


def test_the_same_model_may_be_chosen_again(runtime: SharedState) -> None:
    reader = FakeReader()
    with following([Follower(reader, runtime)]):
        assert SharedSwitching(reader, runtime).switch("fake").model == "fake/1"
    assert reader.log == ["prepare fake", "commit fake"]


def test_an_alias_is_resolved_and_an_unknown_name_is_refused(runtime: SharedState) -> None:
    reader = FakeReader()
    with following([Follower(reader, runtime)]):
        assert SharedSwitching(reader, runtime).switch("quick").model == "fake/1"
    with pytest.raises(ModelNotFoundError, match="nothing"):
        SharedSwitching(reader, runtime).switch("nothing")


def test_a_leader_that_dies_leaves_nobody_waiting(runtime: SharedState) -> None:
    reader = FakeReader()
    follower = Follower(reader, runtime)
    follower.look()
    with runtime.switching():
        runtime.choose(Choice(1, {"rec": "fake"}, candidate="other"))
        follower.look()
    assert reader.log == ["prepare other"]
    runtime.forget(os.getpid(), crashed=True)  # as the supervisor does, whichever worker has ended
    follower.look()
    assert reader.log == ["prepare other", "cancel other"]
    assert runtime.choice() == Choice(2, {"rec": "fake"})


def test_what_a_leader_left_is_given_up_before_it_is_loaded(runtime: SharedState) -> None:
    reader = FakeReader()
    runtime.choose(Choice(1, {"rec": "fake"}, candidate="other"))  # by a leader that is gone
    Follower(reader, runtime).look()  # a worker that has just started in its place
    assert reader.log == []
    assert runtime.choice() == Choice(2, {"rec": "fake"})


def test_what_a_full_disk_keeps_is_not_loaded_either(
    runtime: SharedState, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(choice: Choice) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    reader = FakeReader()
    follower = Follower(reader, runtime)
    runtime.choose(Choice(1, {"rec": "fake"}, candidate="other"))
    with monkeypatch.context() as patched:
        patched.setattr(runtime, "choose", full)
        for _ in range(3):
            with pytest.raises(OSError, match="No space left"):
                follower.look()
    follower.look()
    assert (reader.log, runtime.choice()) == ([], Choice(2, {"rec": "fake"}))


@pytest.mark.parametrize("again", [False, True])
def test_a_worker_that_crashes_while_it_loads_ends_the_switch(runtime: SharedState, again: bool) -> None:
    first = FakeReader()
    victim, reports = 7, runtime.reports
    runtime.report(Report(victim))

    def look() -> list[Report]:
        """It ends as soon as it has loaded, and another one may have started in its place."""
        found = reports()
        if runtime.choice().candidate is not None:
            runtime.forget(victim, crashed=True)
            if again:
                runtime.report(Report(8))
        return found

    with following([Follower(first, runtime)]):
        runtime.reports = look  # type: ignore[method-assign]
        with pytest.raises(ModelSwitchError, match="Worker 7 crashed or was killed while") as caught:
            SharedSwitching(first, runtime).switch("other")
        assert "memory" in str(caught.value.hint)
        wait_for(lambda: first.log == ["prepare other", "cancel other"])
    assert runtime.choice().candidate is None
    assert runtime.choice().active["rec"] == first.active == "fake"


@pytest.mark.parametrize("again", [False, True])
def test_one_that_leaves_after_its_number_of_requests_does_not(runtime: SharedState, again: bool) -> None:
    first, successor = FakeReader(), FakeReader()
    reports = runtime.reports
    runtime.report(Report(7))
    started: list[Follower] = []

    def look() -> list[Report]:
        found = reports()
        if runtime.choice().candidate is not None and any(report.pid == 7 for report in found):
            runtime.forget(7, crashed=False)
            if again:
                started.append(Follower(successor, runtime, pid=8))
                started[0].start(every_s=0.005, stop=ended.is_set)
        return found

    ended = threading.Event()
    with following([Follower(first, runtime)]):
        runtime.reports = look  # type: ignore[method-assign]
        made = SharedSwitching(first, runtime).switch("other")
        if again:
            wait_for(lambda: successor.model == "other/1")
        ended.set()
    assert (made.model, made.workers) == ("other/1", 2 if again else 1)
    assert first.log == ["prepare other", "commit other"]


def test_a_worker_that_ends_after_it_has_loaded_does_not(runtime: SharedState) -> None:
    first, second = FakeReader(), FakeReader()
    reports = runtime.reports

    def look() -> list[Report]:
        if runtime.choice().active["rec"] == "other":
            runtime.forget(7, crashed=True)
        return reports()

    with following([Follower(first, runtime)]):
        follower = Follower(second, runtime, pid=7)
        runtime.reports = look  # type: ignore[method-assign]
        with following([follower]):
            assert SharedSwitching(first, runtime).switch("other").model == "other/1"
    assert first.model == "other/1"


def test_a_second_switch_is_refused_while_the_first_runs(runtime: SharedState) -> None:
    reader = FakeReader()
    with runtime.switching(), pytest.raises(ModelSwitchRunningError):
        SharedSwitching(reader, runtime).switch("other")


def wait_for(condition: object) -> None:
    assert callable(condition)
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)

"""Switches the active model in all workers of a service at once.

A switch has two phases, so that all workers switch or none does: first each worker loads the new model beside
the old one and tests it, then each one makes it the active one, which takes no time. If a worker fails, all
keep the old model. A worker that starts meanwhile takes part; one that leaves, after its number of requests,
does not. One that crashes before it has loaded the model ends the switch, because the model may have ended
it, for want of memory for example. If the leader ends, the supervisor cancels the switch, or else the worker
that finds what it left, which then loads nothing.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from crnn_ocr.engine.kinds import RECOGNIZER
from crnn_ocr.errors import ModelSwitchError, OcrError
from crnn_ocr.service.ocr.engine_protocol import Reader, ReadyModel
from crnn_ocr.service.workers.shared_state import Choice, Report, SharedState

#: How often a worker checks whether another model has been chosen, in seconds.
LOOK_EVERY_S = 0.1
#: How long the workers may take to load a model, in seconds.
PREPARE_S = 120.0
#: How long the answer waits until the workers have made a loaded model the active one, in seconds.
COMMIT_S = 15.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of a switch.

    Attributes:
        model: Name and version of the model that is active now.
        previous: Name and version of the one before.
        workers: Number of worker processes that use the new one.
        pending: Process ids of workers that have loaded it but have not reported yet that they use it.
    """

    model: str
    previous: str
    workers: int
    pending: tuple[int, ...] = ()


class Switching(Protocol):
    """Interface for switching the active model."""

    def switch(self, name: str) -> Outcome:
        """Make another model the active one of its kind in all workers, or in none.

        Raises:
            ModelNotFoundError: There is no such pack.
            ModelSwitchError: It cannot be loaded; the old one stays.
            ModelSwitchRunningError: Another switch is being made.
        """
        ...

    def reports(self) -> list[Report]:
        """Return a report of each worker process."""
        ...


class SharedSwitching:
    """Switches the model of all workers; any worker may lead, and follows its own switch as the others do."""

    def __init__(
        self, reader: Reader, shared: SharedState, *, prepare_s: float = PREPARE_S, commit_s: float = COMMIT_S
    ) -> None:
        """Lead switches from this process.

        Args:
            reader: Reader of this process; only asked for names and versions.
            shared: State that the workers share.
            prepare_s: How long the workers may take to load a model, in seconds.
            commit_s: How long to wait until they use it, in seconds.
        """
        self._reader = reader
        self._shared = shared
        self._prepare_s = prepare_s
        self._commit_s = commit_s

    def switch(self, name: str) -> Outcome:
        """Let all workers load the model, then let all use it; see `Switching.switch`."""
        found = self._reader.resolve(name)
        try:
            return self._switch(found)
        except OSError as error:
            raise ModelSwitchError(
                f"The workers cannot be notified: {error.strerror}.",
                hint="Make room in /dev/shm, or in the folder for temporary files.",
            ) from error

    def _switch(self, found: str) -> Outcome:
        with self._shared.switching():
            before = self._shared.choice()
            kind = self._reader.kind_of(found)
            previous = _active(self._reader, kind)
            choice = replace(before, generation=before.generation + 1, candidate=found)
            try:
                self._shared.choose(choice)
                waiting = self._wait(choice.generation, self._prepare_s, until_loaded=True)
                if waiting:
                    raise ModelSwitchError(
                        f"{len(waiting)} workers did not load {found!r} within {self._prepare_s:.0f} s.",
                        hint="See the log; try again when the service is less busy.",
                    )
                choice = choice.switched(kind, found)
                self._shared.choose(choice)
                waiting = self._wait(choice.generation, self._commit_s)
            except BaseException:
                with suppress(OSError):  # the disk is full: they wait for the next switch
                    self._shared.choose(replace(choice.cancelled(), active=before.active))
                raise
            done = [report for report in self._shared.reports() if report.pid not in waiting]
            return Outcome(_id(self._reader, found), previous, len(done), tuple(waiting))

    def reports(self) -> list[Report]:
        """Return the reports of all living workers."""
        return self._shared.reports()

    def _wait(self, generation: int, patience: float, *, until_loaded: bool = False) -> list[int]:
        """Wait until all workers have followed; return the process ids of those that did not in time.

        Raises:
            ModelSwitchError: A worker reports a problem, or crashed before it had followed `until_loaded`.
        """
        deadline = time.monotonic() + patience
        waiting: list[int] = []
        while True:
            reports = self._shared.reports()
            ended = set(waiting) - {report.pid for report in reports}
            if until_loaded and ended and (crashed := ended.intersection(self._shared.crashed())):
                raise ModelSwitchError(
                    f"Worker {min(crashed)} crashed or was killed while it was loading the model.",
                    hint="See the log: the memory may not suffice for this model.",
                )
            for report in reports:
                if report.generation >= generation and report.problem is not None:
                    raise ModelSwitchError(f"Worker {report.pid}: {report.problem}")
            waiting = [report.pid for report in reports if report.generation < generation]
            if reports and not waiting:
                return []
            if time.monotonic() >= deadline:
                return waiting
            time.sleep(LOOK_EVERY_S / 2)


class Follower:
    """Keeps the active models of this process in line with the choice for all workers."""

    def __init__(self, reader: Reader, shared: SharedState, *, pid: int | None = None) -> None:
        """Register this process as a worker.

        Args:
            reader: Reader whose models are switched.
            shared: State that the workers share.
            pid: Process id of the worker; this process when None.
        """
        self._reader = reader
        self._shared = shared
        self._pid = pid or os.getpid()
        self._ready: ReadyModel | None = None
        self._followed = -1
        self._problem: str | None = None
        self._reported: Report | None = None
        with suppress(OSError):  # the disk is full; reported later
            shared.report(Report(self._pid))

    def start(self, *, every_s: float = LOOK_EVERY_S, stop: Callable[[], bool] = lambda: False) -> None:
        """Follow the choice in a thread, until the process ends."""

        def look() -> None:
            before = ""
            while not stop():
                failure = ""
                try:
                    self.look()
                except FileNotFoundError:
                    return  # the service has ended
                except Exception as error:  # a thread's exception would vanish
                    failure = repr(error)
                    if failure != before:
                        _log.critical("cannot follow the choice of the model", exc_info=error)
                before = failure
                time.sleep(every_s)

        threading.Thread(target=look, name="model-follower", daemon=True).start()

    def look(self) -> None:
        """Follow the choice if it has changed, and report the result."""
        choice = self._shared.choice()
        if choice.generation != self._followed:
            if choice.candidate is not None:  # perhaps it ended the process that led the switch
                choice = self._shared.give_up_orphan()
            self._problem = self._follow(choice)
            self._followed = choice.generation
        report = Report(self._pid, self._followed, self._reader.model, self._reader.loaded, self._problem)
        if report != self._reported:
            self._shared.report(report)
            self._reported = report

    def _follow(self, choice: Choice) -> str | None:
        """Load the candidate, or use the chosen models; return the problem, or None."""
        wanted = choice.candidate or ""
        expected = choice.active.values() if choice.candidate is None else (choice.candidate,)
        if self._ready is not None and self._ready.name not in expected:
            self._ready.cancel()
            self._ready = None
        try:
            if choice.candidate is not None:
                self._ready = self._ready or self._reader.prepare(choice.candidate)
                return None
            for kind, wanted in choice.active.items():
                ready = self._ready
                if ready is not None and ready.name == wanted:
                    self._ready = None
                elif self._reader.active_packs.get(kind) != wanted:
                    ready = self._reader.prepare(wanted)
                else:
                    continue
                ready.commit()
                _log.info("model switched", extra={"fields": {"model": ready.model}})
        except OcrError as error:
            _log.error("cannot switch", extra={"fields": {"model": wanted, "reason": error.message}})
            return f"{error.message} {error.hint}"
        except Exception as error:  # details go to the log, not to the client
            _log.critical("cannot switch", exc_info=error)
            return f"{wanted!r} cannot be loaded: {type(error).__name__}"
        return None


def _active(reader: Reader, kind: str) -> str:
    """Return name and version of the active model of a kind."""
    return reader.model if kind == RECOGNIZER.name else _id(reader, reader.active_packs[kind])


def _id(reader: Reader, name: str) -> str:
    """Return name and version of a pack; only its name if it is gone from the disk."""
    infos = (info for info in reader.models().models if info.name == name)
    return next((f"{info.name}/{info.version}" for info in infos), name)

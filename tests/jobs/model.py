"""A table of jobs as plain objects, which says what a store must answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from crnn_ocr.jobs.records import FINISHED, NewJob, Problem, Task
from crnn_ocr.jobs.tables.decisions import after_loss, most_attempts, worker_lost

BROKEN = Problem("IMAGE_BROKEN", "The picture is broken.", "Save it again.")


@dataclass
class Page:
    state: str = "queued"
    attempts: int = 0
    problem: Problem | None = None
    ends: int = 0


@dataclass
class Piece:
    """A task, waiting or held."""

    kind: str
    file: int
    pages: list[int]
    attempt: int = 1
    delay: float = 0.0
    waited: float = 0.0
    may: bool = True  # whether it may be taken; whether it must be as well
    begun: bool = False
    beat: int = 0

    @property
    def must(self) -> bool:
        return self.waited >= self.delay

    def matches(self, task: Task) -> bool:
        return (self.kind, self.file, tuple(self.pages), self.attempt) == (
            task.kind,
            task.file,
            task.pages,
            task.attempt,
        )


@dataclass
class Entry:
    """A job."""

    new: NewJob
    created: float
    state: str = "queued"
    expires: float | None = None
    expired: float | None = None
    problem: Problem | None = None
    plans: dict[int, int | Problem] = field(default_factory=dict)
    pages: dict[tuple[int, int], Page] = field(default_factory=dict)
    waiting: list[Piece] = field(default_factory=list)
    held: dict[str, Piece] = field(default_factory=dict)

    @property
    def unfinished(self) -> bool:
        return self.state not in FINISHED

    def number(self, state: str) -> int:
        return sum(page.state == state for page in self.pages.values())

    def pieces(self) -> Iterator[Piece]:
        yield from self.waiting
        yield from self.held.values()


@dataclass
class Model:
    """All jobs. Its methods return nothing: the machine checks that the store does what they do."""

    entries: dict[str, Entry] = field(default_factory=dict)
    expired_leases: int = 0
    retries: int = 0

    def create(self, new: NewJob, now: float) -> None:
        entry = Entry(new, now)
        entry.waiting = [Piece("plan", file, []) for file in range(len(new.files))]
        self.entries[new.id] = entry

    def holder(self, lease: str) -> tuple[Entry, Piece]:
        return next((entry, entry.held[lease]) for entry in self.entries.values() if lease in entry.held)

    def leases(self) -> dict[str, int]:
        return {lease: piece.beat for entry in self.entries.values() for lease, piece in entry.held.items()}

    def take(self, task: Task) -> None:
        entry = self.entries[task.job]
        found = [piece for piece in entry.waiting if piece.may and piece.matches(task)]
        assert found, f"nothing like {task} was waiting"
        entry.waiting.remove(found[0])
        entry.held[task.lease] = Piece(task.kind, task.file, list(task.pages), task.attempt)
        if entry.state == "queued":
            entry.state = "running"

    def pass_time(self, seconds: float, *, jump: bool) -> None:
        for entry in self.entries.values():
            for piece in entry.waiting:
                piece.waited = 0.0 if jump else piece.waited + seconds
                piece.may = piece.may or jump or piece.must

    # ---- what workers report -----------------------------------------------------------------------

    def plan(self, lease: str, tasks: list[list[int]], now: float) -> None:
        entry, piece = self.holder(lease)
        entry.plans[piece.file] = sum(map(len, tasks))
        entry.pages |= {(piece.file, page): Page() for pages in tasks for page in pages}
        entry.waiting += [Piece("read", piece.file, sorted(pages)) for pages in tasks if pages]
        self.end(lease, now)

    def begin_page(self, lease: str, number: int) -> None:
        entry, piece = self.holder(lease)
        page = entry.pages[piece.file, number]
        if number in piece.pages and page.state == "queued":
            page.state, page.attempts, piece.begun = "running", page.attempts + 1, True

    def end_page(self, lease: str, number: int, problem: Problem | None) -> None:
        entry, piece = self.holder(lease)
        if number in piece.pages:
            piece.pages.remove(number)
            piece.begun = True
            page = entry.pages[piece.file, number]
            page.state, page.problem, page.ends = "failed" if problem else "done", problem, page.ends + 1

    def finish(self, lease: str, now: float) -> None:
        entry, piece = self.holder(lease)
        if piece.pages:
            self.lose(lease, now)
        elif piece.kind == "assemble":
            del entry.held[lease]
            failed = entry.number("failed") + self.failed_files(entry)
            done = entry.number("done")
            self.conclude(entry, "partial" if failed and done else "failed" if failed else "succeeded", now)
        else:
            self.end(lease, now)

    def fail(self, lease: str, problem: Problem, delay: float | None, now: float) -> None:
        entry, piece = self.holder(lease)
        if delay is not None and piece.attempt < most_attempts(piece.kind):  # type: ignore[arg-type]
            self.requeue(entry, piece, back=0)
            self.back(lease, piece.attempt + 1, delay)
        else:
            self.give_up(lease, problem, now)

    def release(self, lease: str) -> None:
        entry, piece = self.holder(lease)
        self.requeue(entry, piece, back=1)
        self.back(lease, piece.attempt, 0.0)

    def lose(self, lease: str, now: float) -> None:
        entry, piece = self.holder(lease)
        if piece.kind != "read":
            if piece.attempt < most_attempts(piece.kind):  # type: ignore[arg-type]
                self.back(lease, piece.attempt + 1, 0.0)
            else:
                self.give_up(lease, worker_lost(), now)
            return
        pages = {number: entry.pages[piece.file, number] for number in piece.pages}
        running = {number: page.attempts for number, page in pages.items() if page.state == "running"}
        again, failed = after_loss(running, pages.keys() - running.keys(), piece.attempt, begun=piece.begun)
        for number in failed:
            self.end_page(lease, number, worker_lost())
        self.requeue(entry, piece, back=0)
        entry.waiting += [Piece("read", piece.file, list(part.pages), part.attempt) for part in again]
        self.retries += len(again)
        self.end(lease, now)

    # ---- ends --------------------------------------------------------------------------------------

    def requeue(self, entry: Entry, piece: Piece, *, back: int) -> None:
        for number in piece.pages:
            page = entry.pages[piece.file, number]
            if page.state == "running":
                page.state, page.attempts = "queued", page.attempts - back

    def back(self, lease: str, attempt: int, delay: float) -> None:
        entry, piece = self.holder(lease)
        del entry.held[lease]
        self.retries += attempt > piece.attempt
        entry.waiting.append(Piece(piece.kind, piece.file, piece.pages, attempt, delay, may=delay <= 0))

    def give_up(self, lease: str, problem: Problem, now: float) -> None:
        entry, piece = self.holder(lease)
        if piece.kind == "plan":
            entry.plans[piece.file] = problem
        for number in list(piece.pages):
            self.end_page(lease, number, problem)
        self.end(lease, now)
        if piece.kind == "assemble":
            self.conclude(entry, "failed", now, problem)

    def end(self, lease: str, now: float) -> None:
        entry, piece = self.holder(lease)
        del entry.held[lease]
        if piece.kind not in ("plan", "read") or any(p.kind in ("plan", "read") for p in entry.pieces()):
            return
        if self.failed_files(entry) == len(entry.new.files):
            self.conclude(entry, "failed", now)
        else:
            entry.waiting.append(Piece("assemble", 0, []))

    def conclude(self, entry: Entry, state: str, now: float, problem: Problem | None = None) -> None:
        entry.state = state
        entry.expires = now + entry.new.request.ttl_s
        entry.problem = problem
        if state == "failed" and problem is None:
            files = [plan for _, plan in sorted(entry.plans.items()) if isinstance(plan, Problem)]
            pages = [page.problem for _, page in sorted(entry.pages.items()) if page.problem]
            entry.problem = (files or pages)[0]
        if entry.new.request.webhook and state != "cancelled":
            entry.waiting.append(Piece("notify", 0, []))

    def cancel(self, job: str, now: float) -> None:
        entry = self.entries[job]
        for piece in entry.held.values():
            self.requeue(entry, piece, back=0)
        entry.waiting.clear()
        entry.held.clear()
        self.conclude(entry, "cancelled", now)

    def expire(self, job: str, now: float) -> None:
        entry = self.entries[job]
        entry.state, entry.expired = "expired", now
        entry.waiting.clear()
        entry.held.clear()

    @staticmethod
    def failed_files(entry: Entry) -> int:
        return sum(isinstance(plan, Problem) for plan in entry.plans.values())

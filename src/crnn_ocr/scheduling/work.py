"""Work that is done piece by piece: tasks, what became of them, and who does them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, cast

from crnn_ocr.scheduling.policy import Demand

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Task(Generic[T]):
    """One piece of work.

    Attributes:
        demand: What it asks for.
        call: Does it, on as many cores as it is told, 1 to `demand.most_cores`. Its answer must not depend on
            their number.
    """

    demand: Demand
    call: Callable[[int], T]


class Outcome(Generic[T]):
    """What became of a task: its value, or the error that it ended with."""

    def __init__(self, value: T | None = None, error: Exception | None = None) -> None:
        self._value = value
        self.error = error

    def get(self) -> T:
        """The value.

        Raises:
            Exception: The error.
        """
        try:
            if self.error is not None:
                raise self.error
            return cast(T, self._value)
        finally:
            # The error knows this frame: it must not know the error, or both would live on as a cycle.
            del self

    @classmethod
    def of(cls, task: Task[T], cores: int) -> Outcome[T]:
        """Do a task now."""
        try:
            return cls(task.call(cores))
        except Exception as error:
            return cls(error=error)


class Work(Protocol):
    """Does tasks for one request; may be used by one thread at a time."""

    def run(self, tasks: Sequence[Task[T]]) -> list[Outcome[T]]:
        """Do all of them and wait until it is done.

        Returns:
            What became of each, in their order; one that fails lets the others be.

        Raises:
            DeadlineExceededError: The request's time ran out before all were done.
            RequestCancelledError: The request was cancelled before all were done.
        """


class Inline:
    """Does every task at once, on one core, in the thread that asks for it."""

    def run(self, tasks: Sequence[Task[T]]) -> list[Outcome[T]]:
        """As `Work.run`."""
        return [Outcome.of(task, 1) for task in tasks]


#: For programs that do one thing at a time.
INLINE = Inline()

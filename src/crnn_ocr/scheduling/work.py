"""Defines tasks, their outcomes, and the interface that runs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, cast

from crnn_ocr.scheduling.policy import Demand

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Task(Generic[T]):
    """One work item.

    Attributes:
        demand: What it needs.
        call: Does the work. Its argument is the number of cores, 1 to `demand.most_cores`; the result must
            not depend on it.
    """

    demand: Demand
    call: Callable[[int], T]


class Outcome(Generic[T]):
    """Result of a task: its value, or the error that ended it."""

    def __init__(self, value: T | None = None, error: Exception | None = None) -> None:
        self._value = value
        self.error = error

    def get(self) -> T:
        """Return the value.

        Raises:
            Exception: The error that ended the task.
        """
        try:
            if self.error is not None:
                raise self.error
            return cast(T, self._value)
        finally:
            # The error's traceback refers to this frame. Without this the frame would refer to the error too,
            # and the cycle would keep both alive.
            del self

    @classmethod
    def of(cls, task: Task[T], cores: int) -> Outcome[T]:
        """Run a task now and return its outcome."""
        try:
            return cls(task.call(cores))
        except Exception as error:
            return cls(error=error)


class Work(Protocol):
    """Runner of the tasks of one request; only one thread may use it at a time."""

    def run(self, tasks: Sequence[Task[T]]) -> list[Outcome[T]]:
        """Run all tasks and wait for them.

        Returns:
            One outcome per task, in the same order; a task that fails does not stop the others.

        Raises:
            DeadlineExceededError: The request's time ran out before all were done.
            RequestCancelledError: The request was cancelled before all were done.
        """


class Inline:
    """Runner that runs the tasks one by one, on one core, in the caller's thread."""

    def run(self, tasks: Sequence[Task[T]]) -> list[Outcome[T]]:
        """Run the tasks, see `Work.run`."""
        return [Outcome.of(task, 1) for task in tasks]


#: The runner for programs that do one thing at a time.
INLINE = Inline()

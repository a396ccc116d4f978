"""Makes sure that a worker handles a stop signal that arrives right after the fork.

A new worker has the supervisor's handlers until it has set its own, and those only queue signals for a loop
that the worker never runs. A SIGTERM in that time was lost: the supervisor, which sends it once, waited the
whole grace period and then killed the worker. So these signals are blocked before the fork, and the worker
unblocks them when its handlers are set.
"""

from __future__ import annotations

import signal
from typing import Any

from gunicorn.arbiter import Arbiter

#: Signals that stop a worker.
_STOPS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})


class Supervisor(Arbiter):  # type: ignore[misc]  # Gunicorn has no types
    """Gunicorn's arbiter, but it forks with stop signals blocked, which each worker must unblock."""

    def spawn_worker(self) -> Any:
        """Fork a worker with stop signals blocked, and return its process id."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        try:
            return super().spawn_worker()  # does not return in the worker
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def unblock_stop_signals() -> None:
    """Deliver pending and later stop signals; called in a worker once its handlers are set."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)

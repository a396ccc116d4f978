"""Workers hear every signal to stop, also one that arrives while they are being born.

A new worker has the supervisor's handlers until it has set its own, and those only note what arrives for a
loop that the worker never runs. A SIGTERM that came in that time was lost: the supervisor, which sends it
once, waited the whole grace period for a worker that knew of nothing, and killed it. So the kernel keeps
these signals from before the fork until the worker can heed them.
"""

from __future__ import annotations

import signal
from typing import Any

from gunicorn.arbiter import Arbiter

#: What asks a worker to end.
_STOPS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})


class Supervisor(Arbiter):  # type: ignore[misc]  # Gunicorn has no types
    """Gunicorn's arbiter; `hear_stops` has to be called in each worker once its handlers are set."""

    def spawn_worker(self) -> Any:
        """Fork a worker, and let what asks it to end wait; returns its process id."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        try:
            return super().spawn_worker()  # in the worker this never returns
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def hear_stops() -> None:
    """Heed the signals that have waited, and what comes; for a worker whose handlers are set."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)

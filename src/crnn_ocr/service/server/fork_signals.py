"""Decides which signals the service's processes handle, from the first moment of each on.

A new worker has the supervisor's handlers until it has set its own, and those only queue signals for a loop
that the worker never runs. A SIGTERM in that time was lost: the supervisor, which sends it once, waited the
whole grace period and then killed the worker. So these signals are blocked before the fork, and the worker
unblocks them when its handlers are set.

Gunicorn reloads its configuration at SIGHUP, and starts itself anew beside the old process at SIGUSR2. Both
are useless here, since settings are the environment of the process. SIGHUP also comes when the terminal is
closed in which the service was started, and Gunicorn's handler replaces what `nohup` has set.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import Any

from gunicorn.arbiter import Arbiter

#: Signals that stop a worker.
_STOPS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})
#: Signals that nobody handles, neither the supervisor nor the processes that it starts.
IGNORED = frozenset({signal.SIGHUP, signal.SIGUSR2})


class Supervisor(Arbiter):  # type: ignore[misc]  # Gunicorn has no types
    """Gunicorn's arbiter, but it forks with stop signals blocked, which each worker must unblock.

    A worker that has ended as it should has `left`; one that a signal has ended has it as `killed_by`.
    """

    SIGNALS = tuple(number for number in Arbiter.SIGNALS if number not in IGNORED)

    def init_signals(self) -> None:
        """Set the handlers; workers, and the programs that those start, inherit what is ignored."""
        for number in IGNORED:
            signal.signal(number, signal.SIG_IGN)
        super().init_signals()

    def spawn_worker(self) -> Any:
        """Fork a worker with stop signals blocked, and return its process id."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        try:
            return super().spawn_worker()  # does not return in the worker
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def murder_workers(self) -> None:
        """Do what Gunicorn does every second, and what the application wants done as often."""
        super().murder_workers()
        self.app.every_second()

    def reap_workers(self) -> None:
        """Note how each worker has ended, which Gunicorn's hook is not told, before the kernel forgets it."""
        for pid, worker in list(self.WORKERS.items()):
            with suppress(ChildProcessError):
                end = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if end is None:
                    continue
                if end.si_code == os.CLD_EXITED:
                    worker.left = end.si_status == 0
                else:
                    worker.killed_by = end.si_status
        super().reap_workers()


def unblock_stop_signals() -> None:
    """Deliver pending and later stop signals; called in a worker once its handlers are set."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)

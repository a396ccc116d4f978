"""Computes how many connections a worker process may have, from its limit of file descriptors."""

from __future__ import annotations

import resource

#: Most connections, Gunicorn's own default; each takes a few kilobytes.
MOST_CONNECTIONS = 1000
#: Descriptors of a process for files, models, Redis, metrics and its helpers.
_RESERVE = 128
#: Descriptors of each thread, for a picture that is fetched or kept in a file.
_PER_THREAD = 2
#: Descriptors to ask for: enough for all connections of the workers, and for duplicates in the supervisor.
_ENOUGH = 65_536


def raise_limit() -> int:
    """Raise the process's limit of open files as far as allowed and useful, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted if soft == resource.RLIM_INFINITY else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def connections_within(limit: int, threads: int) -> int:
    """Return how many connections a worker may have at a time.

    Args:
        limit: Number of descriptors that the process may have.
        threads: Number of threads that handle requests; each has at least one connection, and some wait.
    """
    room = limit - _RESERVE - _PER_THREAD * threads
    return max(2 * threads, min(MOST_CONNECTIONS, room))

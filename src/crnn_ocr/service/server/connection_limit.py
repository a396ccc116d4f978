"""How many connections the descriptors of a worker process suffice for."""

from __future__ import annotations

import resource

#: As many as Gunicorn's own default; each takes some kilobytes.
MOST_CONNECTIONS = 1000
#: What a process needs for files, models, Redis, metrics and its helpers.
_RESERVE = 128
#: Of each thread: a picture that is fetched or kept in a file.
_PER_THREAD = 2
#: Enough for every worker's connections, of which the supervisor may hold some more.
_ENOUGH = 65_536


def raise_limit() -> int:
    """Raise the process's limit of open files as far as it may and is useful; returns the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted if soft == resource.RLIM_INFINITY else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def connections_within(limit: int, threads: int) -> int:
    """Return how many connections a worker may have at a time.

    Args:
        limit: Descriptors that the process may have.
        threads: Those that handle requests; there is at least one connection for each, and some that wait.
    """
    room = limit - _RESERVE - _PER_THREAD * threads
    return max(2 * threads, min(MOST_CONNECTIONS, room))

"""Looks whether the Redis with the table of jobs keeps what it is given."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from redis import Redis

_log = logging.getLogger(__name__)


def warn_if_forgetful(client: Redis) -> None:
    """Log a warning for each way in which a Redis may lose jobs; one that does not answer is not judged.

    Args:
        client: Client of the Redis with the table of jobs.
    """
    try:
        told = cast("dict[str, Any]", client.info())
    except Exception as error:  # of whatever kind: this is advice, and whoever needs the table reports it
        _log.debug(
            "the Redis of the jobs was not checked", extra={"fields": {"reason": type(error).__name__}}
        )
        return
    for remark in shortcomings(told):
        _log.warning("the Redis of the jobs may lose them", extra={"fields": {"reason": remark}})


def shortcomings(told: dict[str, Any]) -> list[str]:
    """Return in what way a Redis may lose jobs, from what its command INFO tells."""
    remarks = []
    policy = str(told.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction":
        remarks.append(f"maxmemory-policy is {policy}; set it to noeviction")
    if not told.get("aof_enabled", 0):
        remarks.append(
            "appendonly is no: what was accepted in the last minutes is lost when Redis is restarted"
        )
    return remarks

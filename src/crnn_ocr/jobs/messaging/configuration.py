"""Configures Celery, through which workers on other machines learn that there is work.

A message of Celery is a mere *token*: it says that some task can be taken, not which. The truth is the table
(`jobs.store`), so a token that is lost, or delivered twice, does no harm: `tokens` replaces the one, and a
worker that finds nothing to take lets the other go.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from crnn_ocr.errors import MissingExtraError, SettingsError
from crnn_ocr.jobs.redis_store import connect
from crnn_ocr.settings import MIB, Settings

if TYPE_CHECKING:
    from celery import Celery

#: Name of the queue. With Redis it is the list `PREFIX + QUEUE`.
QUEUE = "jobs"
#: Prefix of everything that Celery keeps in Redis, so that it can share one with other programs.
PREFIX = "crnn-ocr:celery:"
#: Name of Celery's task, which runs one task of the table.
TASK = "crnn_ocr.jobs.work"

#: Seconds after which Redis gives the token of a vanished worker to another one. The table gives its task out
#: again after `store.LEASE_S`, so this is only how long a token may be lost.
VISIBILITY_S = 300
#: Seconds between the exception that ends a task and the signal that kills its process.
KILL_AFTER_S = 30
#: A process that has more resident memory than this after a task is replaced. Engines trim their memory from
#: 360 MiB on (`runtime.memory`), and the main process takes some 60 MiB of the 512 MiB of a container.
CHILD_BYTES = 420 * MIB
#: A process is replaced after as many tasks, whatever its memory: what libraries leak stays small.
CHILD_TASKS = 1000
#: Seconds that a process may take to load its models.
CHILD_START_S = 120.0
#: Seconds until a broker that is silent counts as away, so that none holds up a request for long.
BROKER_S = 5.0

_REDIS = ("redis", "rediss", "unix")


def table_url(settings: Settings) -> str:
    """Return the URL of the Redis with the table of jobs.

    Raises:
        SettingsError: None is given, or it is not the URL of a Redis.
    """
    url = settings.jobs_redis_url or settings.redis_url
    if url is None:
        raise SettingsError(
            "CRNN_OCR_JOBS is celery, and there is no Redis for the table of jobs.",
            hint="Set CRNN_OCR_JOBS_REDIS_URL, for example to redis://localhost:6379/0.",
        )
    name = "CRNN_OCR_REDIS_URL" if settings.jobs_redis_url is None else "CRNN_OCR_JOBS_REDIS_URL"
    return _checked(name, url.get_secret_value(), _REDIS)


def broker_url(settings: Settings) -> str:
    """Return the URL of the broker as Celery writes it.

    Raises:
        SettingsError: It is not the URL of a Redis or of RabbitMQ, or none is given.
    """
    given = settings.jobs_broker_url
    if given is None:
        url = table_url(settings)
    else:
        url = _checked("CRNN_OCR_JOBS_BROKER_URL", given.get_secret_value(), (*_REDIS, "amqp", "amqps"))
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    query = {("virtual_host" if name == "db" else name): value for name, value in parse_qsl(parts.query)}
    return f"redis+socket://{parts.netloc}{parts.path}?{urlencode(query)}".removesuffix("?")


def _checked(name: str, url: str, schemes: tuple[str, ...]) -> str:
    # It may contain a password, so no message quotes it.
    if urlsplit(url).scheme not in schemes:
        *first, last = (f"{scheme}://" for scheme in schemes)
        raise SettingsError(f"{name}: the URL must begin with {', '.join(first)} or {last}")
    return url


def check(settings: Settings) -> None:
    """Check at start what jobs with Celery would fail on; nothing is connected.

    Raises:
        SettingsError: There is no Redis for the table, or a URL is not valid.
        MissingExtraError: Celery or the client of Redis is not installed.
    """
    if settings.jobs == "celery":
        make_app(settings)
        connect(table_url(settings)).close()


def make_app(settings: Settings) -> Celery:
    """Return Celery's application, which can send tokens; `worker.equip` makes it run them.

    Nothing is connected yet. Make it after a fork, not before.

    Raises:
        SettingsError: There is no broker, or its URL is not valid.
        MissingExtraError: Celery is not installed.
    """
    try:
        from celery import Celery
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"CRNN_OCR_JOBS is celery, and the Python package {error.name!r} is not installed.",
            hint="Install it: pip install 'crnn-ocr[celery]'.",
        ) from None
    app = Celery("crnn_ocr.jobs", set_as_current=False)
    app.conf.update(configuration(settings))
    return app


def configuration(settings: Settings) -> dict[str, Any]:
    """Return what differs from Celery's defaults.

    Raises:
        SettingsError: There is no broker, or its URL is not valid.
    """
    url = broker_url(settings)
    values: dict[str, Any] = {
        "broker_url": url,
        "broker_connection_timeout": BROKER_S,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,  # a worker waits for its broker, however long
        "task_default_queue": QUEUE,
        "task_ignore_result": True,
        "accept_content": ["json"],
        # A token is given back when its process dies, and acknowledged when its task has ended.
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        "worker_concurrency": 1,  # an engine uses all cores that it may
        "task_soft_time_limit": settings.jobs_task_timeout_s,
        "task_time_limit": settings.jobs_task_timeout_s + KILL_AFTER_S,
        "worker_max_tasks_per_child": CHILD_TASKS,
        "worker_max_memory_per_child": CHILD_BYTES // 1024,
        "worker_proc_alive_timeout": CHILD_START_S,
        # A running task does not depend on the broker, only on the table.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
    }
    if urlsplit(url).scheme.startswith("amqp"):
        values["broker_heartbeat"] = 30
        values["broker_transport_options"] = {
            "max_retries": 1,
            "confirm_publish": True,
            "read_timeout": BROKER_S,
            "write_timeout": BROKER_S,
        }
        return values
    values["broker_transport_options"] = {
        "max_retries": 1,
        "visibility_timeout": VISIBILITY_S,
        "global_keyprefix": PREFIX,
        "socket_timeout": BROKER_S,
        "socket_connect_timeout": BROKER_S,
        "socket_keepalive": True,
    }
    if urlsplit(url).scheme == "rediss" and "ssl_cert_reqs" not in url:
        values["broker_use_ssl"] = {"ssl_cert_reqs": ssl.CERT_REQUIRED}
    return values

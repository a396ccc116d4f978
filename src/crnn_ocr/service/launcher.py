"""Starts Gunicorn: binds the port first, and loads the models in the workers.

ONNX Runtime does not survive a fork, so the parent process never touches the engine: `_Application.load`
runs in each worker after the fork and is the only place that builds it.
"""

from __future__ import annotations

import errno
import ipaddress
import logging
import math
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.config import Config
from gunicorn.glogging import Logger

from crnn_ocr.engine.kinds import KINDS, RECOGNIZER
from crnn_ocr.errors import ModelSwitchRunningError, OcrError, SettingsError
from crnn_ocr.jobs import webhooks
from crnn_ocr.jobs.backends import LazyJobs
from crnn_ocr.jobs.messaging import configuration
from crnn_ocr.models.registry import Registry
from crnn_ocr.runtime.cores import available_cores
from crnn_ocr.service.middleware.api_keys import KeyRing
from crnn_ocr.service.middleware.cors import check_origins
from crnn_ocr.service.middleware.gate import MOST_UPLOADS
from crnn_ocr.service.requests.url_fetch import fetch_rules
from crnn_ocr.service.server.connection_limit import connections_within, raise_limit
from crnn_ocr.service.server.event_streams import MOST_STREAMS
from crnn_ocr.service.server.fork_signals import Supervisor
from crnn_ocr.service.server.gunicorn_worker import Worker
from crnn_ocr.service.server.harmful_pictures import HarmfulPictures, watched
from crnn_ocr.service.server.orphaned_requests import HeldRequests
from crnn_ocr.service.telemetry import tracing
from crnn_ocr.service.telemetry.shared_metrics import SharedMetrics
from crnn_ocr.service.workers.model_switch import Follower, SharedSwitching
from crnn_ocr.service.workers.shared_state import SharedState
from crnn_ocr.settings import Settings

if TYPE_CHECKING:
    from crnn_ocr.jobs.messaging.service import DistributedJobs
    from crnn_ocr.jobs.work.embedded import EmbeddedJobs

_log = logging.getLogger(__name__)

_BACKLOG = 256
#: Seconds in which a port that is taken may become free.
_PORT_PATIENCE_S = 5.0
#: Threads beyond those for pictures, so that health checks, pages and refusals never wait for pictures.
_SPARE_THREADS = 8
#: Seconds that a worker that ends waits for its jobs. It gives back its task within half a second and one run
#: of a network; a task that it keeps is given out again when its lease is lost.
_JOBS_END_S = 3.0
_MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108  (Gunicorn's heartbeat file, removed as soon as it is open)


class ListenError(OcrError):
    """The address cannot be listened on."""

    code = "LISTEN_FAILED"
    default_hint = "Choose another one with --host and --port (CRNN_OCR_HOST, CRNN_OCR_PORT)."


def check(settings: Settings) -> None:
    """Check at start what the workers would fail on.

    Raises:
        SettingsError: A key, an origin, a host, a network, a secret, an exporter of traces, or the URL of the
            Redis or the broker of jobs is malformed.
        MissingExtraError: Traces or jobs with Celery are configured, and what they need is not installed.
    """
    KeyRing.from_settings(settings)
    check_origins(settings.cors_origins)
    fetch_rules(settings)
    webhooks.check(settings)
    if settings.jobs == "celery":
        configuration.check(settings)
    tracing.check()


def bind(settings: Settings) -> socket.socket:
    """Bind the address, before anything else starts.

    A service that was killed leaves workers behind, which see within a second that they are alone and close
    the port. So a port that is taken is tried again for a while.

    Raises:
        ListenError: The port is taken or forbidden, or the host has no such address.
        SettingsError: Other machines can reach the address, and there are no API keys.
    """
    where = f"{settings.host}:{settings.port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError):
        raise ListenError(f"{settings.host!r} is not an address of this machine.") from None
    until = time.monotonic() + _PORT_PATIENCE_S
    while True:
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            _check_private(listener, settings)
            listener.listen(_BACKLOG)
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE or time.monotonic() > until:
                raise ListenError(f"Cannot listen on {where}: {error.strerror or error}.") from None
            time.sleep(0.1)
        except SettingsError:
            listener.close()
            raise
        else:
            return listener


def _check_private(listener: socket.socket, settings: Settings) -> None:
    """Refuse an address that other machines can reach, unless there are keys or anonymous use is allowed."""
    address = ipaddress.ip_address(listener.getsockname()[0].partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    if (mapped or address).is_loopback or settings.allow_anonymous or KeyRing.from_settings(settings):
        return
    raise SettingsError(
        f"The address {settings.host} can be reached by other machines, and there are no API keys.",
        hint="Make a key with `crnn-ocr keys new NAME` and set CRNN_OCR_API_KEYS, or set "
        "CRNN_OCR_ALLOW_ANONYMOUS=true where everybody who can reach the service may use it.",
    )


def url_of(listener: socket.socket) -> str:
    """Return the address to type into a browser on this machine."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104  (compared, not listened on)
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def share_of_cores(settings: Settings) -> int:
    """Return how many cores one worker may use, so that all workers together use those that there are."""
    return max(1, (settings.threads or available_cores()) // settings.workers)


def serve(settings: Settings, listener: socket.socket) -> None:
    """Serve until a signal ends it; raise `SystemExit` as Gunicorn does.

    SIGTERM lets requests in flight finish (at most `graceful_timeout_s`); SIGINT stops at once.
    """
    _Application(settings, listener).run()


class _ServerLogger(Logger):  # type: ignore[misc]  # Gunicorn has no types
    """Logger that passes Gunicorn's records to the product's log, warnings and errors only by default."""

    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
        quiet = logging.getLogger("crnn_ocr").getEffectiveLevel() > logging.DEBUG
        self.error_log.setLevel(logging.WARNING if quiet else logging.DEBUG)


class _Application(BaseApplication):  # type: ignore[misc]
    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        self._settings = settings
        self._listener = listener
        # Made before the first worker starts, so that all of them share it.
        registry = Registry(settings.models_dir)
        self._shared = SharedState.create(
            {kind.name: registry.resolve(kind.active(settings), kind.name) for kind in KINDS.values()}
        )
        self._metrics = (
            SharedMetrics.create(self._shared.folder / "metrics", settings.workers)
            if settings.metrics
            else None
        )
        #: In a worker: itself, and the jobs in it.
        self._worker: Any = None
        self._jobs: EmbeddedJobs | DistributedJobs | None = None
        self._held_requests = HeldRequests()
        self._harmful = HarmfulPictures()
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from Gunicorn's defaults."""
        settings = self._settings
        patience = math.ceil(settings.graceful_timeout_s)
        threads = settings.worker_threads + _SPARE_THREADS + MOST_UPLOADS + MOST_STREAMS
        values: dict[str, object] = {
            "bind": f"fd://{self._listener.detach()}",
            "backlog": _BACKLOG,
            "worker_class": Worker,
            "workers": settings.workers,
            "threads": threads,
            "worker_connections": connections_within(raise_limit(), threads),
            # The heartbeat of a worker's main loop, which never computes: only a dead worker misses it.
            "timeout": max(30, patience),
            "graceful_timeout": patience,
            "max_requests": settings.max_requests,
            "max_requests_jitter": settings.max_requests // 10,
            "keepalive": 5,
            "preload_app": False,
            "accesslog": None,
            # A file is sent as every other answer is: sendfile would block a thread, without a time-out.
            "sendfile": False,
            # No client, this machine's included, may set the WSGI environment (SCRIPT_NAME) or the scheme by
            # headers; ProxyFix takes those of the proxies that the settings name.
            "forwarded_allow_ips": "",
            "forwarder_headers": "",
            "logger_class": _ServerLogger,
            "on_starting": lambda _arbiter: self._held_requests.begin(),
            "pre_fork": self._pre_fork,
            "post_fork": self._post_fork,
            "child_exit": self._child_exit,
            "worker_exit": self._worker_exit,
            "on_exit": self._on_exit,
            # New in Gunicorn 27: a control socket under $HOME, which a read-only root does not have.
            "control_socket_disable": True,
        }
        if os.access(_MEMORY_FOLDER, os.W_OK):
            values["worker_tmp_dir"] = str(_MEMORY_FOLDER)
        for name, value in values.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def run(self) -> None:
        """Serve until a signal ends it; raise `SystemExit`."""
        Supervisor(self).run()

    def every_second(self) -> None:
        """Look at what nothing tells the supervisor."""
        self._harmful.look()

    def _pre_fork(self, arbiter: object, worker: object) -> None:
        self._held_requests.pre_fork(arbiter, worker)
        self._harmful.pre_fork(arbiter, worker)
        if self._metrics is not None:
            self._metrics.pre_fork(arbiter, worker)

    def _post_fork(self, arbiter: object, worker: object) -> None:
        self._worker = worker
        self._held_requests.post_fork(arbiter, worker)
        self._harmful.post_fork(arbiter, worker)
        if self._metrics is not None:
            self._metrics.post_fork(arbiter, worker)

    def _worker_exit(self, arbiter: object, worker: object) -> None:
        if self._jobs is not None:
            self._jobs.stop(_JOBS_END_S)
        if self._metrics is not None:
            self._metrics.worker_exit(arbiter, worker)

    def _child_exit(self, arbiter: object, worker: Any) -> None:
        self._harmful.child_exit(arbiter, worker)  # before its clients are told to try again
        self._held_requests.child_exit(arbiter, worker)
        try:
            self._shared.forget(worker.pid, crashed=not worker.left)
        except OSError as error:  # the disk is full; this must not end the supervisor
            _log.warning("a switch could not be cancelled", extra={"fields": {"reason": error.strerror}})
        if self._metrics is not None:
            self._metrics.child_exit(arbiter, worker)

    def _on_exit(self, arbiter: object) -> None:
        self._held_requests.end(arbiter)
        self._shared.remove()

    def load(self) -> Flask:
        """Build the application; runs in each worker, after the fork."""
        from crnn_ocr.engine.ocr import OCR
        from crnn_ocr.jobs.work.embedded import EmbeddedJobs
        from crnn_ocr.service.app import create_app

        shared = self._shared
        threads = share_of_cores(self._settings)
        active = shared.choice().active
        try:
            reader = OCR(self._settings, active=active, threads=threads)
        except OcrError as error:  # the pack that was switched to has been deleted
            _log.error("fell back to the model in the settings", extra={"fields": {"reason": error.message}})
            reader = OCR(self._settings, model=self._settings.model, active=active, threads=threads)
            with suppress(ModelSwitchRunningError), shared.switching():
                first = reader.resolve(self._settings.model)
                shared.choose(shared.choice().switched(RECOGNIZER.name, first))
        Follower(reader, shared).start()
        lazy = LazyJobs(self._settings)
        if self._settings.jobs == "celery":
            from crnn_ocr.jobs.messaging.service import DistributedJobs

            distributed = self._jobs = DistributedJobs(self._settings)
            distributed.start()
            lazy = distributed.jobs
        cpu_clock: Callable[[], float] = time.process_time
        if self._settings.jobs == "embedded":
            embedded = self._jobs = EmbeddedJobs(
                lazy,
                reader,
                stopping=lambda: not self._worker.alive,
                watch=lambda key, ticket: watched(key.encode(), ticket),
            )
            embedded.start()
            cpu_clock = lambda: time.process_time() - embedded.cpu_s  # noqa: E731

        return create_app(
            reader,
            self._settings,
            switching=SharedSwitching(reader, shared),
            jobs=lazy,
            cpu_clock=cpu_clock,
        )

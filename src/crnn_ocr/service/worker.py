"""Gunicorn's threaded worker, made safe to stop at once."""

from __future__ import annotations

import logging
import os
from types import FrameType

from gunicorn.workers.gthread import ThreadWorker


class Worker(ThreadWorker):  # type: ignore[misc]  # Gunicorn has no types
    """A gthread worker that a quick stop (SIGINT or SIGQUIT, for example Ctrl+C) cannot hang.

    Gunicorn's own handler shuts the thread pool down, which takes the pool's lock. A signal that arrives
    while the main loop hands a request to the pool, and so holds that lock, would wait for ever; the
    supervisor would kill the worker only after the graceful time-out.
    """

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        """End the process without waiting for anything, requests in flight included."""
        self.alive = False
        logging.shutdown()
        os._exit(0)

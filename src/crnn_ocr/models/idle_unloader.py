"""Unloads models that have not been used for a while."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from typing import Any

from crnn_ocr.models.store import ModelStore


class IdleUnloader:
    """Thread that unloads idle models. It ends on `stop`, or when its stores are gone."""

    def __init__(self, stores: Sequence[ModelStore[Any]], idle_s: float) -> None:
        """Start the thread.

        Args:
            stores: The stores whose models are unloaded.
            idle_s: Seconds without a lease after which a model is unloaded.
        """
        self._stopped = threading.Event()
        seen = [weakref.ref(store) for store in stores]
        threading.Thread(
            target=_watch, args=(seen, idle_s, self._stopped), name="crnn-ocr-idle", daemon=True
        ).start()

    def stop(self) -> None:
        """End the thread; loaded models stay loaded."""
        self._stopped.set()


def _watch(stores: Sequence[weakref.ref[ModelStore[Any]]], idle_s: float, stopped: threading.Event) -> None:
    while not stopped.wait(min(idle_s / 4, 15.0)):
        for store in (known() for known in stores):
            if store is None:
                return
            store.unload_idle(idle_s)
        del store  # this thread must not keep it alive

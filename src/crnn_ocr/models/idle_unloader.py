"""Unloads models that nobody has used for a while."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from typing import Any

from crnn_ocr.models.store import ModelStore


class IdleUnloader:
    """Looks after stores from a thread of its own; the thread ends with the stores or when told to."""

    def __init__(self, stores: Sequence[ModelStore[Any]], idle_s: float) -> None:
        """Start.

        Args:
            stores: Whose models are unloaded.
            idle_s: After so many seconds without a lease.
        """
        self._stopped = threading.Event()
        seen = [weakref.ref(store) for store in stores]
        threading.Thread(
            target=_watch, args=(seen, idle_s, self._stopped), name="crnn-ocr-idle", daemon=True
        ).start()

    def stop(self) -> None:
        """End the thread; what is loaded stays."""
        self._stopped.set()


def _watch(stores: Sequence[weakref.ref[ModelStore[Any]]], idle_s: float, stopped: threading.Event) -> None:
    while not stopped.wait(min(idle_s / 4, 15.0)):
        for store in (known() for known in stores):
            if store is None:
                return
            store.unload_idle(idle_s)
        del store  # it must not live on because it is looked after

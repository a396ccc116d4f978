"""Keeps models in memory: loads each once, leases it to its users, and closes it when it is no longer needed.

The first lease of a model loads it in the caller's thread; other callers that want it wait. Models load one
at a time, because loading takes several times the model's size for a moment. A model that is replaced or
evicted is retired: it gets no new leases and is closed when its last lease ends.

One model is the active one. It is used when no name is given, and it is never evicted. Models that are leased
by name share a limited number of places. A caller waits for a free place only while it holds no other lease,
so it can never wait for itself.

A model that cannot be loaded is not tried again until its files change or half a minute has passed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from crnn_ocr.errors import ModelBrokenError, ModelNotFoundError, ModelsBusyError, OcrError
from crnn_ocr.models.catalogue import PackSnapshot
from crnn_ocr.models.load_failures import LoadFailures

#: How long a lease waits for a place if it does not say how long, in seconds.
PATIENCE_S = 60.0

_log = logging.getLogger(__name__)


class Closable(Protocol):
    """A model whose memory can be freed."""

    def close(self) -> None: ...  # noqa: D102


Model = TypeVar("Model", bound=Closable)


@dataclass(eq=False, slots=True)
class _Slot(Generic[Model]):
    """A model that is being loaded (`model` is None) or loaded, and its leases.

    Attributes:
        pinned: It is never evicted and takes none of the places.
        reloading: A thread is loading the new files of its pack.
    """

    snapshot: PackSnapshot
    pinned: bool
    model: Model | None = None
    leases: int = 0
    used_at: float = 0.0
    reloading: bool = False


class ModelStore(Generic[Model]):
    """The loaded models of one kind. It is safe to use from several threads."""

    def __init__(
        self,
        active: str,
        *,
        find: Callable[[str], PackSnapshot],
        load: Callable[[PackSnapshot], Model],
        places: int = 1,
        loading: threading.Lock | None = None,
        freed: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start without loading anything.

        Args:
            active: Name of the pack that is used when no name is given.
            find: Finds a pack on disk by name or alias. It is cheap, and raises like `Registry.find`.
            load: Loads a pack. It is slow, and raises `OcrError` if the pack is broken.
            places: How many models that are neither active nor pinned may be kept.
            loading: Lock held while a model loads; stores that share it never load at the same time.
            freed: Called after models have been closed.
            clock: Returns the time in seconds; it must never go back.
        """
        self._active = active
        self._find = find
        self._load = load
        self._places = places
        self._loading = loading or threading.Lock()
        self._freed = freed
        self._clock = clock
        self._changed = threading.Condition()
        self._slots: dict[str, _Slot[Model]] = {}
        self._retired: list[_Slot[Model]] = []
        self._failures = LoadFailures(clock)
        self._closed = False

    # ---- state --------------------------------------------------------------------------------------

    @property
    def active(self) -> str:
        """Name of the pack that is used when no name is given."""
        return self._active

    @property
    def loaded(self) -> tuple[PackSnapshot, ...]:
        """The packs whose models are in memory and can be leased, sorted by name."""
        with self._changed:
            found = [slot.snapshot for slot in self._slots.values() if slot.model is not None]
        return tuple(sorted(found, key=lambda snapshot: snapshot.name))

    def snapshot(self, name: str) -> PackSnapshot | None:
        """Return the snapshot from which a pack was loaded; None if it is not loaded."""
        with self._changed:
            slot = self._slots.get(name)
            return slot.snapshot if slot is not None and slot.model is not None else None

    def problem(self, name: str) -> str | None:
        """Return why the last attempt to load a pack failed; None if it did not."""
        with self._changed:
            return self._failures.problem(name)

    def snapshot_to_use(self, name: str | None = None) -> PackSnapshot:
        """Return the snapshot that a lease would use now, without loading it.

        If a pack's files have changed and have not been tried yet, this is the new snapshot. If the new files
        then turn out to be broken, a lease uses the old one all the same.

        Raises:
            ModelNotFoundError: There is no such pack.
            ModelBrokenError: Its manifest is invalid, or the active pack is gone.
        """
        snapshot = self._find_snapshot(self._active if name is None else name)
        with self._changed:
            slot = self._slots.get(snapshot.name)
            if slot is None or slot.model is None or self._needs_reload(slot, snapshot):
                return snapshot
            return slot.snapshot

    # ---- leases -------------------------------------------------------------------------------------

    @contextmanager
    def lease(
        self, name: str | None = None, *, pinned: bool = False, patience: float | None = None
    ) -> Iterator[Model]:
        """Lease a model until the block ends, loading it first if necessary.

        Args:
            name: Name or alias of a pack; the active one when None.
            pinned: The model takes none of the places and is not evicted. The active one is always pinned.
            patience: Seconds to wait for a thread that loads the model, or for a free place.

        Raises:
            ModelNotFoundError: There is no such pack.
            ModelBrokenError: It cannot be loaded, or the active pack is gone.
            ModelsBusyError: The wait took longer than `patience`.
            RuntimeError: The store is closed.
        """
        slot = self._acquire(name, pinned, PATIENCE_S if patience is None else patience)
        try:
            assert slot.model is not None
            yield slot.model
        finally:
            self._release(slot)

    def _acquire(self, name: str | None, pinned: bool, patience: float) -> _Slot[Model]:
        deadline = self._clock() + patience
        while True:
            wanted = self._active if name is None else name
            snapshot = self._find_snapshot(wanted)
            with self._changed:
                if self._closed:
                    raise RuntimeError("this OCR object is closed")
                if name is None and self._active != wanted:
                    continue  # switched in between
                key = snapshot.name
                pins = pinned or key == self._active
                slot = self._slots.get(key)
                if slot is not None and slot.model is not None:
                    slot.pinned |= pins
                    if not self._needs_reload(slot, snapshot):
                        return self._add_lease(slot)
                    slot.reloading = True
                elif slot is not None:  # another thread is loading it
                    self._wait(deadline, f"the model {key!r} is still being loaded")
                    continue
                else:
                    self._failures.check(snapshot)
                    if not pins and not self._has_free_place():
                        self._evict_one()
                        if not self._has_free_place():
                            self._wait(deadline, f"all places for models are taken, so {key!r} has none")
                        continue
                    mine = self._slots[key] = _Slot(snapshot, pins)
            if slot is None:
                self._load_into(mine)
                return mine
            self._reload(slot, snapshot)

    def _find_snapshot(self, wanted: str) -> PackSnapshot:
        """Return the pack on disk, or the loaded one if the active pack is gone from the disk."""
        try:
            return self._find(wanted)
        except (ModelNotFoundError, ModelBrokenError) as error:
            with self._changed:
                slot = self._slots.get(wanted)
                if wanted == self._active:
                    if slot is not None and slot.model is not None:
                        return slot.snapshot
                    raise ModelBrokenError(
                        f"The active model cannot be loaded: {error.message}", hint=error.hint
                    ) from error
                if slot is not None and slot.model is not None:
                    self._retire(slot)
            self._close_retired()
            raise

    def _add_lease(self, slot: _Slot[Model]) -> _Slot[Model]:
        slot.leases += 1
        slot.used_at = self._clock()
        return slot

    def _release(self, slot: _Slot[Model]) -> None:
        with self._changed:
            slot.leases -= 1
            slot.used_at = self._clock()
            self._changed.notify_all()
        self._close_retired()

    def _wait(self, deadline: float, reason: str) -> None:
        """Wait for a change, at most until the deadline.

        Raises:
            ModelsBusyError: The deadline has passed.
        """
        left = deadline - self._clock()
        if left <= 0:
            raise ModelsBusyError(f"The request waited too long: {reason}.")
        # The caller checks again after a second at the latest, whether or not it was notified.
        self._changed.wait(min(left, 1.0))

    # ---- loading ------------------------------------------------------------------------------------

    def _load_into(self, slot: _Slot[Model]) -> None:
        """Load the model of a new slot and lease it."""
        try:
            model = self._load_and_record(slot.snapshot)
        except BaseException:
            with self._changed:
                self._remove(slot)
                self._changed.notify_all()
            raise
        with self._changed:
            slot.model = model
            self._add_lease(slot)
            if self._closed:
                self._retire(slot)
            self._changed.notify_all()

    def _load_and_record(self, snapshot: PackSnapshot) -> Model:
        """Load a model, and record whether that failed."""
        try:
            with self._loading:
                started = time.perf_counter()
                model = self._load(snapshot)
        except Exception as error:
            with self._changed:
                self._failures.record(error, snapshot)
            raise
        spent = round((time.perf_counter() - started) * 1000)
        with self._changed:
            self._failures.forget(snapshot.name)
        _log.info("model loaded", extra={"fields": {"model": snapshot.pack.manifest.id, "ms": spent}})
        return model

    def _needs_reload(self, slot: _Slot[Model], snapshot: PackSnapshot) -> bool:
        """Return whether the pack on disk differs from the loaded one and has not failed to load yet."""
        if slot.snapshot.stamp == snapshot.stamp or slot.reloading:
            return False
        return not self._failures.failed_lately(snapshot)

    def _reload(self, slot: _Slot[Model], snapshot: PackSnapshot) -> None:
        """Load a pack's new files while others go on using the old ones; keep the old ones if that fails."""
        try:
            model = self._load_and_record(snapshot)
        except Exception as error:
            reason = error.message if isinstance(error, OcrError) else type(error).__name__
            _log.warning(
                "changed pack not used", extra={"fields": {"model": snapshot.name, "reason": reason}}
            )
            return
        finally:
            with self._changed:
                slot.reloading = False
        with self._changed:
            current = self._slots.get(snapshot.name) is slot
            fresh = _Slot(snapshot, slot.pinned, model, used_at=self._clock())
            if current:
                self._retire(slot)
                self._slots[snapshot.name] = fresh
            else:  # retired while it was being reloaded
                self._retired.append(fresh)
            self._changed.notify_all()
        self._close_retired()

    # ---- places -------------------------------------------------------------------------------------

    def _has_free_place(self) -> bool:
        counted = [slot for slot in (*self._slots.values(), *self._retired) if not slot.pinned]
        return len(counted) < self._places

    def _evict_one(self) -> None:
        """Retire the least recently used model, preferably one without leases; only one at a time."""
        if any(not slot.pinned for slot in self._retired):
            return
        able = [slot for slot in self._slots.values() if not slot.pinned and slot.model is not None]
        if able:
            self._retire(min(able, key=lambda slot: (slot.leases > 0, slot.used_at)))
            self._close_unleased()

    def _remove(self, slot: _Slot[Model]) -> None:
        if self._slots.get(slot.snapshot.name) is slot:
            del self._slots[slot.snapshot.name]

    def _retire(self, slot: _Slot[Model]) -> None:
        """Give a model no new leases; it is closed when its last lease ends."""
        self._remove(slot)
        self._retired.append(slot)
        self._changed.notify_all()

    def _close_unleased(self) -> bool:
        """Close the retired models without leases, and return whether there were any."""
        done = [slot for slot in self._retired if slot.leases == 0]
        for slot in done:
            self._retired.remove(slot)
            if slot.model is not None:
                slot.model.close()
                slot.model = None
                if not self._closed:  # unloading at the program's end is not worth a log line
                    _log.info("model unloaded", extra={"fields": {"model": slot.snapshot.pack.manifest.id}})
        if done:
            self._changed.notify_all()
        return bool(done)

    def _close_retired(self) -> None:
        with self._changed:
            closed = self._close_unleased()
        if closed:
            self._freed()

    def activate(self, name: str) -> None:
        """Make another pack the active one for all leases from now on.

        The old one gets no new leases and is closed when its last lease ends.

        Args:
            name: Name of the pack, not an alias. The caller should hold a lease of it; otherwise it is loaded
                by the next lease.
        """
        with self._changed:
            before, self._active = self._active, name
            if name in self._slots:
                self._slots[name].pinned = True
            old = self._slots.get(before)
            if before != name and old is not None:
                self._retire(old)
            self._changed.notify_all()
        self._close_retired()

    def unload(self, name: str) -> None:
        """Unload a model as soon as its last lease ends; the next lease loads it again."""
        with self._changed:
            slot = self._slots.get(name)
            if slot is not None and slot.model is not None:
                self._retire(slot)
        self._close_retired()

    def unload_idle(self, idle_s: float) -> None:
        """Unload all models, even the active one, that have had no lease for that many seconds."""
        with self._changed:
            before = self._clock() - idle_s
            for slot in list(self._slots.values()):
                if slot.model is not None and slot.leases == 0 and slot.used_at <= before:
                    self._retire(slot)
        self._close_retired()

    def close(self) -> None:
        """Refuse new leases, and unload every model as soon as it has none."""
        with self._changed:
            self._closed = True
            for slot in list(self._slots.values()):
                if slot.model is not None:
                    self._retire(slot)
            self._changed.notify_all()
        self._close_retired()

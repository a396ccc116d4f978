"""Models in memory: loaded once, lent while they are used, let go when replaced, idle or too many.

The first lease of a model loads it, in its own thread; others that want it wait. Models load one at a time,
since loading one takes several times its size for a moment. A model that is replaced, or whose place another
one needs, is lent no more and closed when its last lease ends.

One model is the active one: it is meant where no name is given, and it never makes room for others. Models
that are leased by name share a bounded number of places; whoever wants one and holds nothing else waits until
a place is free, so nobody can wait for himself.

A model that cannot be loaded is not tried again until its files change, or half a minute is over.
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

#: So long a request waits for another model's place where it names no time of its own, in seconds.
PATIENCE_S = 60.0

_log = logging.getLogger(__name__)


class Closable(Protocol):
    """A model, whose memory can be let go."""

    def close(self) -> None: ...  # noqa: D102


Model = TypeVar("Model", bound=Closable)


@dataclass(eq=False, slots=True)
class _Slot(Generic[Model]):
    """A model's place: being loaded (no model yet), or lent to so many.

    Attributes:
        pinned: Never makes room for others, and does not count.
    """

    snapshot: PackSnapshot
    pinned: bool
    model: Model | None = None
    leases: int = 0
    used_at: float = 0.0
    reloading: bool = False


class ModelStore(Generic[Model]):
    """The loaded models of one kind; all methods may be called by several threads at once."""

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
        """Prepare; nothing is loaded yet.

        Args:
            active: Name of the pack that is meant where none is named.
            find: Finds a pack on disk by its name or an alias; cheap, and raises as `Registry.find`.
            load: Loads it; slow, and raises `OcrError` for what is broken.
            places: How many models may be kept because they were named, beside the active and the pinned.
            loading: Held while a model loads; shared by stores that are not to load at the same time.
            freed: Called after models have been closed.
            clock: Seconds; never goes back.
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

    # ---- questions ----------------------------------------------------------------------------------

    @property
    def active(self) -> str:
        """Name of the pack that is meant where none is named."""
        return self._active

    @property
    def loaded(self) -> tuple[PackSnapshot, ...]:
        """What is in memory and lent on, sorted by name."""
        with self._changed:
            found = [slot.snapshot for slot in self._slots.values() if slot.model is not None]
        return tuple(sorted(found, key=lambda snapshot: snapshot.name))

    def snapshot(self, name: str) -> PackSnapshot | None:
        """The loaded snapshot of a pack; None where it is not loaded."""
        with self._changed:
            slot = self._slots.get(name)
            return slot.snapshot if slot is not None and slot.model is not None else None

    def problem(self, name: str) -> str | None:
        """Why a pack could not be loaded when that was last tried; None where it could."""
        with self._changed:
            return self._failures.problem(name)

    def snapshot_to_use(self, name: str | None = None) -> PackSnapshot:
        """The snapshot that a lease gets that is taken now; nothing is loaded.

        Where a pack's files have changed and nobody has tried them yet it is the new one, although a lease
        gets the old one if they turn out to be broken.

        Raises:
            ModelNotFoundError: There is no such pack.
            ModelBrokenError: Its manifest cannot be used, or the active one is gone.
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
        """Use a model; it is loaded where need be, and stays open until the block ends.

        Args:
            name: Name or alias of a pack; the active one when None.
            pinned: It takes none of the places and makes no room for others; so is the active one always.
            patience: Seconds to wait for others that load it or hold its place.

        Raises:
            ModelNotFoundError: There is no such pack.
            ModelBrokenError: It cannot be loaded, or the active one is gone.
            ModelsBusyError: The patience is at its end.
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
                elif slot is not None:  # another thread loads it
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
        """The pack on disk, or the loaded one where an active pack is gone from the disk."""
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
        """Wait for a change, at most until the deadline."""
        left = deadline - self._clock()
        if left <= 0:
            raise ModelsBusyError(f"The request waited too long: {reason}.")
        # Not for ever: whether a change concerns this caller is looked at again now and then.
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
        """Load; a failure is remembered."""
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
        """Whether the pack on disk is another one than the loaded, and nobody has found it wanting yet."""
        if slot.snapshot.stamp == snapshot.stamp or slot.reloading:
            return False
        return not self._failures.failed_lately(snapshot)

    def _reload(self, slot: _Slot[Model], snapshot: PackSnapshot) -> None:
        """Load a pack's new files beside its old ones, which others go on using; keep those if it fails."""
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
            else:  # let go while it was being loaded
                self._retired.append(fresh)
            self._changed.notify_all()
        self._close_retired()

    # ---- room ---------------------------------------------------------------------------------------

    def _has_free_place(self) -> bool:
        counted = [slot for slot in (*self._slots.values(), *self._retired) if not slot.pinned]
        return len(counted) < self._places

    def _evict_one(self) -> None:
        """Send the least recently used one away, an idle one if there is one; one at a time."""
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
        """Lend it no more."""
        self._remove(slot)
        self._retired.append(slot)
        self._changed.notify_all()

    def _close_unleased(self) -> bool:
        """Close what is lent to nobody any more; tell whether there was any."""
        done = [slot for slot in self._retired if slot.leases == 0]
        for slot in done:
            self._retired.remove(slot)
            if slot.model is not None:
                slot.model.close()
                slot.model = None
                if not self._closed:  # the end of a program is no news
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
        """Make another pack the active one; whoever leases the active one from now on gets it.

        The old one is lent no more and closed when its last lease ends.

        Args:
            name: Name of the pack, no alias. Lease it while this is called, else it is loaded later.
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
        """Unload a model as soon as nobody uses it; it is loaded again when it is wanted."""
        with self._changed:
            slot = self._slots.get(name)
            if slot is not None and slot.model is not None:
                self._retire(slot)
        self._close_retired()

    def unload_idle(self, idle_s: float) -> None:
        """Unload all that nobody has used for so many seconds, the active one too."""
        with self._changed:
            before = self._clock() - idle_s
            for slot in list(self._slots.values()):
                if slot.model is not None and slot.leases == 0 and slot.used_at <= before:
                    self._retire(slot)
        self._close_retired()

    def close(self) -> None:
        """Unload all that is not in use now and the rest later; nothing is lent any more."""
        with self._changed:
            self._closed = True
            for slot in list(self._slots.values()):
                if slot.model is not None:
                    self._retire(slot)
            self._changed.notify_all()
        self._close_retired()

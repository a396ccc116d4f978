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
from crnn_ocr.models.catalogue import Edition
from crnn_ocr.models.failures import Failures

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

    edition: Edition
    pinned: bool
    model: Model | None = None
    leases: int = 0
    used_at: float = 0.0
    renewing: bool = False


class ModelStore(Generic[Model]):
    """The loaded models of one kind; all methods may be called by several threads at once."""

    def __init__(
        self,
        active: str,
        *,
        find: Callable[[str], Edition],
        load: Callable[[Edition], Model],
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
        self._leaving: list[_Slot[Model]] = []
        self._failures = Failures(clock)
        self._closed = False

    # ---- questions ----------------------------------------------------------------------------------

    @property
    def active(self) -> str:
        """Name of the pack that is meant where none is named."""
        return self._active

    @property
    def loaded(self) -> tuple[Edition, ...]:
        """What is in memory and lent on, sorted by name."""
        with self._changed:
            found = [slot.edition for slot in self._slots.values() if slot.model is not None]
        return tuple(sorted(found, key=lambda edition: edition.name))

    def edition(self, name: str) -> Edition | None:
        """The loaded edition of a pack; None where it is not loaded."""
        with self._changed:
            slot = self._slots.get(name)
            return slot.edition if slot is not None and slot.model is not None else None

    def problem(self, name: str) -> str | None:
        """Why a pack could not be loaded when that was last tried; None where it could."""
        with self._changed:
            return self._failures.problem(name)

    def edition_to_use(self, name: str | None = None) -> Edition:
        """The edition that a lease gets that is taken now; nothing is loaded.

        Where a pack's files have changed and nobody has tried them yet it is the new one, although a lease
        gets the old one if they turn out to be broken.

        Raises:
            ModelNotFoundError: There is no such pack.
            ModelBrokenError: Its manifest cannot be used, or the active one is gone.
        """
        edition = self._look(self._active if name is None else name)
        with self._changed:
            slot = self._slots.get(edition.name)
            if slot is None or slot.model is None or self._to_renew(slot, edition):
                return edition
            return slot.edition

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
        slot = self._take(name, pinned, PATIENCE_S if patience is None else patience)
        try:
            assert slot.model is not None
            yield slot.model
        finally:
            self._give(slot)

    def _take(self, name: str | None, pinned: bool, patience: float) -> _Slot[Model]:
        deadline = self._clock() + patience
        while True:
            wanted = self._active if name is None else name
            edition = self._look(wanted)
            with self._changed:
                if self._closed:
                    raise RuntimeError("this OCR object is closed")
                if name is None and self._active != wanted:
                    continue  # switched in between
                key = edition.name
                pins = pinned or key == self._active
                slot = self._slots.get(key)
                if slot is not None and slot.model is not None:
                    slot.pinned |= pins
                    if not self._to_renew(slot, edition):
                        return self._lent(slot)
                    slot.renewing = True
                elif slot is not None:  # another thread loads it
                    self._wait(deadline, f"the model {key!r} is still being loaded")
                    continue
                else:
                    self._failures.check(edition)
                    if not pins and not self._has_place():
                        self._make_place()
                        if not self._has_place():
                            self._wait(deadline, f"all places for models are taken, so {key!r} has none")
                        continue
                    mine = self._slots[key] = _Slot(edition, pins)
            if slot is None:
                self._fill(mine)
                return mine
            self._renew(slot, edition)

    def _look(self, wanted: str) -> Edition:
        """The pack on disk, or the loaded one where an active pack is gone from the disk."""
        try:
            return self._find(wanted)
        except (ModelNotFoundError, ModelBrokenError) as error:
            with self._changed:
                slot = self._slots.get(wanted)
                if wanted == self._active:
                    if slot is not None and slot.model is not None:
                        return slot.edition
                    raise ModelBrokenError(
                        f"The active model cannot be loaded: {error.message}", hint=error.hint
                    ) from error
                if slot is not None and slot.model is not None:
                    self._detach(slot)
            self._close_left()
            raise

    def _lent(self, slot: _Slot[Model]) -> _Slot[Model]:
        slot.leases += 1
        slot.used_at = self._clock()
        return slot

    def _give(self, slot: _Slot[Model]) -> None:
        with self._changed:
            slot.leases -= 1
            slot.used_at = self._clock()
            self._changed.notify_all()
        self._close_left()

    def _wait(self, deadline: float, reason: str) -> None:
        """Wait for a change, at most until the deadline."""
        left = deadline - self._clock()
        if left <= 0:
            raise ModelsBusyError(f"The request waited too long: {reason}.")
        # Not for ever: whether a change concerns this caller is looked at again now and then.
        self._changed.wait(min(left, 1.0))

    # ---- loading ------------------------------------------------------------------------------------

    def _fill(self, slot: _Slot[Model]) -> None:
        """Load the model of a new slot and lease it."""
        try:
            model = self._loaded_now(slot.edition)
        except BaseException:
            with self._changed:
                self._drop(slot)
                self._changed.notify_all()
            raise
        with self._changed:
            slot.model = model
            self._lent(slot)
            if self._closed:
                self._detach(slot)
            self._changed.notify_all()

    def _loaded_now(self, edition: Edition) -> Model:
        """Load; a failure is remembered."""
        try:
            with self._loading:
                started = time.perf_counter()
                model = self._load(edition)
        except Exception as error:
            with self._changed:
                self._failures.remember(error, edition)
            raise
        spent = round((time.perf_counter() - started) * 1000)
        with self._changed:
            self._failures.forget(edition.name)
        _log.info("model loaded", extra={"fields": {"model": edition.pack.manifest.id, "ms": spent}})
        return model

    def _to_renew(self, slot: _Slot[Model], edition: Edition) -> bool:
        """Whether the pack on disk is another one than the loaded, and nobody has found it wanting yet."""
        if slot.edition.stamp == edition.stamp or slot.renewing:
            return False
        return not self._failures.known(edition)

    def _renew(self, slot: _Slot[Model], edition: Edition) -> None:
        """Load a pack's new files beside its old ones, which others go on using; keep those if it fails."""
        try:
            model = self._loaded_now(edition)
        except Exception as error:
            reason = error.message if isinstance(error, OcrError) else type(error).__name__
            _log.warning("changed pack not used", extra={"fields": {"model": edition.name, "reason": reason}})
            return
        finally:
            with self._changed:
                slot.renewing = False
        with self._changed:
            current = self._slots.get(edition.name) is slot
            fresh = _Slot(edition, slot.pinned, model, used_at=self._clock())
            if current:
                self._detach(slot)
                self._slots[edition.name] = fresh
            else:  # let go while it was being loaded
                self._leaving.append(fresh)
            self._changed.notify_all()
        self._close_left()

    # ---- room ---------------------------------------------------------------------------------------

    def _has_place(self) -> bool:
        counted = [slot for slot in (*self._slots.values(), *self._leaving) if not slot.pinned]
        return len(counted) < self._places

    def _make_place(self) -> None:
        """Send the least recently used one away, an idle one if there is one; one at a time."""
        if any(not slot.pinned for slot in self._leaving):
            return
        able = [slot for slot in self._slots.values() if not slot.pinned and slot.model is not None]
        if able:
            self._detach(min(able, key=lambda slot: (slot.leases > 0, slot.used_at)))
            self._close_idle_leaving()

    def _drop(self, slot: _Slot[Model]) -> None:
        if self._slots.get(slot.edition.name) is slot:
            del self._slots[slot.edition.name]

    def _detach(self, slot: _Slot[Model]) -> None:
        """Lend it no more."""
        self._drop(slot)
        self._leaving.append(slot)
        self._changed.notify_all()

    def _close_idle_leaving(self) -> bool:
        """Close what is lent to nobody any more; tell whether there was any."""
        done = [slot for slot in self._leaving if slot.leases == 0]
        for slot in done:
            self._leaving.remove(slot)
            if slot.model is not None:
                slot.model.close()
                slot.model = None
                if not self._closed:  # the end of a program is no news
                    _log.info("model unloaded", extra={"fields": {"model": slot.edition.pack.manifest.id}})
        if done:
            self._changed.notify_all()
        return bool(done)

    def _close_left(self) -> None:
        with self._changed:
            closed = self._close_idle_leaving()
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
                self._detach(old)
            self._changed.notify_all()
        self._close_left()

    def let_go(self, name: str) -> None:
        """Unload a model as soon as nobody uses it; it is loaded again when it is wanted."""
        with self._changed:
            slot = self._slots.get(name)
            if slot is not None and slot.model is not None:
                self._detach(slot)
        self._close_left()

    def unload_idle(self, idle_s: float) -> None:
        """Unload all that nobody has used for so many seconds, the active one too."""
        with self._changed:
            before = self._clock() - idle_s
            for slot in list(self._slots.values()):
                if slot.model is not None and slot.leases == 0 and slot.used_at <= before:
                    self._detach(slot)
        self._close_left()

    def close(self) -> None:
        """Unload all that is not in use now and the rest later; nothing is lent any more."""
        with self._changed:
            self._closed = True
            for slot in list(self._slots.values()):
                if slot.model is not None:
                    self._detach(slot)
            self._changed.notify_all()
        self._close_left()

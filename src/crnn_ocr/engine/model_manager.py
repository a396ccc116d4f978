"""Manages the models of one engine: finds, loads, leases and switches packs of every kind."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import Any, TypeVar

from crnn_ocr.engine.kinds import DETECTOR, RECOGNIZER, LoadSettings, ModelKind
from crnn_ocr.errors import ModelBrokenError, ModelTooLargeError, OcrError
from crnn_ocr.models.catalogue import Catalogue, PackSnapshot
from crnn_ocr.models.idle_unloader import IdleUnloader
from crnn_ocr.models.listing import ModelList, describe
from crnn_ocr.models.manifest import Manifest
from crnn_ocr.models.registry import Pack, Registry
from crnn_ocr.models.store import Closable, ModelStore
from crnn_ocr.runtime.memory import give_back, memory_left
from crnn_ocr.settings import MIB, Settings

M = TypeVar("M", bound=Closable)

#: Least memory that loading takes for a moment, as a multiple of the graph's size: the file, its weights, and
#: a copy for faster runs. Measured: 2.9 (PP-OCRv6 small, prepared before) to 5.2 (one large convolution).
LOADING = 3.0
#: Graphs below this size, in bytes, are loaded unchecked, the package's own among them: whether the second
#: reader is there must not depend on what else is being read.
LEAST_CHECKED = 32 * MIB


class Switch:
    """A model that is loaded, has passed its self-check, and can become the active one of its kind."""

    def __init__(self, manager: ModelManager, snapshot: PackSnapshot, held: ExitStack) -> None:
        self._manager = manager
        self._snapshot = snapshot
        self._held = held

    @property
    def name(self) -> str:
        """Name of the pack."""
        return self._snapshot.name

    @property
    def model(self) -> str:
        """Name and version of the pack."""
        return self._snapshot.pack.manifest.id

    def commit(self) -> None:
        """Make it the active one; readings in progress go on with the old one."""
        self._manager.activate(self._snapshot)
        self._held.close()

    def cancel(self) -> None:
        """Unload it; the active model stays."""
        self._held.close()
        self._manager.unload(self._snapshot)


class ModelManager:
    """Models of every kind, which it leases to readings. It is safe to use from several threads."""

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        active: Mapping[str, str],
        *,
        threads: int,
        kinds: Sequence[ModelKind[Any]] = (RECOGNIZER, DETECTOR),
    ) -> None:
        """Find the active recogniser; nothing is loaded yet.

        Args:
            settings: Names of the active packs, and how they are loaded.
            registry: Finds packs.
            active: Names or aliases of packs that are active at first, by kind, instead of the settings'.
            threads: Threads of a run that may use all cores.
            kinds: The kinds of model that are leased; recognisers must be one of them.

        Raises:
            ModelNotFoundError: There is no such recogniser.
            ModelBrokenError: The manifest of its pack is invalid.
        """
        self._settings = settings
        self._registry = registry
        self._how = LoadSettings(threads, settings.precision, settings.cache_dir)
        self._catalogue = Catalogue(registry)
        names = {kind.name: active.get(kind.name) or kind.active(settings) for kind in kinds}
        first = self._catalogue.find(names[RECOGNIZER.name], RECOGNIZER.name)
        self._manifest = first.pack.manifest
        loading = threading.Lock()
        self._stores: dict[str, ModelStore[Any]] = {
            kind.name: ModelStore(
                first.name if kind is RECOGNIZER else self._resolved(names[kind.name], kind),
                find=partial(self._catalogue.find, kind=kind.name),
                load=partial(self._load, kind),
                places=kind.places(settings),
                loading=loading,
                freed=give_back,
            )
            for kind in kinds
        }
        self._eager = {kind.name: self._stores[kind.name] for kind in kinds if not kind.lazy}
        self._idle: IdleUnloader | None = None
        if settings.unload_after_s:
            self._idle = IdleUnloader(tuple(self._stores.values()), settings.unload_after_s)

    # ---- state --------------------------------------------------------------------------------------

    @property
    def active(self) -> Manifest:
        """The manifest of the active recogniser: the loaded one, or the one on disk if it is not loaded."""
        store = self._stores[RECOGNIZER.name]
        snapshot = store.snapshot(store.active)
        if snapshot is None:
            try:
                snapshot = self._catalogue.find(store.active, RECOGNIZER.name)
            except OcrError:  # gone from the disk and not loaded
                return self._manifest
        self._manifest = snapshot.pack.manifest
        return self._manifest

    @property
    def ready(self) -> bool:
        """Whether the active model of every kind that is not lazy is loaded and has passed its self-check."""
        return all(store.snapshot(store.active) is not None for store in self._eager.values())

    @property
    def problem(self) -> str | None:
        """Why one of the active models cannot be loaded, lazy ones aside; None if no reason is known."""
        for kind, store in self._eager.items():
            if store.snapshot(store.active) is not None:
                continue
            try:
                self._catalogue.find(store.active, kind)
            except OcrError as error:
                return f"{error.message} {error.hint}"
            if problem := store.problem(store.active):
                return problem
        return None

    @property
    def loaded(self) -> tuple[str, ...]:
        """Names of the packs that are in memory."""
        return tuple(sorted(snapshot.name for store in self._stores.values() for snapshot in store.loaded))

    def listing(self) -> ModelList:
        """Return all packs on disk, the broken ones apart from the usable ones."""
        active = [store.active for store in self._stores.values()]
        return describe(self._catalogue.listing(), self._settings.precision, active, self.loaded)

    def resolve(self, name: str) -> str:
        """Return the name of the pack with that name or alias.

        Raises:
            ModelNotFoundError: There is no such pack of a kind that is used.
            ModelBrokenError: Its manifest is invalid.
        """
        return self._find(name)[1].name

    @property
    def active_packs(self) -> Mapping[str, str]:
        """Names of the active packs, by kind."""
        return {kind: store.active for kind, store in self._stores.items()}

    def kind_of(self, name: str) -> str:
        """Return the kind of the pack with that name or alias; raise as `resolve` does."""
        return self._find(name)[1].pack.manifest.kind

    def manifest_to_use(self, kind: ModelKind[Any], name: str | None = None) -> Manifest:
        """Return the manifest of the pack that a reading would use now; see `ModelStore.snapshot_to_use`.

        Args:
            kind: Kind of the pack.
            name: Name or alias of the pack; the active one when None.

        Raises:
            ModelNotFoundError: There is no such pack.
            ModelBrokenError: Its manifest is invalid.
        """
        try:
            return self._stores[kind.name].snapshot_to_use(name).pack.manifest
        except OcrError:
            if name is not None or kind is not RECOGNIZER:
                raise
            return self._manifest  # gone from the disk and not loaded, but its answers may still be cached

    # ---- leases -------------------------------------------------------------------------------------

    def lease(
        self,
        kind: ModelKind[M],
        name: str | None = None,
        *,
        pinned: bool = False,
        patience: float | None = None,
    ) -> AbstractContextManager[M]:
        """Lease a model of that kind; see `ModelStore.lease`."""
        store: ModelStore[M] = self._stores[kind.name]
        return store.lease(name, pinned=pinned, patience=patience)

    def warm_up(self) -> None:
        """Load the active model of every kind that is not lazy.

        Raises:
            ModelBrokenError: A pack is missing, differs from its manifest or fails its self-check.
        """
        with ExitStack() as stack:
            for store in self._eager.values():
                stack.enter_context(store.lease())

    def prepare(self, name: str) -> Switch:
        """Load and check a model of any kind beside the active one.

        Returns:
            The switch that makes it the active one or unloads it; the caller must do one of the two.

        Raises:
            ModelNotFoundError: There is no such pack.
            ModelBrokenError: It differs from its manifest or fails its self-check.
        """
        store, snapshot = self._find(name)
        with ExitStack() as stack:
            stack.enter_context(store.lease(snapshot.name, pinned=True))
            loaded = store.snapshot(snapshot.name)
            if loaded is None or loaded.stamp != snapshot.stamp:
                # The lease is of the old model: the files have changed, and the new ones are broken.
                raise ModelBrokenError(
                    store.problem(snapshot.name) or f"pack {snapshot.name!r} is being changed right now"
                )
            held = stack.pop_all()
        return Switch(self, snapshot, held)

    def activate(self, snapshot: PackSnapshot) -> None:
        """Make a model the active one of its kind; the old one is closed when its last lease ends."""
        if snapshot.pack.manifest.kind == RECOGNIZER.name:
            self._manifest = snapshot.pack.manifest
        self._store_of(snapshot).activate(snapshot.name)

    def unload(self, snapshot: PackSnapshot) -> None:
        """Unload a model that is not the active one."""
        store = self._store_of(snapshot)
        if snapshot.name != store.active:
            store.unload(snapshot.name)

    def close(self) -> None:
        """Unload all models, and refuse new leases."""
        if self._idle is not None:
            self._idle.stop()
        for store in self._stores.values():
            store.close()

    # ---- finding and loading ------------------------------------------------------------------------

    def _resolved(self, name: str, kind: ModelKind[Any]) -> str:
        """Return the name of the pack with that name or alias; the name itself if there is no such pack."""
        try:
            return self._catalogue.find(name, kind.name).name
        except OcrError:  # reported when the pack is to be loaded
            return name

    def _find(self, name: str) -> tuple[ModelStore[Any], PackSnapshot]:
        """Return the store for a pack's kind, and the pack with that name or alias as it is on disk now."""
        snapshot = self._catalogue.find(name, None, fresh=True)
        if snapshot.pack.manifest.kind not in self._stores:
            snapshot = self._catalogue.find(name, RECOGNIZER.name, fresh=True)  # raises, naming the packs
        return self._store_of(snapshot), snapshot

    def _store_of(self, snapshot: PackSnapshot) -> ModelStore[Any]:
        return self._stores[snapshot.pack.manifest.kind]

    def _load(self, kind: ModelKind[M], snapshot: PackSnapshot) -> M:
        # Found again, because the pack may have been replaced meanwhile.
        pack = self._registry.find(snapshot.name, kind.name)
        _check_memory(pack)
        model = kind.load(pack, self._how)
        kind.prove(model, snapshot.pack)
        return model


def _check_memory(pack: Pack) -> None:
    """Refuse a pack that certainly does not fit, because the system would end the process for it.

    Raises:
        ModelTooLargeError: Loading it takes more memory than this process may still take.
        ModelBrokenError: Its graph is missing.
    """
    graph = pack.locate(pack.manifest.graph)
    size = graph.stat().st_size
    need = LOADING * size
    left = memory_left()
    if size < LEAST_CHECKED or left is None or need <= left:
        return
    give_back()
    left = memory_left()
    if left is not None and need > left:
        raise ModelTooLargeError(
            f"pack {pack.manifest.name!r} needs {need / MIB:.0f} MiB of memory or more to be loaded, and "
            f"{left / MIB:.0f} MiB are left."
        )

"""The networks of one engine: which recogniser is active, what is loaded, what there is."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, ExitStack
from functools import partial

from crnn_ocr.detection.detector import DbDetector
from crnn_ocr.detection.load import load_detector
from crnn_ocr.engine.pack_check import check_reads
from crnn_ocr.errors import ModelBrokenError, OcrError
from crnn_ocr.models.catalogue import Catalogue, Edition
from crnn_ocr.models.idle import IdleUnloader
from crnn_ocr.models.listing import ModelList, describe
from crnn_ocr.models.manifest import Manifest
from crnn_ocr.models.registry import Registry
from crnn_ocr.models.store import ModelStore
from crnn_ocr.recognition.network.load import load_recognizer
from crnn_ocr.recognition.network.recognizer import CtcRecognizer
from crnn_ocr.runtime.memory import give_back
from crnn_ocr.settings import Settings


class Switch:
    """A recogniser that is loaded, has passed its self-check, and waits to become the active one."""

    def __init__(self, manager: ModelManager, edition: Edition, held: ExitStack) -> None:
        self._manager = manager
        self._edition = edition
        self._held = held

    @property
    def name(self) -> str:
        """Name of the pack."""
        return self._edition.name

    @property
    def model(self) -> str:
        """Name and version of the pack."""
        return self._edition.pack.manifest.id

    def commit(self) -> None:
        """Make it the active one, at once and for all; what is being read goes on with the old one."""
        self._manager.activate(self._edition)
        self._held.close()

    def cancel(self) -> None:
        """Let it go again."""
        self._held.close()
        self._manager.let_go(self.name)


class ModelManager:
    """Lends the detector and the recognisers; may be used by several threads at once."""

    def __init__(self, settings: Settings, registry: Registry, model: str, *, threads: int) -> None:
        """Prepare; nothing is loaded yet.

        Args:
            settings: Which packs and how.
            registry: Where packs are found.
            model: Name or alias of the recogniser that is active at first.
            threads: Threads inside one run of the detector.

        Raises:
            ModelNotFoundError: There is no such pack.
            ModelBrokenError: The manifest of the pack cannot be used.
        """
        self._settings = settings
        self._registry = registry
        self._threads = threads
        self._catalogue = Catalogue(registry)
        first = self._catalogue.find(model, "rec")
        self._manifest = first.pack.manifest
        loading = threading.Lock()
        self._recognizers: ModelStore[CtcRecognizer] = ModelStore(
            first.name,
            find=partial(self._catalogue.find, kind="rec"),
            load=self._load_recognizer,
            places=settings.named_models,
            loading=loading,
            freed=give_back,
        )
        self._detectors: ModelStore[DbDetector] = ModelStore(
            settings.detector,
            find=partial(self._catalogue.find, kind="det"),
            load=self._load_detector,
            loading=loading,
            freed=give_back,
        )
        self._idle: IdleUnloader | None = None
        if settings.unload_after_s:
            self._idle = IdleUnloader((self._recognizers, self._detectors), settings.unload_after_s)

    # ---- what there is ------------------------------------------------------------------------------

    @property
    def active(self) -> Manifest:
        """The manifest of the active recogniser, as it is loaded or else as it lies on disk."""
        name = self._recognizers.active
        edition = self._recognizers.edition(name)
        if edition is None:
            try:
                edition = self._catalogue.find(name, "rec")
            except OcrError:  # gone from the disk and not loaded
                return self._manifest
        self._manifest = edition.pack.manifest
        return self._manifest

    @property
    def ready(self) -> bool:
        """Whether the detector and the active recogniser are loaded and have passed their self-check."""
        stores = (self._recognizers, self._detectors)
        return all(store.edition(store.active) is not None for store in stores)

    @property
    def problem(self) -> str | None:
        """Why the detector or the active recogniser cannot be loaded, as far as that is known."""
        for store, kind in ((self._recognizers, "rec"), (self._detectors, "det")):
            if store.edition(store.active) is not None:
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
        editions = (*self._recognizers.loaded, *self._detectors.loaded)
        return tuple(sorted(edition.name for edition in editions))

    def listing(self) -> ModelList:
        """All packs on disk; those whose files are not whole are told apart."""
        active = (self._recognizers.active, self._detectors.active)
        return describe(self._catalogue.listing(), self._settings.precision, active, self.loaded)

    def resolve(self, name: str) -> str:
        """The name of the recogniser pack that a name or an alias means.

        Raises:
            ModelNotFoundError: There is none.
            ModelBrokenError: Its manifest cannot be used.
        """
        return self._catalogue.find(name, "rec", fresh=True).name

    def to_lend(self, kind: str, name: str | None = None) -> Manifest:
        """The manifest of the pack that a reading would use now; see `ModelStore.to_lend`.

        Args:
            kind: "rec" or "det".
            name: Name or alias of the pack; the active one when None.
        """
        if kind == "det":
            return self._detectors.to_lend(name).pack.manifest
        try:
            return self._recognizers.to_lend(name).pack.manifest
        except OcrError:
            if name is not None:
                raise
            return self._manifest  # gone from the disk and not loaded: what it read may be kept still

    # ---- lending ------------------------------------------------------------------------------------

    def recognizer(
        self, name: str | None = None, *, pinned: bool = False, patience: float | None = None
    ) -> AbstractContextManager[CtcRecognizer]:
        """Lend a recogniser; see `ModelStore.lease`."""
        return self._recognizers.lease(name, pinned=pinned, patience=patience)

    def detector(self, *, patience: float | None = None) -> AbstractContextManager[DbDetector]:
        """Lend the detector; see `ModelStore.lease`."""
        return self._detectors.lease(patience=patience)

    def warm_up(self) -> None:
        """Load the detector and the active recogniser.

        Raises:
            ModelBrokenError: A pack is missing, differs from its manifest or fails its self-check.
        """
        with self.recognizer(), self.detector():
            pass

    def prepare(self, name: str) -> Switch:
        """Load a recogniser and let it prove itself, beside the active one.

        Raises:
            ModelNotFoundError: There is no such pack.
            ModelBrokenError: It differs from its manifest or fails its self-check.
        """
        edition = self._catalogue.find(name, "rec", fresh=True)
        with ExitStack() as stack:
            stack.enter_context(self._recognizers.lease(edition.name, pinned=True))
            loaded = self._recognizers.edition(edition.name)
            if loaded is None or loaded.stamp != edition.stamp:
                # What is lent is what the pack was before its files changed: they are broken.
                raise ModelBrokenError(
                    self._recognizers.problem(edition.name) or f"pack {edition.name!r} is just being changed"
                )
            held = stack.pop_all()
        return Switch(self, edition, held)

    def activate(self, edition: Edition) -> None:
        """Make a recogniser the active one; the old one is closed when its last reader is done."""
        self._manifest = edition.pack.manifest
        self._recognizers.activate(edition.name)

    def let_go(self, name: str) -> None:
        """Unload a recogniser that is not the active one."""
        if name != self._recognizers.active:
            self._recognizers.let_go(name)

    def close(self) -> None:
        """Unload everything; nothing is lent any more."""
        if self._idle is not None:
            self._idle.stop()
        self._recognizers.close()
        self._detectors.close()

    # ---- loading ------------------------------------------------------------------------------------

    def _load_recognizer(self, edition: Edition) -> CtcRecognizer:
        recognizer = load_recognizer(
            self._registry,
            edition.name,
            cache_dir=self._settings.cache_dir,
            precision=self._settings.precision,
        )
        check_reads(recognizer, edition.pack)
        return recognizer

    def _load_detector(self, edition: Edition) -> DbDetector:
        return load_detector(self._registry, edition.name, threads=self._threads)

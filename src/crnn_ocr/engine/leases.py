"""Decides which packs a reading uses, and leases their models until it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, TypeVar

from crnn_ocr.engine.kinds import ModelUse
from crnn_ocr.engine.model_manager import ModelManager
from crnn_ocr.errors import ModelBrokenError, ModelNotFoundError, OcrError
from crnn_ocr.models.manifest import Manifest
from crnn_ocr.models.store import Closable
from crnn_ocr.options import ReadOptions

M = TypeVar("M", bound=Closable)


def packs_to_use(
    manager: ModelManager, uses: Sequence[ModelUse[Any]], options: ReadOptions
) -> tuple[Mapping[str, Manifest], Mapping[str, str]]:
    """Return the packs that a reading would use now; see `crnn_ocr.models.fingerprint.PacksToUse`.

    Raises:
        ModelNotFoundError: There is no such pack.
        ModelBrokenError: The manifest of a pack is invalid.
    """
    needed: dict[str, Manifest] = {}
    for use in uses:
        if not use.optional and use.wanted(options, needed):
            needed[use.role] = manager.manifest_to_use(use.kind, use.name(options))
    optional, missing = optional_packs(manager, uses, options, needed)
    return {**needed, **optional}, {role: error.code for role, error in missing.items()}


def optional_packs(
    manager: ModelManager, uses: Sequence[ModelUse[Any]], options: ReadOptions, needed: Mapping[str, Manifest]
) -> tuple[Mapping[str, Manifest], Mapping[str, OcrError]]:
    """Decide which optional models a reading may use.

    A pack that has another role already is not one of them: it would only repeat itself. Packs are compared,
    not loaded models, because after a switch or an eviction one pack may be loaded twice.

    Args:
        manager: Finds the packs.
        uses: All models that the stages declare.
        options: The options of the reading.
        needed: Manifests of the models that are not optional, by role.

    Returns:
        The manifests by role; and, for each role whose pack is missing, the error.
    """
    taken = {(manifest.kind, manifest.name) for manifest in needed.values()}
    found: dict[str, Manifest] = {}
    missing: dict[str, OcrError] = {}
    for use in uses:
        if not use.optional or not use.wanted(options, needed):
            continue
        try:
            manifest = manager.manifest_to_use(use.kind, use.name(options))
        except (ModelNotFoundError, ModelBrokenError) as error:
            missing[use.role] = error
        else:
            if (manifest.kind, manifest.name) not in taken:
                found[use.role] = manifest
    return found, missing


class LeasedModels:
    """The models of one reading, leased until its end; optional ones from their first use.

    Which packs it uses is decided once, at its beginning, whatever is switched or installed meanwhile.

    Attributes:
        manifests: Manifests of the packs by role: of the leased models, and of the optional ones that may yet
            be leased.
    """

    def __init__(
        self,
        manager: ModelManager,
        uses: Sequence[ModelUse[Any]],
        options: ReadOptions,
        patience: float | None,
        *,
        reads: bool = True,
    ) -> None:
        """Lease nothing yet.

        Args:
            manager: Leases the models.
            uses: All models that the stages declare.
            options: The options of the reading.
            patience: Seconds to wait for a model; see `ModelStore.lease`.
            reads: Whether a picture is read; otherwise only optional models may be leased.
        """
        self._reads = reads
        self._manager = manager
        self._uses = uses
        self._options = options
        self._patience = patience
        self._held = ExitStack()
        self._leased: dict[str, Any] = {}
        self._missing: Mapping[str, OcrError] = {}
        self.manifests: dict[str, Manifest] = {}

    def __enter__(self) -> LeasedModels:
        try:
            needed: dict[str, Manifest] = {}
            for use in self._uses:
                if use.optional or not use.wanted(self._options, needed):
                    continue
                name = use.name(self._options)
                if self._reads:
                    self._lease(use, name)
                    needed[use.role] = self.manifests[use.role]
                else:
                    needed[use.role] = self._manager.manifest_to_use(use.kind, name)
            optional, self._missing = optional_packs(self._manager, self._uses, self._options, needed)
            self.manifests.update(optional)
        except BaseException:
            self._held.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()
        self._leased.clear()

    def __call__(self, use: ModelUse[M], /) -> M:
        """Return the model; see `crnn_ocr.engine.stage.Models`."""
        if use.role in self._missing:
            raise self._missing[use.role]
        if use.role not in self._leased:
            self._lease(use, self.manifests[use.role].name)
        model: M = self._leased[use.role]
        return model

    def has(self, use: ModelUse[Any], /) -> bool:
        """Return whether the model may be needed, if only to say that it is missing."""
        return use.role in self.manifests or use.role in self._missing

    def _lease(self, use: ModelUse[Any], name: str | None) -> None:
        patience = None if use.optional else self._patience
        lease = self._manager.lease(use.kind, name, pinned=use.optional, patience=patience)
        model = self._leased[use.role] = self._held.enter_context(lease)
        self.manifests[use.role] = model.manifest

"""Defines the kinds of model: how packs of each kind are loaded and tested, and which one is the default.

A new kind needs a `ModelKind` and a stage that uses it (`crnn_ocr.engine.stage`). The code of a network is
imported when the first model of its kind is loaded: listing packs needs neither OpenCV nor ONNX Runtime.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from crnn_ocr.models.manifest import Manifest, PrecisionChoice
from crnn_ocr.models.registry import Pack, Registry
from crnn_ocr.models.store import Closable
from crnn_ocr.options import ReadOptions
from crnn_ocr.settings import Settings

if TYPE_CHECKING:
    from crnn_ocr.detection.detector import DbDetector
    from crnn_ocr.recognition.network.recognizer import CtcRecognizer
    from crnn_ocr.tables.network.recognizer import TableRecognizer

M = TypeVar("M", bound=Closable)


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """How packs are loaded.

    Attributes:
        threads: Threads of a run that may use all cores.
        precision: Precision of packs with an INT8 graph; auto: INT8 if this CPU has instructions for it.
        cache_dir: Folder for prepared graphs; the user's cache folder when None.
    """

    threads: int = 1
    precision: PrecisionChoice = "auto"
    cache_dir: Path | None = None


def _prove_nothing(_model: object, _pack: Pack) -> None:
    return None


@dataclass(frozen=True, slots=True, eq=False)
class ModelKind(Generic[M]):
    """A kind of model, such as recognisers.

    Attributes:
        name: Its name in manifests, for example "rec".
        title: Its name for people, for example "recogniser".
        load: Loads a pack; raises `ModelBrokenError` if anything is wrong with it.
        active: Returns the name or alias of the pack that is used when none is named.
        prove: Tests a loaded model; raises `ModelBrokenError` if it fails.
        places: How many models may be kept in memory because requests named them, beside the active one.
        precisions: The precisions in which a pack must load.
        lazy: It is loaded when a page first needs it: neither warming up nor readiness waits for it.
    """

    name: str
    title: str
    load: Callable[[Pack, LoadSettings], M]
    active: Callable[[Settings], str]
    prove: Callable[[M, Pack], None] = _prove_nothing
    places: Callable[[Settings], int] = lambda settings: 1
    precisions: Callable[[Manifest], tuple[PrecisionChoice, ...]] = lambda manifest: ("auto",)
    lazy: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class ModelUse(Generic[M]):
    """A model that a stage needs, and its role.

    Attributes:
        role: What it is used for, for example "recognizer"; unique in a pipeline.
        kind: The kind that it must have.
        name: Returns the name or alias of the pack for these options; None for the active one.
        wanted: Returns whether it may be needed, given the options and the manifests of the models that are
            not optional.
        optional: It is leased when a page first needs it, takes none of the places, and may be missing. It is
            not used where the same pack has another role.
    """

    role: str
    kind: ModelKind[M]
    name: Callable[[ReadOptions], str | None] = lambda options: None
    wanted: Callable[[ReadOptions, Mapping[str, Manifest]], bool] = lambda options, lent: True
    optional: bool = False


def _load_recognizer(pack: Pack, how: LoadSettings) -> CtcRecognizer:
    from crnn_ocr.recognition.network.load import load_pack

    return load_pack(pack, cache_dir=how.cache_dir, precision=how.precision)


def _prove_recognizer(recognizer: CtcRecognizer, pack: Pack) -> None:
    from crnn_ocr.engine.probe import check_reads

    check_reads(recognizer, pack)


def _load_detector(pack: Pack, how: LoadSettings) -> DbDetector:
    from crnn_ocr.detection.load import load_pack

    return load_pack(pack, threads=how.threads, cache_dir=how.cache_dir, precision=how.precision)


def _load_table_recognizer(pack: Pack, how: LoadSettings) -> TableRecognizer:
    from crnn_ocr.tables.network.load import load_pack

    return load_pack(pack, cache_dir=how.cache_dir, precision=how.precision)


def _prove_table_recognizer(recognizer: TableRecognizer, pack: Pack) -> None:
    from crnn_ocr.tables.network.load import check_reads

    check_reads(recognizer, pack)


RECOGNIZER: ModelKind[CtcRecognizer] = ModelKind(
    "rec",
    "recogniser",
    _load_recognizer,
    active=lambda settings: settings.model,
    prove=_prove_recognizer,
    places=lambda settings: settings.named_models,
    precisions=lambda manifest: ("fp32", "int8") if manifest.precision == "int8" else ("fp32",),
)
DETECTOR: ModelKind[DbDetector] = ModelKind(
    "det", "detector", _load_detector, active=lambda settings: settings.detector
)
#: Most pages have no table, so it is loaded when one is found.
TABLE: ModelKind[TableRecognizer] = ModelKind(
    "table",
    "table recogniser",
    _load_table_recognizer,
    active=lambda settings: "slanet-plus",
    prove=_prove_table_recognizer,
    lazy=True,
)

#: Every kind of model, by its name in manifests.
KINDS: dict[str, ModelKind[Any]] = {kind.name: kind for kind in (RECOGNIZER, DETECTOR, TABLE)}


def check_packs(settings: Settings) -> None:
    """Check the packs that reading needs, so that a misspelt name ends the start; nothing is loaded.

    Raises:
        ModelNotFoundError: There is no such pack.
        ModelBrokenError: Its manifest is invalid, or with `verify_models` one of its files is.
    """
    registry = Registry(settings.models_dir)
    for kind in KINDS.values():
        if kind.lazy:  # pages are read without it
            continue
        pack = registry.find(kind.active(settings), kind.name)
        if settings.verify_models:
            pack.verify()

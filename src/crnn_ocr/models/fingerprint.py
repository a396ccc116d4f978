"""Computes the fingerprint of everything but picture and options that decides an answer."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import crnn_ocr
from crnn_ocr.models.manifest import Manifest
from crnn_ocr.options import ReadOptions
from crnn_ocr.runtime import cpu
from crnn_ocr.settings import Settings

#: Name of the model that takes the second look.
SECOND_READER = "accurate"
#: The role of the model that a document names.
RECOGNIZER = "recognizer"

#: What a document names as its model if no picture was read.
TEXT_LAYER = "pdf-text-layer"

#: Libraries that decode, scale and compute: another version may change a pixel or a bit.
_LIBRARIES = ("numpy", "onnxruntime", "opencv-python-headless", "pillow", "pypdfium2")

#: Settings that decide what is read or refused.
_SETTINGS = ("max_image_bytes", "max_pages", "max_pixels", "max_side", "max_text_pages", "pdf_dpi")

#: Prefixes of the names of vector instructions in `/proc/cpuinfo`.
_VECTOR = ("amx", "asimd", "avx", "bf16", "f16c", "fma", "i8mm", "sse", "ssse", "sve")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Identity of an installation: two with the same fingerprint give the same answers, bit for bit.

    Attributes:
        model: Name and version of the recogniser, as the document will name it.
        digest: Hexadecimal digest of the models' files, the arithmetic, the libraries and the settings.
        packs: Marks of the packs that are part of the digest, as made by `marks`.
    """

    model: str
    digest: str
    packs: frozenset[str] = frozenset()


def marks(packs: Mapping[str, Manifest]) -> frozenset[str]:
    """Return one mark per pack of a reading: its role and a digest of its manifest."""
    return frozenset(f"{role}:{_described(manifest)}" for role, manifest in packs.items())


#: Returns the packs that a reading with these options would use now, by role; and, for each optional role
#: whose pack is missing, the code of the error.
PacksToUse = Callable[[ReadOptions], tuple[Mapping[str, Manifest], Mapping[str, str]]]


class Fingerprints:
    """Factory of fingerprints. It is safe to use from several threads."""

    def __init__(
        self,
        packs_to_use: PacksToUse,
        settings: Settings,
        replacements: Mapping[str, str],
    ) -> None:
        """Digest what stays the same while the program runs.

        Args:
            packs_to_use: Returns the packs of a reading; raises like `Registry.find`.
            settings: Only the settings that decide answers are used.
            replacements: The user's table of replacements in recognised text.
        """
        self._packs_to_use = packs_to_use
        int8 = settings.precision == "int8" or (settings.precision == "auto" and cpu.has_dot_products())
        fixed = {
            "crnn-ocr": crnn_ocr.__version__,
            "libraries": {name: _version(name) for name in _LIBRARIES},
            # ONNX Runtime chooses kernels by the CPU: another kind of CPU may round the last bit differently.
            "cpu": [platform.machine(), *sorted(name for name in cpu.features() if name.startswith(_VECTOR))],
            "precision": "int8" if int8 else "fp32",
            "settings": {name: getattr(settings, name) for name in _SETTINGS},
            "replacements": sorted(replacements.items()),
        }
        self._fixed = _digest(fixed)

    def of(self, options: ReadOptions) -> Fingerprint:
        """Return the fingerprint of a reading with these options.

        Args:
            options: The options of the reading.

        Raises:
            ModelNotFoundError: There is no such pack.
            ModelBrokenError: The manifest of a pack is invalid.
        """
        manifests, missing = self._packs_to_use(options)
        packs = marks(manifests)
        digest = _digest([self._fixed, sorted(packs), sorted(missing.items())])
        return Fingerprint(manifests[RECOGNIZER].id, digest, packs)


def _described(pack: Manifest) -> str:
    """Return a digest of a manifest, and so of the files whose checksums it holds."""
    return _digest(pack.model_dump(mode="json"))


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""

"""What of an installation decides an answer, beside the picture and the options."""

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

#: The model that takes the second look.
SECOND_READER = "accurate"
#: The role of the model that a document names.
RECOGNIZER = "recognizer"

#: Libraries that decode, scale and compute: another version may give another pixel or bit.
_LIBRARIES = ("numpy", "onnxruntime", "opencv-python-headless", "pillow", "pypdfium2")

#: Settings that decide what is read, or whether it is refused.
_SETTINGS = ("max_image_bytes", "max_pages", "max_pixels", "max_side", "pdf_dpi")

#: How the names of vector instructions begin in `/proc/cpuinfo`.
_VECTOR = ("amx", "asimd", "avx", "bf16", "f16c", "fma", "i8mm", "sse", "ssse", "sve")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Identifies what answers, up to the bit.

    Attributes:
        model: Name and version of the recogniser, as the document will name it.
        digest: Hexadecimal digest of the models' files, the arithmetic, the libraries and the settings.
        packs: Marks of the packs that are in the digest, as `marks` makes them.
    """

    model: str
    digest: str
    packs: frozenset[str] = frozenset()


def marks(packs: Mapping[str, Manifest]) -> frozenset[str]:
    """Return what tells the packs of a reading from all others: their roles, and digests of their manifests.

    A reading that did not need its second reader, or had none, has one mark less.
    """
    return frozenset(f"{role}:{_described(manifest)}" for role, manifest in packs.items())


#: Tells which packs a reading with these options would use now, by their roles; and the code of the error for
#: each role whose pack is missing and not needed for an answer.
PacksToUse = Callable[[ReadOptions], tuple[Mapping[str, Manifest], Mapping[str, str]]]


class Fingerprints:
    """Makes fingerprints; may be used by many threads at once."""

    def __init__(
        self,
        packs_to_use: PacksToUse,
        settings: Settings,
        replacements: Mapping[str, str],
    ) -> None:
        """Look at the installation.

        Args:
            packs_to_use: Raises as `Registry.find` does.
            settings: Those that decide answers are taken from here.
            replacements: The table of strings that are put in the place of others.
        """
        self._packs_to_use = packs_to_use
        int8 = settings.precision == "int8" or (settings.precision == "auto" and cpu.has_dot_products())
        fixed = {
            "crnn-ocr": crnn_ocr.__version__,
            "libraries": {name: _version(name) for name in _LIBRARIES},
            # Networks are run with what the CPU has: another kind of CPU may round the last bit differently.
            "cpu": [platform.machine(), *sorted(name for name in cpu.features() if name.startswith(_VECTOR))],
            "precision": "int8" if int8 else "fp32",
            "settings": {name: getattr(settings, name) for name in _SETTINGS},
            "replacements": sorted(replacements.items()),
        }
        self._fixed = _digest(fixed)

    def of(self, options: ReadOptions) -> Fingerprint:
        """The fingerprint of a reading.

        Args:
            options: How it is to be read.

        Raises:
            ModelNotFoundError: There is no such pack.
            ModelBrokenError: The manifest of a pack cannot be used.
        """
        manifests, missing = self._packs_to_use(options)
        packs = marks(manifests)
        digest = _digest([self._fixed, sorted(packs), sorted(missing.items())])
        return Fingerprint(manifests[RECOGNIZER].id, digest, packs)


def _described(pack: Manifest) -> str:
    """A manifest holds the digests of its pack's files."""
    return _digest(pack.model_dump(mode="json"))


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""

"""What of an installation decides an answer, beside the picture and the options."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import crnn_ocr
from crnn_ocr.engine import cpu
from crnn_ocr.errors import ModelBrokenError, ModelNotFoundError
from crnn_ocr.models.manifest import Manifest
from crnn_ocr.models.registry import Registry
from crnn_ocr.options import ReadOptions
from crnn_ocr.settings import Settings

#: The model that takes the second look.
SECOND_READER = "accurate"

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
    """

    model: str
    digest: str


class Fingerprints:
    """Makes fingerprints; may be used by many threads at once."""

    def __init__(
        self,
        registry: Registry,
        settings: Settings,
        replacements: Mapping[str, str],
    ) -> None:
        """Look at the installation.

        Args:
            registry: Where packs are found.
            settings: Those that decide answers are taken from here.
            replacements: The table of strings that are put in the place of others.
        """
        self._registry = registry
        self._detector = settings.detector
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

    def of(self, options: ReadOptions, default: Manifest) -> Fingerprint:
        """The fingerprint of a reading.

        Args:
            options: How it is to be read.
            default: The recogniser that is used where the options name none.

        Raises:
            ModelNotFoundError: There is no such pack.
            ModelBrokenError: The manifest of a pack cannot be used.
        """
        model = default if options.model is None else self._manifest(options.model, "rec")
        packs = [model, self._manifest(self._detector, "det")]
        missing = ""
        if options.recheck == "auto":
            try:
                packs.append(self._manifest(SECOND_READER, "rec"))
            except (ModelNotFoundError, ModelBrokenError) as error:
                missing = error.code
        described = [pack.model_dump(mode="json") for pack in packs]
        return Fingerprint(model.id, _digest([self._fixed, described, missing]))

    def _manifest(self, name: str, kind: str) -> Manifest:
        """Read again each time, which takes some 0.05 ms: packs may be replaced while the service runs."""
        return self._registry.find(name, kind).manifest


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""

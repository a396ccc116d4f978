"""What of an installation decides an answer, beside the picture and the options."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import crnn_ocr
from crnn_ocr.errors import ModelBrokenError, ModelNotFoundError
from crnn_ocr.models.manifest import Manifest
from crnn_ocr.options import ReadOptions
from crnn_ocr.runtime import cpu
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
        packs: Marks of the packs that are in the digest, as `marks` makes them.
    """

    model: str
    digest: str
    packs: frozenset[str] = frozenset()


def marks(recognizer: Manifest, detector: Manifest, second: Manifest | None) -> frozenset[str]:
    """What tells the packs of one reading from all others: their parts in it, and digests of their manifests.

    A reading that did not need its second reader, or had none, has one mark less.
    """
    found = {f"recognizer:{_described(recognizer)}", f"detector:{_described(detector)}"}
    return frozenset(found if second is None else {*found, f"second:{_described(second)}"})


#: Finds the pack that a reading would use now: its kind, and its name, or None for the one that is active.
ToLend = Callable[[str, str | None], Manifest]


class Fingerprints:
    """Makes fingerprints; may be used by many threads at once."""

    def __init__(
        self,
        to_lend: ToLend,
        settings: Settings,
        replacements: Mapping[str, str],
    ) -> None:
        """Look at the installation.

        Args:
            to_lend: Tells the manifest of the pack that a reading would use; raises as `Registry.find` does.
            settings: Those that decide answers are taken from here.
            replacements: The table of strings that are put in the place of others.
        """
        self._to_lend = to_lend
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
        model = self._to_lend("rec", options.model)
        detector = self._to_lend("det", None)
        second, missing = None, ""
        if options.recheck == "auto" and model.second_look:
            try:
                second = self._to_lend("rec", SECOND_READER)
            except (ModelNotFoundError, ModelBrokenError) as error:
                missing = error.code
        packs = marks(model, detector, second)
        return Fingerprint(model.id, _digest([self._fixed, sorted(packs), missing]), packs)


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

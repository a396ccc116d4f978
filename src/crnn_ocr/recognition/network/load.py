"""Load a recogniser by the name of its pack and check it."""

from __future__ import annotations

from pathlib import Path

from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.models.manifest import PrecisionChoice
from crnn_ocr.models.registry import Pack, Registry
from crnn_ocr.models.sessions import open_session
from crnn_ocr.recognition.network.charset import Charset
from crnn_ocr.recognition.network.recognizer import CtcRecognizer
from crnn_ocr.runtime.onnx import Session

_METADATA_KEY = "character"  # where PaddleOCR's and RapidOCR's exports keep the character list


def load_recognizer(
    registry: Registry,
    name: str,
    *,
    cache_dir: Path | None = None,
    precision: PrecisionChoice = "auto",
) -> CtcRecognizer:
    """Load a recogniser pack by its name or an alias.

    Args:
        registry: The packs to search.
        name: The pack's name or alias.
        cache_dir: Folder for prepared graphs; None for the user's cache folder.
        precision: Precision of packs with an INT8 graph; "auto" is INT8 if this CPU has instructions for it.

    Returns:
        A recogniser that has passed its self-check.

    Raises:
        ModelNotFoundError: There is no such pack.
        ModelBrokenError: The pack's files differ from its manifest, or it fails the self-check.
    """
    return load_pack(registry.find(name, "rec"), cache_dir=cache_dir, precision=precision)


def load_pack(
    pack: Pack,
    *,
    cache_dir: Path | None = None,
    precision: PrecisionChoice = "auto",
    threads: int = 1,
) -> CtcRecognizer:
    """Load a recogniser like `load_recognizer`, from a pack that has been found; use `threads` per run."""
    manifest = pack.manifest
    session = open_session(pack, precision=precision, cache_dir=cache_dir, threads=threads, arg_max=True)
    charset = Charset.build(_characters(pack, session), blank=manifest.blank, space=manifest.space)
    return CtcRecognizer(session, manifest, charset)


def _characters(pack: Pack, session: Session) -> list[str]:
    """Return the rows of the pack's character list."""
    manifest = pack.manifest
    if manifest.charset is None:
        listed = session.metadata.get(_METADATA_KEY)
        if listed is None:
            raise ModelBrokenError(
                f"pack {manifest.name!r} has no character list, neither as a file nor in its graph"
            )
    else:
        try:
            listed = pack.verified(manifest.charset).read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ModelBrokenError(
                f"pack {manifest.name!r}: {manifest.charset.path} is not in UTF-8"
            ) from error
    # Not splitlines(), which would split at U+2028 and other characters that the list may contain.
    return listed.rstrip("\n").split("\n")

"""Makes a pack from a bare network: an ONNX file with a CTC head, and its list of characters."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.models.manifest import Manifest, PackFile

_GRAPH, _CHARACTERS = "net.onnx", "characters.txt"
_METADATA_KEY = "character"  # where PaddleOCR's and RapidOCR's exports keep the list

#: Stands for a class that the list does not name and the network was never trained on.
_UNUSED = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class About:
    """The fields of a manifest that cannot be derived from the files."""

    name: str
    version: str = "1"
    title: str = ""
    languages: tuple[str, ...] = ()
    licence: str = "unknown"
    provenance: str = "unknown"
    input_height: int = 48
    stride: int = 8


def wrap(graph: Path, characters: Path | None, folder: Path, about: About) -> Manifest:
    """Write a pack.

    Args:
        graph: An ONNX file whose output is probabilities, (N, T, classes), with the blank as the first class.
        characters: File with one character per row, in the order of the classes; None if the list is in the
            graph's metadata.
        folder: Folder to write to; it must exist.
        about: The other fields of the manifest.

    Returns:
        The manifest that was written.

    Raises:
        ModelBrokenError: A file cannot be read, or the list does not fit the graph's classes.
        ValueError: The name or another field is not valid in a manifest.
    """
    try:
        network = graph.read_bytes()
        listed = None if characters is None else characters.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ModelBrokenError(f"{error.filename} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ModelBrokenError(f"{characters} is not in UTF-8") from error
    classes, metadata = _inspect(network)
    listed = metadata if listed is None else listed
    if listed is None:
        raise ModelBrokenError(
            f"{graph.name} does not say which characters it reads.", hint="Give their list with --characters."
        )
    rows, space = fit_rows(listed.replace("\r\n", "\n").rstrip("\n").split("\n"), classes)
    text = "".join(f"{row}\n" for row in rows)
    (folder / _GRAPH).write_bytes(network)
    (folder / _CHARACTERS).write_text(text, encoding="utf-8")
    manifest = Manifest(
        name=about.name,
        version=about.version,
        kind="rec",
        title=about.title or about.name,
        licence=about.licence,
        provenance=about.provenance,
        languages=about.languages,
        graph=PackFile(path=_GRAPH, sha256=hashlib.sha256(network).hexdigest()),
        charset=PackFile(path=_CHARACTERS, sha256=hashlib.sha256(text.encode()).hexdigest()),
        input_height=about.input_height,
        stride=about.stride,
        space=space,
    )
    (folder / "manifest.json").write_text(manifest.model_dump_json(indent=2, exclude_none=True), "utf-8")
    return manifest


def fit_rows(rows: list[str], classes: int | None) -> tuple[list[str], bool]:
    """Extend a list of characters to every class of a graph.

    PaddleOCR's networks have a class for the blank, one per row and usually one more for a space. If the list
    already held a space, which editors strip, there is one more class, which was never trained.

    Args:
        rows: The rows of the file.
        classes: Number of classes of the graph; None if it does not say.

    Returns:
        The rows, and whether a space follows them.

    Raises:
        ModelBrokenError: There are too many or too few rows.
    """
    more = 2 if classes is None else classes - len(rows)
    match more:
        case 1:
            return rows, False
        case 2:
            return rows, True
        case 3 if _UNUSED not in rows:
            return [*rows, _UNUSED], True
    raise ModelBrokenError(
        f"The graph has {classes} classes and the list {len(rows)} characters.",
        hint="There should be one class per character, one for the blank and usually one for a space. This "
        "seems to be the list of another network.",
    )


def _inspect(network: bytes) -> tuple[int | None, str | None]:
    """Return how many classes a graph has, and the characters in its metadata."""
    import onnx  # late: 25 MB of memory that only this needs

    try:
        model = onnx.load_from_string(network)
        dimensions = model.graph.output[0].type.tensor_type.shape.dim
    except Exception as error:  # protobuf's own exception types differ by version
        raise ModelBrokenError("the graph is not an ONNX file") from error
    classes = dimensions[2].dim_value if len(dimensions) == 3 else 0
    listed = {entry.key: entry.value for entry in model.metadata_props}.get(_METADATA_KEY)
    return classes or None, listed

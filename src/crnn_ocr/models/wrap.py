"""Makes a pack of a network that came without one: an ONNX file with a CTC head, and its characters."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.models.manifest import Manifest, PackFile

_GRAPH, _CHARACTERS = "net.onnx", "characters.txt"
_METADATA_KEY = "character"  # where PaddleOCR's and RapidOCR's exports keep the list

#: For a class that the list does not name and that the network was never taught.
_UNUSED = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class About:
    """What a pack's manifest says that cannot be found out from the files."""

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
        graph: An ONNX file that answers probabilities, (N, T, classes), blank first.
        characters: One character a line, in the order of the classes; None: they are in the graph's metadata.
        folder: Where to; it must exist.
        about: The rest.

    Raises:
        ModelBrokenError: A file cannot be read, or the list does not fit the graph's classes.
        ValueError: The name or another value is none that a manifest can have.
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
            f"{graph.name} does not say which characters it reads.", hint="Name their list with --characters."
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
    """Make a list of characters name every class of a graph.

    PaddleOCR's networks have a class for the blank, one per row and mostly one more for a space. Where the
    list held a space already, which editors strip, there is one class more, which was never taught.

    Args:
        rows: As they stand in the file.
        classes: How many the graph tells apart; None where it does not say.

    Returns:
        The rows, and whether a space follows them.

    Raises:
        ModelBrokenError: There are too many or too few.
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
        hint="Beside the characters there are a blank and mostly a space: it is another network's list.",
    )


def _inspect(network: bytes) -> tuple[int | None, str | None]:
    """How many classes a graph has, and the characters in its metadata."""
    import onnx  # late: 25 MB of memory that only this needs

    try:
        model = onnx.load_from_string(network)
        dimensions = model.graph.output[0].type.tensor_type.shape.dim
    except Exception as error:  # protobuf's own exception types differ by version
        raise ModelBrokenError("the graph is not an ONNX file") from error
    classes = dimensions[2].dim_value if len(dimensions) == 3 else 0
    listed = {entry.key: entry.value for entry in model.metadata_props}.get(_METADATA_KEY)
    return classes or None, listed

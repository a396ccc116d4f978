"""Prepares a graph: converts it to the wanted precision and puts a recogniser's arg-max inside.

A CTC graph ends in (N, T, classes) probabilities: 3.7 MB of float32 for one 400 px line of an 18,710-class
model. `fuse` appends a `TopK(1)` and makes its two outputs, (N, T, 1) each, the graph's only ones. It is
skipped if the manifest says that the graph has the arg-max already. `dequantize` derives the float form of an
INT8 graph. Prepared graphs are kept in the cache folder under the hash of their source.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.models.dequantize import dequantize
from crnn_ocr.models.manifest import Manifest, Precision, PrecisionChoice
from crnn_ocr.models.registry import Pack
from crnn_ocr.runtime.cpu import has_dot_products

IDS = "ctc_ids"
CONFIDENCES = "ctc_confidences"
CLASSES_KEY = "classes"
"""Metadata key: the number of classes, if it is known."""
_FUSED, _FLOAT = "fused1", "float1"  # name of a step and its revision; part of the cached file's name


def fuse(graph: bytes) -> bytes:
    """Append the arg-max to a serialised ONNX graph whose only output is (N, T, classes).

    Raises:
        ModelBrokenError: The bytes are not an ONNX graph, or it has several outputs.
    """
    import onnx  # late: 25 MB of memory that only the first start needs
    from onnx import TensorProto, helper

    try:
        model = onnx.load_from_string(graph)
    except Exception as error:  # protobuf's own exception types differ by version
        raise ModelBrokenError("the graph is not an ONNX file") from error
    if len(model.graph.output) != 1:
        raise ModelBrokenError(f"the graph has {len(model.graph.output)} outputs, not 1")
    scores = model.graph.output[0].name
    dimensions = model.graph.output[0].type.tensor_type.shape.dim
    if len(dimensions) == 3 and dimensions[2].dim_value:
        helper.set_model_props(model, {**_metadata(model), CLASSES_KEY: str(dimensions[2].dim_value)})
    del model.graph.output[:]
    one = helper.make_tensor("ctc_k", TensorProto.INT64, [1], [1])
    model.graph.initializer.append(one)
    model.graph.node.append(helper.make_node("TopK", [scores, one.name], [CONFIDENCES, IDS], axis=2))
    model.graph.output.append(helper.make_tensor_value_info(CONFIDENCES, TensorProto.FLOAT, None))
    model.graph.output.append(helper.make_tensor_value_info(IDS, TensorProto.INT64, None))
    fused: bytes = model.SerializeToString()
    return fused


def _metadata(model: Any) -> dict[str, str]:
    return {entry.key: entry.value for entry in model.metadata_props}


def precision_for(manifest: Manifest, wanted: PrecisionChoice) -> Precision:
    """Return the precision in which an INT8 pack is run on this CPU; "auto" means the better one."""
    if wanted != "auto":
        return wanted
    return "int8" if has_dot_products() or manifest.weight_bits == 7 else "fp32"


def prepared_graph(
    pack: Pack, *, precision: Precision = "int8", cache_dir: Path | None = None, arg_max: bool = False
) -> Path | bytes:
    """Return the graph of a pack as it is run, preparing it if necessary.

    Args:
        pack: The pack.
        precision: Wanted form of an INT8 graph; float graphs are left as they are.
        cache_dir: Folder for prepared graphs; the user's cache folder when None.
        arg_max: Put the arg-max inside, if the manifest does not say that the graph has it already.

    Returns:
        A file: the pack's own or a cached one; or the bytes if no folder is writable.

    Raises:
        ModelBrokenError: The pack's graph is missing, differs from its manifest or cannot be prepared.
    """
    manifest = pack.manifest
    source = pack.verified(manifest.graph)
    steps: dict[str, Callable[[bytes], bytes]] = {}
    if manifest.precision == "int8" and precision == "fp32":
        steps[_FLOAT] = dequantize
    if arg_max and manifest.output == "scores":
        steps[_FUSED] = fuse
    if not steps:
        return source
    folder = default_cache_dir() if cache_dir is None else cache_dir
    cached = folder / f"{manifest.graph.sha256[:32]}-{'-'.join(steps)}.onnx" if folder else None
    if cached is not None and cached.is_file():
        return cached
    graph = source.read_bytes()
    for step in steps.values():
        graph = step(graph)
    return cached if cached is not None and _stored(graph, cached) else graph


def _stored(content: bytes, path: Path) -> bool:
    """Write a file atomically and return whether it could be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as stream:
            try:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
                Path(stream.name).replace(path)
            except OSError:
                Path(stream.name).unlink(missing_ok=True)
                return False
    except OSError:
        return False
    return True


def default_cache_dir() -> Path | None:
    """Return the user's cache folder for prepared graphs (XDG base directories).

    It is None for a user without a home directory.
    """
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "crnn-ocr" / "graphs"
    except RuntimeError:  # neither HOME nor an entry in the password file
        return None

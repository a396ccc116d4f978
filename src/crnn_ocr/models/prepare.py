"""Prepares a recogniser's graph: arg-max inside, so that a run returns two short rows instead of a matrix.

A CTC graph ends in (N, T, classes) probabilities: 3.7 MB of float32 for one 400 px line of an 18,710-class
model. `fuse` appends a `TopK(1)` and makes its two outputs the graph's only ones, (N, T, 1) each. The fused
graph is kept in the cache folder under the hash of what it was made from.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.models.registry import Pack

IDS = "ctc_ids"
CONFIDENCES = "ctc_confidences"
_REVISION = 1  # of what `fuse` does; part of the cached file's name


def fuse(graph: bytes) -> bytes:
    """Append the arg-max to a serialised ONNX graph whose only output is (N, T, classes).

    Raises:
        ModelBrokenError: The bytes are no ONNX graph, or it has several outputs.
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
    del model.graph.output[:]
    one = helper.make_tensor("ctc_k", TensorProto.INT64, [1], [1])
    model.graph.initializer.append(one)
    model.graph.node.append(helper.make_node("TopK", [scores, one.name], [CONFIDENCES, IDS], axis=2))
    model.graph.output.append(helper.make_tensor_value_info(CONFIDENCES, TensorProto.FLOAT, None))
    model.graph.output.append(helper.make_tensor_value_info(IDS, TensorProto.INT64, None))
    fused: bytes = model.SerializeToString()
    return fused


def fused_graph(pack: Pack, cache_dir: Path | None = None) -> Path | bytes:
    """The fused graph of a recogniser pack, from the cache or made now.

    Args:
        pack: A verified recogniser pack.
        cache_dir: Where fused graphs are kept; the user's cache folder when None.

    Returns:
        The cached file, or the bytes where no folder can be written to.

    Raises:
        ModelBrokenError: The pack's graph is missing, differs from its manifest or cannot be fused.
    """
    source = pack.verified(pack.manifest.graph)
    folder = default_cache_dir() if cache_dir is None else cache_dir
    if folder is None:
        return fuse(source.read_bytes())
    cached = folder / f"{pack.manifest.graph.sha256[:32]}-fused{_REVISION}.onnx"
    if cached.is_file():
        return cached
    fused = fuse(source.read_bytes())
    return cached if _stored(fused, cached) else fused


def _stored(content: bytes, path: Path) -> bool:
    """Write a file whole or not at all; tell whether it could be written."""
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
    """The user's cache folder for prepared graphs (XDG base directories); None for a user without a home."""
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "crnn-ocr" / "graphs"
    except RuntimeError:  # neither HOME nor an entry in the password file
        return None

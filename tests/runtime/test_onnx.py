from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import crnn_ocr
from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.models.registry import Registry
from crnn_ocr.runtime.memory import use_one_arena
from crnn_ocr.runtime.onnx import Session

SOURCE = Path(crnn_ocr.__file__).parent
TRAINING = SOURCE / "training"

# Fails where ONNX Runtime is imported before telemetry is switched off.
_WATCH = """
import importlib.abc, os, sys

class Watch(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "onnxruntime":
            print("telemetry off:", os.environ.get("ORT_DISABLE_TELEMETRY"))
        return None

sys.meta_path.insert(0, Watch())
import crnn_ocr
print("engine loaded:", "onnxruntime" in sys.modules)
crnn_ocr.OCR
print("engine loaded:", "onnxruntime" in sys.modules)
"""


def test_telemetry_is_off_before_onnx_runtime_loads() -> None:
    environment = {key: value for key, value in os.environ.items() if key != "ORT_DISABLE_TELEMETRY"}

    done = subprocess.run(
        [sys.executable, "-c", _WATCH], env=environment, capture_output=True, text=True, check=True
    )

    assert done.stdout.split("\n")[:3] == ["engine loaded: False", "telemetry off: 1", "engine loaded: True"]


def test_one_module_touches_onnx_runtime() -> None:
    importers = set()
    for path in SOURCE.rglob("*.py"):
        if TRAINING in path.parents:
            continue  # a development tool with its own dependencies
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.split(".")[0] == "onnxruntime" for name in names):
                importers.add(path.relative_to(SOURCE).as_posix())

    assert importers == {"runtime/onnx.py"}


@pytest.mark.parametrize("content", [b"", b"not a graph", b"\x08\x07\x12\x00"])
def test_a_broken_graph_is_told(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(content)

    with pytest.raises(ModelBrokenError, match=r"net\.onnx cannot be loaded"):
        Session(path)
    with pytest.raises(ModelBrokenError, match="cannot be loaded"):
        Session(tmp_path / "missing.onnx")


def test_the_allocator_can_be_limited_in_a_process_of_our_own() -> None:
    code = "from crnn_ocr.runtime.memory import use_one_arena; print(use_one_arena())"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == str(sys.platform.startswith("linux") and _is_glibc())
    assert callable(use_one_arena)


def _is_glibc() -> bool:
    return "CS_GNU_LIBC_VERSION" in os.confstr_names


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("mlas.disable_kleidiai", "1"),  # its buffers grow without bound on ARM
        ("session.intra_op.allow_spinning", "0"),
        ("session.use_device_allocator_for_initializers", "1"),
    ],
)
def test_session_options_keep_memory_and_cores_small(entry: str, value: str) -> None:
    pack = Registry().find("ppocrv6-det-small", "det")
    session = Session(pack.locate(pack.manifest.graph))
    options = session._session.get_session_options()
    assert options.get_session_config_entry(entry) == value
    assert (options.enable_cpu_mem_arena, options.enable_mem_pattern) == (False, False)


@pytest.mark.parametrize("where", ["../secret.bin", "ABSOLUTE", "/dev/zero"])
def test_weights_outside_of_the_graphs_folder_are_refused(tmp_path: Path, where: str) -> None:
    """ONNX files may name further files."""
    onnx = pytest.importorskip("onnx")
    (tmp_path / "pack").mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(8))
    weights = onnx.TensorProto(name="w", data_type=1, dims=[2], data_location=onnx.TensorProto.EXTERNAL)
    entry = weights.external_data.add()
    entry.key, entry.value = "location", where.replace("ABSOLUTE", str(tmp_path / "secret.bin"))
    of = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Add", ["x", "w"], ["y"])],
        "g",
        [of("x", 1, [2])],
        [of("y", 1, [2])],
        [weights],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
    path = tmp_path / "pack" / "net.onnx"
    path.write_bytes(model.SerializeToString())
    for source in (path, path.read_bytes()):
        with pytest.raises(ModelBrokenError, match="cannot be loaded"):
            Session(source)

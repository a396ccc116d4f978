"""Wraps ONNX Runtime. No other module imports it.

These choices were measured, or taken from ONNX Runtime's own documentation and issues:

* Telemetry: wheels from 1.29 on report usage to their vendor unless `ORT_DISABLE_TELEMETRY=1` is set in the
  environment before the library is loaded. Importing this module sets it, so nothing is ever sent.
* Threads: `intra_op_num_threads` is explicit, because the default counts physical cores and ignores
  cgroup quotas; spinning is off, because idle threads would take cores that other lines need.
* Memory: the CPU arena keeps the largest block of every shape ever seen and never gives it back
  (ONNX Runtime #11627: 206 MB grew to 5.8 GB with varying widths), so arena and memory pattern are off.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

from crnn_ocr.errors import ModelBrokenError

onnxruntime.set_default_logger_severity(3)


class Session:
    """One loaded graph. `run` may be called from several threads at once."""

    def __init__(self, model: Path | bytes, *, threads: int = 1) -> None:
        """Load a graph.

        Args:
            model: Path of an ONNX file, or its bytes.
            threads: Threads inside one operator, in addition to the threads that call `run`.

        Raises:
            ModelBrokenError: The file is missing, damaged or uses unknown operators.
        """
        self.threads = threads
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = False
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.use_device_allocator_for_initializers", "1")
        # ONNX Runtime #29538: KleidiAI's thread-local buffers on arm64 grow without bound.
        options.add_session_config_entry("mlas.disable_kleidiai", "1")
        try:
            self._session = onnxruntime.InferenceSession(
                str(model) if isinstance(model, Path) else model,
                sess_options=options,
                providers=["CPUExecutionProvider"],
            )
        except Exception as error:  # ONNX Runtime raises a dozen unrelated types
            name = model.name if isinstance(model, Path) else "the graph"
            raise ModelBrokenError(f"{name} cannot be loaded: {_first_line(error)}") from error
        self.inputs: tuple[str, ...] = tuple(value.name for value in self._session.get_inputs())
        self.outputs: tuple[str, ...] = tuple(value.name for value in self._session.get_outputs())
        self.input_shape: tuple[int | None, ...] = tuple(
            size if isinstance(size, int) else None for size in self._session.get_inputs()[0].shape
        )

    @property
    def metadata(self) -> Mapping[str, str]:
        """The custom key-value pairs of the ONNX file."""
        values: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        return values

    def close(self) -> None:
        """Free the graph and its weights; runs in progress end first, and no other can start."""
        del self._session

    def run(
        self, feeds: Mapping[str, NDArray[Any]], outputs: Sequence[str] | None = None
    ) -> list[NDArray[Any]]:
        """Run the graph once.

        Args:
            feeds: Inputs by name.
            outputs: Names of the wanted outputs; all of them when None.

        Returns:
            The outputs in the order of `outputs`, or in the graph's order.
        """
        results: list[NDArray[Any]] = self._session.run(list(outputs) if outputs else None, dict(feeds))
        return [np.asarray(result) for result in results]


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]

"""What the numbers of a manifest must be to one another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.models.manifest import Manifest, read_manifest, window_overlap
from crnn_ocr.recognition.network.buckets import Sizing
from crnn_ocr.recognition.network.chunks import windows

VALUES: dict[str, Any] = {
    "name": "mine", "version": "1", "kind": "rec", "title": "", "licence": "", "provenance": "",
    "graph": {"path": "net.onnx", "sha256": "0" * 64},
}  # fmt: skip


@given(
    height=st.integers(8, 256),
    stretch=st.floats(0.5, 4.0),
    stride=st.integers(1, 64),
    width=st.integers(256, 4096) | st.integers(8, 128).map(lambda n: 32 * n),
)
def test_what_is_accepted_is_what_lines_can_be_cut_by(
    height: int, stretch: float, stride: int, width: int
) -> None:
    sizes = {"input_height": height, "stretch": stretch, "stride": stride, "max_width": width}
    try:
        sizing = Sizing(height=height, stretch=stretch, stride=stride, max_width=width)
        longest, overlap = width - sizing.margin, window_overlap(height, stretch)
        windows(10 * width, longest=longest, overlap=overlap, stride=stride)
    except ValueError:
        # Strides that the step is no multiple of, widths that are none of the step, too wide an overlap.
        with pytest.raises(ValidationError):
            Manifest.model_validate(VALUES | sizes)
    else:
        Manifest.model_validate(VALUES | sizes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_width": 1000}, "'max_width': must be a multiple of 32, such as 992 or 1024, not 1000"),
        ({"stride": 7}, "'stride': must be a divisor of 32, not 7"),
        ({"stride": 64}, "'stride': must be a divisor of 32, not 64"),
        ({"input_height": 64, "max_width": 256}, "'max_width': must be at least 288 .* overlap by 128"),
        ({"input_height": 256, "stretch": 4.0}, "'max_width': must be at least 4128 .*, not 1280"),
    ],
)
def test_numbers_that_do_not_fit_together_are_told_of(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(VALUES | changes), encoding="utf-8")
    with pytest.raises(ModelBrokenError, match=message) as told:
        read_manifest(path)
    assert "Correct the manifest" in told.value.hint

"""Unusual, broken and hostile files: each is read as a person sees it, or refused clearly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.imaging.pictures import LIMITS

pytestmark = pytest.mark.eval

_EVAL = Path(os.environ.get("CRNN_OCR_EVAL_DIR") or Path(__file__).resolve().parents[3] / "shared" / "eval")
_ODD = _EVAL / "odd"

MEMORY_MIB = 400

# In a process of its own, so that a crash is seen, and with a ceiling on its memory. Writing 5 to clear_refs
# resets the peak that the kernel keeps (proc(5)).
_PROBE = """
import json, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
from pathlib import Path
from crnn_ocr.errors import OcrError
from crnn_ocr.imaging.decode import Limits, decode_pages

def memory(name):
    for row in Path("/proc/self/status").read_text().splitlines():
        if row.startswith(name):
            return int(row.split()[1]) / 1024

limits = Limits(*json.loads(sys.argv[1]))
for path in map(Path, sys.argv[2:]):
    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmRSS")
    answer = {"name": path.name}
    try:
        pages = decode_pages(path.read_bytes(), limits)
        answer["pages"] = [[page.shape, float(page.mean())] for page in pages]
    except OcrError as error:
        answer["code"] = error.code
    answer["mib"] = memory("VmHWM") - before
    print(json.dumps(answer), flush=True)
"""

_REFUSED = {
    "balloon.jpf": "IMAGE_TYPE_UNSUPPORTED",
    "broken_data_stream.png": "IMAGE_DECODE_FAILED",
    "decompression_bomb.ico": "IMAGE_TYPE_UNSUPPORTED",
    "hopper.pcd": "IMAGE_TYPE_UNSUPPORTED",
    "hopper.psd": "IMAGE_TYPE_UNSUPPORTED",
    "hopper.qoi": "IMAGE_TYPE_UNSUPPORTED",
    "la.tga": "IMAGE_TYPE_UNSUPPORTED",
    "libtiff_segfault.tif": "IMAGE_DECODE_FAILED",
    "manifest.tsv": "IMAGE_TYPE_UNSUPPORTED",
    "mmocr_broken.jpg": "IMAGE_DECODE_FAILED",
    "negative_size.ppm": "IMAGE_TYPE_UNSUPPORTED",
    "not_enough_data.jp2": "IMAGE_TYPE_UNSUPPORTED",
    "pillow.icns": "IMAGE_TYPE_UNSUPPORTED",
    "rapid_two_dim_image.npy": "IMAGE_TYPE_UNSUPPORTED",
    "seek_too_large.tif": "IMAGE_DECODE_FAILED",
    "test-ole-file.doc": "IMAGE_TYPE_UNSUPPORTED",
    "truncated_end_chunk.png": "IMAGE_DECODE_FAILED",
    "truncated_image.png": "IMAGE_DECODE_FAILED",
    "turbo_garbage_random.bin": "IMAGE_TYPE_UNSUPPORTED",
    "turbo_password_protected.pdf": "PDF_PASSWORD_REQUIRED",
    "zero_width.gif": "IMAGE_DECODE_FAILED",
}
# Shapes of first pages that would be wrong without care: orientation, page boxes, resolution, thumbnails.
_SHAPES = {
    "g4_orientation_1.tif": [88, 590],
    "g4_orientation_3.tif": [88, 590],
    "g4_orientation_5.tif": [88, 590],
    "g4_orientation_7.tif": [88, 590],
    "frozenpond.mpo": [480, 640, 3],
    "iss634.apng": [245, 245, 3],
    "ocrmypdf_2400dpi.pdf": [1675, 2339, 3],
    "ocrmypdf_jbig2.pdf": [2200, 1700, 3],
}
_PAGES = {"total-pages-zero.tif": 3, "ocrmypdf_multipage.pdf": 6, "multipage_multiple_frame_loop.tiff": 2}


def _files() -> list[Path]:
    return sorted(_ODD.iterdir()) if _ODD.is_dir() else []


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, Any]]:
    """Return the result for each file, up to the one at which the process ended."""
    limits = json.dumps([LIMITS.max_bytes, LIMITS.max_pixels, LIMITS.max_side, LIMITS.max_pages])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _PROBE, limits, *map(str, _files())],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return {answer["name"]: answer for answer in map(json.loads, done.stdout.splitlines())}


@pytest.mark.skipif(not _ODD.is_dir(), reason=f"no evaluation pictures at {_ODD}")
def test_the_folder_is_not_empty() -> None:
    assert len(_files()) > 80


@pytest.mark.parametrize("path", _files(), ids=lambda path: path.name)
def test_an_odd_file_is_read_or_refused(path: Path, answers: dict[str, dict[str, Any]]) -> None:
    assert path.name in answers, "the process ended at this file or before it"
    answer = answers[path.name]
    assert answer.get("code") == _REFUSED.get(path.name)
    assert answer["mib"] < MEMORY_MIB
    if "code" in answer:
        return
    assert len(answer["pages"]) == _PAGES.get(path.name, 1)
    shape, mean = answer["pages"][0]
    assert shape == _SHAPES.get(path.name, shape)
    if path.name == "rapid_black_font_color_transparent.png":
        assert mean > 200  # black letters on nothing: a white ground
    if path.name == "transparent_background_text_L.png":
        assert mean < 50  # white letters on nothing: a black one

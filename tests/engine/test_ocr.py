"""The stages together: sources, options, answers that are always the same, memory."""

from __future__ import annotations

import io
import random
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from crnn_ocr import OCR, Document, ReadOptions, Settings
from crnn_ocr.errors import (
    DeadlineExceededError,
    ImageDecodeError,
    ImageEmptyError,
    ImageTooLargeError,
    InvalidOptionError,
    ModelNotFoundError,
    OcrError,
    RequestCancelledError,
    UnsupportedImageError,
)
from crnn_ocr.models.registry import Pack
from crnn_ocr.recognition.network import load
from crnn_ocr.recognition.network.recognizer import CtcRecognizer
from crnn_ocr.runtime.onnx import Session
from crnn_ocr.scheduling.ticket import Ticket
from tests import drawing

INVOICE = [
    (40, 30, "INVOICE Number 4711"),
    (40, 100, "2 Widgets, blue"),
    (560, 100, "19.80"),
    (40, 150, "Total due"),
    (560, 150, "19.80"),
]
ROWS = [text for _, _, text in INVOICE]


@pytest.fixture(scope="module")
def invoice() -> drawing.Picture:
    return drawing.page(INVOICE, size=30, shape=(720, 240))


def png(picture: drawing.Picture) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()


def test_every_kind_of_source_gives_the_same_document(
    ocr: OCR, invoice: drawing.Picture, tmp_path: Path
) -> None:
    data = png(invoice)
    path = tmp_path / "invoice.png"
    path.write_bytes(data)

    from_path = ocr.read(path)

    assert from_path.text.split("\n") == ROWS
    assert from_path.model == ocr.model == "crnn-zh-en/1"
    assert ocr.read(str(path)) == from_path
    assert ocr.read(data) == from_path
    assert ocr.read(memoryview(data)) == from_path
    assert ocr.read(io.BytesIO(data)) == from_path
    assert ocr.read(Image.open(path)) == from_path
    assert ocr.read(invoice) == from_path
    assert ocr.read(np.ascontiguousarray(invoice[:, :, 0])) == from_path


def test_places_are_pixels_of_the_input(ocr: OCR, invoice: drawing.Picture) -> None:
    page = ocr.read(invoice).pages[0]

    assert (page.width, page.height, page.rotation) == (720, 240, 0)
    for (x, y, text), line in zip(INVOICE, page.lines, strict=True):
        (left, top), (right, _), (_, bottom), _ = line.polygon
        assert line.text == text
        assert abs(left - x) < 15
        assert top - 15 < y < bottom
        assert line.confidence > 0.9
        assert "".join(char.text for char in line.chars) == text
        centres = [sum(corner[0] for corner in char.polygon) / 4 for char in line.chars]
        assert centres == sorted(centres)
        assert left <= centres[0] <= centres[-1] <= right


def test_a_document_never_depends_on_what_else_is_read(ocr: OCR) -> None:
    pictures = [
        drawing.page([(30, 20 + 50 * i, f"page {n} row {i} {'x' * (n * i)}") for i in range(n + 1)], size=24)
        for n in range(6)
    ]
    alone = [repr(ocr.read(picture)) for picture in pictures]
    order = random.Random(3).sample(range(6), 6) * 2
    start = threading.Barrier(4)

    def read_all(seed: int) -> list[str]:
        start.wait()
        mine = order[seed:] + order[:seed]
        return [_without_timings(repr(ocr.read(pictures[i]))) for i in mine]

    with ThreadPoolExecutor(4) as callers:
        for seed, answers in enumerate(callers.map(read_all, range(4))):
            expected = [_without_timings(alone[i]) for i in order[seed:] + order[:seed]]
            assert answers == expected


def _without_timings(text: str) -> str:
    return text.partition(", timings_ms=")[0]


def test_all_pages_of_a_tiff_are_read(ocr: OCR) -> None:
    pages = [Image.fromarray(drawing.line(f"page number {n}", pad=30)) for n in (1, 2, 3)]
    stream = io.BytesIO()
    pages[0].save(stream, "TIFF", save_all=True, append_images=pages[1:])

    document = ocr.read(stream.getvalue())

    assert [page.text for page in document.pages] == ["page number 1", "page number 2", "page number 3"]
    assert document.text == "page number 1\n\npage number 2\n\npage number 3"


def test_options_may_be_given_as_an_object_or_by_name(ocr: OCR, invoice: drawing.Picture) -> None:
    strict = ocr.read(invoice, min_confidence=1.0)

    assert strict.text == ""
    assert ocr.read(invoice, ReadOptions(min_confidence=1.0)) == strict
    with pytest.raises(TypeError, match="not both"):
        ocr.read(invoice, ReadOptions(), grey="on")


@pytest.mark.parametrize(
    "options",
    [{"grey": "on"}, {"clahe": "on"}, {"denoise": "on"}, {"grey": "on", "clahe": "on", "denoise": "on"}],
)
def test_clean_pictures_survive_every_enhancement(
    ocr: OCR, invoice: drawing.Picture, options: dict[str, Any]
) -> None:
    assert ocr.read(invoice, **options).text.split("\n") == ROWS


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gray": "on"}, "there is no such option"),
        ({"grey": "maybe"}, "grey"),
        ({"grey": True}, "grey"),
        ({"min_confidence": 2}, "min_confidence"),
        ({"min_confidence": "0.5"}, "min_confidence"),
        ({"model": 7}, "model"),
    ],
)
def test_wrong_options_are_named(ocr: OCR, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOptionError, match=message):
        ocr.read(b"", **options)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", ImageEmptyError),
        (b"<html><body>hello</body></html>", UnsupportedImageError),
        (b"\x89PNG\r\n\x1a\n truncated", ImageDecodeError),
    ],
)
def test_bad_pictures_are_refused(ocr: OCR, data: bytes, error: type[OcrError]) -> None:
    with pytest.raises(error):
        ocr.read(data)


def test_limits_hold_for_every_kind_of_source(tmp_path: Path) -> None:
    ocr = OCR(Settings(max_pixels=10_000, max_image_bytes=2_000))
    big = np.zeros((200, 200), np.uint8)
    path = tmp_path / "big.bin"
    path.write_bytes(b"\0" * 3_000)

    for source in (big, Image.fromarray(big), path, path.read_bytes(), io.BytesIO(path.read_bytes())):
        with pytest.raises(ImageTooLargeError):
            ocr.read(source)
    ocr.close()


def test_what_nobody_wants_is_not_read(ocr: OCR, invoice: drawing.Picture) -> None:
    cancelled = Ticket()
    cancelled.cancel()

    with pytest.raises(RequestCancelledError):
        ocr.read(invoice, ticket=cancelled)
    with pytest.raises(DeadlineExceededError):
        ocr.read(invoice, ticket=Ticket(deadline=time.monotonic()))
    assert ocr.read(invoice, ticket=Ticket(deadline=time.monotonic() + 600)) == ocr.read(invoice)


def test_a_text_file_object_is_refused(ocr: OCR) -> None:
    with pytest.raises(ImageDecodeError, match="text, not bytes"):
        ocr.read(io.StringIO("hello"))  # type: ignore[arg-type]


def test_what_is_no_source_is_told(ocr: OCR) -> None:
    with pytest.raises(TypeError, match="cannot read a NoneType"):
        ocr.read(None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="threads"):
        OCR(threads=-1)


def test_a_closed_engine_says_so() -> None:
    ocr = OCR()
    ocr.close()

    with pytest.raises(RuntimeError, match="closed"):
        ocr.read(drawing.line("too late"))
    assert not ocr.ready


@pytest.mark.parametrize("shape", [(3000, 1), (3000, 2), (3, 40_000), (4, 12_000), (2, 16_000)])
def test_hairlines_cost_little(ocr: OCR, shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    values: list[int] = []
    run = Session.run

    def counted(session: Session, feeds: Mapping[str, NDArray[Any]], *rest: Any) -> list[NDArray[Any]]:
        values.append(sum(value.size for value in feeds.values()))
        return run(session, feeds, *rest)

    monkeypatch.setattr(Session, "run", counted)

    ocr.read(noise)

    # As much as two large pages; scaled up to the height of a line, the worst would be a hundred million.
    assert 0 < sum(values) < 20_000_000


def test_models_load_once_and_only_when_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[str] = []

    load_pack = load.load_pack

    def counted(pack: Pack, **how: Any) -> CtcRecognizer:
        loads.append(pack.manifest.name)
        return load_pack(pack, **how)

    monkeypatch.setattr(load, "load_pack", counted)
    with OCR(threads=2) as ocr:
        before = ocr.ready
        assert (before, loads) == (False, [])
        picture = drawing.line("once")
        with ThreadPoolExecutor(8) as callers:
            answers: list[Document] = list(callers.map(lambda _: ocr.read(picture, recheck="off"), range(8)))
        assert loads == ["crnn-zh-en"]
        assert ocr.ready
        assert len({repr(answer.pages) for answer in answers}) == 1
        assert ocr.read(picture, model="crnn-zh-en", recheck="off").model == answers[0].model
        assert loads == ["crnn-zh-en"]
        assert ocr.read(picture, model="accurate").model == "ppocrv6-small/1"
        assert ocr.read(picture, model="ppocrv6-small").text == "once"
        assert loads == ["crnn-zh-en", "ppocrv6-small"]


def test_an_unknown_model_is_named() -> None:
    with pytest.raises(ModelNotFoundError, match=r"'nothing'.*ppocrv6-small"):
        OCR(model="nothing")
    with OCR() as ocr, pytest.raises(ModelNotFoundError):
        ocr.read(drawing.line("x"), model="nothing")


_MEMORY = """
from crnn_ocr.runtime.memory import use_one_arena
use_one_arena()
import numpy as np
from crnn_ocr import OCR
from tests import drawing
ocr = OCR(threads=2)
text = "The quick brown fox jumps over the lazy dog, and again over it " * 2
rows = [(40, 20 + 36 * i, text) for i in range(28)]
for shape in ((1920, 1080), (1080, 1920), (600, 3000), (2400, 1600), (300, 200)) * 2:
    ocr.read(drawing.page(rows, size=24, shape=shape))
# Not ru_maxrss: that starts from what the process had that forked this one.
print(next(int(row.split()[1]) // 1024 for row in open("/proc/self/status") if row.startswith("VmHWM")))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is measured as Linux counts it")
def test_pages_of_many_shapes_stay_under_450_mib() -> None:
    done = subprocess.run([sys.executable, "-c", _MEMORY], capture_output=True, text=True, check=True)

    assert int(done.stdout) < 450


def test_a_label_spread_over_its_width_is_one_line(ocr: OCR) -> None:
    rows = [
        (40, 30, "联系电话："),
        (40, 90, "项"),
        (136, 90, "目：厂房改造"),
        (40, 150, "日"),
        (136, 150, "期："),
    ]
    lines = ocr.read(drawing.page(rows, size=32, shape=(480, 220))).pages[0].lines

    assert [line.text.replace(":", "：") for line in lines] == ["联系电话：", "项 目：厂房改造", "日 期："]
    for line in lines:
        assert "".join(char.text for char in line.chars) == line.text
        edges = [(char.polygon[0][0], char.polygon[1][0]) for char in line.chars]
        assert edges == sorted(edges)


@pytest.mark.eval
@pytest.mark.parametrize(
    ("name", "text"),
    [(f"g4_orientation_{n}.tif", "This is a test file") for n in (1, 3, 5, 7)]
    + [("rapid_black_font_color_transparent.png", "我是中国人"), ("ocrmypdf_baiona_cmyk.jpg", "BAIONA")],
)
def test_odd_files_say_what_a_person_reads(ocr: OCR, eval_dir: Path, name: str, text: str) -> None:
    found = ocr.read(eval_dir / "odd" / name, orientation="off").text

    assert text.replace(" ", "").lower() in found.replace(" ", "").lower()

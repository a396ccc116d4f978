from __future__ import annotations

import sys
import threading

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from crnn_ocr.errors import (
    ImageDecodeError,
    ImageTooLargeError,
    MissingExtraError,
    OcrError,
    PdfPasswordError,
)
from crnn_ocr.imaging.decode import Limits, decode_pages
from crnn_ocr.imaging.pdf.pages import fitting_scale
from tests.imaging.pictures import LIMITS, Pixels, pdf, pil, quadrants, saved, text_page

pytest.importorskip("pypdfium2")

HELLO = "BT /F1 24 Tf 20 40 Td (Hello 90) Tj ET"
RED_TOP_LEFT = "1 0 0 rg 0 72 72 72 re f"


def pages_of(data: bytes, limits: Limits = LIMITS, dpi: int = 72) -> list[Pixels]:
    return list(decode_pages(data, limits, pdf_dpi=dpi))


def test_pages_are_drawn_in_order_at_the_wished_resolution() -> None:
    pages = pages_of(pdf((144, 72, HELLO), (72, 144, "")), dpi=144)
    assert [page.shape for page in pages] == [(144, 288, 3), (288, 144, 3)]
    assert pages[0].min() < 50
    assert (pages[1] == 255).all()
    assert all(page.flags.c_contiguous and page.dtype == np.uint8 for page in pages)


def test_colours_are_bgr_and_the_page_is_upright() -> None:
    (page,) = pages_of(pdf((144, 144, RED_TOP_LEFT)))
    assert page[20, 20].tolist() == [0, 0, 255]
    assert page[120, 120].tolist() == [255, 255, 255]


def test_a_turned_page_is_drawn_as_a_viewer_shows_it() -> None:
    (page,) = pages_of(pdf((144, 216, RED_TOP_LEFT), extra="/Rotate 90"))
    assert page.shape == (144, 216, 3)


def test_the_crop_box_counts() -> None:
    (page,) = pages_of(pdf((144, 144, RED_TOP_LEFT), extra="/CropBox [0 72 72 144]"))
    assert page.shape == (72, 72, 3)
    assert (page == (0, 0, 255)).all()


def test_a_scan_is_drawn_too() -> None:
    data = saved(pil(text_page(400, 300)), "PDF", resolution=72)
    (page,) = pages_of(data)
    assert page.shape == (300, 400, 3)
    assert abs(float(page.mean()) - float(text_page(400, 300).mean())) < 3


def test_a_small_page_with_a_detailed_picture_is_drawn_larger() -> None:
    data = saved(pil(text_page(1200, 600)), "PDF", resolution=1200)  # one inch wide
    (page,) = pages_of(data, dpi=200)
    assert 590 <= page.shape[0] <= 610
    (blank,) = pages_of(pdf((72, 36, "")), dpi=200)
    assert blank.shape == (100, 200, 3)


def test_huge_pages_are_drawn_smaller() -> None:
    limits = Limits(1 << 20, 100_000, 1_000, 5)
    (page,) = pages_of(pdf((14_400, 14_400, "")), limits, dpi=600)
    assert 90_000 <= page.shape[0] * page.shape[1] <= 100_000
    (strip,) = pages_of(pdf((14_400, 20, "")), limits, dpi=600)
    assert strip.shape[1] <= 1_000


@given(
    st.floats(0.1, 1e6),
    st.floats(0.1, 1e6),
    st.integers(10_000, 10**8),
    st.integers(256, 50_000),
    st.floats(0.1, 10),
)
def test_the_scale_keeps_to_the_limits(
    width: float, height: float, pixels: int, side: int, wish: float
) -> None:
    limits = Limits(1, pixels, side, 1)
    scale = fitting_scale(width, height, limits, wish)
    assert 0 < scale <= wish
    columns, rows = int(np.ceil(width * scale)), int(np.ceil(height * scale))
    assert columns * rows <= pixels
    assert max(columns, rows) <= side


@pytest.mark.parametrize("size", [(0, 10), (10, -1), (float("nan"), 10), (float("inf"), 10)])
def test_pages_without_area_are_refused(size: tuple[float, float]) -> None:
    with pytest.raises(ImageDecodeError):
        fitting_scale(*size, LIMITS, 1.0)


def test_too_many_pages_are_refused_at_once() -> None:
    limits = Limits(1 << 20, 10**6, 5_000, 2)
    assert len(pages_of(pdf(*[(10, 10, "")] * 2), limits)) == 2
    with pytest.raises(ImageTooLargeError, match="3 pages"):
        decode_pages(pdf(*[(10, 10, "")] * 3), limits)


def test_an_embedded_picture_of_absurd_size_is_refused() -> None:
    data = saved(Image.new("1", (4_000, 4_000)), "PDF", resolution=72_000)
    with pytest.raises(ImageTooLargeError, match="4000 × 4000"):
        pages_of(data, Limits(1 << 20, 500_000, 5_000, 2))


def test_an_embedded_jpeg_of_a_false_size_is_refused() -> None:
    data = bytearray(saved(pil(quadrants()), "PDF"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = (60_000).to_bytes(2, "big") * 2
    with pytest.raises(ImageTooLargeError, match="60000 × 60000"):
        pages_of(bytes(data))


def test_a_password_is_asked_for() -> None:
    lock = (
        "/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 "
        f"/O <{'41' * 32}> /U <{'42' * 32}> >> /ID [<{'43' * 16}> <{'43' * 16}>]"
    )
    with pytest.raises(PdfPasswordError):
        decode_pages(pdf((10, 10, ""), trailer=lock), LIMITS)


@pytest.mark.parametrize("data", [b"%PDF-1.7\n", b"%PDF-1.4\n" + b"garbage " * 100, pdf()])
def test_damaged_documents_are_refused(data: bytes) -> None:
    with pytest.raises(ImageDecodeError):
        pages_of(data)


def test_without_the_extra_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    with pytest.raises(MissingExtraError) as caught:
        decode_pages(pdf((10, 10, "")), LIMITS)
    assert "crnn-ocr[pdf]" in caught.value.hint


def test_threads_and_half_read_documents_are_independent() -> None:
    data = pdf((144, 144, RED_TOP_LEFT), (72, 72, ""))
    problems: list[object] = []

    def work(index: int) -> None:
        try:
            for _ in range(15):
                pages = decode_pages(data, LIMITS, pdf_dpi=72)
                assert next(iter(pages))[20, 20].tolist() == [0, 0, 255]
                if index % 2:
                    assert next(iter(pages)).shape == (72, 72, 3)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems


SEEDS = [
    pdf((30, 30, HELLO), (20, 20, RED_TOP_LEFT)),
    saved(pil(quadrants()), "PDF"),
    saved(pil(text_page(60, 40)).convert("1"), "PDF"),
]


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_mutated_documents_give_pages_or_a_clear_error(data: st.DataObject) -> None:
    seed = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(seed) - 1))
        seed[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    try:
        pages = list(decode_pages(bytes(seed), Limits(1 << 20, 500_000, 3_000, 4), pdf_dpi=72))
    except OcrError:
        return
    assert all(page.ndim == 3 and page.size <= 1_500_000 for page in pages)

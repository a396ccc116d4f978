"""PDFs keep what they are; the text lies where it was read."""

from __future__ import annotations

import io
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pypdfium2.raw as pdfium
import pytest
from pikepdf import Array, Dictionary, Name

from crnn_ocr.document import Line
from crnn_ocr.errors import (
    ImageDecodeError,
    OcrError,
    OriginalMissingError,
    PdfPasswordError,
    WrongPdfPasswordError,
)
from crnn_ocr.export import FORMATS, WriteOptions
from crnn_ocr.export.pdf.text_layers import with_layers
from tests.export.pdf.making import box, document, line, page, pdf_of, saved

TEXTS = ("中华人民共和国增值税专用发票", "The quick brown fox, 3.50 €", "混排 English 与 𠮷野家 𝔘")


def written(original: bytes, *pages: Any) -> bytes:
    """The PDF with its text, made in this process, which is faster."""
    return bytes(with_layers(original, pages))


def written_apart(original: bytes, *pages: Any, password: str = "") -> bytes:
    """The same, made as it is for files of strangers."""
    how = WriteOptions(original=lambda: original, password=password)
    content = FORMATS["pdf"].write(document(*pages), how)
    assert isinstance(content, bytes)
    return content


def texts(content: bytes, index: int = 0) -> list[str]:
    found = pypdfium2.PdfDocument(content)[index].get_textpage().get_text_range()
    return [row for row in found.splitlines() if row]


def three_lines(number: int = 1, **how: Any) -> Any:
    rows = [line(text, 60, 100 + 40 * index) for index, text in enumerate(TEXTS)]
    return page(*rows, number=number, **how)


def test_every_line_is_found_whole() -> None:
    content = written_apart(pdf_of()[1], three_lines())

    assert texts(content) == list(TEXTS)


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils is absent")
@pytest.mark.parametrize("order", [[], ["-raw"], ["-layout"]])
def test_poppler_finds_every_line_whole(tmp_path: Path, order: list[str]) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(written(pdf_of()[1], three_lines()))

    done = subprocess.run(["pdftotext", *order, path, "-"], capture_output=True, text=True, check=True)

    assert [row.strip() for row in done.stdout.splitlines() if row.strip("\f ")] == list(TEXTS)


def test_search() -> None:
    found = pypdfium2.PdfDocument(written(pdf_of()[1], three_lines()))[0].get_textpage()

    for wanted in ("增值税专用", "brown fox, 3.50", "混排 English"):
        assert found.search(wanted).get_next() is not None


def placed(content: bytes, width: int, height: int) -> list[tuple[float, float, float, float]]:
    """Boxes of all characters in pixels of the page as PDFium shows it, by itself."""
    shown = pypdfium2.PdfDocument(content)[0]
    found = shown.get_textpage()
    boxes = []
    for index in range(found.count_chars()):
        left, bottom, right, top = found.get_charbox(index, loose=True)
        corners = []
        for x, y in ((left, bottom), (right, top)):
            # A scale of 16 pixels per pixel, because the answer is in whole pixels.
            across, down = pdfium.c_int(), pdfium.c_int()
            pdfium.FPDF_PageToDevice(shown, 0, 0, 16 * width, 16 * height, 0, x, y, across, down)
            corners.append((across.value / 16, down.value / 16))
        (ax, ay), (bx, by) = corners
        boxes.append((min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)))
    return boxes


@pytest.mark.parametrize("turn", [None, 0, 90, 180, 270, 450, -90, 45])
@pytest.mark.parametrize(
    "boxes",
    [
        {},
        {"CropBox": Array([30, 40, 250, 390])},
        {"CropBox": Array([-100, 200, 9000, 350])},
        {"CropBox": Array([250, 390, 30, 40]), "UserUnit": 2.5},
        {"CropBox": Array([5, 5, 5, 90])},
        {"CropBox": Array([5])},
    ],
    ids=["plain", "cropped", "crop beyond the page", "corners swapped", "crop without area", "damaged"],
)
def test_text_lies_where_it_was_read(turn: int | None, boxes: dict[str, Any]) -> None:
    entries = boxes if turn is None else {**boxes, "Rotate": turn}
    original = pdf_of(media=(10, 20, 310, 420), **entries)[1]
    wide, high = pypdfium2.PdfDocument(original)[0].get_size()
    width, height = round(2 * wide), round(2 * high)

    content = written(original, page(line("上下", 40, 60, 60, 30), width=width, height=height))

    first, second = placed(content, width, height)
    assert first == pytest.approx((40, 60, 70, 90), abs=0.5)
    assert second == pytest.approx((70, 60, 100, 90), abs=0.5)


def test_a_rotated_line_and_a_column() -> None:
    corners = ((100, 100), (160, 180), (136, 198), (76, 118))  # 100 × 30, turned by 53 degrees
    content = written(
        pdf_of()[1],
        page(
            Line("倾斜", 0.9, corners),
            Line("直排文字", 0.9, ((300, 100), (330, 100), (330, 180), (300, 180))),
        ),
    )
    with pikepdf.open(io.BytesIO(content)) as pdf:
        stream = pdf.pages[0].Contents[0].read_bytes().decode()
    first, second = (row.split() for row in stream.splitlines()[1:3])
    # Name and size of the font, Tf, stretch, Tz, then the matrix.
    assert [float(value) for value in first[5:9]] == pytest.approx([0.6, -0.8, 0.8, 0.6])
    assert [float(value) for value in second[5:9]] == [0, -1, 1, 0]
    assert "".join(texts(content)).count("直排文字") == 1
    boxes = placed(content, 600, 800)[-4:]
    assert boxes[0] == pytest.approx((305, 100, 325, 120), abs=0.5)
    assert boxes[3] == pytest.approx((305, 160, 325, 180), abs=0.5)


def test_streams_keep_their_bytes() -> None:
    pdf, _ = pdf_of(3)
    pdf.Root.Outlines = pdf.make_indirect(Dictionary(Type=Name.Outlines, Count=0))
    pdf.Root.StructTreeRoot = pdf.make_indirect(Dictionary(Type=Name.StructTreeRoot))
    pdf.docinfo["/Title"] = "As it was"
    original = saved(pdf, compress_streams=False)

    content = written(original, three_lines(1), page(number=3))

    before, after = pikepdf.open(io.BytesIO(original)), pikepdf.open(io.BytesIO(content))
    assert [key for key in before.Root if key not in after.Root] == []
    assert after.docinfo["/Title"] == "As it was"
    for old, new in zip(before.pages, after.pages, strict=True):
        kept = new.Contents[-1] if isinstance(new.Contents, pikepdf.Array) else new.Contents
        assert kept.read_raw_bytes() == old.Contents.read_raw_bytes()
        assert new.Resources.XObject.Im.read_raw_bytes() == old.Resources.XObject.Im.read_raw_bytes()
        assert new.Resources.XObject.Im.get("/Filter") is None
    assert [isinstance(each.Contents, pikepdf.Array) for each in after.pages] == [True, False, False]


def test_the_page_looks_as_before() -> None:
    original = pdf_of(Rotate=90)[1]
    content = written(original, three_lines())

    before, after = (pypdfium2.PdfDocument(data)[0].render().to_numpy() for data in (original, content))

    assert (before == after).all()


def test_a_page_with_text_keeps_its_own() -> None:
    original = pdf_of(2)[1]

    content = written(original, three_lines(1, origin="text_layer"), three_lines(2))

    assert texts(content, 0) == []
    assert texts(content, 1) == list(TEXTS)


def test_a_page_with_text_and_pictures_gets_what_was_read() -> None:
    own = Line("from its text", 1.0, box(60, 40, 300, 60))

    content = written_apart(pdf_of()[1], page(own, line("读出来的", 60, 100), origin="mixed"))

    assert texts(content) == ["读出来的"]


def test_pages_that_were_not_read_stay() -> None:
    content = written(pdf_of(4)[1], three_lines(3), three_lines(9))

    assert [len(texts(content, index)) for index in range(4)] == [0, 0, 3, 0]


def test_a_second_layer_takes_another_name() -> None:
    once = written(pdf_of()[1], page(line("一", 10, 10)))
    twice = written(once, page(line("two", 10, 100)))

    assert set("".join(texts(twice)).split()) == {"two", "一"}
    with pikepdf.open(io.BytesIO(twice)) as pdf:
        assert sorted(pdf.pages[0].Resources.Font.keys()) == ["/Ocr0", "/Ocr1"]


def test_shared_and_inherited_resources_do_not_change() -> None:
    pdf, _ = pdf_of(2)
    shared = pdf.make_indirect(pdf.pages[0].Resources)
    for each in pdf.pages:
        del each["/Resources"]
    pdf.Root.Pages.Resources = shared
    content = written(saved(pdf), three_lines(1))

    after = pikepdf.open(io.BytesIO(content))
    assert "/Font" in after.pages[0].Resources
    assert "/Im" in after.pages[0].Resources.XObject
    assert "/Font" not in (after.Root.Pages.get("/Resources") or after.pages[1].Resources)


def test_encryption() -> None:
    pdf, _ = pdf_of()
    closed = saved(pdf, encryption=pikepdf.Encryption(owner="o", user="secret"))
    restricted = saved(pdf, encryption=pikepdf.Encryption(owner="o", user=""))

    with pytest.raises(PdfPasswordError):
        written_apart(closed, three_lines())
    with pytest.raises(WrongPdfPasswordError):
        written_apart(closed, three_lines(), password="other")
    assert texts(written_apart(closed, three_lines(), password="secret")) == list(TEXTS)
    content = written_apart(restricted, three_lines())
    assert texts(content) == list(TEXTS)
    assert not pikepdf.open(io.BytesIO(content)).is_encrypted


def test_damaged() -> None:
    with pytest.raises(ImageDecodeError):
        written_apart(b"%PDF-1.7\nnothing", three_lines())


@pytest.mark.parametrize("packed", [False, True])
def test_mutated_documents(packed: bool) -> None:
    """Whatever is damaged: the text is added, or an error says so."""
    mode = pikepdf.ObjectStreamMode.generate if packed else pikepdf.ObjectStreamMode.disable
    original = saved(pdf_of(2, Rotate=90)[0], object_stream_mode=mode)
    chance = random.Random(20)
    done = refused = 0
    for _ in range(300):
        data = bytearray(original)
        for _ in range(chance.choice((1, 1, 3, 10))):
            at = chance.randrange(len(data))
            piece = chance.choice(
                (b"<<", b">>", b"0 0 R", b"1 0 R", b"[", b"/Kids", b"-1", b"99999999999", b"")
            )
            data[at : at + chance.randrange(8)] = piece
        if b"%PDF-" not in data[:1024]:
            continue
        try:
            written(bytes(data), three_lines(1), three_lines(2))
            done += 1
        except OcrError:
            refused += 1
    assert min(done, refused) > 10


def test_no_original() -> None:
    with pytest.raises(OriginalMissingError) as raised:
        FORMATS["pdf"].write(document(three_lines()), WriteOptions())
    assert raised.value.code == "ORIGINAL_MISSING"


def test_the_same_bytes_again() -> None:
    original = pdf_of()[1]

    assert written_apart(original, three_lines()) == written(original, three_lines())


def test_lone_surrogates_and_odd_polygons() -> None:
    odd = [Line("\ud800a", 0.5, box(0, 0, float("nan"), 1e308)), Line("b", 0.5, box(-1, float("inf"), 9, 9))]
    original = pdf_of()[1]

    assert written_apart(original, page(*odd)) == written(original, page(*odd))


def test_a_layer_is_small() -> None:
    original = pdf_of(100)[1]
    pages = [
        page(*(line(f"{number} {TEXTS[0]}", 60, 20 * row) for row in range(40)), number=number)
        for number in range(1, 101)
    ]

    assert len(written(original, *pages)) - len(original) < 100 * 3500

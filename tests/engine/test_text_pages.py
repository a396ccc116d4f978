"""Documents whose pages hold text, pictures, both or neither, or are broken."""

from __future__ import annotations

import io
import zipfile
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest
from pikepdf import Pdf
from PIL import Image

from crnn_ocr import OCR, ReadOptions, Settings
from crnn_ocr.document import Document
from crnn_ocr.engine import text_pages
from crnn_ocr.engine.page_stages import STAGES
from crnn_ocr.engine.stage import PageState, Stage, Tools
from crnn_ocr.errors import (
    DeadlineExceededError,
    ImageDecodeError,
    ImageTooLargeError,
    InvalidOptionError,
    ModelNotFoundError,
    PdfPasswordError,
    RequestCancelledError,
    UnsupportedImageError,
)
from crnn_ocr.imaging.opened import OpenedDocument
from crnn_ocr.scheduling.ticket import Ticket
from tests import drawing
from tests.imaging.pdf import made

pytest.importorskip("pypdfium2")

PAGE = drawing.page([(30, 40, "Read from the picture"), (30, 120, "and not from text")], shape=(600, 220))


def png(text: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(drawing.line(text, pad=30)).save(stream, "PNG")
    return stream.getvalue()


def zipped(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("_", "."), data)
    return stream.getvalue()


def broken_pdf(text: str = "") -> bytes:
    """Return a PDF of three pages; the picture on the second claims to be far too large."""
    data = bytearray(
        made.written(made.line("one"), made.shown(0, 0, 300, 110) + text, made.line("three"), pixels=PAGE)
    )
    place = 0
    while (place := data.find(b"\xff\xc0", place + 1)) > 0:
        data[place + 5 : place + 9] = (60_000).to_bytes(2, "big") * 2
    return bytes(data)


# ---- without models ----------------------------------------------------------------------------------


def test_text_is_taken_without_any_model() -> None:
    data = made.written(made.line("Exactly this"), made.line("Page two"))
    with OCR() as engine:
        document = engine.read(data)
        assert engine.loaded == ()
    assert [page.text for page in document.pages] == ["Exactly this", "Page two"]
    assert [(page.number, page.origin, page.error) for page in document.pages] == [
        (1, "text_layer", None),
        (2, "text_layer", None),
    ]
    assert document.model == "pdf-text-layer"
    assert document.packs == frozenset()
    (page, _) = document.pages
    assert (page.width, page.height) == (1112, 834)
    assert page.dpi == pytest.approx(200)
    assert page.lines[0].confidence == 1.0
    assert "".join(char.text for char in page.lines[0].chars) == "Exactly this"


def test_blocks_look_at_the_drawn_page_without_any_model() -> None:
    seen: list[tuple[int, ...]] = []

    def look(state: PageState, tools: Tools) -> None:
        seen.append(state.image.shape)

    data = made.written(made.lines(["First line", "Second line"]), Rotate=90)
    with OCR(stages=(*STAGES, Stage("look", look))) as engine:
        document = engine.read(data, layout="blocks")
        lines = engine.read(data, layout="lines")
        assert engine.loaded == ()
    assert document.layout == "blocks"
    assert document.text.split() == ["First", "line", "Second", "line"]
    assert document.pages[0].rotation == 270
    assert seen == [(834, 1112, 3)]  # upright
    assert sorted(map(repr, document.pages[0].lines)) == sorted(map(repr, lines.pages[0].lines))


def test_unknown_models_and_wishes_are_errors_all_the_same() -> None:
    data = made.written(made.line("text"))
    with OCR() as engine:
        with pytest.raises(ModelNotFoundError):
            engine.read(data, model="nothing")
        with pytest.raises(InvalidOptionError, match=r"no page 7-9: it has 1 page\b"):
            engine.read(data, pages="7-9")
        with pytest.raises(InvalidOptionError, match="no page 2"):
            engine.read(drawing.line("x"), pages="2")
        with pytest.raises(PdfPasswordError):
            engine.read(made.locked(data, "x"))
        assert engine.read(made.locked(data, "x"), password="x").text == "text"
        assert engine.loaded == ()


def test_pages_keep_their_numbers() -> None:
    data = made.written(*(made.line(f"page {number}") for number in range(1, 7)))
    with OCR() as engine:
        document = engine.read(data, pages="5-,2")
    assert [(page.number, page.text) for page in document.pages] == [
        (2, "page 2"), (5, "page 5"), (6, "page 6"),
    ]  # fmt: skip


def test_never_reads_no_picture() -> None:
    data = made.written(made.line("text"), made.shown(0, 0, 300, 110), pixels=PAGE)
    with OCR() as engine:
        document = engine.read(data, ocr="never")
        picture = engine.read(PAGE, ocr="never")
        assert engine.loaded == ()
    assert [page.text for page in document.pages] == ["text", ""]
    assert [remark.code for page in document.pages for remark in page.warnings] == ["NO_TEXT_LAYER"]
    assert picture.text == ""
    assert (picture.pages[0].width, picture.pages[0].height) == (600, 220)


@pytest.mark.parametrize(("bound", "most"), [("MOST_CHARS", 3 * len("page 1")), ("MOST_LINES", 3)])
def test_the_texts_of_a_document_are_bounded_before_it_is_admitted(
    bound: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    admitted: list[int] = []

    def admit(document: OpenedDocument) -> AbstractContextManager[None]:
        admitted.append(len(document.numbers))
        return nullcontext()

    monkeypatch.setattr(text_pages, bound, most)
    data = made.written(*(made.line(f"page {number}") for number in range(1, 7)))
    with OCR() as engine:
        assert len(engine.read(data, pages="1-3", admit=admit).pages) == 3
        with pytest.raises(ImageTooLargeError, match=f"hold more than {most} "):
            engine.read(data, pages="1-4", admit=admit)
    assert admitted == [3]


def test_the_ticket_is_checked_before_every_page(monkeypatch: pytest.MonkeyPatch) -> None:
    ticket = Ticket()
    asked: list[int] = []
    text = OpenedDocument.text

    def cancelled(document: OpenedDocument, place: int) -> object:
        asked.append(place)
        found = text(document, place)
        if place == 1:
            ticket.cancel()
        return found

    monkeypatch.setattr(OpenedDocument, "text", cancelled)
    data = made.written(*(made.line(f"page {number}") for number in range(1, 7)))
    with OCR() as engine, pytest.raises(RequestCancelledError):
        engine.read(data, ticket=ticket)
    assert asked == [0, 1]


@pytest.mark.parametrize("pages", ["", "2"])
def test_a_picture_that_cannot_be_drawn_costs_no_text(pages: str) -> None:
    data = broken_pdf(made.line("text over the picture", y=50, size=24))
    with OCR() as engine:
        blocks = engine.read(data, layout="blocks", pages=pages)
        lines = engine.read(data, layout="lines", pages="2")
        assert engine.loaded == ()
    assert [page.text for page in blocks.pages] == (
        ["text over the picture"] if pages else ["one", "text over the picture", "three"]
    )
    page = next(page for page in blocks.pages if page.number == 2)
    assert (page.error, page.origin) == (None, "text_layer")
    assert [remark.code for remark in page.warnings] == ["PICTURE_UNREAD"]
    assert "60000 × 60000" in page.warnings[0].message
    assert page.lines == lines.pages[0].lines
    assert (page.width, page.height) == (lines.pages[0].width, lines.pages[0].height) == (1112, 834)
    assert lines.pages[0].warnings == ()


def test_text_pages_have_a_limit_of_their_own() -> None:
    data = made.written(*(made.line(f"page {number}") for number in range(1, 6)))
    with OCR(Settings(max_pages=2)) as engine:
        assert len(engine.read(data).pages) == 5
        with pytest.raises(ImageTooLargeError, match="At most 2 pages"):
            engine.read(data, ocr="force")
        with pytest.raises(ImageTooLargeError, match="At most 2 pages"):
            engine.read(made.written(*[made.shown(0, 0, 99, 99)] * 3, pixels=PAGE))
    with OCR(Settings(max_text_pages=4)) as engine:
        with pytest.raises(ImageTooLargeError, match="At most 4 pages"):
            engine.read(data)
        assert len(engine.read(data, pages="2-5").pages) == 4


# ---- with models -------------------------------------------------------------------------------------


def test_force_reads_the_picture_all_the_same(ocr: OCR) -> None:
    document = ocr.read(made.written(made.line("Some printed words", size=20)), ocr="force")
    assert document.text == "Some printed words"
    assert document.pages[0].origin == "ocr"
    assert document.pages[0].dpi == pytest.approx(200)
    assert document.model == ocr.model


def test_a_layer_without_meaning_is_read_instead(ocr: OCR) -> None:
    data = made.with_font("Secret words here", dict.fromkeys("Secrtwodh", "\ue000"), size=24)
    document = ocr.read(data)
    assert (document.text, document.pages[0].origin) == ("Secret words here", "ocr")


@pytest.mark.parametrize("layout", ["lines", "blocks"])
def test_pictures_on_pages_with_text_are_read(ocr: OCR, layout: str) -> None:
    content = made.shown(30, 20, 300, 110) + made.line("A heading above it", y=260)
    document = ocr.read(made.written(content, pixels=PAGE), ReadOptions(layout=layout))  # type: ignore[arg-type]
    (page,) = document.pages
    assert page.origin == "mixed"
    assert page.text.split("\n") == ["A heading above it", "Read from the picture", "and not from text"]
    confidences = [line.confidence for line in page.lines]
    assert confidences[0] == 1.0
    assert all(confidence < 1.0 for confidence in confidences[1:])
    scale = 200 / 72
    for line in page.lines[1:]:
        for x, y in line.polygon:
            assert 25 * scale < x < 335 * scale
            assert 165 * scale < y < 285 * scale
    assert document.model == ocr.model
    assert document.packs


def test_text_over_a_picture_is_not_read_twice(ocr: OCR) -> None:
    blank = drawing.page([], shape=(600, 220))
    content = made.shown(0, 0, 400, 300) + made.line("Only once here", y=150)
    (page,) = ocr.read(made.written(content, pixels=blank)).pages
    assert page.origin == "mixed"
    assert page.text == "Only once here"


def test_a_broken_page_costs_none_of_the_others(ocr: OCR) -> None:
    document = ocr.read(broken_pdf())
    assert [page.text for page in document.pages] == ["one", "", "three"]
    first, second, third = document.pages
    assert second.error is not None
    assert second.error.code == "IMAGE_TOO_LARGE"
    assert "60000 × 60000" in second.error.message
    assert [remark.code for remark in second.warnings] == ["PAGE_UNREAD"]
    assert (second.number, second.width, second.height) == (2, 1112, 834)
    assert first.error is third.error is None


def test_text_beside_a_broken_picture_is_kept(ocr: OCR) -> None:
    document = ocr.read(broken_pdf(made.line("text beside it", y=200)), pages="2")
    (page,) = document.pages
    assert (page.text, page.error) == ("text beside it", None)
    assert [remark.code for remark in page.warnings] == ["PICTURE_UNREAD"]


def test_if_all_pages_are_broken_the_error_is_raised(ocr: OCR) -> None:
    with pytest.raises(ImageTooLargeError, match="60000 × 60000"):
        ocr.read(broken_pdf(), pages="2")


def test_a_broken_page_of_a_tiff_costs_none_of_the_others(ocr: OCR) -> None:
    pages = [Image.fromarray(drawing.line(f"page number {n}", pad=30)) for n in (1, 2, 3)]
    stream = io.BytesIO()
    pages[0].save(stream, "TIFF", save_all=True, append_images=pages[1:], compression="tiff_lzw")
    data = bytearray(stream.getvalue())
    with Image.open(io.BytesIO(bytes(data))) as image:
        image.seek(1)
        offset = image.tag_v2[273][0]  # type: ignore[attr-defined]  # StripOffsets
    data[offset : offset + 200] = b"\xff" * 200
    document = ocr.read(bytes(data))
    assert [page.text for page in document.pages] == ["page number 1", "", "page number 3"]
    error = document.pages[1].error
    assert error is not None
    assert error.code == "IMAGE_DECODE_FAILED"
    assert [page.number for page in ocr.read(bytes(data), pages="3").pages] == [3]


def test_an_engine_that_fails_at_one_page_reads_the_others(caplog: pytest.LogCaptureFixture) -> None:
    def fail(state: PageState, tools: Tools) -> None:
        if state.width == 1112:
            raise ZeroDivisionError("secret")

    data = made.written(made.line("one"), made.line("two"))
    with Pdf.open(io.BytesIO(data)) as pdf:
        pdf.pages[1].MediaBox = [0, 0, 300, 300]
        data = made.bytes_of(pdf)
    with OCR(stages=(*STAGES, Stage("fail", fail))) as engine:
        document = engine.read(data, layout="blocks")
        with pytest.raises(ZeroDivisionError):
            engine.read(data, layout="blocks", pages="1")
    assert [page.text for page in document.pages] == ["", "two"]
    error = document.pages[0].error
    assert error is not None
    assert (error.code, error.message) == ("INTERNAL_ERROR", "The engine failed with ZeroDivisionError.")
    assert "ZeroDivisionError" in caplog.text


def test_time_ends_everything() -> None:
    data = made.written(*[made.line("text")] * 3)
    with OCR() as engine, pytest.raises(DeadlineExceededError):
        engine.read(data, ticket=Ticket(deadline=0.0))


# ---- archives ----------------------------------------------------------------------------------------


def test_an_archive_is_read_in_the_order_of_names(ocr: OCR, tmp_path: Path) -> None:
    path = tmp_path / "scans.zip"
    path.write_bytes(
        zipped(
            scan10_png=png("picture ten"),
            scan9_pdf=made.written(made.line("text one"), made.line("text two")),
            scan11_png=b"\x89PNG\r\n\x1a\n nothing",
            notes_txt=b"some notes",
        )
    )
    document = ocr.read(path)
    assert [(page.number, page.origin, page.text) for page in document.pages] == [
        (1, "ocr", ""),
        (2, "text_layer", "text one"),
        (3, "text_layer", "text two"),
        (4, "ocr", "picture ten"),
        (5, "ocr", ""),
    ]
    codes = [page.error and page.error.code for page in document.pages]
    assert codes == ["IMAGE_TYPE_UNSUPPORTED", None, None, None, "IMAGE_DECODE_FAILED"]
    assert [page.number for page in ocr.read(path, pages="3-4").pages] == [3, 4]
    with pytest.raises(UnsupportedImageError):
        ocr.read(path, pages="1")
    with pytest.raises(ImageDecodeError):
        ocr.read(path, pages="5")


def test_pages_do_not_depend_on_one_another(ocr: OCR) -> None:
    data = zipped(a_png=png("first picture"), b_png=png("second picture"))
    alone: list[Document] = [ocr.read(png(text)) for text in ("first picture", "second picture")]
    together = ocr.read(data)
    assert [page.blocks for page in together.pages] == [page.pages[0].blocks for page in alone]

"""Pages that are read one by one, in any order, and joined make the document of `OCR.read`."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

import pytest
from PIL import Image

from crnn_ocr import OCR, ReadOptions
from crnn_ocr.document import Document
from crnn_ocr.engine.page_readings import PageReading, joined
from crnn_ocr.errors import ImageTooLargeError, OcrError, RequestCancelledError
from crnn_ocr.imaging.limits import Limits
from crnn_ocr.imaging.process.stored_file import StoredFile
from crnn_ocr.scheduling.ticket import Ticket
from tests import drawing
from tests.engine.test_text_pages import broken_pdf, png, zipped
from tests.imaging.pdf import made

PAGE = drawing.page([(30, 40, "Read from the picture"), (30, 120, "and not from text")], shape=(600, 220))


def tiff(*texts: str) -> bytes:
    pages = [Image.fromarray(drawing.line(text, pad=30)) for text in texts]
    stream = io.BytesIO()
    pages[0].save(stream, "TIFF", save_all=True, append_images=pages[1:], compression="tiff_lzw")
    return stream.getvalue()


def mixed_pdf() -> bytes:
    """Return a PDF of a text, a picture, a text with a picture, an empty page, and the same heading twice."""
    return made.written(
        made.lines(["1 Heading", "A line of text"]),
        made.shown(0, 0, 300, 110),
        made.line("Above the picture") + made.shown(0, 0, 300, 110),
        "",
        made.lines(["1 Heading", "Another line of text"]),
        pixels=PAGE,
    )


DOCUMENTS = {
    "mixed": mixed_pdf(),
    "texts": made.written(*(made.lines([f"Page {n}", "Running text"]) for n in range(1, 5))),
    "a damaged page": broken_pdf(),
    "a damaged picture beside text": broken_pdf(made.line("two")),
    "tiff": tiff("first page", "second page", "third page"),
    "picture": png("One picture"),
    "archive": zipped(a_png=png("first"), b_txt=b"no picture", c_pdf=made.written(made.line("last"))),
}


def one_by_one(
    engine: OCR, path: Path, options: ReadOptions, order: Iterable[int] | None = None
) -> list[PageReading]:
    with engine.open_pages(StoredFile(path), options, ticket=Ticket(), background=True) as readings:
        numbers = readings.numbers if order is None else order
        found = {number: readings.read(number) for number in numbers}
    return [found[number] for number in sorted(found)]


@pytest.mark.parametrize("layout", ["lines", "blocks"])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_joined_pages_are_the_document(ocr: OCR, name: str, layout: str, tmp_path: Path) -> None:
    options = ReadOptions.model_validate({"layout": layout})
    path = tmp_path / "document"
    path.write_bytes(DOCUMENTS[name])

    whole = ocr.read(DOCUMENTS[name], options)
    readings = one_by_one(ocr, path, options)

    assert joined(readings, whole.layout) == whole
    assert joined(readings, whole.layout).packs == whole.packs
    assert [reading.error is None for reading in readings] == [page.error is None for page in whole.pages]


def test_pages_can_be_read_in_any_order_and_again(ocr: OCR, tmp_path: Path) -> None:
    path = tmp_path / "document"
    path.write_bytes(DOCUMENTS["mixed"])
    options = ReadOptions()
    assert one_by_one(ocr, path, options, [4, 2, 5, 2, 1, 3]) != []
    found = joined(one_by_one(ocr, path, options, [4, 2, 5, 2, 1, 3]), "lines")
    assert found == ocr.read(DOCUMENTS["mixed"])


def test_only_wanted_pages(ocr: OCR, tmp_path: Path) -> None:
    path = tmp_path / "document"
    path.write_bytes(DOCUMENTS["tiff"])
    options = ReadOptions(pages="3,1")
    with ocr.open_pages(StoredFile(path), options, ticket=Ticket()) as readings:
        assert readings.numbers == (1, 3)
        assert len(readings.extents) == 2
        with pytest.raises(ValueError, match="tuple"):
            readings.read(2)
    assert joined(one_by_one(ocr, path, options), "lines") == ocr.read(DOCUMENTS["tiff"], options)


def test_a_model_is_named_only_where_a_picture_was_read(ocr: OCR, tmp_path: Path) -> None:
    path = tmp_path / "document"
    path.write_bytes(DOCUMENTS["mixed"])
    models = [reading.model for reading in one_by_one(ocr, path, ReadOptions())]
    assert [model is None for model in models] == [True, False, False, False, True]


def test_which_pages_hold_text(ocr: OCR, tmp_path: Path) -> None:
    path = tmp_path / "document"
    path.write_bytes(DOCUMENTS["mixed"])
    with ocr.open_pages(StoredFile(path), ReadOptions(), ticket=Ticket()) as readings:
        assert [readings.holds_text(number) for number in readings.numbers] == [
            True, False, False, False, True,
        ]  # fmt: skip


def test_limits_of_the_caller(ocr: OCR, tmp_path: Path) -> None:
    path = tmp_path / "document"
    path.write_bytes(DOCUMENTS["texts"])
    limits = Limits(path.stat().st_size - 1, 10**6, 10**4, 10, 10)
    with pytest.raises(ImageTooLargeError, match="MiB"):
        ocr.open_pages(StoredFile(path), ReadOptions(), ticket=Ticket(), limits=limits)
    limits = Limits(path.stat().st_size, 10**6, 10**4, 3, 3)
    with pytest.raises(ImageTooLargeError, match="At most 3 pages"):
        ocr.open_pages(StoredFile(path), ReadOptions(), ticket=Ticket(), limits=limits)


def test_a_cancelled_ticket_ends_the_reading(ocr: OCR, tmp_path: Path) -> None:
    path = tmp_path / "document"
    path.write_bytes(DOCUMENTS["mixed"])
    ticket = Ticket()
    with ocr.open_pages(StoredFile(path), ReadOptions(), ticket=ticket) as readings:
        assert readings.read(1).page.text == "1 Heading\nA line of text"
        ticket.cancel()
        with pytest.raises(RequestCancelledError):
            readings.read(2)


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7 nothing", b"no picture at all", b"II*\0broken"])
def test_files_that_cannot_be_opened_fail_as_their_bytes_do(ocr: OCR, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "document"
    path.write_bytes(content)
    with pytest.raises(OcrError) as stored:
        ocr.open_pages(StoredFile(path), ReadOptions(), ticket=Ticket())
    with pytest.raises(OcrError) as held:
        ocr.read(content)
    assert (stored.value.code, stored.value.message) == (held.value.code, held.value.message)


def test_nothing_read_is_nothing_joined() -> None:
    assert joined([], "blocks") == Document((), "pdf-text-layer", layout="blocks")

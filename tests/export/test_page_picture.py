"""A page whose picture cannot be drawn loses its pictures, and no text; other errors end the work."""

from __future__ import annotations

import io
import zipfile

import pytest

from crnn_ocr.document import Block, Document, Line, Page
from crnn_ocr.errors import DeadlineExceededError, ImageTooLargeError
from crnn_ocr.export import FORMATS, WriteOptions
from crnn_ocr.export.files import single_file
from crnn_ocr.pixels import Pixels

BOX = ((10.0, 10.0), (90.0, 10.0), (90.0, 40.0), (10.0, 40.0))
DOCUMENT = Document(
    (Page(100, 80, (Block((Line("words beside it", 0.9, BOX),)), Block((), "figure", polygon=BOX))),),
    "m/1",
    layout="blocks",
)
WITH_PICTURES = ("markdown", "html", "svg", "report", "docx")


def written(name: str, error: Exception) -> str:
    def picture(number: int) -> Pixels:
        raise error

    content = single_file(DOCUMENT, FORMATS[name], WriteOptions(picture=picture)).content
    if name == "docx":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.read("word/document.xml").decode()
    return content.decode()


@pytest.mark.parametrize("name", WITH_PICTURES)
def test_a_picture_that_cannot_be_drawn_is_left_out(name: str) -> None:
    assert "words beside it" in written(name, ImageTooLargeError("It is too large."))


@pytest.mark.parametrize("name", WITH_PICTURES)
def test_the_end_of_the_time_is_the_end_of_the_work(name: str) -> None:
    with pytest.raises(DeadlineExceededError):
        written(name, DeadlineExceededError("The time is up."))

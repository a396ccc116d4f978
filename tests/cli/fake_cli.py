"""The command line with an engine that only pretends: `python -m tests.cli.fake_cli read …`.

It "reads" the bytes of a file as the text of one line. Some texts have a meaning: see `FakeReader.read`.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import pytest

from crnn_ocr.cli import main, reading
from crnn_ocr.document import Block, Document, Line, Page, Remark
from crnn_ocr.errors import ImageDecodeError, ImageEmptyError, ModelBrokenError
from crnn_ocr.options import ReadOptions
from crnn_ocr.settings import Settings

BOX = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 9.0))


class FakeReader:
    """Stands in for `OCR`; remembers what it was asked."""

    def __init__(self, settings: Settings, options: ReadOptions, threads: int | None) -> None:
        self.settings, self.options, self.threads = settings, options, threads
        self.closed = False

    def read(self, source: Any, options: ReadOptions | None = None) -> Document:
        assert options == self.options
        text = source.decode()
        match text:
            case "":
                raise ImageEmptyError("There are no bytes.")
            case "damaged":
                raise ImageDecodeError("The PNG ends early.")
            case "bug":
                raise ZeroDivisionError("the secret text")
            case "no model":
                raise ModelBrokenError("rec.onnx differs from its manifest.")
            case "slow":
                sys.stderr.write("reading\n")
                sys.stderr.flush()
                time.sleep(60)
        pages = [
            Page(
                9,
                9,
                (Block((Line(part, 0.5, BOX),)),),
                warnings=(Remark("IMAGE_BLURRED", "It is blurred."),) if part == "blurred" else (),
                number=number,
            )
            for number, part in enumerate(text.split("\f"), start=1)
        ]
        return Document(tuple(pages), "fake/1")

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> list[FakeReader]:
    """Put the pretending engine in the real one's place; the list holds those that were made."""
    made: list[FakeReader] = []

    def make(settings: Settings, options: ReadOptions, threads: int | None) -> FakeReader:
        made.append(FakeReader(settings, options, threads))
        return made[-1]

    monkeypatch.setattr(reading, "open_engine", make)
    return made


if __name__ == "__main__":
    reading.open_engine = FakeReader
    raise SystemExit(main())

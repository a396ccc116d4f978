"""The text layer for documents of any content, and its font."""

from __future__ import annotations

import io
import re

import pikepdf
import pypdfium2
from fontTools.ttLib import TTFont
from hypothesis import given, settings
from hypothesis import strategies as st

from crnn_ocr.document import Document, Line
from crnn_ocr.export import FORMATS, WriteOptions
from crnn_ocr.export.pdf.encoding import Encoding, natural_width, writable
from crnn_ocr.export.pdf.glyphs import ASCENT, DESCENT, WIDTHS, font_program, glyph_of
from crnn_ocr.export.pdf.layer import is_column, layer
from tests.export.documents import documents, lines, texts
from tests.export.pdf.making import box, pdf_of


def test_the_font_is_sound() -> None:
    font = TTFont(io.BytesIO(font_program()), checkChecksums=2, lazy=False)

    assert [font["hmtx"].metrics[name][0] for name in font.getGlyphOrder()] == list(WIDTHS)
    for name, width in zip(font.getGlyphOrder(), WIDTHS, strict=True):
        glyph = font["glyf"][name]
        assert (glyph.xMin, glyph.yMin, glyph.xMax, glyph.yMax) == (0, DESCENT, width, ASCENT)
        assert len(glyph.coordinates) == 2  # a line there and back, without area
    assert len(font_program()) < 1024


@given(st.lists(texts.map(writable), max_size=8))
def test_codes_lead_back_to_the_text(rows: list[str]) -> None:
    encoding = Encoding(rows)
    entries = re.findall(r"^<([0-9a-f]{4})> <([0-9a-f]+)>$", encoding.to_unicode().decode(), re.M)
    back = {code: bytes.fromhex(units).decode("utf-16-be") for code, units in entries}
    glyphs = encoding.glyphs()

    for row in rows:
        codes = re.findall("....", encoding.hexadecimal(row)[1:-1].decode())
        assert "".join(back[code] for code in codes) == row
        for char, code in zip(row, codes, strict=True):
            place = 2 * int(code, 16)
            assert int.from_bytes(glyphs[place : place + 2], "big") == glyph_of(char)


@given(st.lists(texts.map(writable), max_size=8))
def test_widths_of_codes(rows: list[str]) -> None:
    encoding = Encoding(rows)
    listed = encoding.widths()
    widths = {
        first + index: width
        for first, part in zip(listed[::2], listed[1::2], strict=True)
        if isinstance(first, int) and isinstance(part, list)
        for index, width in enumerate(part)
    }
    for row in rows:
        codes = [int(code, 16) for code in re.findall("....", encoding.hexadecimal(row)[1:-1].decode())]
        assert sum(widths.get(code, 1000) for code in codes) == round(1000 * natural_width(row))


@given(texts)
def test_writable_text(text: str) -> None:
    done = writable(text)

    assert done == done.strip() == writable(done)
    assert not re.search("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028]", done)
    assert done.encode("utf-16-be").decode("utf-16-be") == done


@given(st.lists(lines, max_size=4))
def test_any_polygons_give_numbers_that_readers_take(rows: list[Line]) -> None:
    encoding = Encoding(writable(row.text) for row in rows)

    content = layer(rows, lambda point: (point[0], -point[1]), "F", encoding).decode()

    assert content.count(" Tj\n") == sum(bool(writable(row.text)) for row in rows)
    for number in re.findall(r"[^\s<>\[\]/]+", re.sub(r"<[^>]*>|/F", "", content)):
        assert re.fullmatch(r"-?\d+(\.\d+)?|q|Q|BT|ET|Tr|Tf|Tz|Tm|Tj", number), number


@settings(max_examples=20)
@given(documents)
def test_any_document_can_be_read_again(document: Document) -> None:
    original = pdf_of(2)[1]

    content = FORMATS["pdf"].write(document, WriteOptions(original=lambda: original))

    assert isinstance(content, bytes)
    assert not pikepdf.open(io.BytesIO(content)).check_pdf_syntax()
    assert len(pypdfium2.PdfDocument(content)) == 2


def test_columns() -> None:
    assert is_column(Line("直排文字", 1, box(0, 0, 30, 100)))
    assert not is_column(Line("横排文字", 1, box(0, 0, 100, 30)))
    assert not is_column(Line("ll", 1, box(0, 0, 12, 24)))
    assert not is_column(Line("字", 1, box(0, 0, 10, 24)))
    assert not is_column(Line("sideways", 1, ((30, 0), (30, 100), (0, 100), (0, 0))))

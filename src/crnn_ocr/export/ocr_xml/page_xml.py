"""Writes a Document as PAGE-XML of 2019-07-15 (PRImA), one file per page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from crnn_ocr.document import Block, Cell, Document, Line, Page, Polygon
from crnn_ocr.export.escaping import attributes, one_row, xml
from crnn_ocr.export.files import zip_of
from crnn_ocr.export.kinds import KINDS
from crnn_ocr.export.language import language_of
from crnn_ocr.export.places import outline, page_names, points_of
from crnn_ocr.export.words import Word, words_of

_NAMESPACE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"
_SCHEMA = f"{_NAMESPACE}/pagecontent.xsd"
#: The schema demands a time of making. Equal documents give equal files, so it is always the same one.
_NO_TIME = "1970-01-01T00:00:00Z"
#: Names of languages in the schema (LanguageSimpleType).
_LANGUAGES = {"zh": "Chinese", "en": "English"}


def page_xml_files(
    document: Document, *, source: str | None = None, chars: bool = False
) -> list[tuple[str, bytes]]:
    """Write every page as PAGE-XML.

    Cells of a table are text regions inside its region, with their row, column and spans as roles. Figures
    are image regions, seals are graphic regions of the type "stamp"; text in them and in equations stands in
    a text region inside. Coordinates are whole pixels of the input, on its picture.

    Args:
        document: The document to write.
        source: Name of the input, written as the name of the image.
        chars: Whether to write characters, too (`Glyph`).

    Returns:
        Names to be appended to the document's name, such as "p2", and contents.
    """
    return [
        (name, _page_xml(page, name, document.model, source, chars).encode())
        for page, name in zip(document.pages, page_names(document), strict=True)
    ]


def to_page_xml(document: Document, *, source: str | None = None, chars: bool = False) -> bytes:
    """Return the file of a document with one page, or a ZIP of the files of all pages."""
    files = page_xml_files(document, source=source, chars=chars)
    if len(files) == 1:
        return files[0][1]
    return zip_of([(f"{name}.xml", content) for name, content in files])


def _page_xml(page: Page, name: str, model: str, source: str | None, chars: bool) -> str:
    writer = _Writer(page, chars)
    regions = [writer.region(f"{name}.b{at}", block) for at, block in enumerate(page.blocks, 1)]
    refs = "".join(
        f'<RegionRefIndexed index="{at}" regionRef="{name}.b{at + 1}"/>' for at in range(len(page.blocks))
    )
    order = f'<ReadingOrder><OrderedGroup id="{name}.order">{refs}</OrderedGroup></ReadingOrder>\n'
    # Of quarter turns the schema takes those in (-180, 180].
    turn = page.rotation - 360 if page.rotation > 180 else page.rotation
    marks = attributes(
        imageFilename=one_row(source or ""),
        imageWidth=page.width,
        imageHeight=page.height,
        imageXResolution=None if page.dpi is None else f"{page.dpi:g}",
        imageYResolution=None if page.dpi is None else f"{page.dpi:g}",
        imageResolutionUnit=None if page.dpi is None else "PPI",
        orientation=turn or None,
        primaryLanguage=_LANGUAGES.get(language_of(page.text) or ""),
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<PcGts xmlns="{_NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:schemaLocation="{_NAMESPACE} {_SCHEMA}">\n'
        f"<Metadata><Creator>crnn-ocr {xml(model)}</Creator><Created>{_NO_TIME}</Created>"
        f"<LastChange>{_NO_TIME}</LastChange></Metadata>\n"
        f"<Page{marks}>\n{order if page.blocks else ''}" + "\n".join(regions) + "\n</Page>\n</PcGts>\n"
    )


class _Writer:
    def __init__(self, page: Page, chars: bool) -> None:
        self._page = page
        self._chars = chars

    def region(self, id_: str, block: Block) -> str:
        names = KINDS[block.kind]
        element, coords = names.page_region, self._coords(outline(self._page, block))
        custom = (
            "structure {type:" + block.kind + ";" + (f" level:{block.level};" if block.level else "") + "}"
        )
        if block.table is not None:
            table = block.table
            cells = "\n".join(self._cell(id_, cell, cell.row < table.header_rows) for cell in table.cells)
            marks = attributes(id=id_, custom=custom, rows=table.rows, columns=table.cols)
            continued = attributes(continuation="true" if table.continues_from is not None else None)
            return f"<TableRegion{marks}{continued}>{coords}\n{cells}</TableRegion>"
        marks = attributes(id=id_, custom=custom, type=names.page_type)
        if element == "TextRegion":
            return f"<TextRegion{marks}>{coords}{self._text(id_, block.lines)}</TextRegion>"
        inner = ""
        if block.lines:
            text = self._text(f"{id_}.text", block.lines)
            inner = f'<TextRegion id="{id_}.text">{coords}{text}</TextRegion>'
        return f"<{element}{marks}>{coords}{inner}</{element}>"

    def _cell(self, table: str, cell: Cell, is_head: bool) -> str:
        id_ = f"{table}.r{cell.row}c{cell.col}"
        role = attributes(
            rowIndex=cell.row,
            columnIndex=cell.col,
            rowSpan=cell.row_span,
            colSpan=cell.col_span,
            header="true" if is_head else "false",
        )
        return (
            f'<TextRegion id="{id_}">{self._coords(cell.polygon)}<Roles><TableCellRole{role}/></Roles>'
            f"{self._text(id_, cell.lines)}</TextRegion>"
        )

    def _text(self, region: str, lines: Sequence[Line]) -> str:
        whole = "\n".join(one_row(line.text) for line in lines)
        return "".join(self._lines(region, lines)) + _equivalent(whole, None)

    def _lines(self, region: str, lines: Sequence[Line]) -> Iterator[str]:
        for at, line in enumerate(lines, start=1):
            id_ = f"{region}.l{at}"
            words = "".join(self._word(f"{id_}.w{at}", word) for at, word in enumerate(words_of(line), 1))
            text = _equivalent(one_row(line.text), line.confidence)
            yield f'<TextLine id="{id_}">{self._coords(line.polygon)}{words}{text}</TextLine>'

    def _word(self, id_: str, word: Word) -> str:
        glyphs = ""
        if self._chars:
            glyphs = "".join(
                f'<Glyph id="{id_}.g{at}">{self._coords(char.polygon)}'
                f"{_equivalent(char.text, char.confidence)}</Glyph>"
                for at, char in enumerate(word.chars, start=1)
            )
        text = _equivalent(word.text, word.confidence)
        return f'<Word id="{id_}">{self._coords(word.polygon)}{glyphs}{text}</Word>'

    def _coords(self, polygon: Polygon) -> str:
        points = " ".join(f"{x},{y}" for x, y in points_of(self._page, polygon))
        return f'<Coords points="{points}"/>'


def _equivalent(text: str, confidence: float | None) -> str:
    marks = attributes(conf=None if confidence is None else f"{confidence:.4f}")
    return f"<TextEquiv{marks}><Unicode>{xml(text)}</Unicode></TextEquiv>"

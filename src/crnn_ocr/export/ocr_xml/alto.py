"""Writes a Document as ALTO 4.4 (Analyzed Layout and Text Object, Library of Congress)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from crnn_ocr.document import Block, Cell, Document, Line, Page, Polygon
from crnn_ocr.export.escaping import attributes, xml
from crnn_ocr.export.kinds import KINDS
from crnn_ocr.export.language import language_of
from crnn_ocr.export.places import box_of, is_upright, page_names, points_of, polygons_of
from crnn_ocr.export.words import Word, words_of

_NAMESPACE = "http://www.loc.gov/standards/alto/ns-v4#"
_SCHEMA = "http://www.loc.gov/standards/alto/v4/alto-4-4.xsd"
#: A word that ends with a hyphen, at the end of a line.
_HYPHENATED = re.compile(r"(.*\w)([-\u2010\u00ad])$", re.DOTALL)


def to_alto(document: Document, *, source: str | None = None, chars: bool = False) -> str:
    """Write a document as ALTO.

    Headers stand in the margin at the top, footers and page numbers in that at the bottom, everything else in
    the print space; `ReadingOrder` lists all blocks in order. A table is a composed block of its cells, empty
    ones too, whose tags tell row, column and spans. Coordinates are pixels of the input.

    Args:
        document: The document to write.
        source: Name of the input, written as the name of the source image.
        chars: Whether to write characters, too (`Glyph`).
    """
    writer = _Writer(chars)
    names = page_names(document)
    pages = [writer.page(page, name) for page, name in zip(document.pages, names, strict=True)]
    file_name = "" if source is None else f"<fileName>{xml(source)}</fileName>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<alto xmlns="{_NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:schemaLocation="{_NAMESPACE} {_SCHEMA}" SCHEMAVERSION="4.4">\n'
        "<Description><MeasurementUnit>pixel</MeasurementUnit>"
        f"<sourceImageInformation>{file_name}</sourceImageInformation>"
        '<Processing ID="ocr"><processingCategory>contentGeneration</processingCategory>'
        "<processingSoftware><softwareName>crnn-ocr</softwareName>"
        f"<applicationDescription>model {xml(document.model)}</applicationDescription>"
        "</processingSoftware></Processing></Description>\n"
        f"{writer.tags()}{writer.order()}<Layout>\n" + "\n".join(pages) + "\n</Layout>\n</alto>\n"
    )


class _Writer:
    def __init__(self, chars: bool) -> None:
        self._chars = chars
        self._tags: dict[str, tuple[str, str]] = {}
        self._orders: list[tuple[str, list[str]]] = []

    def page(self, page: Page, name: str) -> str:
        ids = [f"{name}.b{at}" for at in range(1, len(page.blocks) + 1)]
        if ids:
            self._orders.append((name, ids))
        blocks = list(zip(ids, page.blocks, strict=True))
        spaces = {
            "TopMargin": [entry for entry in blocks if entry[1].kind == "header"],
            "BottomMargin": [entry for entry in blocks if entry[1].kind in ("footer", "page_number")],
        }
        outside = [id_ for entries in spaces.values() for id_, _ in entries]
        spaces["PrintSpace"] = [entry for entry in blocks if entry[0] not in outside]
        inner = "\n".join(
            self._space(space, page, name, entries)
            for space, entries in spaces.items()
            if entries or space == "PrintSpace"
        )
        marks = attributes(
            ID=name,
            PHYSICAL_IMG_NR=page.number,
            WIDTH=page.width,
            HEIGHT=page.height,
            ROTATION=page.rotation or None,
            LANG=language_of(page.text),
            PROCESSINGREFS="ocr",
        )
        return f"<Page{marks}>\n{inner}\n</Page>"

    def tags(self) -> str:
        """Return the tags that the pages refer to."""
        if not self._tags:
            return ""
        tags = "".join(
            f"<StructureTag{attributes(ID=id_, TYPE=type_, LABEL=label)}/>"
            for id_, (type_, label) in self._tags.items()
        )
        return f"<Tags>{tags}</Tags>\n"

    def order(self) -> str:
        """Return the reading order of all pages."""
        if not self._orders:
            return ""
        groups = "".join(
            f'<OrderedGroup ID="order.{name}">'
            + "".join(f'<ElementRef ID="order.{id_}" REF="{id_}"/>' for id_ in ids)
            + "</OrderedGroup>"
            for name, ids in self._orders
        )
        return f"<ReadingOrder>{groups}</ReadingOrder>\n"

    def _space(self, space: str, page: Page, name: str, entries: Sequence[tuple[str, Block]]) -> str:
        places = [polygon for _, block in entries for polygon in polygons_of(block)]
        blocks = "\n".join(self._block(page, id_, block) for id_, block in entries)
        return f'<{space} ID="{name}.{space}"{_place(page, *places)}>{blocks}</{space}>'

    def _block(self, page: Page, id_: str, block: Block) -> str:
        tag = self._tag("block", block.kind + (f" {block.level}" if block.level else ""))
        marks = attributes(ID=id_, TAGREFS=tag) + _place(page, *polygons_of(block))
        if block.table is not None:
            heads = block.table.header_rows
            cells = "".join(self._cell(page, id_, cell, cell.row < heads) for cell in block.table.cells)
            return f'<ComposedBlock{marks} TYPE="table">{cells}</ComposedBlock>'
        element = KINDS[block.kind].alto
        if element == "Illustration" and not block.lines:
            return f'<Illustration{marks} TYPE="figure"/>'
        lines = "".join(self._lines(page, id_, block.lines))
        return f"<TextBlock{marks}{attributes(LANG=language_of(block.text))}>{lines}</TextBlock>"

    def _cell(self, page: Page, block: str, cell: Cell, is_head: bool) -> str:
        label = f"row {cell.row} column {cell.col} rowspan {cell.row_span} colspan {cell.col_span}"
        tags = self._tag("cell", label) + (f" {self._tag('cell', 'header')}" if is_head else "")
        id_ = f"{block}.r{cell.row}c{cell.col}"
        lines = "".join(self._lines(page, id_, cell.lines))
        return f"<TextBlock{attributes(ID=id_, TAGREFS=tags)}{_place(page, cell.polygon)}>{lines}</TextBlock>"

    def _lines(self, page: Page, block: str, lines: Sequence[Line]) -> Iterator[str]:
        for at, line in enumerate(lines, start=1):
            continues = at < len(lines) and lines[at].text[:1].islower()
            shape = ""
            if not is_upright(line.polygon):
                points = " ".join(f"{x},{y}" for x, y in points_of(page, line.polygon))
                shape = f'<Shape><Polygon POINTS="{points}"/></Shape>'
            marks = attributes(ID=f"{block}.l{at}") + _place(page, line.polygon)
            yield f"<TextLine{marks}>{shape}{''.join(self._strings(page, line, continues))}</TextLine>"

    def _strings(self, page: Page, line: Line, continues: bool) -> Iterator[str]:
        """Yield the words of a line, blanks between them, and a hyphen that divides the last one."""
        words = words_of(line)
        if not words:  # the schema wants at least one
            yield f'<String CONTENT=""{_place(page, line.polygon)}/>'
            return
        hyphen = _HYPHENATED.match(words[-1].text) if continues else None
        for at, word in enumerate(words):
            if at:
                yield "<SP/>"
            text = hyphen[1] if hyphen and at == len(words) - 1 else word.text
            part = "HypPart1" if hyphen and at == len(words) - 1 else None
            marks = attributes(CONTENT=text, WC=f"{word.confidence:.4f}") + _place(page, word.polygon)
            glyphs = "".join(_glyphs(page, word, len(text))) if self._chars else ""
            yield f"<String{marks}{attributes(SUBS_TYPE=part)}>{glyphs}</String>"
        if hyphen:
            yield f"<HYP{attributes(CONTENT=hyphen[2])}/>"

    def _tag(self, type_: str, label: str) -> str:
        id_ = f"{type_}.{label.replace(' ', '_')}"
        self._tags.setdefault(id_, (type_, label))
        return id_


def _glyphs(page: Page, word: Word, length: int) -> Iterable[str]:
    """Yield the characters of a word of that length; none if one is not a single code point."""
    if any(len(char.text) != 1 for char in word.chars):
        return
    for char in word.chars[:length]:
        marks = attributes(CONTENT=char.text, GC=f"{char.confidence:.4f}") + _place(page, char.polygon)
        yield f"<Glyph{marks}/>"


def _place(page: Page, *polygons: Polygon) -> str:
    box = box_of(page, *polygons)
    return attributes(HPOS=box.left, VPOS=box.top, WIDTH=box.width, HEIGHT=box.height)

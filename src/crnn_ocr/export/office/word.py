"""Write a document as a Word file: headings, paragraphs, lists, tables, figures.

Page headers and footers become those of the file if they are the same throughout; others are left out, as
are page numbers, in whose place Word counts. Every page of the document begins a page of the file, unless a
paragraph goes on over its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from docx.oxml.ns import qn
from docx.shared import Emu, Pt
from docx.text.paragraph import Paragraph

from crnn_ocr.document import Block, BlockKind, Document, Page
from crnn_ocr.export import WriteOptions
from crnn_ocr.export.escaping import clean
from crnn_ocr.export.kinds import PAGE_FURNITURE, heading_level
from crnn_ocr.export.office.figures import figure_of
from crnn_ocr.export.office.seams import goes_on, joined
from crnn_ocr.export.office.word_lists import Lists
from crnn_ocr.export.office.word_package import content_of, element, new_file, text_width
from crnn_ocr.export.office.word_tables import MOST_COLUMNS, table_element
from crnn_ocr.export.structure import caption_owners, depths, run_of, split_marker
from crnn_ocr.export.text import table_rows
from crnn_ocr.layout.blocks.joining import join_lines

if TYPE_CHECKING:
    from crnn_ocr.pixels import Pixels

_CENTRED = 1  # WD_ALIGN_PARAGRAPH.CENTER
_FOOTNOTE, _BEHIND_TABLE = Pt(8), Pt(10)
#: Greatest share of the text's height that a figure takes.
_FIGURE_HEIGHT = 0.8


def to_docx(document: Document, how: WriteOptions) -> bytes:
    """Write a document as a Word file.

    Args:
        document: What was read.
        how: `source` becomes the title among its properties; figures are cut from `picture`.

    Returns:
        The file; the same for the same document.
    """
    wide = sum(_size(page)[0] > _size(page)[1] for page in document.pages)
    file = new_file(clean(how.source or ""), landscape=2 * wide > len(document.pages))
    _Writer(file, document.layout == "lines", how.picture).write(document.pages)
    _add_furniture(file, document.pages)
    return content_of(file)


def _size(page: Page) -> tuple[int, int]:
    """Return width and height of the upright page."""
    return (page.height, page.width) if page.rotation % 180 else (page.width, page.height)


class _Writer:
    """Writes the blocks of a document one after the other."""

    def __init__(self, file: Any, by_lines: bool, picture: Callable[[int], Pixels] | None) -> None:
        self._file = file
        self._by_lines = by_lines
        self._picture = picture
        self._body = file._body
        self._end = file.element.body.find(qn("w:sectPr"))
        self._lists = Lists(file)
        # The last paragraph with its text, while the next page may go on with it.
        self._last: tuple[Any, str] | None = None
        self._after_table = False
        self._new_page = False

    def write(self, pages: Sequence[Page]) -> None:
        for number, page in enumerate(pages):
            blocks = [block for block in page.blocks if block.kind not in PAGE_FURNITURE]
            owners = caption_owners(blocks)
            self._new_page = number > 0
            start = 0
            while start < len(blocks):
                end = max(start + 1, run_of(blocks, start, "list_item"))
                if blocks[start].kind == "list_item":
                    self._items(blocks[start:end])
                else:
                    self._block(blocks[start], page, is_title=owners.get(start) == start + 1)
                start = end
        if self._after_table:  # a body ends with a paragraph
            self._paragraph()

    def _paragraph(self, text: str = "", style: str | None = None) -> Any:
        """Add a paragraph; the first one of a page begins a page."""
        # Put before the element behind the body: python-docx would search for it from the beginning.
        made = Paragraph(element("w:p"), self._body)
        self._end.addprevious(made._p)
        if style is not None:
            made._p.style = style.replace(" ", "")
        if text:
            made.add_run(text)
        if self._new_page:
            made.paragraph_format.page_break_before = True
        elif self._after_table:
            made.paragraph_format.space_before = _BEHIND_TABLE
        self._new_page = self._after_table = False
        self._last = None
        return made

    def _block(self, block: Block, page: Page, *, is_title: bool) -> None:
        if block.kind != "paragraph":
            self._lists.close()
        if block.table is not None:
            self._table(block, page)
        elif block.kind == "figure":
            self._figure(block, page)
        elif text := self._text(block):
            made = self._prose(block, text)
            made.paragraph_format.keep_with_next = True if is_title else None

    def _text(self, block: Block) -> str:
        if self._by_lines:
            return clean("\n".join(line.text for line in block.lines)).strip()
        return clean(join_lines(block.lines)).strip()

    def _prose(self, block: Block, text: str) -> Any:
        """Write a block of text and return its paragraph."""
        if block.kind == "heading":
            return self._paragraph(" ".join(text.split("\n")), f"Heading {heading_level(block)}")
        if block.kind == "paragraph" and not self._by_lines:
            return self._running_text(text)
        made = self._paragraph(text, "Caption" if block.kind == "caption" else None)
        if block.kind == "footnote":
            made.runs[0].font.size = _FOOTNOTE
        if block.kind == "equation":
            made.alignment = _CENTRED
        return made

    def _running_text(self, text: str) -> Any:
        """Write a paragraph, or the rest of one that goes on from the page before."""
        if self._new_page and self._last is not None and goes_on(self._last[1], text):
            made, before = self._last
            text = made.text = joined(before, text)
            self._new_page = False
        else:
            made = self._paragraph(text)
        self._last = (made, text)
        return made

    def _items(self, items: Sequence[Block]) -> None:
        for item, depth in zip(items, depths(items), strict=True):
            number, sign, rest = split_marker(self._text(item))
            if rest:
                made = self._paragraph()
                made.add_run(self._lists.mark(made, depth, number, sign) + rest)

    def _table(self, block: Block, page: Page) -> None:
        assert block.table is not None
        if block.table.cols > MOST_COLUMNS:
            for row in table_rows(block.table):
                self._paragraph("\t".join(map(clean, row)))
            return
        if self._new_page or self._after_table:  # neighbouring tables would become one
            self._paragraph().paragraph_format.space_after = Pt(0)
        made = table_element(block.table, text_width(self._file), page.rotation)
        self._end.addprevious(made)
        self._last, self._after_table = None, True

    def _figure(self, block: Block, page: Page) -> None:
        figure = figure_of(block, page, self._picture)
        if figure is not None:
            content, share, ratio = figure
            section = self._file.sections[0]
            room = (section.page_height - section.top_margin - section.bottom_margin) * _FIGURE_HEIGHT
            width = min(share * section.page_width, text_width(self._file), room / ratio)
            self._paragraph().add_run().add_picture(content, width=Emu(max(1, round(width))))
        text = self._text(block)
        if text:
            self._paragraph(text)


def _add_furniture(file: Any, pages: Sequence[Page]) -> None:
    """Write what repeats on all pages into header and footer."""
    section = file.sections[0]
    header, footer = (_common(pages, kind) for kind in ("header", "footer"))
    if header:
        section.header.paragraphs[0].text = header
    if footer:
        section.footer.paragraphs[0].text = footer
    numbers = [block.text.strip() for page in pages for block in page.blocks if block.kind == "page_number"]
    if numbers:
        place = section.footer.add_paragraph() if footer else section.footer.paragraphs[0]
        place.alignment = _CENTRED
        field = element("w:fldSimple", instr="PAGE")
        run = element("w:r")
        run.text = "1"
        field.append(run)
        place._p.append(field)
        first = numbers[0].strip("-—–· ")
        if first.isascii() and first.isdecimal() and len(first) <= 5:
            section._sectPr.find(qn("w:pgMar")).addnext(element("w:pgNumType", start=int(first)))


def _common(pages: Iterable[Page], kind: BlockKind) -> str:
    """Return the header or footer of all pages; empty if they differ, or most pages have none."""
    found = [
        "\n".join(clean(join_lines(block.lines)) for block in page.blocks if block.kind == kind)
        for page in pages
    ]
    texts = {text for text in found if text}
    return texts.pop() if len(texts) == 1 and 2 * sum(map(bool, found)) > len(found) else ""

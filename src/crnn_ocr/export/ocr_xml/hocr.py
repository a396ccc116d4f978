"""Writes a Document as hOCR 1.2, a form of XHTML."""

from __future__ import annotations

from collections.abc import Iterator

from crnn_ocr.document import Block, Char, Document, Line, Page, Polygon, block_id
from crnn_ocr.export.escaping import attributes, one_row, xml
from crnn_ocr.export.kinds import KINDS, heading_level
from crnn_ocr.export.language import language_of
from crnn_ocr.export.places import box_of, page_names, polygons_of
from crnn_ocr.export.web.tables import head_rows
from crnn_ocr.export.words import Word, words_of

_CAPABILITIES = (
    "ocr_page ocr_carea ocr_par ocr_line ocrx_word ocr_chapter ocr_section ocr_subsection ocr_subsubsection "
    "ocr_table ocr_image ocr_caption ocr_header "
    "ocr_footer ocr_pageno ocr_textfloat ocr_display ocr_photo ocrp_lang ocrp_wconf"
)
#: Kinds of blocks whose lines stand in a paragraph of the text; the others are floats of their own class.
_IN_TEXT = ("paragraph", "list_item")
#: Classes of headings by level; each belongs to the element of its place, h1 to h4.
_HEADINGS = ("ocr_chapter", "ocr_section", "ocr_subsection", "ocr_subsubsection")


def to_hocr(document: Document, *, source: str | None = None, chars: bool = False) -> str:
    """Write a document as hOCR.

    Places are boxes in pixels of the input. Confidences are whole percentages (`x_wconf`), the turn of a page
    is told for its lines (`textangle`). Tables are HTML tables with `ocr_table`.

    Args:
        document: The document to write.
        source: Name of the input, which is named as the picture of its pages.
        chars: Whether to write the boxes and confidences of characters, too (`ocrx_cinfo`).
    """
    writer = _Writer(source, chars)
    names = page_names(document)
    pages = "\n".join(
        writer.page(page, name, index)
        for index, (page, name) in enumerate(zip(document.pages, names, strict=True))
    )
    lang = language_of(document.text)
    langs = {language_of(page.text) for page in document.pages} - {None}
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" '
        '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n'
        f'<html xmlns="http://www.w3.org/1999/xhtml"{attributes(xml__lang=lang, lang=lang)}>\n<head>\n'
        f"<title>{xml(source or 'Document')}</title>\n"
        '<meta http-equiv="Content-Type" content="text/html; charset=utf-8" />\n'
        f'<meta name="ocr-system"{attributes(content="crnn-ocr " + document.model)} />\n'
        f'<meta name="ocr-capabilities" content="{_CAPABILITIES}" />\n'
        f'<meta name="ocr-langs"{attributes(content=" ".join(sorted(map(str, langs))) or "unknown")} />\n'
        f'<meta name="ocr-number-of-pages" content="{len(document.pages)}" />\n'
        f"</head>\n<body>\n{pages}\n</body>\n</html>\n"
    )


class _Writer:
    def __init__(self, source: str | None, chars: bool) -> None:
        self._source = source
        self._chars = chars

    def page(self, page: Page, name: str, index: int) -> str:
        image = one_row(self._source or "").replace('"', "'")
        title = [f'image "{image}"', _bbox(page), f"ppageno {index}"]
        if page.dpi is not None:
            title.append(f"scan_res {page.dpi:g} {page.dpi:g}")
        blocks = "\n".join(self._block(page, block, at, name) for at, block in enumerate(page.blocks))
        marks = attributes(class_="ocr_page", id=name, title="; ".join(title), lang=language_of(page.text))
        return f"<div{marks}>\n{blocks}\n</div>"

    def _block(self, page: Page, block: Block, at: int, name: str) -> str:
        id_ = f"{name}.{block_id(page.number, at).partition('.')[2]}"
        class_, title = KINDS[block.kind].hocr, _bbox(page, *polygons_of(block))
        if block.table is not None:
            return self._table(page, block, id_, title)
        lines = "\n".join(self._line(page, line, f"{id_}.l{at}") for at, line in enumerate(block.lines, 1))
        if block.kind == "heading":
            level = min(heading_level(block), len(_HEADINGS))
            class_ = _HEADINGS[level - 1]
            inner = f"<h{level}{attributes(class_=class_, title=title)}>{lines}</h{level}>"
        elif block.kind in _IN_TEXT:
            inner = f"<p{attributes(class_=class_, title=title, lang=language_of(block.text))}>{lines}</p>"
        else:
            return f"<div{attributes(class_=class_, id=id_, title=title)}>{lines}</div>"
        return f"<div{attributes(class_='ocr_carea', id=id_, title=title)}>\n{inner}\n</div>"

    def _table(self, page: Page, block: Block, id_: str, title: str) -> str:
        assert block.table is not None
        heads = head_rows(block.table)
        rows: list[list[str]] = [[] for _ in range(block.table.rows)]
        for cell in block.table.cells:
            tag = "th" if cell.row < heads else "td"
            cell_id = f"{id_}.r{cell.row}c{cell.col}"
            lines = "".join(
                self._line(page, line, f"{cell_id}.l{at}") for at, line in enumerate(cell.lines, 1)
            )
            marks = attributes(
                id=cell_id,
                title=_bbox(page, cell.polygon),
                rowspan=cell.row_span if cell.row_span > 1 else None,
                colspan=cell.col_span if cell.col_span > 1 else None,
            )
            rows[cell.row].append(f"<{tag}{marks}>{lines}</{tag}>")
        body = "\n".join(f"<tr>{''.join(row)}</tr>" for row in rows)
        marks = attributes(class_="ocr_table", id=id_, title=title)
        return f"<table{marks}>\n<tbody>\n{body}\n</tbody>\n</table>"

    def _line(self, page: Page, line: Line, id_: str) -> str:
        title = _bbox(page, line.polygon)
        if page.rotation:
            # hOCR counts counterclockwise: text that must be turned clockwise to be upright.
            title += f"; textangle {page.rotation}"
        words = " ".join(self._word(page, word, f"{id_}.w{at}") for at, word in enumerate(words_of(line), 1))
        return f"<span{attributes(class_='ocr_line', id=id_, title=title)}>{words}</span>"

    def _word(self, page: Page, word: Word, id_: str) -> str:
        title = f"{_bbox(page, word.polygon)}; x_wconf {round(100 * word.confidence)}"
        text = "".join(self._characters(page, word)) if self._chars and word.chars else xml(word.text)
        return f"<span{attributes(class_='ocrx_word', id=id_, title=title)}>{text}</span>"

    def _characters(self, page: Page, word: Word) -> Iterator[str]:
        for char in word.chars:
            marks = attributes(class_="ocrx_cinfo", title=_char_title(page, char))
            yield f"<span{marks}>{xml(char.text)}</span>"


def _char_title(page: Page, char: Char) -> str:
    box = box_of(page, char.polygon)
    return f"x_bboxes {box.left} {box.top} {box.right} {box.bottom}; x_conf {round(100 * char.confidence)}"


def _bbox(page: Page, *polygons: Polygon) -> str:
    box = box_of(page, *polygons)
    return f"bbox {box.left} {box.top} {box.right} {box.bottom}"

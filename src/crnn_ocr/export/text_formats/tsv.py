"""Writes a Document as a table of places, with the columns of Tesseract's TSV output.

Each page, block, paragraph, line and word has a row. The cells of a table are the paragraphs of its block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from crnn_ocr.document import Block, Document, Line, Page, Polygon
from crnn_ocr.export.escaping import clean
from crnn_ocr.export.places import box_of, polygons_of
from crnn_ocr.export.words import words_of

_COLUMNS = (
    "level", "page_num", "block_num", "par_num", "line_num", "word_num", "left", "top", "width", "height",
    "conf", "text",
)  # fmt: skip


def to_tsv(document: Document) -> str:
    r"""Write a document as rows of tab-separated values, with a head; every row ends with a line feed.

    Confidences are percentages with two digits, and -1 where the row is no word. Texts are not quoted: words
    hold no white space. A line without text has no words.
    """
    return "".join("\t".join(row) + "\n" for row in (_COLUMNS, *_pages(document)))


def _pages(document: Document) -> Iterator[tuple[str, ...]]:
    for page in document.pages:
        number = page.number
        yield _row((1, number, 0, 0, 0, 0), page, ())
        for block_number, block in enumerate(page.blocks, start=1):
            yield _row((2, number, block_number, 0, 0, 0), page, polygons_of(block))
            for par_number, (places, lines) in enumerate(_paragraphs(block), start=1):
                yield _row((3, number, block_number, par_number, 0, 0), page, places)
                for line_number, line in enumerate(lines, start=1):
                    at = (block_number, par_number, line_number)
                    yield _row((4, number, *at, 0), page, (line.polygon,))
                    for word_number, word in enumerate(words_of(line), start=1):
                        yield _row(
                            (5, number, *at, word_number),
                            page,
                            (word.polygon,),
                            f"{100 * word.confidence:.2f}",
                            clean(word.text),
                        )


def _paragraphs(block: Block) -> list[tuple[tuple[Polygon, ...], Sequence[Line]]]:
    if block.table is not None:
        return [((cell.polygon,), cell.lines) for cell in block.table.cells if cell.lines]
    return [(polygons_of(block), block.lines)] if block.lines else []


def _row(
    numbers: Iterable[int], page: Page, places: Iterable[Polygon], confidence: str = "-1", text: str = ""
) -> tuple[str, ...]:
    box = box_of(page, *places)
    return (*map(str, (*numbers, box.left, box.top, box.width, box.height)), confidence, text)

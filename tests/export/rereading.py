"""Reads the text of written files again, without white space, to compare it with the document's."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

from lxml import etree, html
from markdown_it import MarkdownIt
from markdown_it.token import Token

from crnn_ocr.document import Block, Document
from crnn_ocr.export.escaping import clean
from crnn_ocr.layout.blocks.joining import join_lines

_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def squeezed(text: str) -> str:
    """Return the text as files can hold it, without white space."""
    return clean("".join(text.split())).replace(" ", "")


def lines_text(document: Document) -> str:
    """Return what a format with lines must hold."""
    return squeezed("".join(line.text for page in document.pages for line in page.lines))


def joined_text(document: Document, without: tuple[str, ...] = ()) -> str:
    """Return what a format with joined paragraphs must hold."""
    return squeezed("".join(_joined(block) for block in _blocks(document) if block.kind not in without))


def _blocks(document: Document) -> Iterator[Block]:
    for page in document.pages:
        yield from page.blocks


def _joined(block: Block) -> str:
    if block.table is not None:
        return "".join(join_lines(cell.lines) for cell in block.table.cells)
    return join_lines(block.lines)


def xml_root(text: str | bytes) -> Any:
    """Parse a file as XML, strictly; entities and external files are not touched."""
    data = text.encode() if isinstance(text, str) else text
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    return etree.fromstring(data, parser)


def html_body(text: str) -> Any:
    """Parse a file as browsers parse HTML, and return its body."""
    return html.document_fromstring(text).find("body")


def markdown_text(source: str) -> str:
    """Return the text that Markdown shows, with the numbers of lists, without bullets and white space."""
    tokens = _MARKDOWN.parse(source)
    _check_numbers(tokens)
    return squeezed("".join(_shown(tokens)))


def _shown(tokens: list[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type == "list_item_open" and token.info:
            yield f"{token.info}{token.markup}"
        elif token.type == "html_block":
            yield html.fragment_fromstring(token.content, create_parent="div").text_content()
        elif token.type == "inline":
            yield from _shown(token.children or [])
        elif token.type in ("text", "code_inline", "code_block", "fence"):
            yield token.content


def _check_numbers(tokens: list[Token]) -> None:
    """Fail if Markdown would count other numbers than those in the source."""
    expected: list[int] = []
    for token in tokens:
        if token.type == "ordered_list_open":
            expected.append(int(token.attrs.get("start", 1)))
        elif token.type == "bullet_list_open":
            expected.append(-1)
        elif token.type in ("ordered_list_close", "bullet_list_close"):
            expected.pop()
        elif token.type == "list_item_open" and token.info:
            assert int(token.info) == expected[-1]
            expected[-1] += 1


def csv_rows(content: bytes) -> list[list[str]]:
    """Return the rows of a CSV file, without the apostrophes before what spreadsheets would run."""
    assert content.startswith(b"\xef\xbb\xbf")
    rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    return [[re.sub(r"^'(?=[=+\-@＝＋－＠])", "", text) for text in row] for row in rows]

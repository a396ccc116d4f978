"""Writes the blocks of a page as semantic HTML, for the HTML file and the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crnn_ocr.document import Block, Cell, Line, Page, block_id
from crnn_ocr.export.escaping import attributes, xml
from crnn_ocr.export.kinds import heading_level
from crnn_ocr.export.language import language_of
from crnn_ocr.export.structure import caption_owners, depths, run_of
from crnn_ocr.export.web.tables import table_html

#: Elements and classes of the kinds that are one element with text.
_ELEMENTS = {
    "paragraph": ("p", None),
    "caption": ("p", "caption"),
    "header": ("header", None),
    "footer": ("footer", None),
    "page_number": ("footer", "page-number"),
    "footnote": ("p", "footnote"),
    "equation": ("p", "equation"),
    "seal": ("p", "seal"),
}


def page_html(
    page: Page,
    *,
    text: Callable[[Sequence[Line]], str],
    figure: Callable[[Block], str | None],
    show_kinds: bool = False,
) -> str:
    """Return the blocks of a page, one after the other; every block's `id` is its id in the document.

    Captions stand inside the table or figure that they belong to. The items of a list keep their markers as
    text, since people refer to "（三）" or "b)"; the list shows none of its own.

    Args:
        page: The page.
        text: Returns lines as HTML.
        figure: Returns the URL of a figure's picture, or None.
        show_kinds: Whether the attribute `data-kind` tells the kind of every block.
    """
    writer = _Writer(page, text, figure, show_kinds)
    return "\n".join(part for part in writer.parts() if part)


class _Writer:
    def __init__(
        self,
        page: Page,
        text: Callable[[Sequence[Line]], str],
        figure: Callable[[Block], str | None],
        show_kinds: bool,
    ) -> None:
        self._page = page
        self._text = text
        self._figure = figure
        self._show_kinds = show_kinds
        self._language = language_of(page.text)

    def parts(self) -> list[str]:
        blocks = self._page.blocks
        owners = caption_owners(blocks)
        captions = {owner: caption for caption, owner in owners.items()}
        parts, start = [], 0
        while start < len(blocks):
            end = start + 1
            if blocks[start].kind == "list_item":
                end = run_of(blocks, start, "list_item")
                parts.append(self._list(range(start, end)))
            elif start not in owners:
                parts.append(self._block(start, captions.get(start)))
            start = end
        return parts

    def _block(self, index: int, caption: int | None) -> str:
        block = self._page.blocks[index]
        title = "" if caption is None else self._text(self._page.blocks[caption].lines)
        if block.table is not None:
            return table_html(block.table, caption=title, marks=self._marks(index), content=self._cell)
        if block.kind == "figure":
            return self._figure_html(index, title)
        if block.kind == "heading":
            tag, class_ = f"h{heading_level(block)}", None
        else:
            tag, class_ = _ELEMENTS.get(block.kind, ("p", None))
        marks = self._marks(index) + attributes(class_=class_, lang=self._lang(block))
        return f"<{tag}{marks}>{self._text(block.lines)}</{tag}>"

    def _figure_html(self, index: int, caption: str) -> str:
        block = self._page.blocks[index]
        url = self._figure(block)
        text = self._text(block.lines) if block.lines else ""
        inner = (
            "" if url is None else f'<img src="{xml(url)}" alt="">',
            f"<p>{text}</p>" if text else "",
            f"<figcaption>{caption}</figcaption>" if caption else "",
        )
        return f"<figure{self._marks(index)}>{''.join(inner)}</figure>"

    def _list(self, indexes: range) -> str:
        items = [self._page.blocks[index] for index in indexes]
        parts: list[str] = []
        depth = 0
        for index, item, level in zip(indexes, items, depths(items), strict=True):
            if level > depth:
                parts.append("<ul>")
            else:
                parts.append("</li></ul>" * (depth - level) + "</li>")
            depth = level
            marks = self._marks(index) + attributes(lang=self._lang(item))
            parts.append(f"<li{marks}>{self._text(item.lines)}")
        return "".join(parts) + "</li></ul>" * depth

    def _cell(self, cell: Cell) -> str:
        return self._text(cell.lines)

    def _marks(self, index: int) -> str:
        kind = self._page.blocks[index].kind if self._show_kinds else None
        return attributes(id=block_id(self._page.number, index), **{"data-kind": kind})

    def _lang(self, block: Block) -> str | None:
        """Return the language of a block where it is not that of the page."""
        own = language_of(block.text)
        return None if own == self._language else own

"""Writes a Document as a report: every page's picture beside what was made of it, for people who check it.

Blocks are coloured by kind and numbered in reading order; a click on one shows it in the text. The picture
stays in view while its text scrolls. Characters that may be wrong are marked. Like the HTML file it needs
nothing from elsewhere, and no script.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from crnn_ocr.document import Document, Line, Page
from crnn_ocr.export.escaping import attributes, xml
from crnn_ocr.export.kinds import KINDS
from crnn_ocr.export.language import language_of
from crnn_ocr.export.page_picture import page_picture
from crnn_ocr.export.web.html import html_page
from crnn_ocr.export.web.overlay import block_shapes, in_place, order_marks, picture_element, upright_size
from crnn_ocr.export.web.pictures import data_url, figure_url
from crnn_ocr.export.web.structure_html import page_html

if TYPE_CHECKING:
    from crnn_ocr.pixels import Pixels

#: From here on a character counts as unsure: what docs/recheck.md found to be where doubt begins.
UNSURE_BELOW = 0.9

_KIND_STYLE = "\n".join(
    f'.text [data-kind="{kind}"] {{ --kind: {names.colour}; }}' for kind, names in KINDS.items()
)
_STYLE = f"""
:root {{ color-scheme: light; }}
body {{ font: 15px/1.6 system-ui, "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif;
  margin: 0; color: #1f2937; background: #f3f4f6; }}
.top {{ padding: .75rem 1.25rem; background: #fff; border-bottom: 1px solid #d1d5db; }}
.top h1 {{ font-size: 1.1rem; margin: 0; overflow-wrap: anywhere; }}
.legend {{ display: flex; flex-wrap: wrap; gap: .2rem 1rem; margin: .4rem 0 0; padding: 0; list-style: none;
  font-size: .8rem; }}
.legend i {{ display: inline-block; width: .8em; height: .8em; margin-right: .35em; border-radius: 2px; }}
.page {{ display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 1.25rem; padding: 1.25rem;
  align-items: start; border-bottom: 1px solid #d1d5db; }}
.picture {{ position: sticky; top: .75rem; }}
.picture svg {{ display: block; width: 100%; max-height: calc(100vh - 4rem); background: #fff;
  border: 1px solid #d1d5db; }}
.picture p {{ margin: .3rem 0 0; font-size: .8rem; color: #4b5563; }}
.picture a:hover polygon, .picture a:focus polygon {{ fill-opacity: .35; }}
.text {{ background: #fff; border: 1px solid #d1d5db; padding: .75rem 1.25rem 1.25rem;
  overflow-wrap: anywhere; }}
.text > [data-kind], .text li {{ border-left: 3px solid var(--kind); padding-left: .6rem; margin: .75rem 0; }}
.text > [data-kind]:not(table)::before, .text li::before {{ content: attr(data-kind) " · " attr(id);
  display: block; font: 500 .7rem/1.2 system-ui, sans-serif; color: var(--kind); }}
.text [data-kind]:target {{ background: #fef9c3; }}
.text h1, .text h2, .text h3, .text h4, .text h5, .text h6 {{ line-height: 1.3; }}
.text h1 {{ font-size: 1.5rem; }} .text h2 {{ font-size: 1.3rem; }} .text h3 {{ font-size: 1.15rem; }}
.text h4, .text h5, .text h6 {{ font-size: 1rem; }}
.text header, .text footer, .footnote {{ font-size: .85rem; color: #4b5563; }}
.text ul {{ list-style: none; padding-left: 1rem; margin: 0; }}
table {{ border-collapse: collapse; max-width: 100%; font-size: .9rem; }}
th, td {{ border: 1px solid #9ca3af; padding: .2em .5em; text-align: start; vertical-align: top; }}
th {{ background: #e5e7eb; }}
caption, figcaption, .caption {{ font-style: italic; font-size: .9rem; }}
img {{ max-width: 100%; }}
mark {{ background: #fde68a; border-bottom: 2px solid #d97706; }}
.error, .warning {{ border-left: 3px solid #b91c1c; padding-left: .6rem; }}
@media (max-width: 50rem) {{
  .page {{ grid-template-columns: minmax(0, 1fr); }}
  .picture {{ position: static; }}
}}
@media print {{ .picture {{ position: static; }} .page {{ break-before: page; }} }}
{_KIND_STYLE}
"""
_ARROW = (
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="5" markerHeight="5" '
    'orient="auto"><path d="M0 0 8 4 0 8z" fill="#111" fill-opacity=".55"/></marker></defs>'
)


def to_report(
    document: Document, *, source: str | None = None, picture: Callable[[int], Pixels] | None = None
) -> str:
    """Write a report about a document.

    Args:
        document: The document to write.
        source: Name of the input, which becomes the title.
        picture: Returns the picture of a page. Without it the blocks are drawn on white.
    """
    name = source or "Document"
    kinds = {block.kind for page in document.pages for block in page.blocks}
    legend = "".join(
        f'<li><i style="background:{names.colour}"></i>{names.title}</li>'
        for kind, names in KINDS.items()
        if kind in kinds
    )
    count = len(document.pages)
    head = (
        f'<div class="top"><h1>{xml(name)}</h1><p>{count} page{"s" * (count != 1)}, '
        f'layout {document.layout}, model {xml(document.model)}</p><ul class="legend">{legend}</ul></div>'
    )
    pages = (_page(page, picture) for page in document.pages)
    return html_page(name, "\n".join((head, *pages)), _STYLE, lang="en")


def _page(page: Page, picture: Callable[[int], Pixels] | None) -> str:
    remarks = [("warning", remark) for remark in page.warnings]
    if page.error is not None:
        remarks.append(("error", page.error))
    notes = "".join(
        f'<p class="{class_}"><b>{xml(remark.code)}</b> {xml(remark.message)}</p>'
        for class_, remark in remarks
    )
    facts = [f"Page {page.number}", f"{page.width} × {page.height} pixels", page.origin.replace("_", " ")]
    if page.rotation:
        facts.append(f"turned by {page.rotation}°")
    text = page_html(
        page, text=marked_lines, figure=partial(figure_url, page=page, picture=picture), show_kinds=True
    )
    return (
        f'<section class="page"><div class="picture">{_drawing(page, picture)}'
        f"<p>{xml(', '.join(facts))}</p></div>\n"
        f'<div class="text"{attributes(lang=language_of(page.text))}>{notes}\n{text}\n</div></section>'
    )


def _drawing(page: Page, picture: Callable[[int], Pixels] | None) -> str:
    width, height = upright_size(page)
    back = ""
    drawn = None if page.error is not None else page_picture(page, picture)
    if drawn is not None:
        back = picture_element(page, data_url(drawn, page.rotation))
    # Clicks go through the marks to the blocks.
    marks = f'<g pointer-events="none">{"".join(order_marks(page))}</g>'
    marks = "".join(block_shapes(page, links="")) + marks
    return f'<svg viewBox="0 0 {width} {height}">{_ARROW}{back}{in_place(page, marks)}</svg>'


def marked_lines(lines: Sequence[Line]) -> str:
    """Return lines as HTML, one per row, with the characters marked that may be wrong."""
    return "<br>".join(_marked(line) for line in lines)


def _marked(line: Line) -> str:
    pieces: Iterable[tuple[str, float]] = [(line.text, line.confidence)]
    if "".join(char.text for char in line.chars) == line.text:
        pieces = [(char.text, char.confidence) for char in line.chars]
    # Neighbours that are both unsure share one mark.
    parts = []
    for unsure, group in groupby(pieces, key=_is_unsure):
        run = list(group)
        text = xml("".join(text for text, _ in run))
        least = min(confidence for _, confidence in run)
        parts.append(f'<mark title="{100 * least:.0f} %">{text}</mark>' if unsure else text)
    return "".join(parts)


def _is_unsure(piece: tuple[str, float]) -> bool:
    text, confidence = piece
    return confidence < UNSURE_BELOW and bool(text.strip())

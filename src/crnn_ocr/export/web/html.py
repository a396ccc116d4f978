"""Writes a Document as one HTML page that needs nothing else: no script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from crnn_ocr.document import Document, Line
from crnn_ocr.export.escaping import attributes, xml
from crnn_ocr.export.language import language_of
from crnn_ocr.export.web.pictures import figure_url
from crnn_ocr.export.web.structure_html import page_html
from crnn_ocr.export.web.tables import rows_html
from crnn_ocr.layout.blocks.joining import join_lines

if TYPE_CHECKING:
    from crnn_ocr.pixels import Pixels

#: What the page may load: nothing but its own pictures and style.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.65 system-ui, "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif;
  margin: 0 auto; padding: 1.5rem; max-width: 46rem; overflow-wrap: anywhere; }
h1, h2, h3, h4, h5, h6 { line-height: 1.3; margin: 1.4em 0 .5em; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.4rem; } h3 { font-size: 1.2rem; } h4, h5, h6 { font-size: 1rem; }
p { margin: .6em 0; }
section + section { border-top: 1px dashed #8888; margin-top: 2rem; padding-top: 1rem; }
header, footer { color: #6b7280; font-size: .85rem; }
.page-number { text-align: center; }
ul { list-style: none; margin: .6em 0; padding-left: 1.5em; }
ul ul { margin: 0; }
.footnote { font-size: .85rem; }
.equation { text-align: center; }
.seal { color: #b91c1c; }
.error { border-left: .25rem solid #b91c1c; padding-left: .75rem; }
table { border-collapse: collapse; margin: 1em 0; max-width: 100%; }
th, td { border: 1px solid #888a; padding: .25em .6em; text-align: start; vertical-align: top; }
th { background: #8882; }
caption, figcaption, .caption { font-size: .9rem; font-style: italic; text-align: center; padding: .3em 0; }
figure { margin: 1em 0; text-align: center; }
img { max-width: 100%; height: auto; }
@media print {
  body { max-width: none; padding: 0; }
  section + section { border: 0; margin: 0; padding: 0; }
  tr, figure, img { break-inside: avoid; }
  h1, h2, h3, h4, h5, h6, caption { break-after: avoid; }
  thead { display: table-header-group; }
}
"""


def to_html(
    document: Document, *, source: str | None = None, picture: Callable[[int], Pixels] | None = None
) -> str:
    """Write a document as a page of semantic HTML.

    Args:
        document: The document to write. With the layout `lines` every line keeps its row.
        source: Name of the input, which becomes the title.
        picture: Returns the picture of a page, from which figures are cut; without it they are empty.
    """
    write = _by_lines if document.layout == "lines" else _joined
    sections = []
    for page in document.pages:
        inner = page_html(page, text=write, figure=partial(figure_url, page=page, picture=picture))
        if page.error is not None:
            inner = f'<p class="error">Page {page.number}: {xml(page.error.message)}</p>'
        sections.append(f"<section{attributes(lang=language_of(page.text))}>\n{inner}\n</section>")
    return html_page(
        source or "Document",
        "<main>\n" + "\n".join(sections) + "\n</main>",
        _STYLE,
        lang=language_of(document.text),
    )


def html_page(title: str, body: str, style: str, *, lang: str | None) -> str:
    """Return a whole page with a title, a body in HTML and a style sheet."""
    return (
        f"<!DOCTYPE html>\n<html{attributes(lang=lang)}>\n<head>\n"
        '<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{xml(POLICY)}">\n'
        f'<meta name="generator" content="crnn-ocr">\n<title>{xml(title)}</title>\n'
        f"<style>{style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _joined(lines: Sequence[Line]) -> str:
    return rows_html(join_lines(lines))


def _by_lines(lines: Sequence[Line]) -> str:
    return "<br>".join(xml(line.text) for line in lines)

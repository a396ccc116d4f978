"""Name the kinds of blocks in the vocabularies of other programs and data sets.

Sources: OmniDocBench's annotation categories; DocLayNet's eleven labels; the PAGE schema of 2019-07-15
(TextTypeSimpleType, GraphicsTypeSimpleType); hOCR 1.2, sections 5 to 7. ALTO 4.4 has no vocabulary for kinds:
a tag holds a label of the program's choice.
"""

from __future__ import annotations

from dataclasses import dataclass

from crnn_ocr.document import Block, BlockKind


@dataclass(frozen=True, slots=True)
class KindNames:
    """The names of one kind of block.

    Attributes:
        omnidocbench: Category in OmniDocBench.
        doclaynet: Label in DocLayNet; None where it has none.
        page_region: Element of PAGE-XML.
        page_type: Its attribute `type`; None where the element has none or the schema lists none.
        alto: Element of ALTO.
        hocr: Class of hOCR.
        title: Name for people.
        colour: Colour of its boxes in overlays, as CSS has it.
    """

    omnidocbench: str
    doclaynet: str | None
    page_region: str
    page_type: str | None
    alto: str
    hocr: str
    title: str
    colour: str


KINDS: dict[BlockKind, KindNames] = {
    "paragraph": KindNames(
        "text_block", "Text", "TextRegion", "paragraph", "TextBlock", "ocr_par", "Paragraph", "#2563eb"
    ),
    "heading": KindNames(
        "title", "Section-header", "TextRegion", "heading", "TextBlock", "ocr_section", "Heading", "#b91c1c"
    ),
    # PAGE has a type for the label of an item, but none for the item.
    "list_item": KindNames(
        "text_block", "List-item", "TextRegion", "other", "TextBlock", "ocr_par", "List item", "#0e7490"
    ),
    "table": KindNames(
        "table", "Table", "TableRegion", None, "ComposedBlock", "ocr_table", "Table", "#15803d"
    ),
    "figure": KindNames(
        "figure", "Picture", "ImageRegion", None, "Illustration", "ocr_image", "Figure", "#d97706"
    ),
    "caption": KindNames(
        "figure_caption", "Caption", "TextRegion", "caption", "TextBlock", "ocr_caption", "Caption", "#a16207"
    ),
    "header": KindNames(
        "header", "Page-header", "TextRegion", "header", "TextBlock", "ocr_header", "Page header", "#64748b"
    ),
    "footer": KindNames(
        "footer", "Page-footer", "TextRegion", "footer", "TextBlock", "ocr_footer", "Page footer", "#475569"
    ),
    "page_number": KindNames(
        "page_number", "Page-footer", "TextRegion", "page-number", "TextBlock", "ocr_pageno", "Page number",
        "#334155",
    ),
    "footnote": KindNames(
        "page_footnote", "Footnote", "TextRegion", "footnote", "TextBlock", "ocr_textfloat", "Footnote",
        "#7c3aed",
    ),
    "equation": KindNames(
        "equation_isolated", "Formula", "MathsRegion", None, "TextBlock", "ocr_display", "Equation", "#be185d"
    ),
    "seal": KindNames("seal", None, "GraphicRegion", "stamp", "TextBlock", "ocr_photo", "Seal", "#dc2626"),
}  # fmt: skip

#: Kinds that repeat on every page and are no part of the text that runs through a document.
PAGE_FURNITURE: frozenset[BlockKind] = frozenset({"header", "footer", "page_number"})


def heading_level(block: Block) -> int:
    """Return the level of a heading, 1 to 6; 2 where it is unknown."""
    return min(block.level, 6) if block.level else 2

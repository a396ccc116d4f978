from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings

from crnn_ocr.document import Block, Document, Line, Page
from crnn_ocr.export.ocr_xml.alto import to_alto
from tests.export.documents import all_documents
from tests.export.ocr_xml.schemas import check
from tests.export.rereading import xml_root
from tests.export.samples import DOCUMENT, box


def root(document: Document, **how: Any) -> Any:
    return xml_root(to_alto(document, **how))


def by_id(tree: Any) -> dict[str, Any]:
    return {element.get("ID"): element for element in tree.iter("{*}*") if element.get("ID")}


@settings(max_examples=50)
@given(all_documents)
def test_every_document_fits_the_schema(document: Document) -> None:
    for chars in (False, True):
        check(root(document, source="a.png", chars=chars), "alto.rng")


def test_kinds_become_spaces_blocks_and_tags() -> None:
    tree = root(DOCUMENT, source="scan.png")
    found = by_id(tree)
    assert tree.findtext(".//{*}fileName") == "scan.png"
    spaces = {
        id_: [block.get("ID") for block in found[id_]]
        for id_ in ("p1.TopMargin", "p1.BottomMargin", "p2.BottomMargin")
    }
    assert spaces == {"p1.TopMargin": ["p1.b1"], "p1.BottomMargin": ["p1.b14"], "p2.BottomMargin": ["p2.b9"]}
    assert "p2.TopMargin" not in found
    assert [block.get("ID") for block in found["p1.PrintSpace"]] == [f"p1.b{at}" for at in range(2, 14)]
    assert found["p1.b2"].get("TAGREFS") == "block.heading_1"
    assert found["block.heading_1"].get("LABEL") == "heading 1"
    assert found["p1.b11"].tag.endswith("Illustration")
    order = [reference.get("REF") for reference in tree.iter("{*}ElementRef")]
    assert order == [f"p1.b{at}" for at in range(1, 15)] + [f"p2.b{at}" for at in range(1, 10)]
    assert [page.get("LANG") for page in tree.iter("{*}Page")] == ["en", "zh"]


def test_tables_keep_their_cells() -> None:
    found = by_id(root(DOCUMENT))
    table = found["p2.b8"]
    assert (table.get("TYPE"), len(table)) == ("table", 7)
    spanning = found["p2.b8.r0c1"]
    labels = [found[tag].get("LABEL") for tag in spanning.get("TAGREFS").split()]
    assert labels == ["row 0 column 1 rowspan 1 colspan 2", "header"]
    assert (spanning.get("HPOS"), spanning.get("WIDTH")) == ("240", "320")
    assert len(found["p1.b10.r2c1"]) == 0


def test_words_blanks_and_hyphens() -> None:
    lines = [line for line in root(DOCUMENT).iter("{*}TextLine") if line.get("ID").startswith("p1.b3.")]
    first, second = lines
    assert [child.tag.partition("}")[2] for child in first][-3:] == ["SP", "String", "HYP"]
    last = first[-2]
    assert (last.get("CONTENT"), last.get("SUBS_TYPE"), first[-1].get("CONTENT")) == ("num", "HypPart1", "-")
    assert second[0].get("CONTENT") == "bers"
    assert 0.3 < float(second[-1].get("WC")) < 1
    assert second[-1].get("WC") == "0.9700"


def test_a_dash_before_a_capital_is_no_hyphen() -> None:
    lines = tuple(Line(text, 1.0, box(0, 0, 90, 10)) for text in ("New-", "York"))
    tree = root(Document((Page(100, 100, (Block(lines),)),), "m/1"))
    assert [string.get("CONTENT") for string in tree.iter("{*}String", "{*}HYP")] == ["New-", "York"]


def test_slanting_lines_have_a_shape_and_turned_pages_an_angle() -> None:
    slanting = Line("a", 1.0, ((0.0, 0.0), (90.0, 9.0), (88.0, 29.0), (-2.0, 20.0)))
    page = Page(100, 100, (Block((slanting,)),), rotation=270)
    tree = root(Document((page,), "m/1"))
    assert tree.find(".//{*}TextLine/{*}Shape/{*}Polygon").get("POINTS") == "0,0 90,9 88,29 0,20"
    assert tree.find(".//{*}Page").get("ROTATION") == "270"
    assert root(DOCUMENT).find(".//{*}Shape") is None


def test_characters_on_request() -> None:
    tree = root(replace(DOCUMENT, pages=DOCUMENT.pages[1:]), chars=True)
    strings = [string for string in tree.iter("{*}String") if string.get("CONTENT") == "附表"]
    assert [glyph.get("CONTENT") for glyph in strings[0]] == ["附", "表"]
    assert root(DOCUMENT).find(".//{*}Glyph") is None

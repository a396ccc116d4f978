from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from lxml import etree

from crnn_ocr.document import Document
from crnn_ocr.export.ocr_xml.page_xml import page_xml_files, to_page_xml
from tests.export.documents import all_documents
from tests.export.ocr_xml.schemas import check, official_schema
from tests.export.rereading import xml_root
from tests.export.samples import DOCUMENT, HEIGHT, WIDTH


def roots(document: Document, **how: Any) -> list[Any]:
    return [xml_root(content) for _, content in page_xml_files(document, **how)]


@settings(max_examples=50)
@given(all_documents)
def test_every_page_fits_the_schema(document: Document) -> None:
    for chars in (False, True):
        for root in roots(document, source="a.png", chars=chars):
            check(root, "page.rng")


def test_the_published_schema_agrees() -> None:
    path = official_schema("page.xsd")
    if path is None:
        pytest.skip("the schema of PAGE is not here: pip install --no-deps ocrd")
    schema = etree.XMLSchema(etree.parse(path))

    @settings(max_examples=50)
    @given(all_documents)
    def agrees(document: Document) -> None:
        for root in (*roots(document, source="a", chars=True), *roots(DOCUMENT)):
            assert schema.validate(root), schema.error_log

    agrees()


def test_kinds_become_regions() -> None:
    first, second = roots(DOCUMENT, source="scan.png")
    page = first.find("{*}Page")
    regions = {region.get("id"): region for region in page if region.get("id")}
    kinds = [(etree.QName(region).localname, region.get("type")) for region in regions.values()]
    assert kinds == [
        ("TextRegion", "header"), ("TextRegion", "heading"), ("TextRegion", "paragraph"),
        ("TextRegion", "heading"), ("TextRegion", "paragraph"), ("TextRegion", "other"),
        ("TextRegion", "other"), ("TextRegion", "other"), ("TextRegion", "caption"), ("TableRegion", None),
        ("ImageRegion", None), ("TextRegion", "caption"), ("TextRegion", "footnote"),
        ("TextRegion", "page-number"),
    ]  # fmt: skip
    assert regions["p1.b2"].get("custom") == "structure {type:heading; level:1;}"
    order = [reference.get("regionRef") for reference in page.iter("{*}RegionRefIndexed")]
    assert order == list(regions)
    assert (page.get("imageFilename"), page.get("imageWidth"), page.get("imageHeight")) == (
        "scan.png", str(WIDTH), str(HEIGHT),
    )  # fmt: skip
    assert [page.get("primaryLanguage"), second.find("{*}Page").get("primaryLanguage")] == [
        "English",
        "Chinese",
    ]
    (stamp,) = second.iter("{*}GraphicRegion")
    assert stamp.get("type") == "stamp"
    assert stamp.findtext("{*}TextRegion/{*}TextEquiv/{*}Unicode") == "某某公司财务专用章"


def test_cells_tell_their_place_in_the_grid() -> None:
    (table,) = roots(DOCUMENT)[1].iter("{*}TableRegion")
    assert (table.get("rows"), table.get("columns")) == ("3", "3")
    cells = {
        cell.findtext("{*}TextEquiv/{*}Unicode"): dict(cell.find("{*}Roles/{*}TableCellRole").attrib)
        for cell in table.iter("{*}TextRegion")
    }
    assert cells["项目"] == {
        "rowIndex": "0", "columnIndex": "0", "rowSpan": "2", "colSpan": "1", "header": "true"
    }  # fmt: skip
    assert cells["金额（元）"]["colSpan"] == "2"
    assert cells["=1+1"] == {
        "rowIndex": "2", "columnIndex": "2", "rowSpan": "1", "colSpan": "1", "header": "false"
    }  # fmt: skip


def test_lines_words_and_confidences() -> None:
    line = roots(DOCUMENT, chars=True)[0].find(".//{*}TextRegion[@id='p1.b2']/{*}TextLine")
    assert line.find("{*}Coords").get("points") == "80,60 365,60 365,90 80,90"
    words = [word.findtext("{*}TextEquiv/{*}Unicode") for word in line.iter("{*}Word")]
    assert words == ["1", "Results", "&", "outlook"]
    assert line.find("{*}TextEquiv").get("conf") == "0.9700"
    first = line.find("{*}Word[2]")
    assert first.find("{*}Coords").get("points") == "110,60 215,60 215,90 110,90"
    glyphs = [glyph.findtext("{*}TextEquiv/{*}Unicode") for glyph in first.iter("{*}Glyph")]
    assert glyphs == list("Results")


@pytest.mark.parametrize(("rotation", "orientation"), [(0, None), (90, "90"), (180, "180"), (270, "-90")])
def test_the_turn_of_a_page(rotation: int, orientation: str | None) -> None:
    page = replace(DOCUMENT.pages[0], rotation=rotation, dpi=200.0)
    element = roots(replace(DOCUMENT, pages=(page,)))[0].find("{*}Page")
    assert element.get("orientation") == orientation
    assert element.get("imageXResolution") == "200"


def test_one_page_is_a_file_and_several_are_an_archive() -> None:
    single = replace(DOCUMENT, pages=DOCUMENT.pages[:1])
    assert to_page_xml(single) == page_xml_files(single)[0][1]
    assert to_page_xml(DOCUMENT).startswith(b"PK")


def test_pages_with_one_number_get_ids_of_their_own() -> None:
    twice = replace(DOCUMENT, pages=(DOCUMENT.pages[0], DOCUMENT.pages[0]))
    assert [name for name, _ in page_xml_files(twice)] == ["p1", "p2"]

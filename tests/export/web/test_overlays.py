"""The annotated picture (SVG) and the report."""

from __future__ import annotations

import base64
import re
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings

from crnn_ocr.document import Block, Document, Line, Page, Remark
from crnn_ocr.export.web.pictures import data_url, figure_url
from crnn_ocr.export.web.report import marked_lines, to_report
from crnn_ocr.export.web.svg import to_svg
from crnn_ocr.pixels import Pixels
from tests.export.documents import structured_documents
from tests.export.rereading import html_body, xml_root
from tests.export.samples import DOCUMENT, box, line, picture

SVG = "{http://www.w3.org/2000/svg}"


def decoded(url: str) -> Pixels:
    kind, data = re.fullmatch(r"data:image/(\w+);base64,(.*)", url).groups()  # type: ignore[union-attr]
    assert kind in ("webp", "png")
    image = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image.astype(np.uint8)


def test_the_annotated_picture_has_pictures_shapes_and_text() -> None:
    root = xml_root(to_svg(DOCUMENT, source="scan.png", picture=picture))
    assert (root.get("width"), root.get("height")) == ("800", "2220")
    pages = root.findall(f"{SVG}svg")
    assert [page.get("y") for page in pages] == ["0", "1120"]
    assert decoded(pages[0].find(f"{SVG}image").get("href")).shape == (1100, 800, 3)
    texts = [text.text for text in pages[1].iter(f"{SVG}text")]
    assert texts == [own.text for own in DOCUMENT.pages[1].lines]
    assert {text.get("fill") for text in root.iter(f"{SVG}text")} == {"transparent"}
    titles = [title.text for title in pages[1].iter(f"{SVG}title")]
    assert titles[:2] == ["p2.b1 Heading 1", "p2.b2 List item 1"]


def test_without_pictures_the_text_is_painted() -> None:
    root = xml_root(to_svg(DOCUMENT))
    assert root.find(f".//{SVG}image") is None
    assert {text.get("fill") for text in root.iter(f"{SVG}text")} == {"#111"}


def test_text_stands_where_it_stands_on_the_page() -> None:
    slanting = Line("ab", 1.0, ((10.0, 20.0), (110.0, 120.0), (103.0, 127.0), (3.0, 27.0)))
    column = Line("竖排文字", 1.0, box(50, 10, 70, 90))
    root = xml_root(to_svg(Document((Page(200, 200, (Block((slanting, column)),)),), "m/1")))
    first, second = root.iter(f"{SVG}text")
    assert first.get("transform").startswith("rotate(45.00 ")
    assert float(first.get("textLength")) == pytest.approx(141.4)
    assert second.get("x") == "60.0 60.0 60.0 60.0"
    assert second.get("y") == "26.0 46.0 66.0 86.0"
    assert second.get("font-size") == "18.0"


@pytest.mark.parametrize(
    ("rotation", "corner"),
    [(0, (10, 20)), (90, (300 - 20, 10)), (180, (400 - 10, 300 - 20)), (270, (20, 400 - 10))],
)
def test_turned_pages_are_shown_upright(rotation: int, corner: tuple[int, int]) -> None:
    """A point of the input lies where the turn of the picture moves it."""
    page = Page(400, 300, (Block((line("a", 10, 20),)),), rotation=rotation)
    image = np.full((300, 400), 255, np.uint8)
    image[15:25, 5:15] = 0
    root = xml_root(to_svg(Document((page,), "m/1"), picture=lambda number: image))
    inner = root.find(f"{SVG}svg")
    assert inner.get("viewBox") == ("0 0 400 300" if rotation in (0, 180) else "0 0 300 400")
    matrix = inner.find(f"{SVG}g").get("transform") or "matrix(1 0 0 1 0 0)"
    a, b, c, d, e, f = (float(value) for value in re.findall(r"-?\d+", matrix))
    assert [a * 10 + c * 20 + e, b * 10 + d * 20 + f] == list(corner)
    shown = decoded(inner.find(f"{SVG}image").get("href"))
    x, y = corner
    assert shown[y - 3 : y + 3, x - 3 : x + 3].mean() < 40
    assert shown.mean() > 250


def test_figures_are_cut_out_and_turned() -> None:
    figure = Block((), "figure", 0, None, box(80, 700, 480, 940))
    upright = figure_url(figure, DOCUMENT.pages[0], picture)
    turned = figure_url(figure, replace(DOCUMENT.pages[0], rotation=90), picture)
    assert upright is not None
    assert turned is not None
    assert decoded(upright).shape == (240, 400, 3)
    assert decoded(turned).shape == (400, 240, 3)
    # Red grows to the right; turned clockwise, it grows downwards.
    assert decoded(upright)[120, 380, 2] > 200 > decoded(upright)[120, 20, 2] + 150
    assert decoded(turned)[380, 120, 2] > 200 > decoded(turned)[20, 120, 2] + 150


def test_figures_without_place_or_beyond_the_page_have_no_picture() -> None:
    page = DOCUMENT.pages[0]
    assert figure_url(Block((), "figure"), page, picture) is None
    beyond = Block((), "figure", 0, None, box(900, 1200, 950, 1250))
    assert figure_url(beyond, page, picture) is None
    assert figure_url(beyond, page, None) is None


def test_very_long_pictures_become_png() -> None:
    assert data_url(np.zeros((20_000, 2), np.uint8)).startswith("data:image/png;")
    assert data_url(np.zeros((20, 2), np.uint8)).startswith("data:image/webp;")


def test_the_report_shows_picture_and_text_of_every_page() -> None:
    written = to_report(DOCUMENT, source="scan.png", picture=picture)
    body = html_body(written)
    first, second = body.findall("section")
    assert first.find(".//svg/image") is not None
    links = [link.get("href") for link in second.iter("a")]
    assert links == [f"#p2.b{at}" for at in range(1, 10)]
    ids = {element.get("id") for element in second.find("div[@class='text']").iter() if element.get("id")}
    assert {link[1:] for link in links} - ids == {"p2.b7"}  # the caption inside the table
    numbers = [text.text for text in second.iter("text")]
    assert numbers == [str(at) for at in range(1, 10)]
    assert first.find(".//p[@class='warning']").text_content() == "IMAGE_BLURRED Take it again."
    assert [mark.text for mark in body.iter("mark")] == ["?"]
    assert "<script" not in written
    assert "Content-Security-Policy" in written


def test_marks_of_doubt() -> None:
    unsure = replace(line("a?? b", 0, 0), confidence=0.3)
    assert marked_lines([unsure]) == 'a<mark title="40 %">??</mark> b'
    corrected = replace(unsure, text="<b>", chars=())
    assert marked_lines([corrected]) == '<mark title="30 %">&lt;b&gt;</mark>'
    assert marked_lines([replace(corrected, confidence=0.95)]) == "&lt;b&gt;"


def test_errors_in_the_report() -> None:
    failed = Page(0, 0, number=2, error=Remark("PDF_BROKEN", "Broken."))

    def no_picture(number: int) -> Pixels:
        raise AssertionError("a page that could not be read has no picture")

    for written in (
        to_report(replace(DOCUMENT, pages=(failed,)), picture=no_picture),
        to_svg(replace(DOCUMENT, pages=(failed,)), picture=no_picture),
    ):
        assert written
    assert "<b>PDF_BROKEN</b> Broken." in to_report(replace(DOCUMENT, pages=(failed,)))


@settings(max_examples=40)
@given(structured_documents)
def test_links_lead_somewhere_or_to_a_caption(document: Document) -> None:
    body = html_body(to_report(document))
    ids = {element.get("id") for element in body.iter() if element.get("id")}
    captions = {
        f"p{page.number}.b{at}"
        for page in document.pages
        for at, own in enumerate(page.blocks, 1)
        if own.kind == "caption"
    }
    assert {link.get("href")[1:] for link in body.iter("a")} <= ids | captions

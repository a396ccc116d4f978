"""The page in front of the real service and the real engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.service.rendering import picture as drawn
from tests.service.rendering import png, tiff
from tests.service.wire import Server
from tests.ui.conftest import Opener
from tests.ui.scenes import choose, lines, paste, read, upload

TEXT = ["Invoice 10234", "Total 99.50 EUR"]


def test_a_pasted_screenshot_becomes_text_with_boxes(open_page: Opener, server: Server) -> None:
    view = open_page(server.url)
    paste(view, upload(png(*TEXT)))
    expect(lines(view)).to_have_text(TEXT, timeout=30_000)
    expect(view.locator("#picture-facts")).to_contain_text("640 × 136")
    for number, top in enumerate((20, 76)):
        sheet, box = (
            view.locator(name).nth(index).bounding_box()
            for name, index in (("#sheet", 0), ("polygon.box", number))
        )
        assert sheet is not None
        assert box is not None
        scale = sheet["width"] / 640
        left, upper = (box["x"] - sheet["x"]) / scale, (box["y"] - sheet["y"]) / scale
        assert 6 < left < 40
        assert top - 16 < upper < top + 14
        assert 20 < box["height"] / scale < 66
    view.context.close()


def test_pages_and_code_that_runs(open_page: Opener, server: Server, tmp_path: Path) -> None:
    view = open_page(server.url)
    scan = tiff([drawn("First page"), drawn("Second page")])
    read(view, upload(scan, "scan.tiff", "image/tiff"))
    expect(lines(view)).to_have_text(["First page", "Second page"], timeout=30_000)
    expect(view.get_by_role("img", name="scan.tiff · Page 1 of 2")).to_be_visible()
    view.locator("#tab-data").click()
    (tmp_path / "scan.tiff").write_bytes(scan)
    for language, command in (("Python", [sys.executable, "-c"]), ("curl", ["bash", "-c"])):
        view.get_by_role("button", name=language).click()
        code = view.locator("#code").inner_text()
        done = subprocess.run([*command, code], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert "First page" in done.stdout
    view.context.close()


@pytest.mark.parametrize("kind", ["pdf"])
def test_a_pdf_is_shown_and_read(open_page: Opener, server: Server, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"letter.{kind}"
    drawn("Dear reader", width=900).save(path, "PDF")
    view = open_page(server.url)
    choose(view, upload(path.read_bytes(), "letter.pdf", "application/pdf"))
    expect(view.get_by_role("img", name="letter.pdf")).to_be_visible(timeout=30_000)
    expect(lines(view)).to_have_text(["Dear reader"], timeout=30_000)
    view.context.close()

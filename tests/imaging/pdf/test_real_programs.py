"""PDFs that browsers and office programs write, against the text that poppler finds in them."""

from __future__ import annotations

import random
import shutil
import subprocess
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from crnn_ocr import OCR
from crnn_ocr.document import Document

pytest.importorskip("pypdfium2")

WORDS = [
    *("office", "efficient", "final", "flow", "of", "the", "brown", "fox", "over", "a", "lazy"),
    *("dog", "(1,234.50)", "12%", "re-read", "naïve", "Größe"),
]
HAN = "经济发展需要科学规划与合理布局，各地区应当根据自身条件制定方案。"


def content(seed: int) -> list[str]:
    chance = random.Random(seed)
    rows = [" ".join(chance.choices(WORDS, k=60)) for _ in range(4)]
    return [*rows, "".join(chance.choices(HAN, k=150))]


def html() -> str:
    pages = "".join(
        f"<h1>Chapter {n}</h1><div style='columns:2'>"
        + "".join(f"<p style='text-align:justify'>{row}</p>" for row in content(n))
        + "</div><table>"
        + "".join(f"<tr>{''.join(f'<td>{n}{r}{c}7</td>' for c in range(4))}</tr>" for r in range(3))
        + "</table><hr style='break-after:page'>"
        for n in range(3)
    )
    return f"<meta charset=utf8><body style='font:11pt serif'>{pages}"


def by_chromium(folder: Path) -> Path:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("Chromium is not installed")
    (folder / "a.html").write_text(html(), encoding="utf-8")
    target = folder / "a.pdf"
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    subprocess.run(
        [program, *flags, f"--print-to-pdf={target}", f"file://{folder}/a.html"],
        check=True, capture_output=True, timeout=200,
    )  # fmt: skip
    return target


def by_libreoffice(folder: Path) -> Path:
    program = shutil.which("soffice")
    if program is None:
        pytest.skip("LibreOffice is not installed")
    (folder / "a.html").write_text(html(), encoding="utf-8")
    subprocess.run(
        [program, f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to",
         "pdf:writer_web_pdf_Export", "--outdir", str(folder), str(folder / "a.html")],
        check=True, capture_output=True, timeout=250,
    )  # fmt: skip
    return folder / "a.pdf"


def characters(text: str) -> Counter[str]:
    # Without hyphens: poppler leaves them out where it joins a word over two lines.
    return Counter("".join(unicodedata.normalize("NFKC", text).replace("-", "").split()))


def words(text: str) -> Counter[str]:
    return Counter(unicodedata.normalize("NFKC", text).split())


@pytest.mark.slow
@pytest.mark.parametrize("write", [by_chromium, by_libreoffice])
def test_the_text_is_that_of_poppler(write: object, tmp_path: Path) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("poppler's pdftotext is not installed")
    assert callable(write)
    path: Path = write(tmp_path)
    with OCR() as engine:
        document: Document = engine.read(path)
        assert engine.loaded == ()
    done = subprocess.run(["pdftotext", str(path), "-"], capture_output=True, text=True, check=True)
    assert {page.origin for page in document.pages} == {"text_layer"}
    assert characters(document.text) == characters(done.stdout)
    ours, theirs = words(document.text), words(done.stdout)
    assert (ours & theirs).total() > 0.98 * theirs.total()

"""Memory of a long PDF, in a process of its own, because qpdf's memory is not Python's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Stream

PAGES, PICTURE = 400, 200_000
MIB = 1024 * 1024

CODE = """
import json, resource, sys
from pathlib import Path
from crnn_ocr.export import WriteOptions
from crnn_ocr.export.pdf.writer import to_pdf
from tests.export.pdf.making import document, line, page

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

data = Path(sys.argv[1]).read_bytes()
pages = [
    page(*(line(f"{number} 中华人民共和国增值税专用发票", 40, 20 * row) for row in range(40)), number=number)
    for number in range(1, int(sys.argv[2]) + 1)
]
before = peak()
content = to_pdf(document(*pages), WriteOptions(original=lambda: data))
print(json.dumps([len(data), len(content), peak() - before]))
"""


@pytest.mark.slow
def test_a_long_pdf_takes_little_more_than_the_result(tmp_path: Path) -> None:
    path = tmp_path / "long.pdf"
    with pikepdf.new() as pdf:
        for number in range(PAGES):
            image = Stream(pdf, number.to_bytes(2, "big") * (PICTURE // 2))
            image.stream_dict = Dictionary(
                Type=Name.XObject, Subtype=Name.Image, Width=400, Height=500,
                ColorSpace=Name.DeviceGray, BitsPerComponent=8,
            )  # fmt: skip
            made = Dictionary(
                Type=Name.Page,
                MediaBox=Array([0, 0, 300, 400]),
                Contents=Stream(pdf, b"q 300 0 0 400 0 0 cm /I Do Q"),
                Resources=Dictionary(XObject=Dictionary(I=pdf.make_indirect(image))),
            )
            pdf.pages.append(pikepdf.Page(pdf.make_indirect(made)))
        pdf.save(path, compress_streams=False)

    done = subprocess.run(
        [sys.executable, "-c", CODE, path, str(PAGES)], capture_output=True, text=True, check=True
    )

    original, result, grown = json.loads(done.stdout)
    assert original > PAGES * PICTURE
    assert result - original < PAGES * 3500
    # The result once, what it is made of for a while, and room for the objects and the layers.
    assert grown < 1.25 * result + 64 * MIB

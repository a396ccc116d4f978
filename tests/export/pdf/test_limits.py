"""PDFs that are made to do harm: nothing of them is unpacked in this process, and little elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys
import zlib
from pathlib import Path

import pikepdf
import pytest

from crnn_ocr.errors import ImageTooLargeError
from crnn_ocr.export import FORMATS, WriteOptions
from crnn_ocr.export.pdf import original as module
from tests.export.pdf.making import document, line, page, pdf_of, saved

MIB = 1024 * 1024

CODE = """
import json, resource, sys
from pathlib import Path
from crnn_ocr.errors import OcrError
from crnn_ocr.export import WriteOptions
from crnn_ocr.export.pdf.writer import to_pdf
from tests.export.pdf.making import document, line, page

def peak(who):
    return resource.getrusage(who).ru_maxrss * 1024

data = Path(sys.argv[1]).read_bytes()
before = peak(resource.RUSAGE_SELF)
try:
    to_pdf(document(page(line("a", 9, 9))), WriteOptions(original=lambda: data))
    code = None
except OcrError as error:
    code = error.code
own = peak(resource.RUSAGE_SELF) - before
print(json.dumps([code, own, peak(resource.RUSAGE_CHILDREN)]))
"""


def bomb(size: int) -> bytes:
    """A PDF whose resources lie in an object stream of that many bytes."""
    packer = zlib.compressobj(9)
    packed = packer.compress(b"9 0 <<>>")
    for _ in range(size // MIB):
        packed += packer.compress(b" " * MIB)
    packed += packer.flush()
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 400]/Resources 9 0 R>>",
        4: b"<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>stream\n%b\nendstream"
        % (len(packed), packed),
    }
    data, places = b"%PDF-1.5\n", {}
    for number, content in objects.items():
        places[number] = len(data)
        data += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    places[5] = len(data)
    rows = b"".join(
        b"\2\0\0\0\4\0" if number == 9 else b"%c%b\0" % (number in places, places.get(number, 0).to_bytes(4))
        for number in range(10)
    )
    head = b"<</Type/XRef/Size 10/W[1 4 1]/Root 1 0 R/Length %d>>" % len(rows)
    return data + b"5 0 obj\n%bstream\n%b\nendstream\nendobj\nstartxref\n%d\n%%%%EOF" % (
        head,
        rows,
        places[5],
    )


@pytest.mark.parametrize(("size", "code"), [(4 * MIB, None), (600 * MIB, "IMAGE_TOO_LARGE")])
def test_an_object_stream_that_unpacks_to_much(tmp_path: Path, size: int, code: str | None) -> None:
    path = tmp_path / "bomb.pdf"
    path.write_bytes(bomb(size))
    assert path.stat().st_size < MIB

    done = subprocess.run([sys.executable, "-c", CODE, path], capture_output=True, text=True, check=True)

    found, own, apart = json.loads(done.stdout)
    assert found == code
    assert own < 32 * MIB
    assert apart < 512 * MIB


def test_too_much_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CPU_SECONDS", 1)
    monkeypatch.setattr(module, "_OBJECT_BYTES", 8192 * MIB)  # so that time is what ends it
    data = (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 1/Kids["
        + b"3 0 R " * 4_000_000
        + b"]>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 400]>>endobj\ntrailer<</Root 1 0 R>>"
    )
    with pytest.raises(ImageTooLargeError, match="too long"):
        FORMATS["pdf"].write(document(page(line("a", 9, 9))), WriteOptions(original=lambda: data))


def test_an_honest_pdf_of_a_hundred_pages() -> None:
    pdf, _ = pdf_of(100)
    for number, each in enumerate(pdf.pages):
        each.Resources.XObject.Im.write(number.to_bytes(2) * 100_000)
    data = saved(pdf, compress_streams=False, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    assert len(data) > 19 * MIB
    pages = [
        page(*(line("行", 9, 20 * row) for row in range(40)), number=number + 1) for number in range(100)
    ]

    content = FORMATS["pdf"].write(document(*pages), WriteOptions(original=lambda: data))

    assert isinstance(content, bytes)
    assert len(content) > len(data)

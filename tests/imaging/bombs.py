"""PDFs that demand far more time and memory than their size suggests."""

from __future__ import annotations

import random
import zlib


def document(*objects: bytes) -> bytes:
    """Return a PDF of objects, the first of which is the catalogue."""
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(out)


def stream(entries: bytes, data: bytes) -> bytes:
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(data), data)


def one_page(content: bytes, *more: bytes, resources: bytes = b"<< >>", entries: bytes = b"") -> bytes:
    """Return a PDF with one A4 page; the object behind its content has the number 5."""
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources %s >>"
    return document(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        page % resources,
        stream(entries, content),
        *more,
    )


def laughs(levels: int, uses: int = 10) -> bytes:
    """Return a PDF of nested forms, in which the last form is drawn `uses` ** (`levels` - 1) times."""
    forms = []
    for level in range(levels):
        entries = b"/Type /XObject /Subtype /Form /BBox [0 0 200 200]"
        if level == levels - 1:
            forms.append(stream(entries, b"0 0 9 9 re f\n" * uses))
        else:
            used = b" /Resources << /XObject << /F %d 0 R >> >>" % (6 + level)
            forms.append(stream(entries + used, b"/F Do\n" * uses))
    return one_page(b"/F Do", *forms, resources=b"<< /XObject << /F 5 0 R >> >>")


def slow_page(lines: int = 20_000) -> bytes:
    """Return a page of finely dashed lines, which takes little memory but minutes of CPU time."""
    rng = random.Random(3)
    rows = "\n".join(
        f"{rng.randrange(600)} {rng.randrange(850)} m {rng.randrange(600)} {rng.randrange(850)} l S"
        for _ in range(lines)
    )
    return one_page(zlib.compress(f"[.1 .1] 0 d\n{rows}".encode()), entries=b"/Filter /FlateDecode")

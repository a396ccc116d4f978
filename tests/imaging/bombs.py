"""Files that demand far more time and memory than their size suggests."""

from __future__ import annotations

import io
import random
import struct
import zlib

from PIL import Image

from tests.imaging.pictures import png_chunk


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


# ---- pictures


def saved(kind: str, **options: object) -> bytes:
    """Return a small white picture."""
    stream = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(stream, kind, **options)
    return stream.getvalue()


def png_of_chunks(before: bytes, behind: bytes = b"") -> bytes:
    """Return a PNG of 8 × 8 with chunks before and behind its pixels."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0))
    pixels = png_chunk(b"IDAT", zlib.compress(bytes(72)))
    return b"\x89PNG\r\n\x1a\n" + header + before + pixels + behind + png_chunk(b"IEND", b"")


def png_of_packed_text(count: int) -> bytes:
    """Return a PNG with texts of a million bytes each, in a thousand bytes each."""
    text = zlib.compress(bytes(1_000_000), 9)
    return png_of_chunks(b"".join(png_chunk(b"zTXt", b"k%d\0\0" % each + text) for each in range(count)))


def jpeg_with(segments: bytes) -> bytes:
    """Return a JPEG with something between its start and its first segment."""
    plain = saved("JPEG")
    return plain[:2] + segments + plain[2:]


def webp_of_chunks(count: int) -> bytes:
    """Return a WebP with empty chunks behind its pixels."""
    body = saved("WEBP", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0")[12:] + b"abcd\0\0\0\0" * count
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def tiff_of_one_tile(side: int) -> bytes:
    """Return a TIFF of 8 × 8 pixels that is stored as one large tile of 4 × 16 bits."""
    packed = zlib.compressobj(9)
    body = b"".join(packed.compress(bytes(side * 8)) for _ in range(side)) + packed.flush()
    body += bytes(len(body) % 2)
    bits = 8 + len(body)
    entries = [(256, 3, 1, 8), (257, 3, 1, 8), (258, 3, 4, bits), (259, 3, 1, 8), (262, 3, 1, 2)]
    entries += [(277, 3, 1, 4), (322, 4, 1, side), (323, 4, 1, side), (324, 4, 1, 8), (325, 4, 1, len(body))]
    entries += [(338, 3, 1, 2)]
    data = b"II*\0" + struct.pack("<I", bits + 8) + body + struct.pack("<4H", 16, 16, 16, 16)
    return (
        data
        + struct.pack("<H", len(entries))
        + b"".join(struct.pack("<HHII", *e) for e in entries)
        + bytes(4)
    )


def tiff_of_thumbnails(count: int) -> bytes:
    """Return a TIFF with one page and many smaller versions of it, all of which share their pixels."""
    data = bytearray(b"II*\0" + struct.pack("<I", 72) + bytes(64))
    length = 2 + 9 * 12 + 4
    for each in range(count):
        values = [(254, 4, min(each, 1)), (256, 3, 8), (257, 3, 8), (258, 3, 8), (259, 3, 1), (262, 3, 1)]
        values += [(273, 4, 8), (278, 3, 8), (279, 4, 64)]
        data += struct.pack("<H", 9) + b"".join(struct.pack("<HHII", t, k, 1, v) for t, k, v in values)
        data += struct.pack("<I", 72 + (each + 1) * length if each < count - 1 else 0)
    return bytes(data)


def tiff_of_tags(count: int, size: int) -> bytes:
    """Return a TIFF whose tags all claim the same bytes of the file."""
    tags = b"".join(struct.pack("<HHII", 300 + each, 1, size, 8) for each in range(count))
    tags = struct.pack("<HHIIHHII", 256, 3, 1, 8, 257, 3, 1, 8) + tags
    return (
        b"II*\0" + struct.pack("<I", 8 + size) + bytes(size) + struct.pack("<H", count + 2) + tags + bytes(4)
    )


def gif_of_comments(count: int) -> bytes:
    """Return a GIF with comments, each of which its decoder appends to the ones before."""
    plain = saved("GIF")
    place = plain.index(b",", 13)
    return plain[:place] + b"!\xfe\x01a\x00" * count + plain[place:]


def bmp_of_row_ends(count: int) -> bytes:
    """Return a run-length coded BMP of nothing but ends of rows."""
    header = struct.pack("<IiiHHIIiiII", 40, 2000, 2000, 1, 8, 1, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 1078) + header + bytes(1024) + bytes(2 * count)

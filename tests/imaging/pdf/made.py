"""PDFs that the tests make: text in several states of health, pictures, locks, loops."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, Stream
from PIL import Image

from tests.imaging.pictures import Pixels, pil, saved

WIDTH, HEIGHT = 400, 300


def font_file() -> bytes:
    """Return a TrueType font that Matplotlib ships."""
    from matplotlib import get_data_path

    return Path(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf").read_bytes()


def helvetica(pdf: Pdf) -> Any:
    """Return a font that every reader knows."""
    return pdf.make_indirect(
        Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica, Encoding=Name.WinAnsiEncoding)
    )


def embedded(pdf: Pdf, text: str, mapped: dict[str, str] | None) -> tuple[Any, bytes]:
    """Return an embedded font for the characters of a text, and the text in its codes.

    Args:
        pdf: The document.
        text: What is drawn.
        mapped: What the font says that the characters mean; None for a font that does not say it.
    """
    from fontTools.ttLib import TTFont

    data = font_file()
    font = TTFont(io.BytesIO(data))
    glyphs = font.getBestCmap()
    ids = {char: font.getGlyphID(glyphs[ord(char)]) for char in sorted(set(text))}
    scale = 1000 / font["head"].unitsPerEm
    widths = {char: font["hmtx"][glyphs[ord(char)]][0] * scale for char in ids}
    descriptor = pdf.make_indirect(
        Dictionary(
            Type=Name.FontDescriptor,
            FontName=Name("/ABCDEF+Made"),
            Flags=4,
            FontBBox=[-1000, -300, 1500, 1000],
            ItalicAngle=0,
            Ascent=928,
            Descent=-236,
            CapHeight=729,
            StemV=80,
            FontFile2=Stream(pdf, data),
        )
    )
    descendant = Dictionary(
        Type=Name.Font,
        Subtype=Name.CIDFontType2,
        BaseFont=Name("/ABCDEF+Made"),
        CIDSystemInfo=Dictionary(Registry=b"Adobe", Ordering=b"Identity", Supplement=0),
        FontDescriptor=descriptor,
        CIDToGIDMap=Name.Identity,
        W=Array([part for char in ids for part in (ids[char], Array([widths[char]]))]),
    )
    whole = Dictionary(
        Type=Name.Font,
        Subtype=Name.Type0,
        BaseFont=Name("/ABCDEF+Made"),
        Encoding=Name("/Identity-H"),
        DescendantFonts=[pdf.make_indirect(descendant)],
    )
    if mapped is not None:
        rows = [f"<{ids[char]:04x}> <{mapped.get(char, char).encode('utf-16-be').hex()}>" for char in ids]
        cmap = (
            "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n"
            "1 begincodespacerange <0000> <ffff> endcodespacerange\n"
            f"{len(rows)} beginbfchar\n" + "\n".join(rows) + "\nendbfchar endcmap end end"
        )
        whole.ToUnicode = pdf.make_indirect(Stream(pdf, cmap.encode()))
    return pdf.make_indirect(whole), b"<" + "".join(f"{ids[char]:04x}" for char in text).encode() + b">"


def picture(pdf: Pdf, pixels: Pixels) -> Any:
    """Return a picture as an object of a PDF."""
    image = Image.open(io.BytesIO(saved(pil(pixels).convert("RGB"), "JPEG", quality=90)))
    return pdf.make_indirect(
        Stream(
            pdf,
            saved(pil(pixels).convert("RGB"), "JPEG", quality=90),
            Type=Name.XObject,
            Subtype=Name.Image,
            Width=image.width,
            Height=image.height,
            ColorSpace=Name.DeviceRGB,
            BitsPerComponent=8,
            Filter=Name.DCTDecode,
        )
    )


def add_page(
    pdf: Pdf, content: bytes, *, font: Any = None, pixels: Pixels | None = None, **extra: Any
) -> pikepdf.Page:
    """Add a page of 400 × 300 points with the fonts /F1 (Helvetica) and /F2, and a picture /P."""
    resources = Dictionary(Font=Dictionary(F1=helvetica(pdf)))
    if font is not None:
        resources.Font.F2 = font
    if pixels is not None:
        resources.XObject = Dictionary(P=picture(pdf, pixels))
    page = Dictionary(
        Type=Name.Page,
        MediaBox=[0, 0, WIDTH, HEIGHT],
        Resources=resources,
        Contents=pdf.make_indirect(Stream(pdf, content)),
        **extra,
    )
    pdf.pages.append(pikepdf.Page(pdf.make_indirect(page)))
    return pdf.pages[-1]


def written(*contents: str | bytes, **extra: Any) -> bytes:
    """Return a PDF with one page for each content."""
    with Pdf.new() as pdf:
        for content in contents:
            add_page(pdf, content.encode("cp1252") if isinstance(content, str) else content, **extra)
        return bytes_of(pdf)


def bytes_of(pdf: Pdf, **options: Any) -> bytes:
    """Return the file."""
    buffer = io.BytesIO()
    pdf.save(buffer, **options)
    return buffer.getvalue()


def line(text: str, x: float = 30, y: float = 200, size: float = 14, *, mode: int = 0) -> str:
    """Return the content that writes a line in Helvetica."""
    plain = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    return f"BT {mode} Tr /F1 {size} Tf 1 0 0 1 {x} {y} Tm ({plain}) Tj ET\n"


def lines(texts: Sequence[str], *, mode: int = 0, top: float = 260, step: float = 20) -> str:
    """Return the content that writes lines one below the other."""
    return "".join(line(text, y=top - step * row, mode=mode) for row, text in enumerate(texts))


def shown(left: float, bottom: float, width: float, height: float) -> str:
    """Return the content that shows the picture of the page there."""
    return f"q {width} 0 0 {height} {left} {bottom} cm /P Do Q\n"


def with_font(text: str, mapped: dict[str, str] | None, *, size: int = 16) -> bytes:
    """Return a PDF with a line in an embedded font."""
    with Pdf.new() as pdf:
        font, codes = embedded(pdf, text, mapped)
        add_page(pdf, b"BT /F2 %d Tf 30 200 Td %s Tj ET" % (size, codes), font=font)
        return bytes_of(pdf)


def locked(data: bytes, password: str, revision: int = 6) -> bytes:
    """Return an encrypted copy of a PDF."""
    strong = revision >= 4
    with Pdf.open(io.BytesIO(data)) as pdf:
        lock = pikepdf.Encryption(
            user=password,
            owner=password + "!",
            R=revision,  # type: ignore[arg-type]
            metadata=strong,
            aes=strong,
        )
        return bytes_of(pdf, encryption=lock)


def looped() -> bytes:
    """Return a PDF whose page tree holds itself."""
    with Pdf.new() as pdf:
        add_page(pdf, line("page one").encode())
        tree = pdf.Root.Pages
        tree.Kids.append(tree)
        tree.Count = 5
        return bytes_of(pdf)


def form(value: str) -> bytes:
    """Return a PDF with a text field that has been filled in."""
    with Pdf.new() as pdf:
        page = add_page(pdf, line("Name:", 30, 200).encode())
        appearance = Stream(
            pdf,
            f"BT /F1 14 Tf 2 5 Td ({value}) Tj ET".encode(),
            Type=Name.XObject,
            Subtype=Name.Form,
            BBox=[0, 0, 200, 20],
            Resources=Dictionary(Font=Dictionary(F1=helvetica(pdf))),
        )
        field = pdf.make_indirect(
            Dictionary(
                Type=Name.Annot,
                Subtype=Name.Widget,
                FT=Name.Tx,
                T=b"name",
                V=value.encode(),
                F=4,
                Rect=[100, 196, 300, 216],
                AP=Dictionary(N=pdf.make_indirect(appearance)),
            )
        )
        page.Annots = Array([field])
        pdf.Root.AcroForm = Dictionary(Fields=Array([field]))
        return bytes_of(pdf)

"""Put invisible text into a PDF with pikepdf.

`with_layers` reads files of strangers, so it belongs into a process of its own (`original`). This module is
imported there, hence without NumPy and OpenCV.
"""

from __future__ import annotations

import io
import warnings
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, ObjectStreamMode, Pdf, Stream, StreamDecodeLevel

from crnn_ocr.document import Line, Page
from crnn_ocr.errors import ImageDecodeError, OcrError, PdfPasswordError, WrongPdfPasswordError
from crnn_ocr.export.pdf.encoding import Encoding, writable
from crnn_ocr.export.pdf.glyphs import ASCENT, DESCENT, EM, font_program
from crnn_ocr.export.pdf.layer import layer
from crnn_ocr.export.pdf.placement import Placement, inherited, placement_of

# pikepdf remarks on odd forms in a PDF. The filter is set once: `catch_warnings` is not thread-safe.
warnings.filterwarnings("ignore", module=r"pikepdf\.")


def with_layers(data: bytes | bytearray, pages: Iterable[Page], password: str = "") -> memoryview:
    """Return a PDF with text on the pages that were read.

    Args:
        data: The PDF.
        pages: What was read; other pages stay as they are.
        password: Password of an encrypted PDF.

    Raises:
        PdfPasswordError: The PDF opens only with a password, and it is not this one.
        ImageDecodeError: It is damaged.
        MemoryError: It needs more memory than there is.
    """
    with _translated(password), Pdf.open(io.BytesIO(data), password=password) as pdf:
        own = ((page.obj, placement_of(page.obj)) for page in pdf.pages)
        add_layers(pdf, pages, dict(enumerate(own, start=1)))
        content = saved(pdf)
        # Where qpdf gets no memory for an object it goes on as if the object were damaged.
        if any("bad_alloc" in warning for warning in pdf.get_warnings()):
            raise MemoryError
        return content


@contextmanager
def _translated(password: str) -> Iterator[None]:
    """Translate any exception about a PDF that is not ours into an `OcrError`."""
    try:
        yield
    except (OcrError, MemoryError):
        raise
    except pikepdf.PasswordError as error:
        if password:
            raise WrongPdfPasswordError(
                "The password of the PDF is wrong, so no text can be added."
            ) from error
        raise PdfPasswordError("The PDF opens only with its password, so no text can be added.") from error
    except Exception as error:
        # For damaged input pikepdf raises PdfError, but qpdf's own errors, too: RuntimeError, TypeError …
        raise ImageDecodeError("The PDF is damaged: no text can be added to it.") from error


def saved(pdf: Pdf) -> memoryview:
    """Return the file of a document; the same for the same document."""
    content = io.BytesIO()
    pdf.save(
        content,
        deterministic_id=True,
        # As it was: nothing is unpacked, compressed or put together in another way.
        compress_streams=False,
        stream_decode_level=StreamDecodeLevel.none,
        object_stream_mode=ObjectStreamMode.preserve,
        fix_metadata_version=False,
        encryption=False,
    )
    return content.getbuffer()


def add_layers(pdf: Pdf, pages: Iterable[Page], places: dict[int, tuple[pikepdf.Object, Placement]]) -> None:
    """Add text to the pages that were read.

    Args:
        pdf: The document.
        pages: What was read.
        places: The PDF's pages by number, and where their pictures are on them.
    """
    read = [(page, lines) for page in pages if page.number in places and (lines := read_lines(page))]
    encoding = Encoding(writable(line.text) for _, lines in read for line in lines)
    font: pikepdf.Object | None = None
    for page, lines in read:
        target, placement = places[page.number]
        name = _free_name(target)
        place = placement.from_pixels(max(page.width, 1), max(page.height, 1))
        content = layer(lines, place, name, encoding)
        if not content:
            continue
        if font is None:
            font = _font(pdf, encoding)
        _add_content(pdf, target, content)
        _add_font(target, name, font)


def read_lines(page: Page) -> tuple[Line, ...]:
    """Return the lines that the page's own text lacks."""
    if page.origin == "text_layer":
        return ()
    if page.origin == "mixed":
        # Text that was taken from the page is certain; what was read never is, however sure.
        return tuple(line for line in page.lines if line.confidence < 1)
    return page.lines


def _free_name(page: pikepdf.Object) -> str:
    """Return a name that no font of the page has, without its slash."""
    fonts = _entries(_entries(inherited(page, "/Resources")).get("/Font"))
    number = 0
    while f"/Ocr{number}" in fonts:
        number += 1
    return f"Ocr{number}"


def _add_font(page: pikepdf.Object, name: str, font: pikepdf.Object) -> None:
    """Add a font to the page alone; its resources may be shared with others."""
    resources = _entries(inherited(page, "/Resources"))
    fonts = _entries(resources.get("/Font")) | {f"/{name}": font}
    page["/Resources"] = Dictionary(resources | {"/Font": Dictionary(fonts)})


def _entries(value: object) -> dict[str, Any]:
    """Return the entries of a dictionary, none if it is something else."""
    return dict(value.items()) if isinstance(value, Dictionary) else {}


def _add_content(pdf: Pdf, page: pikepdf.Object, content: bytes) -> None:
    """Put a content stream before the page's own ones, where the graphics state is the page's first one."""
    own = page.get("/Contents")
    before = own if isinstance(own, pikepdf.Array) else [] if own is None else [own]
    page["/Contents"] = Array([_deflated(pdf, content), *before])


def _font(pdf: Pdf, encoding: Encoding) -> pikepdf.Object:
    """Return the font of all layers (ISO 32000-1, 9.7)."""
    program = font_program()
    file = _deflated(pdf, program)
    file["/Length1"] = len(program)
    descriptor = Dictionary(
        Type=Name.FontDescriptor,
        FontName=Name.Invisible,
        Flags=4,  # symbolic: not the characters of Adobe's standard set
        FontBBox=Array([0, DESCENT, EM, ASCENT]),
        ItalicAngle=0,
        Ascent=ASCENT,
        Descent=DESCENT,
        CapHeight=ASCENT,
        StemV=80,
        FontFile2=file,
    )
    descendant = Dictionary(
        Type=Name.Font,
        Subtype=Name.CIDFontType2,
        BaseFont=Name.Invisible,
        CIDSystemInfo=Dictionary(Registry="Adobe", Ordering="Identity", Supplement=0),
        FontDescriptor=pdf.make_indirect(descriptor),
        DW=EM,
        W=Array([Array(part) if isinstance(part, list) else part for part in encoding.widths()]),
        CIDToGIDMap=_deflated(pdf, encoding.glyphs()),
    )
    return pdf.make_indirect(
        Dictionary(
            Type=Name.Font,
            Subtype=Name.Type0,
            BaseFont=Name.Invisible,
            Encoding=Name("/Identity-H"),
            DescendantFonts=Array([pdf.make_indirect(descendant)]),
            ToUnicode=_deflated(pdf, encoding.to_unicode()),
        )
    )


def _deflated(pdf: Pdf, content: bytes) -> pikepdf.Stream:
    return Stream(pdf, zlib.compress(content), Filter=Name.FlateDecode)

"""Put text into the PDF of a stranger, in a process of its own.

A PDF of half a megabyte can unpack to a gigabyte while qpdf opens it, so memory and time are limited there.
`worker` is what runs there.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable

from crnn_ocr.document import Line, Page
from crnn_ocr.errors import ImageTooLargeError
from crnn_ocr.export.pdf.text_layers import read_lines
from crnn_ocr.imaging.limits import MIB
from crnn_ocr.imaging.process.document import ProcessDocument
from crnn_ocr.imaging.process.helper import CPU_SECONDS, DecoderSpec
from crnn_ocr.scheduling.ticket import Ticket

_TRADE = DecoderSpec(
    "crnn_ocr.export.pdf.worker:Worker",
    "The PDF",
    "PDFs",
    "write again with its text",
    "qpdf",
    "Print the PDF into a new PDF, or choose another output format.",
)
# Memory that the process may take beside the program itself. Measured as its greatest resident size, with the
# program: a page tree of 60,000 times the same page takes 223 MiB, 20 MiB on a hundred pages take 116.
_OBJECT_BYTES = 256 * MIB
_SPARE_BYTES = 64 * MIB
_COPIES = 4  # times the file's size: the file twice, the new file, and some reserve
_TEXT_COPIES = 12  # times the size of what was read: as JSON, as objects, and as content streams
#: Pages that one more second of CPU time is given for.
_PAGES_PER_SECOND = 20


def with_text(data: bytes, pages: Iterable[Page], password: str = "") -> bytes:
    """Return a PDF with text on the pages that were read.

    Args:
        data: The PDF.
        pages: What was read; other pages stay as they are.
        password: Password of an encrypted PDF.

    Raises:
        PdfPasswordError: The PDF opens only with a password, and it is not this one.
        ImageDecodeError: It is damaged.
        ImageTooLargeError: It takes too much memory or time.
        OverloadedError: No process can be started.
        UnsupportedImageError: This program cannot start Python (see `helper`).
    """
    read = [(page, lines) for page in pages if (lines := read_lines(page))]
    text = json.dumps([_entry(page, lines) for page, lines in read], separators=(",", ":")).encode()
    return _Original(data, _TRADE, Ticket()).with_text(text, len(read), password)


def _entry(page: Page, lines: Iterable[Line]) -> dict[str, object]:
    return {
        "number": page.number,
        "width": int(page.width),
        "height": int(page.height),
        "lines": [(line.text, [(float(x), float(y)) for x, y in line.polygon]) for line in lines],
    }


class _Original(ProcessDocument):
    """A PDF that gets text in its own process."""

    def with_text(self, text: bytes, pages: int, password: str) -> bytes:
        memory = _OBJECT_BYTES + _COPIES * len(self._data) + _TEXT_COPIES * len(text)
        seconds = CPU_SECONDS + pages // _PAGES_PER_SECOND
        try:
            with self._slot():
                helper = self._running(lambda _: None)
                with helper.watched(self._ticket, "The PDF"):
                    helper.ask("text", data=text, memory=memory, spare=_SPARE_BYTES, seconds=seconds)
                    found = helper.ask(
                        "write",
                        data=self._data,
                        memory=memory,
                        spare=_SPARE_BYTES,
                        seconds=seconds,
                        password=password,
                    )
                    length = int(found["bytes"])
                    if not 0 < length <= memory:
                        raise ImageTooLargeError("The PDF becomes far larger.", hint=_TRADE.hint)
                    content = io.BytesIO()
                    content.seek(length - 1)
                    content.write(b"\0")
                    with content.getbuffer() as buffer:
                        helper.read(buffer)
                    self.release()()
                return content.getvalue()  # not a copy, unlike `bytes(bytearray)`
        finally:
            self.close()

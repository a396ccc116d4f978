"""Open and draw one PDF with PDFium: the program of a separate process (see `helper`).

A PDF of two kilobytes can demand hours of CPU time and gigabytes of memory, and PDFium aborts its process
when memory is short. So this process runs under limits that the operating system enforces. It handles one
document and is then discarded.

It imports as little as possible: no numpy, no OpenCV and none of the package's settings. Starting takes 45 ms
of CPU time and 18 MiB.

Both directions use frames: the length of a JSON object in four bytes, big-endian, then the object, then as
many bytes as its key "bytes" says. The parent sends one question at a time:

| operation | question | answer |
|---|---|---|
| open | the document as bytes | `pages` |
| sizes | | `sizes`: width and height of all pages in points |
| measure | `page` | `size` in points; `detail`: pixels per point of its pictures; `largest` of them |
| draw | `scale`, of the page that was measured | `width`, `height`, and the rows as bytes, BGR |

Each question also limits memory (`memory`, `spare`, in bytes) and CPU time (`seconds`). An answer with
`code`, `message` and `hint` is an error. Before the first question the process reports that it is ready.
"""

from __future__ import annotations

import ctypes
import io
import json
import math
import os
import re
import signal
import struct
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from crnn_ocr.errors import (
    ImageDecodeError,
    ImageTooLargeError,
    OcrError,
    PdfPasswordError,
)
from crnn_ocr.imaging.raster import jpeg
from crnn_ocr.runtime.memory import give_back, use_one_arena

#: Length of a JSON object, and its maximum: each page size takes about forty bytes.
HEAD = struct.Struct(">I")
LONGEST_HEAD = 16 * 1024 * 1024

_WRONG_PASSWORD = 4  # FPDF_ERR_PASSWORD
_THREAD_STACK = 256 * 1024
_WITHOUT_PAGES = "The PDF is damaged: its pages cannot be {}."


def read_exactly(stream: io.RawIOBase, buffer: memoryview) -> None:
    """Fill a buffer.

    Raises:
        EOFError: The other end closed before the buffer was full.
    """
    done = 0
    while done < len(buffer):
        count = stream.readinto(buffer[done:])
        if not count:
            raise EOFError
        done += count


def write_all(stream: io.RawIOBase, data: memoryview) -> None:
    """Write a buffer.

    Raises:
        BrokenPipeError: The other end has closed.
    """
    done = 0
    while done < len(data):
        done += stream.write(data[done:]) or 0


def send(stream: io.RawIOBase, message: dict[str, Any], parts: Iterable[memoryview] = ()) -> None:
    """Write a frame; the message's key "bytes" must hold the length of all parts together."""
    text = json.dumps(message).encode()
    write_all(stream, memoryview(HEAD.pack(len(text)) + text))
    for part in parts:
        write_all(stream, part)


def receive(stream: io.RawIOBase) -> dict[str, Any]:
    """Read a frame's JSON object; the bytes that follow are left in the stream.

    Raises:
        EOFError: The other end has closed.
        ValueError: The data is not a frame.
    """
    head = bytearray(HEAD.size)
    read_exactly(stream, memoryview(head))
    (length,) = HEAD.unpack(head)
    if length > LONGEST_HEAD:
        raise ValueError("the message is too long")
    text = bytearray(length)
    read_exactly(stream, memoryview(text))
    message = json.loads(text)
    if not isinstance(message, dict):
        raise ValueError("the message is no object")
    return message


# ---- limits ------------------------------------------------------------------------------------------


class Bounds:
    """Limits on memory and CPU time of this process; they have no effect on systems without `resource`."""

    def __init__(self) -> None:
        """Record the current size of the process, which is always allowed."""
        self._base = _virtual("VmSize")
        self._memory = 0
        self._enforced = False

    def allow(self, memory: int, spare: int, seconds: int) -> None:
        """Set the limits for the next operation.

        Args:
            memory: Bytes of address space beyond the initial size; the limit never becomes smaller.
            spare: Further bytes, so that one large block can be requested; see `check`.
            seconds: CPU time from now on.
        """
        try:
            import resource
        except ImportError:
            return
        self._memory = max(self._memory, memory)
        limits = {resource.RLIMIT_CPU: math.ceil(time.process_time()) + seconds}
        if self._base:
            limits[resource.RLIMIT_AS] = self._base + self._memory + spare
        for kind, value in limits.items():
            hard = resource.getrlimit(kind)[1]
            if hard != resource.RLIM_INFINITY:
                value = min(value, hard)
            with suppress(OSError, ValueError):  # the parent also limits the wall-clock time
                resource.setrlimit(kind, (value, hard))
                self._enforced |= kind == resource.RLIMIT_AS

    def check(self) -> None:
        """Refuse a page that may have been drawn without some of its pictures.

        PDFium silently leaves a picture out when a large block of memory is refused. While the peak stays
        below `memory`, no block of up to `spare` bytes can have been refused.

        Raises:
            MemoryError: The peak exceeded `memory`.
        """
        if self._enforced and _virtual("VmPeak") > self._base + self._memory:
            raise MemoryError


def _virtual(name: str) -> int:
    """Return the address space in bytes, current (VmSize) or peak (VmPeak); 0 if it is unknown."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    found = re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def confine() -> None:
    """Drop rights that drawing never needs, and be the first process killed when memory runs out."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        # These signals are meant for the service, which drains first. This process ends when the parent
        # closes the pipe.
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    try:
        import resource
    except ImportError:
        return
    for kind in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE):
        with suppress(OSError, ValueError):
            resource.setrlimit(kind, (0, 0))


# ---- the document ------------------------------------------------------------------------------------


class Drawer:
    """Answers the questions about one document."""

    def __init__(self, out: io.RawIOBase, bounds: Bounds) -> None:
        self._out = out
        self._bounds = bounds
        self._document: Any = None
        self._page: Any = None

    def answer(self, question: dict[str, Any], data: bytearray) -> None:
        """Run one operation and send its result; errors are sent as answers too."""
        operation = question["do"]
        page = question.get("page", 0) + 1
        self._bounds.allow(question["memory"], question["spare"], question["seconds"])
        answer: dict[str, Any]
        parts: Iterable[memoryview] = ()
        try:
            if operation == "open":
                answer = self._open(data)
            elif operation == "sizes":
                count = len(self._document)
                answer = {"sizes": [self._document.get_page_size(index) for index in range(count)]}
            elif operation == "measure":
                answer = self._measure(question["page"])
            else:
                answer, parts = self._draw(question["scale"])
        except OcrError as error:
            answer = {"code": error.code, "message": error.message, "hint": error.hint}
        except MemoryError:
            answer = {"code": ImageTooLargeError.code}
        except Exception:
            damaged = {
                "open": _WITHOUT_PAGES.format("counted"),
                "sizes": _WITHOUT_PAGES.format("measured"),
            }.get(operation, f"Page {page} of the PDF is damaged.")
            answer = {"code": ImageDecodeError.code, "message": damaged}
        send(self._out, answer, parts)
        if operation == "draw":
            del parts
            self._close_page()

    def _open(self, data: bytearray) -> dict[str, Any]:
        import pypdfium2

        try:
            # A view, not a copy; the document keeps it alive.
            shown = (ctypes.c_ubyte * len(data)).from_buffer(data)
            self._document = pypdfium2.PdfDocument(shown)
        except MemoryError:
            raise
        except Exception as error:
            if getattr(error, "err_code", None) == _WRONG_PASSWORD or "password" in str(error).lower():
                raise PdfPasswordError("The PDF is protected by a password.") from error
            raise ImageDecodeError("The PDF is damaged: it cannot be opened.") from error
        count = len(self._document)
        self._document.init_forms()
        return {"pages": count}

    def _measure(self, index: int) -> dict[str, Any]:
        self._close_page()
        self._page = self._document[index]
        width, height = self._page.get_size()
        detail, largest = _pictures(self._page)
        return {"size": [width, height], "detail": detail, "largest": largest}

    def _draw(self, scale: float) -> tuple[dict[str, Any], Iterable[memoryview]]:
        bitmap = self._page.render(
            scale=scale, rev_byteorder=False, prefer_bgrx=False, fill_color=(255, 255, 255, 255)
        )
        self._bounds.check()
        if bitmap.n_channels != 3:
            raise ValueError("PDFium has drawn something else than BGR")
        width, height, stride = bitmap.width, bitmap.height, bitmap.stride
        rows = memoryview(bitmap.buffer).cast("B")
        row = 3 * width
        answer = {"width": width, "height": height, "bytes": row * height}
        if stride == row:
            return answer, [rows[: row * height]]
        return answer, (rows[y * stride : y * stride + row] for y in range(height))

    def _close_page(self) -> None:
        if self._page is not None:
            self._page.close()
            self._page = None
            give_back()


def _pictures(page: Any) -> tuple[float, list[int]]:
    """Find the highest resolution of the pictures on a page, and the largest picture.

    Returns:
        Pixels per point, and [width, height] in pixels; 0 and [0, 0] if there are no pictures.

    Raises:
        ImageDecodeError: A picture is crafted to do harm.
    """
    import pypdfium2.raw as pdfium

    scale = 0.0
    largest = [0, 0]
    for item in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE]):
        width, height = item.get_px_size()
        if item.get_filters()[-1:] == ["DCTDecode"]:  # PDFium trusts the JPEG's header, not the PDF's size
            data = bytes(item.get_data(decode_simple=True))
            jpeg.check_scans(data)
            width, height = jpeg.frame_size(data) or (width, height)
        if width * height > largest[0] * largest[1]:
            largest = [width, height]
        left, bottom, right, top = item.get_bounds()
        if right > left and top > bottom:
            scale = max(scale, math.sqrt(width * height / ((right - left) * (top - bottom))))
    return scale, largest


# ---- the process -------------------------------------------------------------------------------------


def _ask(stream: io.RawIOBase, questions: SimpleQueue[tuple[dict[str, Any], bytearray]]) -> None:
    """Queue questions until the parent closes the pipe or is gone; then end at once, even while drawing."""
    try:
        while True:
            question = receive(stream)
            data = bytearray(question.get("bytes", 0))
            read_exactly(stream, memoryview(data))
            questions.put((question, data))
    finally:
        os._exit(0)


def main() -> None:
    """Answer the parent's questions over standard input and output."""
    confine()
    use_one_arena()
    source, out = io.FileIO(0, "rb"), io.FileIO(1, "wb")
    import pypdfium2  # noqa: F401  before the initial size is measured

    questions: SimpleQueue[tuple[dict[str, Any], bytearray]] = SimpleQueue()
    threading.stack_size(_THREAD_STACK)
    threading.Thread(target=_ask, args=(source, questions), daemon=True).start()
    drawer = Drawer(out, Bounds())
    send(out, {"ready": True})
    while True:
        drawer.answer(*questions.get())

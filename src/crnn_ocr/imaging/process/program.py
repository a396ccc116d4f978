"""Open and decode one file: the program of a separate process (see `helper`).

A file of some hundred bytes can demand hours of CPU time and gigabytes of memory, and some decoders abort
their process when memory is short. So this process runs under limits that the operating system enforces. It
handles one document and is then discarded.

It imports as little as possible: no NumPy, no OpenCV and none of the package's settings.

Both directions use frames: the length of a JSON object in four bytes, big-endian, then the object, then as
many bytes as its key "bytes" says; a document that is stored has its `path` instead. The parent sends one
question at a time; which ones there are is up to the decoder (`pdf.drawer`, `raster.reader`). Each question
also limits memory (`memory`, `spare`, in bytes) and CPU time (`seconds`). An answer with `code`, `message`
and `hint` is an error. Before the first question the process reports that it is ready.
"""

from __future__ import annotations

import io
import json
import math
import os
import re
import signal
import struct
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Protocol

from crnn_ocr.errors import ImageDecodeError, ImageTooLargeError, OcrError
from crnn_ocr.runtime.memory import use_one_arena

#: Length of a JSON object, and its maximum: each page size takes about forty bytes.
HEAD = struct.Struct(">I")
LONGEST_HEAD = 16 * 1024 * 1024

_THREAD_STACK = 256 * 1024


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
        """Refuse a page that may have been decoded without some of its parts.

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
    """Drop rights that decoding never needs, and be the first process killed when memory runs out."""
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


# ---- the process -------------------------------------------------------------------------------------


class Decoder(Protocol):
    """Answers the questions about one document."""

    def answer(
        self, question: dict[str, Any], data: bytearray
    ) -> tuple[dict[str, Any], Iterable[memoryview]]:
        """Run one operation and return its result: a message, and the bytes that follow it.

        Raises:
            OcrError: The document cannot be decoded, and the error says why.
            MemoryError: It needs more memory than it is given.
            Exception: It is damaged.
        """

    def failure_message(self, question: dict[str, Any]) -> str:
        """Return the message for a document at which the operation failed without a clear reason."""

    def sent(self, question: dict[str, Any]) -> None:
        """Free what is no longer needed after the answer has been sent."""


def respond(
    out: io.RawIOBase, bounds: Bounds, decoder: Decoder, question: dict[str, Any], data: bytearray
) -> None:
    """Answer one question; errors are sent as answers too."""
    bounds.allow(question["memory"], question["spare"], question["seconds"])
    parts: Iterable[memoryview] = ()
    try:
        answer, parts = decoder.answer(question, data)
    except OcrError as error:
        answer = {"code": error.code, "message": error.message, "hint": error.hint}
    except MemoryError:
        answer = {"code": ImageTooLargeError.code}
    except Exception:
        answer = {"code": ImageDecodeError.code, "message": decoder.failure_message(question)}
    send(out, answer, parts)
    del parts
    decoder.sent(question)


def _ask(stream: io.RawIOBase, questions: SimpleQueue[tuple[dict[str, Any], bytearray]]) -> None:
    """Queue questions until the parent closes the pipe or is gone; then end at once, even while decoding."""
    try:
        while True:
            question = receive(stream)
            data = bytearray(question.get("bytes", 0))
            read_exactly(stream, memoryview(data))
            questions.put((question, data))
            del question, data
    finally:
        os._exit(0)


def main() -> None:
    """Answer the parent's questions over standard input and output.

    The command line names the decoder's module and class, which is imported before the initial size is taken.
    """
    confine()
    use_one_arena()
    source, out = io.FileIO(0, "rb"), io.FileIO(1, "wb")
    module, name = sys.argv[2].split(":")
    decoder_class = getattr(import_module(module), name)

    questions: SimpleQueue[tuple[dict[str, Any], bytearray]] = SimpleQueue()
    threading.stack_size(_THREAD_STACK)
    threading.Thread(target=_ask, args=(source, questions), daemon=True).start()
    bounds = Bounds()
    decoder: Decoder = decoder_class(bounds)
    send(out, {"ready": True})
    while True:
        respond(out, bounds, decoder, *questions.get())

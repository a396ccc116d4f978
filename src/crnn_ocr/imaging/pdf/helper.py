"""A process that opens and draws one PDF, seen from the process that wants its pages (see `process`).

Portable: plain pipes that block, and a thread beside each use that kills the process when its time is up.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import crnn_ocr
from crnn_ocr.errors import (
    ImageDecodeError,
    ImageTooLargeError,
    OcrError,
    OverloadedError,
    PdfPasswordError,
    UnsupportedImageError,
)
from crnn_ocr.imaging.pdf import process
from crnn_ocr.scheduling.ticket import Ticket

#: CPU time for one step (opening, measuring all pages, or one page). A page of two hundred thousand lines, a
#: map for example, took 13 s.
CPU_SECONDS = 20
#: The same by the clock: where there is no limit of CPU time, or the process sleeps. Busy machines are slow.
WALL_SECONDS = 120.0

_LOOK_S = 0.05  # how often a running step looks whether it is still wanted
_RETRY_S = 5

#: The package's own `__init__` would import pydantic, which takes longer than everything else.
_START = """
import json, sys, types
sys.path[:], folders = json.loads(sys.argv[1])
package = sys.modules["crnn_ocr"] = types.ModuleType("crnn_ocr")
package.__path__ = folders
from crnn_ocr.imaging.pdf.process import main
main()
"""
#: What the helper gets of the environment: how libraries are found. Nothing of it is secret.
_ENVIRONMENT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "LANG", "LC_ALL", "LC_CTYPE")

_OWN_ERRORS = {error.code: error for error in (ImageDecodeError, ImageTooLargeError, PdfPasswordError)}
_NO_MEMORY = "needs more memory than one document is given"
_HARMFUL = "Print the PDF into a new PDF, or send its pages as pictures."


class Helper:
    """One process; to be used by one thread at a time."""

    def __init__(self) -> None:
        """Start it.

        Raises:
            UnsupportedImageError: This program is no Python that could be started again.
            OverloadedError: The system starts no process now.
        """
        self._owner = os.getpid()
        self._process = _started()
        self._stopped_late = False
        self.ready = False

    @contextmanager
    def watched(self, ticket: Ticket, what: str) -> Iterator[None]:
        """Let the process work while the block runs, and say what is wrong where it ends.

        Args:
            ticket: Once it is invalid, the process is killed.
            what: What it works on, for messages.

        Raises:
            DeadlineExceededError: The ticket's time ran out.
            RequestCancelledError: The ticket was cancelled.
            ImageTooLargeError: The process took too much time or memory.
            ImageDecodeError: PDFium crashed.
            OverloadedError: The process ended before it began.
        """
        done = threading.Event()
        watch = threading.Thread(target=self._watch, args=(done, ticket), name="pdf-watch", daemon=True)
        watch.start()
        try:
            yield
        except OcrError:
            raise  # an answer: the process goes on
        except (EOFError, OSError) as error:
            self.close()
            ticket.check()
            raise self._verdict(what) from error
        except (ValueError, LookupError, TypeError, ArithmeticError) as error:
            self.close()
            raise ImageDecodeError(f"{what} is damaged: what PDFium says makes no sense.") from error
        except BaseException:
            self.close()  # somewhere inside an answer
            raise
        finally:
            done.set()

    def ask(self, do: str, *, memory: int, spare: int, data: bytes = b"", **values: float) -> dict[str, Any]:
        """Ask something, inside `watched`.

        Args:
            do: The operation, see `pdf_process`.
            memory: Bytes that it may take.
            spare: Bytes that may be asked for at once.
            data: The document.
            **values: What the operation needs.

        Raises:
            OcrError: The answer is an error.
            EOFError: The process has ended.
            OSError: Likewise.
            ValueError: The answer cannot be understood.
        """
        question = {"do": do, "memory": memory, "spare": spare, "seconds": CPU_SECONDS, **values}
        if not self.ready:
            process.receive(_raw(self._process.stdout))
            self.ready = True
        process.send(_raw(self._process.stdin), question | {"bytes": len(data)}, [memoryview(data)])
        answer = process.receive(_raw(self._process.stdout))
        if "code" in answer:
            raise _error(answer)
        return answer

    def read(self, buffer: memoryview) -> None:
        """Take the bytes of an answer, inside `watched`; raises as `ask` does."""
        process.read_exactly(_raw(self._process.stdout), buffer)

    def close(self) -> None:
        """End the process; may be called again."""
        process = self._process
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        if self._owner != os.getpid():  # a copy by a fork: the process is not ours to end
            process.returncode = 0
            return
        process.kill()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)

    @property
    def is_usable(self) -> bool:
        """Whether it lives and was started here, not before a fork."""
        return self._owner == os.getpid() and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def _watch(self, done: threading.Event, ticket: Ticket) -> None:
        end = time.monotonic() + WALL_SECONDS
        while not done.wait(_LOOK_S):
            self._stopped_late = time.monotonic() > end
            if self._stopped_late or not ticket.valid:
                self._process.kill()
                return

    def _verdict(self, what: str) -> OcrError:
        """Why the process has ended."""
        status = self._process.returncode
        if not self.ready:
            return OverloadedError("The process that reads PDFs could not start.", retry_after=_RETRY_S)
        if self._stopped_late or status == -getattr(signal, "SIGXCPU", 0):
            return ImageTooLargeError(f"{what} takes too long to draw.", hint=_HARMFUL)
        # PDFium ends itself where it gets no memory, the kernel where the container has none left.
        names = ("SIGABRT", "SIGTRAP", "SIGILL", "SIGKILL")
        if status in [-getattr(signal, name) for name in names if hasattr(signal, name)]:
            return ImageTooLargeError(f"{what} {_NO_MEMORY}.", hint=_HARMFUL)
        return ImageDecodeError(f"{what} is damaged: PDFium crashed.")


def too_much_memory(what: str) -> ImageTooLargeError:
    """The error for what does not fit."""
    return ImageTooLargeError(f"{what} {_NO_MEMORY}.", hint=_HARMFUL)


def _started() -> subprocess.Popen[bytes]:
    from multiprocessing.spawn import get_executable  # programs that embed Python tell it where theirs is

    executable = get_executable()
    if not executable or getattr(sys, "frozen", False):
        raise UnsupportedImageError(
            "PDFs cannot be read here: they need a Python to start.",
            hint="Tell it with multiprocessing.set_executable, or send pictures.",
        )
    paths = json.dumps([[str(Path(path).absolute()) for path in sys.path], list(crnn_ocr.__path__)])
    options = ["-I", "-S"] + ["-B"] * sys.dont_write_bytecode
    try:
        return subprocess.Popen(  # noqa: S603
            [executable, *options, "-c", _START, paths],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        )
    except OSError as error:
        raise OverloadedError(
            "The system starts no process that could read the PDF.", retry_after=_RETRY_S
        ) from error


def _raw(stream: IO[bytes] | None) -> Any:
    return stream


def _error(answer: dict[str, Any]) -> OcrError:
    """The error that an answer is; only those that a document can cause."""
    kind = _OWN_ERRORS.get(str(answer["code"]), ImageDecodeError)
    message, hint = answer.get("message"), answer.get("hint")
    return kind(str(message) if message else f"The PDF {_NO_MEMORY}.", hint=str(hint) if hint else None)

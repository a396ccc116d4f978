"""Start and control the process that opens and decodes one file (the program itself is in `program`).

For portability it uses plain blocking pipes. During each use a thread watches the process and kills it when
its time is up.
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
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from crnn_ocr.errors import (
    ImageDecodeError,
    ImageTooLargeError,
    OcrError,
    OverloadedError,
    PdfPasswordError,
    UnsupportedImageError,
    WrongPdfPasswordError,
)
from crnn_ocr.imaging.process import program
from crnn_ocr.imaging.process.stored_file import StoredFile
from crnn_ocr.scheduling.ticket import POLL_S, Ticket

#: CPU seconds for one step: opening, measuring all pages, or drawing one page. A page with two hundred
#: thousand lines, such as a map, took 13 s.
CPU_SECONDS = 20
#: Wall-clock seconds for one step, for systems without a CPU limit and for processes that sleep. It is long
#: because busy machines are slow.
WALL_SECONDS = 120.0

_RETRY_S = 5

#: Bypasses the package's own `__init__`, which would import pydantic and take longer than everything else.
_START = """
import json, sys, types
sys.path[:], folder = json.loads(sys.argv[1])
package = sys.modules["crnn_ocr"] = types.ModuleType("crnn_ocr")
package.__path__ = [folder]
from crnn_ocr.imaging.process.program import main
main()
"""
#: Environment variables passed to the helper: those for finding libraries. None of them holds a secret.
_ENVIRONMENT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "LANG", "LC_ALL", "LC_CTYPE")

_OWN_ERRORS = {
    error.code: error
    for error in (
        ImageDecodeError,
        ImageTooLargeError,
        PdfPasswordError,
        UnsupportedImageError,
        WrongPdfPasswordError,
    )
}
_NO_MEMORY = "needs more memory than one document is given"


@dataclass(frozen=True, slots=True)
class DecoderSpec:
    """What a process decodes, and the words for its failures.

    Attributes:
        decoder: Module and class of the decoder, as "module:class".
        file: One of its files, such as "The PDF".
        files: Its files in the plural.
        verb: What it does with a page, in the infinitive.
        library: The library that does it.
        hint: What to do about a file that takes too much.
    """

    decoder: str
    file: str
    files: str
    verb: str
    library: str
    hint: str


class Helper:
    """One decoding process, to be used by one thread at a time."""

    def __init__(self, spec: DecoderSpec) -> None:
        """Start the process.

        Raises:
            UnsupportedImageError: There is no Python executable that could be started.
            OverloadedError: The system cannot start a process now.
        """
        self._owner = os.getpid()
        self._spec = spec
        self._process = _started(spec)
        self._stopped_late = False
        self.ready = False

    @contextmanager
    def watched(self, ticket: Ticket, what: str) -> Iterator[None]:
        """Watch the process while the block runs, and raise a clear error if it ends early.

        Args:
            ticket: Once it is invalid, the process is killed.
            what: What it works on, for error messages.

        Raises:
            DeadlineExceededError: The ticket's time ran out.
            RequestCancelledError: The ticket was cancelled.
            ImageTooLargeError: The process took too much time or memory.
            ImageDecodeError: The library crashed.
            OverloadedError: The process ended before it was ready.
        """
        ticket.check()
        done = threading.Event()
        watch = threading.Thread(target=self._watch, args=(done, ticket), name="decoder-watch", daemon=True)
        watch.start()
        try:
            yield
        except OcrError:
            raise  # an error sent as an answer: the process is still usable
        except (EOFError, OSError) as error:
            self.close()
            ticket.check()
            raise self._verdict(what) from error
        except (ValueError, LookupError, TypeError, ArithmeticError) as error:
            self.close()
            raise ImageDecodeError(
                f"{what} is damaged: {self._spec.library} gave an invalid answer."
            ) from error
        except BaseException:
            self.close()  # interrupted inside an answer, so the pipe is out of step
            raise
        finally:
            done.set()

    def ask(
        self, do: str, *, memory: int, spare: int, data: bytes | StoredFile = b"", **values: Any
    ) -> dict[str, Any]:
        """Send a question and return the answer; call it inside `watched`.

        Args:
            do: The operation; see the decoder.
            memory: Bytes that it may take.
            spare: Bytes that it may request in one block.
            data: The document; of a stored file only its path is sent.
            **values: Further arguments of the operation.

        Returns:
            The answer as a JSON object.

        Raises:
            OcrError: The answer is an error.
            EOFError: The process has ended.
            OSError: The process has ended.
            ValueError: The answer cannot be parsed.
        """
        question = {"do": do, "memory": memory, "spare": spare, "seconds": CPU_SECONDS, **values}
        if isinstance(data, StoredFile):
            question["path"] = str(data.path.absolute())
            data = b""
        if not self.ready:
            program.receive(_raw(self._process.stdout))
            self.ready = True
        program.send(_raw(self._process.stdin), question | {"bytes": len(data)}, [memoryview(data)])
        answer = program.receive(_raw(self._process.stdout))
        if "code" in answer:
            raise self._error(answer)
        return answer

    def read(self, buffer: memoryview) -> None:
        """Fill the buffer with the bytes of an answer, inside `watched`; raise as `ask` does."""
        program.read_exactly(_raw(self._process.stdout), buffer)

    def close(self) -> None:
        """End the process; further calls do nothing."""
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
        """Whether the process is alive and was started by this process, not before a fork."""
        return self._owner == os.getpid() and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def _watch(self, done: threading.Event, ticket: Ticket) -> None:
        end = time.monotonic() + WALL_SECONDS
        while not done.wait(POLL_S):
            self._stopped_late = time.monotonic() > end
            if self._stopped_late or not ticket.valid:
                self._process.kill()
                return

    def _verdict(self, what: str) -> OcrError:
        """Return the error that explains why the process has ended."""
        status = self._process.returncode
        if not self.ready:
            return OverloadedError(
                f"The process that reads {self._spec.files} could not start.", retry_after=_RETRY_S
            )
        if self._stopped_late or status == -getattr(signal, "SIGXCPU", 0):
            return ImageTooLargeError(f"{what} takes too long to {self._spec.verb}.", hint=self._spec.hint)
        # PDFium ends itself where it gets no memory, the kernel where the container has none left.
        names = ("SIGABRT", "SIGTRAP", "SIGILL", "SIGKILL")
        if status in [-getattr(signal, name) for name in names if hasattr(signal, name)]:
            return self.too_much_memory(what)
        return ImageDecodeError(f"{what} is damaged: {self._spec.library} crashed.")

    def too_much_memory(self, what: str) -> ImageTooLargeError:
        """Return the error for a document that needs too much memory."""
        return ImageTooLargeError(f"{what} {_NO_MEMORY}.", hint=self._spec.hint)

    def _error(self, answer: dict[str, Any]) -> OcrError:
        """Convert an answer into an error; only errors that a document can cause are possible."""
        kind = _OWN_ERRORS.get(str(answer["code"]), ImageDecodeError)
        message, hint = answer.get("message"), answer.get("hint")
        if not message:
            return self.too_much_memory(self._spec.file)
        return kind(str(message), hint=str(hint) if hint else None)


def _started(spec: DecoderSpec) -> subprocess.Popen[bytes]:
    from multiprocessing.spawn import get_executable  # programs that embed Python tell it where theirs is

    executable = get_executable()
    if not executable or getattr(sys, "frozen", False):
        raise UnsupportedImageError(
            f"{spec.files} cannot be read here: there is no Python executable to start.",
            hint="Tell it with multiprocessing.set_executable, or send JPEG or PNG.",
        )
    package = Path(__file__).absolute().parents[2]
    paths = json.dumps([[str(Path(path).absolute()) for path in sys.path], str(package)])
    options = ["-I", "-S"] + ["-B"] * sys.dont_write_bytecode
    try:
        return subprocess.Popen(  # noqa: S603
            [executable, *options, "-c", _START, paths, spec.decoder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        )
    except OSError as error:
        raise OverloadedError(
            f"The system cannot start a process to read {spec.files}.", retry_after=_RETRY_S
        ) from error


def _raw(stream: IO[bytes] | None) -> Any:
    return stream

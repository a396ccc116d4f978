"""Reads single pages, or assembles a job, in a process of its own: the program that `isolated` starts.

Both directions use the frames of `imaging.process.program`. The first question tells the settings and the
job; each further one names a page, or asks for the plan. An answer with `code`, `message` and `hint` is an
error.
"""

from __future__ import annotations

import io
import os
import signal
import threading
import traceback
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from crnn_ocr.errors import OcrError
from crnn_ocr.imaging.process import program
from crnn_ocr.imaging.process.stored_file import StoredFile
from crnn_ocr.runtime.memory import use_one_arena
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.settings import MIB, Settings

if TYPE_CHECKING:
    from crnn_ocr.jobs.records import Problem

#: Address space that reading or assembling may take beyond what the process has when it begins. Reading takes
#: 260 MiB beside the models for the largest picture that is accepted; assembling some 3 KiB for each line of
#: the document, 240 MiB for 2,000 pages of 40 lines.
MEMORY = 1024 * MIB
#: Requests and the workers of other jobs come before this process.
NICENESS = 10


def main() -> None:
    """Answer the parent's questions over standard input and output until it closes them."""
    out = io.FileIO(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints
    _yield_to_others()
    use_one_arena()
    source = io.FileIO(0, "rb")
    questions: SimpleQueue[dict[str, Any]] = SimpleQueue()
    threading.Thread(target=_ask, args=(source, questions), daemon=True).start()
    first = questions.get()
    with ExitStack() as held:
        try:
            if first["do"] == "assemble":
                problem = _assemble(first)
                told = None if problem is None else asdict(problem)
                program.send(out, {"problem": told})
            else:
                readings = held.enter_context(_opened(first, held))
                program.send(out, {})
        except Exception as error:
            program.send(out, _answer(_known(error)))
            return
        while True:
            question = questions.get()
            try:
                if "page" in question:
                    _read(out, readings, question["page"], chars=first["chars"])
                else:
                    program.send(out, {"tasks": _plan(first, readings)})
            except Exception as error:
                program.send(out, _answer(_known(error)))


def _ask(stream: io.RawIOBase, questions: SimpleQueue[dict[str, Any]]) -> None:
    """Queue questions until the parent closes the pipe or is gone; then end at once."""
    try:
        while True:
            questions.put(program.receive(stream))
    finally:
        os._exit(0)


def _known(error: Exception) -> OcrError:
    """Return an error as one of the product; what is none is told on standard error, too."""
    if isinstance(error, OcrError):
        return error
    traceback.print_exception(error)
    if isinstance(error, OSError):
        from crnn_ocr.jobs.files import storage_error

        return storage_error(error)
    if isinstance(error, MemoryError):
        return OcrError("It needs more memory than a process of its own may use.")
    return OcrError(f"The process of its own failed with {type(error).__name__}.")


def _answer(error: OcrError) -> dict[str, Any]:
    return {"code": error.code, "message": error.message, "hint": error.hint}


def _yield_to_others() -> None:
    """Be the first process killed when memory runs out and the last one served, and end with the parent."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    with suppress(OSError, AttributeError):
        os.nice(NICENESS)
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_memory() -> None:
    """Limit the address space to what there is and `MEMORY`."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * resource.getpagesize() + MEMORY
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (most if hard == -1 else min(most, hard), hard))


def _opened(first: dict[str, Any], held: ExitStack) -> Any:
    from crnn_ocr.engine.ocr import OCR
    from crnn_ocr.jobs.tables.encoding import decode_request
    from crnn_ocr.jobs.work.tasks import limits_of, reading_options

    settings = Settings(**first["settings"])
    ocr = held.enter_context(OCR(settings, active=first["active"], threads=first["threads"]))
    if first["do"] == "read":
        with suppress(OcrError):  # a page with text needs no model
            ocr.warm_up()
    _limit_memory()
    return ocr.open_pages(
        StoredFile(Path(first["path"])),
        reading_options(decode_request(first["request"])),
        ticket=Ticket(),
        limits=limits_of(settings),
    )


def _read(out: io.RawIOBase, readings: Any, number: int, *, chars: bool) -> None:
    from crnn_ocr.jobs.work.page_codec import encode_page
    from crnn_ocr.jobs.work.reading import read_page

    reading = read_page(readings, number)
    problem = None if reading.error is None else _answer(reading.error)
    data = encode_page(reading, chars=chars)
    answer = {"elapsed_ms": reading.elapsed_ms, "problem": problem, "bytes": len(data)}
    program.send(out, answer, [memoryview(data)])


def _plan(first: dict[str, Any], readings: Any) -> list[list[int]]:
    from crnn_ocr.jobs.tables.encoding import decode_request
    from crnn_ocr.jobs.work.planning import plan
    from crnn_ocr.jobs.work.tasks import reading_options

    options = reading_options(decode_request(first["request"]))
    return plan(readings, blocks=options.layout == "blocks", takes_text=options.ocr != "force")


def _assemble(first: dict[str, Any]) -> Problem | None:
    from crnn_ocr.jobs.backends import open_jobs
    from crnn_ocr.jobs.work.assembling import assemble

    jobs = open_jobs(Settings(**first["settings"]))
    _limit_memory()
    return assemble(jobs, first["job"], Ticket())


if __name__ == "__main__":
    main()

"""The program of isolated processes, in which some pages are deadly.

POISON names pages whose reading ends the process, and HANG pages that are never finished; "0" is the opening
of the file. FAIL names an exception that opening the file raises.
"""

from __future__ import annotations

import errno
import os
import threading
from typing import Any

from crnn_ocr.engine.ocr import OCR
from crnn_ocr.engine.page_readings import PageReadings
from crnn_ocr.jobs.work import isolated_program

POISON, HANG = (os.environ.get(name, "").split() for name in ("POISON", "HANG"))


def meet(number: int) -> None:
    """End the process, or hang, at a page that does so."""
    if str(number) in POISON:
        os.abort()
    if str(number) in HANG:
        threading.Event().wait()


read, open_pages = PageReadings.read, OCR.open_pages


def deadly_read(self: PageReadings, number: int) -> Any:
    meet(number)
    return read(self, number)


def deadly_open(self: OCR, *args: Any, **values: Any) -> Any:
    meet(0)
    match os.environ.get("FAIL"):
        case "memory":
            raise MemoryError
        case "disk":
            raise OSError(errno.ENOSPC, "No space left on device")
        case "bug":
            raise ZeroDivisionError
    return open_pages(self, *args, **values)


if __name__ == "__main__":
    PageReadings.read = deadly_read  # type: ignore[method-assign]
    OCR.open_pages = deadly_open  # type: ignore[method-assign]
    OCR.warm_up = lambda self: None  # type: ignore[method-assign]  # pages with text need no model
    isolated_program.main()

"""Measures jobs that run inside the service (`CRNN_OCR_JOBS=embedded`).

    python -m benchmarks.jobs kills  [--pages 1000] [--every 20]   kill -9 of the service, again and again
    python -m benchmarks.jobs cost   [--scans 40] [--texts 400]    CPU time beside that of the library
    python -m benchmarks.jobs first  [--pages 300]                 time until the first page is there
    python -m benchmarks.jobs memory [--pages 2000] [--mib 100]    peak memory of each process

They say what went wrong and exit with 1. CPU times are of all processes of the service; they
hold on a busy machine, wall times do not. Pages are pages of text, each with a number of its own, and pages
with the evaluation pictures.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pikepdf
from PIL import Image

from benchmarks.harness import datasets, report
from benchmarks.harness.ports import free_port
from benchmarks.serving.processes import cpu_seconds, tree
from crnn_ocr import OCR, Settings
from crnn_ocr.runtime.memory import use_one_arena

MIB = 1024 * 1024
_START_S = 120.0
_POLL_S = 0.1
#: What is to be reached: kills that a run survives, throughput beside the library, CPU time of a page's
#: administration, and time until the first page is there.
_LEAST_KILLS, _LEAST_THROUGHPUT, _MOST_MS, _FIRST_S = 3, 0.95, 5.0, 2.0
_FINISHED = {"succeeded", "partial", "failed", "cancelled", "expired"}


# ---- material ---------------------------------------------------------------------------------------


def text_of(number: int) -> str:
    """Return the first line of a page of text."""
    return f"Page number {7_000_000 + number}"


def document(texts: int, scans: int = 0, *, ballast: int = 0) -> bytes:
    """Return a PDF.

    Args:
        texts: Pages that hold their text, 40 lines each.
        scans: Pages with pictures, which come first.
        ballast: Bytes that do not compress, in a stream that no page shows.
    """
    out = io.BytesIO()
    with pikepdf.Pdf.new() as pdf:
        font = pdf.make_indirect(
            pikepdf.Dictionary(
                Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
            )
        )
        pictures = [sample.path for sample in datasets.load("pages_en")] if scans else []
        for number in range(scans):
            _add_scan(pdf, pictures[number % len(pictures)])
        for number in range(texts):
            rows = [text_of(number), *(f"Line {row} of a page that says little." for row in range(2, 41))]
            shown = " ".join(f"1 0 0 1 60 {780 - 18 * place} Tm ({row}) Tj" for place, row in enumerate(rows))
            page = pdf.add_blank_page(page_size=(595, 842))
            page.obj.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
            page.obj.Contents = pdf.make_stream(f"BT /F1 12 Tf {shown} ET".encode())
        if ballast:
            pdf.Root.Ballast = pdf.make_indirect(pikepdf.Stream(pdf, os.urandom(ballast)))
        pdf.save(out)
    return out.getvalue()


def _add_scan(pdf: pikepdf.Pdf, path: Path) -> None:
    with Image.open(path) as picture:
        grey = picture.convert("L")
    stream = io.BytesIO()
    grey.save(stream, "JPEG", quality=90)
    image = pikepdf.Stream(
        pdf,
        stream.getvalue(),
        Type=pikepdf.Name.XObject,
        Subtype=pikepdf.Name.Image,
        Width=grey.width,
        Height=grey.height,
        ColorSpace=pikepdf.Name.DeviceGray,
        BitsPerComponent=8,
        Filter=pikepdf.Name.DCTDecode,
    )
    wide, high = grey.width * 72 / 200, grey.height * 72 / 200
    page = pdf.add_blank_page(page_size=(wide, high))
    page.obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im=pdf.make_indirect(image)))
    page.obj.Contents = pdf.make_stream(f"q {wide} 0 0 {high} 0 0 cm /Im Do Q".encode())


# ---- the service ------------------------------------------------------------------------------------


class Service:
    """A `crnn-ocr serve` with its jobs in a folder, which can be killed and started again."""

    def __init__(self, folder: Path, **settings: str) -> None:
        """Prepare; `start` starts it."""
        self._folder = folder
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    @property
    def pid(self) -> int:
        """Process id of its supervisor."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it on any free port, and wait until it is ready."""
        port = free_port()
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CRNN_OCR_")},
            "CRNN_OCR_JOBS_DIR": str(self._folder),
            "CRNN_OCR_LOG_LEVEL": "warning",
            **self._settings,
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "crnn_ocr", "serve", "--port", str(port)],
            env=environment,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.url = f"http://127.0.0.1:{port}"
        end = time.monotonic() + _START_S
        while time.monotonic() < end:
            with suppress(OSError):
                self.ask("/readyz")
                return
            time.sleep(_POLL_S)
        sys.exit("The service did not become ready.")

    def kill(self) -> None:
        """Kill all of its processes at once."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def ask(self, path: str, body: bytes | None = None, kind: str = "") -> Any:
        """Return the JSON of an answer."""
        headers = {"Content-Type": kind} if body is not None else {}
        request = urllib.request.Request(self.url + path, body, headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def submit(self, content: bytes, query: str = "") -> str:
        """Make a job and return its id."""
        bound = uuid.uuid4().hex
        head = f'--{bound}\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n'
        body = head.encode() + content + f"\r\n--{bound}--\r\n".encode()
        answer = self.ask(f"/jobs{query}", body, f"multipart/form-data; boundary={bound}")
        return str(answer["id"])

    def job(self, name: str) -> Any:
        """Return a job as the service shows it."""
        return self.ask(f"/jobs/{name}")


@contextmanager
def running(**settings: str) -> Iterator[Service]:
    """Yield a running service in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Path(folder), **settings)
        service.start()
        try:
            yield service
        finally:
            service.kill()


# ---- measurements -----------------------------------------------------------------------------------


def kills(pages: int, every: float) -> list[str]:
    """Kill the service while it reads a job; return what went wrong."""
    scans = pages // 2
    content = document(pages - scans, scans)
    rounds = 0
    with running() as service:
        name = service.submit(content)
        while True:
            until = time.monotonic() + every
            state = service.job(name)
            while time.monotonic() < until and state["state"] not in _FINISHED:
                time.sleep(_POLL_S)
                state = service.job(name)
            if state["state"] in _FINISHED:
                break
            service.kill()
            rounds += 1
            service.start()
        result = service.ask(f"/jobs/{name}/result?format=json")
        attempts = [page["attempts"] for page in _pages(service, name)]
    print(
        f"{pages} pages, killed {rounds} times, every {every:g} s: {state['state']}, "
        f"{state['pages_done']} done, {state['pages_failed']} failed, "
        f"{sum(attempts) - len(attempts)} pages begun again."
    )
    wrong = [] if state["state"] == "succeeded" else [f"the job is {state['state']}"]
    if rounds < _LEAST_KILLS:
        wrong.append(f"killed {rounds} times only: take more pages")
    found = [page["text"].partition("\n")[0] for page in result["pages"][scans:]]
    if found != [text_of(number) for number in range(pages - scans)]:
        wrong.append("pages are lost, come twice or in a wrong order")
    if [page["number"] for page in result["pages"]] != list(range(1, pages + 1)):
        wrong.append("the numbers of the pages are not 1 to the last")
    return wrong


def _pages(service: Service, name: str) -> list[Any]:
    found: list[Any] = []
    after = 0
    while batch := service.ask(f"/jobs/{name}/pages?after={after}")["pages"]:
        found += batch
        after = batch[-1]["sequence"]
    return found


def cost(texts: int, scans: int) -> list[str]:
    """Compare the CPU time of jobs with that of the library, in a process with the service's allocator.

    Of scans the throughput is judged, and of pages of text, which take next to nothing, what a job adds.
    """
    wrong = []
    use_one_arena()  # it costs the library time, too, and is no cost of jobs (docs/memory.md)
    for kind, content, pages in (
        ("scans", document(0, scans), scans),
        ("texts", document(texts), texts),
    ):
        ours = _library_seconds(content, pages)
        with running() as service:
            # The first job loads what is loaded once.
            first = service.submit(document(1, 1))
            _wait(service, first)
            idle = _idle_rate(service, first)
            before, began = cpu_seconds(service.pid), time.monotonic()
            name = service.submit(content)
            _wait(service, name)
            spent = cpu_seconds(service.pid) - before - idle * (time.monotonic() - began)
        print(
            f"{kind}: {pages} pages; library {1000 * ours / pages:.1f} ms of CPU per page, job "
            f"{1000 * spent / pages:.1f}, of which {1000 * (spent - ours) / pages:.1f} more; throughput "
            f"{ours / spent:.3f} of the library's."
        )
        if kind == "scans" and ours / spent < _LEAST_THROUGHPUT:
            wrong.append(f"the throughput is less than {_LEAST_THROUGHPUT} of the library's")
        if kind == "texts" and 1000 * (spent - ours) / pages > _MOST_MS:
            wrong.append(f"a page takes more than {_MOST_MS:g} ms more")
    return wrong


def _library_seconds(content: bytes, pages: int) -> float:
    settings = Settings(max_pages=10_000, max_text_pages=10_000, max_image_bytes=256 * MIB)
    with OCR(settings) as ocr:
        ocr.read(document(1, 1))
        before = cpu_seconds(os.getpid())
        found = ocr.read(content)
        spent = cpu_seconds(os.getpid()) - before
    assert len(found.pages) == pages
    return spent


def _idle_rate(service: Service, name: str, seconds: float = 10.0) -> float:
    """Return the CPU seconds per second that a service takes that is only asked for a job, as in `_wait`."""
    before, end = cpu_seconds(service.pid), time.monotonic() + seconds
    while time.monotonic() < end:
        service.job(name)
        time.sleep(_POLL_S)
    return (cpu_seconds(service.pid) - before) / seconds


def _wait(service: Service, name: str) -> Any:
    while (state := service.job(name))["state"] not in _FINISHED:
        time.sleep(_POLL_S)
    if state["state"] != "succeeded":
        sys.exit(f"the job is {state['state']}: {state['error']}")
    return state


def first(pages: int) -> list[str]:
    """Tell how long the first page takes after a job was accepted; return what went wrong."""
    wrong = []
    for kind, content in (("texts", document(pages)), ("scans", document(0, pages))):
        with running() as service:
            _wait(service, service.submit(document(1, 1)))
            name = service.submit(content)
            before, began = cpu_seconds(service.pid), time.monotonic()
            while not service.job(name)["pages_done"]:
                time.sleep(0.02)
            wall, spent = time.monotonic() - began, cpu_seconds(service.pid) - before
        print(f"{kind}: first of {pages} pages after {spent:.2f} s of CPU time, {wall:.2f} s of the clock.")
        if wall > _FIRST_S:
            wrong.append(f"the first page of {kind} takes more than {_FIRST_S:g} s")
    return wrong


def memory(pages: int, mib: int, formats: str) -> list[str]:
    """Tell the peak of each process while a long and a large document are read; return what went wrong."""
    wrong = []
    for kind, content in (
        (f"{pages} pages of text", document(pages)),
        (f"{mib} MiB", document(16, 4, ballast=mib * MIB)),
    ):
        with running() as service:
            name = service.submit(content, f"?formats={formats}" if formats else "")
            peaks: dict[int, tuple[str, int]] = {}
            while service.job(name)["state"] not in _FINISHED:
                for pid in tree(service.pid):
                    peaks[pid] = _peak(pid) or peaks.get(pid, ("", 0))
                time.sleep(0.02)
            _wait(service, name)
        largest = sorted(peaks.values(), key=lambda peak: -peak[1])[:4]
        print(f"{kind}: " + ", ".join(f"{title} {size / MIB:.0f} MiB" for title, size in largest))
        wrong += [f"{title} took {size / MIB:.0f} MiB" for title, size in largest if size > 512 * MIB]
    return wrong


def _peak(pid: int) -> tuple[str, int] | None:
    try:
        rows = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return None
    size = next((int(row.split()[1]) * 1024 for row in rows if row.startswith("VmHWM:")), 0)
    known = ("drawer", "isolated_program", "worker:Worker", "serve")
    return next((name for name in known if any(name in word for word in words)), words[0]), size


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.jobs", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=["kills", "cost", "first", "memory"])
    parser.add_argument("--pages", type=int, default=0)
    parser.add_argument("--every", type=float, default=20.0)
    parser.add_argument("--scans", type=int, default=40)
    parser.add_argument("--texts", type=int, default=400)
    parser.add_argument("--mib", type=int, default=100)
    parser.add_argument("--formats", default="")
    arguments = parser.parse_args()
    print(report.heading(f"Jobs inside the service: {arguments.what}"))
    wrong: list[str] = []
    match arguments.what:
        case "kills":
            wrong = kills(arguments.pages or 1000, arguments.every)
        case "cost":
            wrong = cost(arguments.texts, arguments.scans)
        case "first":
            wrong = first(arguments.pages or 300)
        case "memory":
            wrong = memory(arguments.pages or 2000, arguments.mib, arguments.formats)
    for sentence in wrong:
        print(f"WRONG: {sentence}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()

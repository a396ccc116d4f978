"""PDFs that take too much, processes that die, and clients that do not wait."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from crnn_ocr.errors import (
    DeadlineExceededError,
    ImageDecodeError,
    ImageTooLargeError,
    OcrError,
    OverloadedError,
    RequestCancelledError,
    UnsupportedImageError,
)
from crnn_ocr.imaging.decode import decode_pages
from crnn_ocr.imaging.limits import MIB
from crnn_ocr.imaging.opened import open_document
from crnn_ocr.imaging.pdf import pages
from crnn_ocr.imaging.process import helper, process_limit, program
from crnn_ocr.scheduling.ticket import Ticket
from tests.imaging.bombs import laughs, slow_page
from tests.imaging.pictures import LIMITS, Pixels, pil, saved, text_page
from tests.imaging.pictures import pdf as harmless_pdf
from tests.processes import alive, command_line
from tests.service.wire import Server

pytest.importorskip("pypdfium2")
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux about processes")

HARMLESS = harmless_pdf((72, 72, "1 0 0 rg 0 0 72 72 re f"), (72, 36, ""), (36, 72, ""))
RED = [0, 0, 255]


def pages_of(data: bytes, ticket: Ticket | None = None) -> Iterator[Pixels]:
    return decode_pages(data, LIMITS, pdf_dpi=200, ticket=ticket)


def helpers() -> list[psutil.Process]:
    """Return the PDF processes of this process."""
    return [child for child in psutil.Process().children() if "imaging.process" in command_line(child)]


def soon(seconds: float = 10.0) -> Iterator[None]:
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(0.02)


class Peak:
    """Record how large the helpers grow while the block runs."""

    def __enter__(self) -> Peak:
        self.bytes = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.01):
            with contextlib.suppress(psutil.Error):
                self.bytes = max(self.bytes, *(child.memory_info().rss for child in helpers()), 0)


# ---- bombs -------------------------------------------------------------------------------------------


@linux
@pytest.mark.parametrize("levels", [6, 7])
def test_a_bomb_is_refused_for_its_memory_and_takes_little(levels: int) -> None:
    bomb = laughs(levels)
    assert len(bomb) < 3_000
    before = psutil.Process().memory_info().rss
    pages = pages_of(bomb)
    with (
        Peak() as peak,
        pytest.raises(ImageTooLargeError, match="Page 1 of the PDF needs more memory") as error,
    ):
        next(pages)
    assert 100 * MIB < peak.bytes < 300 * MIB
    assert psutil.Process().memory_info().rss - before < 20 * MIB
    assert error.value.http_status == 413
    assert not helpers()


def test_few_levels_are_no_bomb() -> None:
    (page,) = pages_of(laughs(4))
    assert page[-5, 5].tolist() == [0, 0, 0]


def test_sizes_of_a_bomb_are_told_without_drawing() -> None:
    with open_document(laughs(7), LIMITS) as document:
        assert [(page.width, page.height) for page in document.extents] == [(1653, 2339)]


def test_a_document_is_drawn_while_another_is_busy() -> None:
    ticket = Ticket()
    ended: list[str] = []

    def read_slow() -> None:
        try:
            next(pages_of(SLOW, ticket))
        except OcrError as error:
            ended.append(error.code)

    slow = threading.Thread(target=read_slow)
    slow.start()
    try:
        time.sleep(0.3)
        assert next(pages_of(HARMLESS))[5, 5].tolist() == RED
        assert slow.is_alive()
    finally:
        ticket.cancel()
        slow.join(10)
    assert ended == [RequestCancelledError.code]


def test_a_page_that_takes_too_much_time_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helper, "CPU_SECONDS", 1)
    with pytest.raises(ImageTooLargeError, match="Page 1 of the PDF takes too long"):
        next(pages_of(SLOW))


@linux
def test_a_picture_is_never_left_out_for_lack_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved(pil(text_page(2480, 3508)).convert("RGB"), "PDF", resolution=300)
    (whole,) = pages_of(data)
    assert whole.min() < 50
    monkeypatch.setattr(pages, "DECODING_BYTES", 0)
    for room in range(1, 64, 4):
        monkeypatch.setattr(pages, "_CONTENT_BYTES", room * MIB)
        try:
            (page,) = pages_of(data)
        except ImageTooLargeError:
            continue
        assert np.array_equal(page, whole)
        break
    assert 20 < room < 63


# ---- time --------------------------------------------------------------------------------------------

SLOW = slow_page()


def test_the_deadline_ends_the_process_in_the_middle_of_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    start = helper._started

    def noted(spec: helper.DecoderSpec) -> subprocess.Popen[bytes]:
        started.append(start(spec))
        return started[-1]

    monkeypatch.setattr(helper, "_started", noted)
    with pytest.raises(DeadlineExceededError):
        next(pages_of(SLOW, Ticket(deadline=time.monotonic() + 1)))
    (process,) = started
    assert process.returncode == -signal.SIGKILL  # drawn any further, the page would take too much CPU time


def test_a_request_that_is_cancelled_ends_the_process() -> None:
    ticket = Ticket()
    timer = threading.Timer(0.5, ticket.cancel)
    timer.start()
    with pytest.raises(RequestCancelledError):
        next(pages_of(SLOW, ticket))
    timer.join()
    assert not helpers()


def test_waiting_for_a_slot_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_limit, "_current", process_limit.ProcessLimit(0))
    with pytest.raises(DeadlineExceededError):  # no slot ever becomes free
        pages_of(HARMLESS, Ticket(deadline=time.monotonic() + 0.3))


# ---- processes ---------------------------------------------------------------------------------------


def killed_while(act: Callable[[], object], number: int) -> None:
    """Kill the helper with a signal during an operation."""

    def kill() -> None:
        for _ in soon():
            for child in helpers():
                if child.cpu_times().user > 0.3:  # it is drawing
                    child.send_signal(number)
                    return

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        act()
    finally:
        thread.join()


@linux
@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (signal.SIGKILL, ImageTooLargeError),  # the kernel's, where a container has no more memory
        (signal.SIGABRT, ImageTooLargeError),
        (signal.SIGSEGV, ImageDecodeError),
    ],
)
def test_a_process_that_dies_gives_a_clear_error(number: int, kind: type[OcrError]) -> None:
    with pytest.raises(kind, match="Page 1 of the PDF") as caught:
        killed_while(lambda: next(pages_of(SLOW)), number)
    assert caught.value.http_status in (413, 422)
    assert next(pages_of(HARMLESS))[5, 5].tolist() == RED


def test_a_process_that_died_between_two_pages_is_replaced() -> None:
    pages = pages_of(HARMLESS)
    next(pages)
    (child,) = helpers()
    child.kill()
    child.wait(10)
    assert [page.shape for page in pages] == [(100, 200, 3), (200, 100, 3)]


def test_processes_end_with_the_last_or_an_unwanted_page() -> None:
    pages = pages_of(HARMLESS)
    assert len(list(pages)) == 3
    assert not helpers()
    assert next(pages, None) is None
    pages = pages_of(HARMLESS)
    next(pages)
    assert len(helpers()) == 1
    del pages
    assert not helpers()


def test_idle_documents_release_their_process() -> None:
    documents = [pages_of(HARMLESS) for _ in range(5)]
    for _ in range(3):
        assert len([next(pages) for pages in documents]) == 5
        assert len(helpers()) <= process_limit.MOST
    assert [next(pages, None) for pages in documents] == [None] * 5


def test_two_running_holders_keep_their_processes() -> None:
    class Tenant:
        has_process = True

        def release(self) -> Callable[[], None]:
            self.has_process = False
            return lambda: None

    shared = process_limit.ProcessLimit(2)
    first, second, third = Tenant(), Tenant(), Tenant()
    ticket = Ticket()
    with shared.slot(second, ticket), shared.slot(first, ticket):
        pass
    assert [tenant.has_process for tenant in (first, second, third)] == [True, True, True]
    with shared.slot(third, ticket):  # the first has been idle for longest
        assert [tenant.has_process for tenant in (first, second, third)] == [False, True, True]
    with shared.slot(second, ticket):
        assert [tenant.has_process for tenant in (first, second, third)] == [False, True, True]


@linux
def test_the_process_inherits_nothing_of_its_parent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CRNN_OCR_API_KEYS", "secret")
    with (tmp_path / "held").open("wb") as held:
        os.set_inheritable(held.fileno(), True)
        pages = pages_of(HARMLESS)
        next(pages)
        (child,) = helpers()
        folder = Path(f"/proc/{child.pid}")
        assert sorted(int(path.name) for path in (folder / "fd").iterdir()) == [0, 1, 2]
        assert b"secret" not in (folder / "environ").read_bytes()
        assert (folder / "oom_score_adj").read_text().strip() == "1000"
        bounds = (folder / "limits").read_text().splitlines()
        given = {line[:26].strip(): line[26:].split()[0] for line in bounds}
        assert given["Max core file size"] == given["Max file size"] == "0"
        assert given["Max cpu time"].isdigit()
        assert 200 * MIB < int(given["Max address space"]) < 400 * MIB
        child.send_signal(signal.SIGTERM)  # as a supervisor does to all processes of a service that drains
        child.send_signal(signal.SIGINT)
        assert next(pages).shape == (100, 200, 3)
        assert helpers() == [child]


PARENT = """
import base64, os, sys
from crnn_ocr.imaging.decode import Limits, decode_pages
pages = decode_pages(base64.b64decode(sys.stdin.readline()), Limits(20 << 20, 50_000_000, 40_000, 50))
print(pages._document._helper.pid, flush=True)
next(pages)
"""


@linux
def test_the_process_ends_with_its_parent() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        parent.stdin.write(base64.b64encode(SLOW) + b"\n")
        parent.stdin.flush()
        child = psutil.Process(int(parent.stdout.readline()))
        for _ in soon():
            if child.cpu_times().user > 0.3:
                break
        parent.kill()
    for _ in soon():
        if not alive(child):
            break
    else:
        pytest.fail("it goes on drawing for nobody")


FORKED = """
import base64, os, sys
from crnn_ocr.imaging.decode import Limits, decode_pages
pages = decode_pages(base64.b64decode(sys.argv[1]), Limits(20 << 20, 50_000_000, 40_000, 50), pdf_dpi=72)
shapes = [next(pages).shape]
child = os.fork()
shapes += [page.shape for page in pages]
assert shapes == [(72, 72, 3), (36, 72, 3), (72, 36, 3)], shapes
if child:
    assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_program_may_fork_with_a_document_half_read() -> None:
    data = base64.b64encode(HARMLESS).decode()
    subprocess.run([sys.executable, "-c", FORKED, data], check=True, timeout=60)


# ---- machines ----------------------------------------------------------------------------------------


def test_without_system_limits_the_clock_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    lame = helper._START.replace("package =", 'sys.modules["resource"] = None\npackage =')
    monkeypatch.setattr(helper, "_START", lame)
    assert [page.shape for page in pages_of(HARMLESS)][1:] == [(100, 200, 3), (200, 100, 3)]
    monkeypatch.setattr(helper, "WALL_SECONDS", 1.0)
    with pytest.raises(ImageTooLargeError, match="takes too long"):
        next(pages_of(SLOW))


@linux
def test_without_the_folder_proc_nothing_is_bounded_wrongly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "_virtual", lambda _name: 0)
    bounds = program.Bounds()
    before = resource.getrlimit(resource.RLIMIT_AS), resource.getrlimit(resource.RLIMIT_CPU)
    try:
        bounds.allow(1, 0, 1_000_000)
        assert resource.getrlimit(resource.RLIMIT_AS) == before[0]
        bounds.check()
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, before[1])


def test_a_program_without_python_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    with pytest.raises(UnsupportedImageError, match="Python"):
        pages_of(HARMLESS)


@pytest.mark.parametrize("executable", ["/nonexistent/python", "/bin/false"])
def test_a_failed_process_start_can_be_retried(monkeypatch: pytest.MonkeyPatch, executable: str) -> None:
    monkeypatch.setattr("multiprocessing.spawn.get_executable", lambda: executable)
    with pytest.raises(OverloadedError) as caught:
        pages_of(HARMLESS)
    assert caught.value.retry_after


@pytest.mark.parametrize(
    "answer",
    [
        {"pages": "many"},
        {},
        {"code": "INTERNAL_ERROR"},
        {"pages": float("inf")},
    ],
)
def test_answers_that_make_no_sense_are_a_damaged_document(
    monkeypatch: pytest.MonkeyPatch, answer: dict[str, object]
) -> None:
    frame = json.dumps(answer).encode()
    liar = (
        "import os, sys, time\n"
        "for text in (b'{}', " + repr(frame) + "):\n"
        "    os.write(1, len(text).to_bytes(4, 'big') + text)\n"
        "time.sleep(30)\n"
    )
    monkeypatch.setattr(helper, "_START", liar)
    with pytest.raises((ImageDecodeError, ImageTooLargeError)):
        pages_of(HARMLESS)


# ---- the service -------------------------------------------------------------------------------------


def test_the_service_refuses_a_bomb_and_goes_on(server: Server) -> None:
    answers = []

    def send_bomb() -> None:
        answers.append(server.read(laughs(7), "application/pdf"))

    bombs = [threading.Thread(target=send_bomb) for _ in range(3)]
    for thread in bombs:
        thread.start()
    harmless = server.read(HARMLESS, "application/pdf")
    for thread in bombs:
        thread.join()
    assert harmless.status == 200, harmless.body
    assert len(harmless.json["pages"]) == 3
    for answer in answers:
        assert answer.status == 413, answer.body
        assert answer.json["error"]["code"] == "IMAGE_TOO_LARGE"


def test_the_service_keeps_to_the_time_that_a_request_has(server: Server) -> None:
    answer = server.ask("POST", "/ocr", SLOW, {"Content-Type": "application/pdf", "X-Request-Timeout": "2"})
    assert answer.status == 504, answer.body  # without its deadline, the page would be refused: 413

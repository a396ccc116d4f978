"""What several parts' tests share: one loaded engine, and the evaluation pictures where they exist."""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from crnn_ocr.engine.ocr import OCR
from crnn_ocr.models.registry import Registry
from crnn_ocr.recognition.network.load import load_recognizer
from crnn_ocr.recognition.network.recognizer import CtcRecognizer
from tests.service.wire import MAX_BODY, Server, running_server

# Machines that run the tests are shared and slow: a deadline per example would only fail at random.
settings.register_profile("crnn-ocr", deadline=None)
settings.load_profile("crnn-ocr")


#: What scripts/install-test-tools could not install, one sentence a row.
NOT_INSTALLED = Path(__file__).resolve().parents[1] / ".venv" / "not-installed"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end, in red, which tools are missing and which tests that cost."""
    if NOT_INSTALLED.is_file():
        for row in NOT_INSTALLED.read_text(encoding="utf-8").splitlines():
            terminalreporter.write_line(f"NOT INSTALLED: {row}", red=True, bold=True)


#: What `make test` leaves to `make test-all`, as beginnings of test ids below tests/. Tests marked `slow` or
#: `faults` are left to it, too.
THOROUGH = (
    "benchmarks/",
    "cli/test_docs.py",
    "cli/test_examples.py",
    "deploy/",
    "detection/test_detector.py::test_a_screenshot_of_8000",
    "engine/test_ocr.py::test_pages_of_many_shapes",
    "engine/test_unloading.py",
    "export/office/test_word.py::test_libreoffice_shows_it",
    "export/office/test_xlsx.py::test_libreoffice_shows_what_was_printed",
    "export/pdf/test_layer.py::test_any_document_can_be_read_again",
    "export/pdf/test_pictures.py::test_orientation",
    "export/test_nothing_lost.py",
    "imaging/pdf/test_pages.py::test_mutated_documents",
    "imaging/pdf/test_pages.py::test_threads_and_half_read",
    "imaging/pdf/test_text_pieces.py::test_lines_are_the_same",
    "imaging/test_decode.py::test_threads_do_not",
    "jobs/test_embedded.py",
    "jobs/test_isolated.py",
    "jobs/test_model.py",
    "jobs/test_planning.py::test_pages_with_text_come_together",
    "observability/test_scraped.py",
    "scheduling/test_policy.py::test_delay_is_bounded",
    "scheduling/test_policy.py::test_nobody_starves",
    "service/routes/test_schema_fuzz.py",
    "service/running/test_crowd.py",
    "service/running/test_full_memory.py",
    "service/running/test_jobs.py",
    "service/running/test_lazy_start.py",
    "service/running/test_shared_cache.py",
    "service/running/test_stopping.py",
    "service/running/test_swaps_under_load.py",
    "service/server/test_connection_limit.py",
    "service/server/test_fork_signals.py",
    "service/server/test_harmful_pictures.py::test_those_that_were_read",
    "service/server/test_orphaned_requests.py",
    "service/telemetry/test_tracing.py::test_a_running_service",
    "test_readme.py::test_the_command_line_examples_read[README.zh-CN.md]",
    "training/",
    "ui/test_accessibility.py",
    "ui/test_background_states.py",
    "ui/test_large.py",
    "ui/test_looks.py",
    "ui/test_options.py",
    "ui/test_picture.py",
    "ui/test_queue.py",
    "ui/test_rereading.py",
    "ui/test_surroundings.py",
)


#: Thorough tests that others beside them would disturb: they kill, fill memories and wait for real processes.
ALONE = ("detection/", "engine/", "imaging/", "jobs/", "observability/", "scheduling/", "service/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that `make test` leaves out."""
    for item in items:
        name = item.nodeid.removeprefix("tests/")
        if name.startswith(THOROUGH) or any(item.iter_markers("slow")) or any(item.iter_markers("faults")):
            item.add_marker(pytest.mark.thorough)
            if name.startswith(ALONE):
                item.add_marker(pytest.mark.alone)


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    """What a command sets up for its process must not decide what later tests see in the log."""
    root, product = logging.getLogger(), logging.getLogger("crnn_ocr")
    levels = root.level, product.level
    yield
    root.handlers[:] = [handler for handler in root.handlers if handler.get_name() != "crnn_ocr"]
    root.setLevel(levels[0])
    product.setLevel(levels[1])


@pytest.fixture(scope="session", autouse=True)
def state_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test, and no service that a test starts, may see the jobs of the person who runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Cycles stay: whatever is freed meanwhile is freed at once."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(scope="session")
def ocr() -> Iterator[OCR]:
    """The real engine with its default models, loaded once."""
    with OCR(threads=2) as engine:
        engine.warm_up()
        yield engine


@pytest.fixture(scope="session")
def recognizer() -> CtcRecognizer:
    """The real recogniser `ppocrv6-small`, loaded once."""
    return load_recognizer(Registry(), "ppocrv6-small")


@pytest.fixture(scope="session")
def eval_dir() -> Path:
    """The evaluation pictures; tests that ask for them carry the mark `eval`."""
    named = os.environ.get("CRNN_OCR_EVAL_DIR")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "eval"
    if not folder.is_dir():
        pytest.skip("the evaluation pictures are absent (CRNN_OCR_EVAL_DIR or ../shared/eval)")
    return folder


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The real service with the real engine; its body limit is low enough to be tested."""
    with running_server(CRNN_OCR_MAX_BODY_BYTES=str(MAX_BODY)) as running:
        yield running

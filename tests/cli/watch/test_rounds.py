"""The watcher round by round: what goes wrong for a while, and what changes meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crnn_ocr.cli.reading import Reading
from crnn_ocr.cli.watch import watcher as watcher_module
from crnn_ocr.cli.watch.ledger import Ledger
from crnn_ocr.cli.watch.stop import Stop, Stopped
from crnn_ocr.cli.watch.watcher import Plan, Watcher
from crnn_ocr.document import Document
from crnn_ocr.options import ReadOptions
from crnn_ocr.settings import Settings
from tests.cli.fake_cli import FakeReader

Step = Callable[[], object]


class Script(Stop):
    """Does something between the rounds instead of waiting, and then ends the watcher."""

    def __init__(self, *steps: Step) -> None:
        super().__init__()
        self._steps = list(steps)

    def wait(self, seconds: float) -> None:
        if not self._steps:
            raise Stopped
        self._steps.pop(0)()


class Reader(FakeReader):
    """Calls something while it reads."""

    meanwhile: Step | None = None

    def read(self, source: Any, options: ReadOptions | None = None) -> Document:
        if self.meanwhile is not None:
            self.meanwhile()
        return super().read(source, options)


def nothing() -> None:
    pass


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No file has to be waited for: the rounds are what is tried."""
    monkeypatch.setattr(watcher_module, "RETRY_S", (0.0,))
    monkeypatch.setattr(watcher_module, "PAUSE_S", 0.0)


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def watch(
    scans: Path, *steps: Step, meanwhile: Step | None = None, **plan: Any
) -> tuple[Watcher, dict[str, str]]:
    """Watch until the steps are done; return the watcher and what there is then, but for its state."""
    root = scans.parent
    options = ReadOptions()
    reader = Reader(Settings(), options, None)
    reader.meanwhile = meanwhile
    ledger = Ledger(root / "state", "way")
    watcher = Watcher(
        Plan(scans, root / "out", ["text"], settle_s=0.0, **plan),
        Reading(reader, Settings(), options, quiet=True),
        ledger,
        Script(*steps),
    )
    with pytest.raises(Stopped):
        watcher.run()
    ledger.close()
    found = {
        str(path.relative_to(root)): path.read_text()
        for path in root.rglob("*")
        if path.is_file() and "state" not in path.parts
    }
    return watcher, found


def test_a_disk_that_was_full_costs_no_result(scans: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (scans / "a.png").write_text("one")
    (scans / "b.png").write_text("two")
    blocked = scans.parent / "out" / "a.txt.part"
    blocked.mkdir(parents=True)
    watcher, found = watch(scans, nothing, blocked.rmdir, nothing, delete=True)
    assert found == {"out/a.txt": "one\n", "out/b.txt": "two\n"}
    assert (watcher.converted, watcher.failures) == (2, [])
    assert "(OUTPUT_FAILED)" in capsys.readouterr().err


def test_after_a_failure_to_write_the_others_wait_a_while(
    scans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher_module, "PAUSE_S", 3600.0)
    for name in ("a.png", "b.png"):
        (scans / name).write_text("text")
    (scans.parent / "out" / "a.txt.part").mkdir(parents=True)
    _, found = watch(scans, nothing)
    assert found == {"in/a.png": "text", "in/b.png": "text"}


def test_a_folder_of_the_network_may_go_and_come(scans: Path, capsys: pytest.CaptureFixture[str]) -> None:
    away = scans.parent / "away"

    def go() -> None:
        scans.rename(away)

    def come() -> None:
        away.rename(scans)
        (scans / "b.png").write_text("two")

    (scans / "a.png").write_text("one")
    _, found = watch(scans, go, nothing, nothing, come, nothing)
    assert found == {"in/a.png": "one", "in/b.png": "two", "out/a.txt": "one\n", "out/b.txt": "two\n"}
    told = capsys.readouterr().err
    assert told.count("(FILE_UNREADABLE)") == told.count("can be listed again") == 1


@pytest.mark.parametrize("plan", [{}, {"delete": True}])
def test_an_original_that_changes_while_it_is_read_is_read_again(scans: Path, plan: dict[str, Any]) -> None:
    (scans / "a.png").write_text("old")

    def replace() -> None:
        if (scans / "a.png").read_text() == "old":
            (scans / "a.png").write_text("new version")

    _, found = watch(scans, nothing, meanwhile=replace, **plan)
    if plan:  # two documents
        assert found == {"out/a.txt": "old\n", "out/a (2).txt": "new version\n"}
    else:
        assert found == {"in/a.png": "new version", "out/a.txt": "new version\n"}


def test_an_original_that_goes_while_it_is_read_is_converted_all_the_same(scans: Path) -> None:
    (scans / "a.png").write_text("one")
    _, found = watch(scans, nothing, meanwhile=(scans / "a.png").unlink, move=scans.parent / "done")
    assert found == {"out/a.txt": "one\n"}


def test_a_bad_file_is_read_once_until_it_changes(scans: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (scans / "a.png").write_text("damaged")

    def touch() -> None:
        os.utime(scans / "a.png", (1, 1))

    def mend() -> None:
        (scans / "a.png").write_text("good")

    watcher, found = watch(scans, nothing, nothing, touch, nothing, mend, nothing)
    assert found == {"in/a.png": "good", "out/a.txt": "good\n"}
    assert capsys.readouterr().err.count("(IMAGE_DECODE_FAILED)") == 1
    assert (watcher.converted, watcher.failures) == (1, [str(scans / "a.png")])


def test_a_file_that_another_watcher_reads_is_left_to_it(scans: Path) -> None:
    (scans / "a.png").write_text("one")
    # Locks are those of a process, so another watcher has to be another one.
    code = (
        "import sys\nfrom pathlib import Path\nfrom crnn_ocr.cli.watch.ledger import Ledger\n"
        "with Ledger(Path(sys.argv[1]), 'way').claim(Path('a.png')) as mine:\n"
        "    print(mine, flush=True)\n    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(scans.parent / "state")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        _, found = watch(scans, nothing)
        assert found == {"in/a.png": "one"}
        other.kill()  # which gives its locks up
    _, found = watch(scans, nothing)
    assert found == {"in/a.png": "one", "out/a.txt": "one\n"}

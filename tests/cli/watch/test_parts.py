"""The parts of the watcher: which files are complete, names of results, the ledger, originals."""

from __future__ import annotations

import errno
import os
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.cli.outputs import OutputError
from crnn_ocr.cli.watch import originals
from crnn_ocr.cli.watch.folder import EMPTY_SETTLE_S, Settling, Signature, list_files
from crnn_ocr.cli.watch.ledger import Conversion, Ledger, Original
from crnn_ocr.cli.watch.results import Results
from crnn_ocr.errors import ImageDecodeError, ImageKilledWorkerError
from crnn_ocr.export.files import OutputFile

A, B = Path("a.png"), Path("b.png")


# ---- complete files ----------------------------------------------------------------------------------


def test_a_file_is_complete_when_it_has_not_changed_for_a_while() -> None:
    settling = Settling(3.0)
    assert settling.complete({A: Signature(10, 1)}, 100.0) == []
    assert settling.complete({A: Signature(20, 2)}, 102.9) == []  # it has grown
    assert settling.complete({A: Signature(20, 2)}, 105.8) == []
    assert settling.complete({A: Signature(20, 3)}, 105.9) == []  # it has been written to
    assert settling.complete({A: Signature(20, 3), B: Signature(5, 1)}, 108.9) == [A]
    assert settling.complete({B: Signature(5, 1)}, 112.0) == [B]


def test_an_empty_file_gets_more_time() -> None:
    settling = Settling(3.0)
    empty = {A: Signature(0, 1)}
    assert settling.complete(empty, 0.0) == settling.complete(empty, EMPTY_SETTLE_S - 0.1) == []
    assert settling.complete(empty, EMPTY_SETTLE_S) == [A]


def test_a_file_that_was_away_begins_anew() -> None:
    settling = Settling(3.0)
    settling.complete({A: Signature(10, 1)}, 0.0)
    settling.complete({}, 1.0)
    assert settling.complete({A: Signature(10, 1)}, 5.0) == []


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(1, 3)), max_size=30), st.floats(0.1, 5))
def test_no_file_is_complete_before_its_time(steps: list[tuple[float, int]], settle_s: float) -> None:
    settling, now, since, last = Settling(settle_s), 0.0, 0.0, -1
    for wait, size in steps:
        now += wait
        if size != last:
            since, last = now, size
        complete = settling.complete({A: Signature(size, 0)}, now)
        assert (complete == [A]) == (now - since >= settle_s)


def test_what_of_a_folder_is_listed(tmp_path: Path) -> None:
    for name in ("a.png", "B.PDF", "notes.txt", ".hidden.png", "sub/c.jpg", "out/d.png", ".cache/e.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "nowhere.png").symlink_to(tmp_path / "none")
    (tmp_path / "round").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.png")
    flat = list_files(tmp_path, recursive=False)
    assert {str(place) for place in flat} == {"a.png", "B.PDF"}
    assert flat[A].size == 1
    deep = list_files(tmp_path, recursive=True, without=[(tmp_path / "out").resolve()])
    assert {str(place) for place in deep} == {"a.png", "B.PDF", "sub/c.jpg"}
    with pytest.raises(FileNotFoundError):
        list_files(tmp_path / "none", recursive=True)


# ---- the ledger --------------------------------------------------------------------------------------

FIRST, SECOND = Original(A, "1" * 64), Original(A, "2" * 64)
OTHER = Original(B, "1" * 64)
DONE = Conversion(Path("a"), (Path("a.md"), Path("a.pdf")))


def test_the_ledger_survives_a_restart(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "state", "way")
    ledger.add_done(FIRST, DONE, Signature(10, 1))
    ledger.add_failed(OTHER, ImageDecodeError("It ends\tearly\nhere."))
    assert ledger.failed(OTHER)
    ledger.close()
    again = Ledger(tmp_path / "state", "way")
    assert again.done(FIRST) == DONE
    assert again.latest(A) == Signature(10, 1)
    assert again.owner(Path("a")) == FIRST
    assert again.done(SECOND) is again.done(OTHER) is None
    assert not again.failed(OTHER)  # it is tried again
    (row,) = (tmp_path / "state" / "failures.tsv").read_text().splitlines()
    assert row.split("\t")[1:] == ["b.png", "IMAGE_DECODE_FAILED", "It ends early here."]


def test_another_way_to_convert_is_not_done(tmp_path: Path) -> None:
    Ledger(tmp_path, "way").add_done(FIRST, DONE, Signature(10, 1))
    other = Ledger(tmp_path, "other way")
    assert other.done(FIRST) is None
    assert other.latest(A) is None
    assert other.owner(Path("a")) == FIRST  # its results are there all the same


def test_names_of_any_bytes(tmp_path: Path) -> None:
    strange = Original(Path(os.fsdecode(b"\xff\n\xe4.png")), "1" * 64)
    ledger = Ledger(tmp_path, "way")
    ledger.add_done(strange, Conversion(strange.place, (strange.place,)), Signature(1, 1))
    ledger.add_failed(strange, ImageDecodeError("It is damaged."))
    assert Ledger(tmp_path, "way").done(strange) == Conversion(strange.place, (strange.place,))


@pytest.mark.parametrize(
    "damage",
    [b"\n", b"nonsense\n", b"{}\n", b"[1]\n", b'{"event": "done", "place": 1}\n', b'{"half', b"\xff\n"],
)
def test_damaged_rows_cost_no_other(tmp_path: Path, damage: bytes) -> None:
    ledger = Ledger(tmp_path, "way")
    ledger.add_done(FIRST, DONE, Signature(10, 1))
    with (tmp_path / "ledger.jsonl").open("ab") as file:
        file.write(damage)
    again = Ledger(tmp_path, "way")
    again.add_done(OTHER, DONE, Signature(10, 1))
    last = Ledger(tmp_path, "way")
    assert (last.done(FIRST), last.done(OTHER)) == (DONE, DONE)


def test_watchers_learn_from_each_other(tmp_path: Path) -> None:
    one, two = Ledger(tmp_path, "way"), Ledger(tmp_path, "way")
    one.add_done(FIRST, DONE, Signature(10, 1))
    one.add_failed(OTHER, ImageDecodeError("It is damaged."))
    assert two.done(FIRST) is None
    two.refresh()
    assert two.done(FIRST) == DONE
    assert two.failed(OTHER)


def test_a_ledger_that_is_deleted_begins_anew(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, "way")
    ledger.add_done(FIRST, DONE, Signature(10, 1))
    (tmp_path / "ledger.jsonl").write_bytes(b"")
    ledger.refresh()
    assert ledger.done(FIRST) is None
    ledger.add_done(OTHER, DONE, Signature(10, 1))
    assert ledger.done(OTHER) == DONE


def test_readings_that_end_with_the_program_are_counted(tmp_path: Path) -> None:
    for _ in range(2):
        Ledger(tmp_path, "way").add_reading(FIRST)  # and is killed
    ledger = Ledger(tmp_path, "way")
    assert ledger.readings(FIRST) == 2
    ledger.add_reading(FIRST)
    ledger.add_interrupted(FIRST)
    assert ledger.readings(FIRST) == 2
    ledger.add_failed(FIRST, ImageKilledWorkerError("It ended the program."))
    assert ledger.readings(FIRST) == 2
    ledger.add_failed(FIRST, ImageDecodeError("It is damaged."))
    assert ledger.readings(FIRST) == 0


def test_a_file_system_without_locks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    ledger = Ledger(tmp_path, "way")
    monkeypatch.setattr("fcntl.lockf", none)
    with ledger.claim(A) as mine:
        assert mine
    assert not ledger.has_locks


def test_a_ledger_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError):
        Ledger(tmp_path / "file", "way")


# ---- names of results --------------------------------------------------------------------------------

FILES = [OutputFile(".md", "text/markdown", b"text")]


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.*") if not path.name.startswith(".")}


def results(folder: Path, *, originals_go: bool) -> Results:
    return Results(folder, Ledger(folder / ".state", "way"), originals_go=originals_go)


def write(into: Results, original: Original, text: bytes) -> None:
    conversion = into.write(original, [OutputFile(".md", "text/markdown", text)])
    into._ledger.add_done(original, conversion, Signature(1, 1))


def test_where_originals_stay_a_new_version_replaces_the_old_results(tmp_path: Path) -> None:
    into = results(tmp_path, originals_go=False)
    write(into, FIRST, b"old")
    write(into, SECOND, b"new")
    assert written(tmp_path) == {"a.md": b"new"}


def test_where_originals_go_a_new_file_of_the_name_is_another_document(tmp_path: Path) -> None:
    into = results(tmp_path, originals_go=True)
    write(into, FIRST, b"old")
    write(into, SECOND, b"new")
    assert written(tmp_path) == {"a.md": b"old", "a (2).md": b"new"}
    write(into, Original(A, "3" * 64), b"newer")
    assert written(tmp_path)["a (3).md"] == b"newer"
    (tmp_path / "a.md").unlink()  # whoever wanted it has taken it away
    write(into, Original(A, "4" * 64), b"newest")
    assert written(tmp_path)["a.md"] == b"newest"


@pytest.mark.parametrize("originals_go", [True, False])
def test_equal_stems_and_foreign_files_lose_nothing(tmp_path: Path, originals_go: bool) -> None:
    (tmp_path / "b.md").write_bytes(b"somebody's")
    into = results(tmp_path, originals_go=originals_go)
    for place, text in (("a.png", b"png"), ("a.jpg", b"jpg"), ("b.png", b"b")):
        write(into, Original(Path(place), "1" * 64), text)
    assert written(tmp_path) == {"a.md": b"png", "a.jpg.md": b"jpg", "b.md": b"somebody's", "b.png.md": b"b"}


@pytest.mark.parametrize("originals_go", [True, False])
def test_what_was_cut_off_is_written_under_the_same_name(tmp_path: Path, originals_go: bool) -> None:
    into = results(tmp_path, originals_go=originals_go)
    into.write(FIRST, FILES)  # and the watcher is killed before it can say that it is done
    again = results(tmp_path, originals_go=originals_go)
    write(again, Original(Path("a.jpg"), "3" * 64), b"jpg")
    write(again, FIRST, b"again")
    assert written(tmp_path) == {"a.md": b"again", "a.jpg.md": b"jpg"}


# ---- originals ---------------------------------------------------------------------------------------


def test_numbers_of_names() -> None:
    shown = [str(path) for path in islice(originals.numbered(Path("x/a.pdf")), 3)]
    assert shown == ["x/a.pdf", "x/a (2).pdf", "x/a (3).pdf"]


@pytest.mark.parametrize("other_disk", [False, True])
def test_a_moved_file_replaces_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other_disk: bool
) -> None:
    if other_disk:
        _as_on_another_disk(monkeypatch, tmp_path / "in")
    for text in ("one", "two", "three"):
        source = tmp_path / "in" / "sub" / "a.png"
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_text(text)
        originals.move(source, tmp_path / "done", Path("sub/a.png"))
        assert not source.exists()
    moved = {path.name: path.read_text() for path in (tmp_path / "done" / "sub").iterdir()}
    assert moved == {"a.png": "one", "a (2).png": "two", "a (3).png": "three"}


def _as_on_another_disk(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    replace = Path.replace

    def refusing(self: Path, target: Any) -> Path:
        if self.is_relative_to(folder):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refusing)

    def no_link(*_: object) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "link", no_link)


def test_a_move_that_was_cut_off_is_finished(tmp_path: Path) -> None:
    source, done = tmp_path / "a.png", tmp_path / "done"
    source.write_text("precious")
    done.mkdir()
    os.link(source, done / "a.png")  # killed before the old name was taken away
    assert originals.move(source, done, A) == done / "a.png"
    assert not source.exists()
    assert [path.name for path in done.iterdir()] == ["a.png"]


def test_what_another_one_moves_at_the_same_time_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, done = tmp_path / "a.png", tmp_path / "done"
    source.write_text("precious")
    link = os.link

    def both(original: Path, target: Path) -> None:
        link(original, target)
        original.unlink()  # the other one was sooner

    monkeypatch.setattr(os, "link", both)
    assert originals.move(source, done, A).read_text() == "precious"


def test_what_cannot_be_moved_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_text("precious")
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot be moved"):
        originals.move(tmp_path / "a.png", tmp_path / "file", A)
    _as_on_another_disk(monkeypatch, tmp_path)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("shutil.copy2", full)
    with pytest.raises(OutputError, match="No space left"):
        originals.move(tmp_path / "a.png", tmp_path / "done", A)
    assert (tmp_path / "a.png").read_text() == "precious"
    assert list((tmp_path / "done").iterdir()) == []


def test_a_deleted_file(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("x")
    originals.delete(tmp_path / "a.png")
    with pytest.raises(OutputError, match="cannot be deleted"):
        originals.delete(tmp_path / "a.png")

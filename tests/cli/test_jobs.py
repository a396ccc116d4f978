"""`crnn-ocr jobs` and `convert --server`, against the real application with a worker that the test moves."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crnn_ocr.cli import main
from crnn_ocr.jobs.files import result_key
from crnn_ocr.jobs.records import Problem, Task
from crnn_ocr.jobs.results import PROBLEMS, encode_problems
from crnn_ocr.service.middleware.api_keys import hash_key
from tests.service.routes.jobs_world import BROKEN, PNG, World, make_world, served, zipped

PARTS = zipped([("table1.csv", b"1"), ("table2.csv", b"2")])


class Working(threading.Thread):
    """Does all work of a world: every file has two pages, of which those of some jobs are broken."""

    def __init__(
        self,
        world: World,
        *,
        broken: dict[int, Problem] | None = None,
        too_large: dict[str, Problem] | None = None,
    ) -> None:
        super().__init__()
        self._too_large = too_large or {}
        self._world = world
        self._broken = broken or {}
        self._end = threading.Event()

    def run(self) -> None:
        store = self._world.jobs.store
        while not self._end.is_set():
            task = store.take("worker")
            if task is None:
                time.sleep(0.02)
            else:
                self._do(task)

    def _do(self, task: Task) -> None:
        store, files = self._world.jobs.store, self._world.jobs.files
        if task.kind == "plan":
            store.plan(task.lease, [[1], [2]])
            return
        for page in task.pages:
            store.begin_page(task.lease, page)
            store.end_page(task.lease, page, elapsed_ms=1.0, problem=self._broken.get(page))
        if task.kind == "assemble":
            for name in (*task.request.formats, "json", "text"):
                content = PARTS if name == "csv" else f"{name} result".encode()
                if name not in self._too_large:
                    files.put(result_key(task.job, name), content)
            if failed := self._too_large.keys() & set(task.request.formats):
                files.put(result_key(task.job, PROBLEMS), encode_problems(self._too_large))
                store.finish(task.lease, problem=self._too_large[failed.pop()])
                return
        store.finish(task.lease)

    def stop(self) -> None:
        self._end.set()
        self.join()


@contextmanager
def service(
    tmp_path: Path,
    *,
    works: bool = True,
    broken: dict[int, Problem] | None = None,
    too_large: dict[str, Problem] | None = None,
) -> Iterator[tuple[World, str]]:
    world = make_world(tmp_path / "jobs")
    worker = Working(world, broken=broken, too_large=too_large)
    with served(world) as url:
        if works:
            worker.start()
        try:
            yield world, url
        finally:
            if works:
                worker.stop()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "scan 1.png"
    path.parent.mkdir()
    path.write_bytes(PNG)
    return path


def test_submit_watch_and_get(tmp_path: Path, picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with service(tmp_path) as (world, url):
        assert (
            main(["jobs", "submit", str(picture), "--to", "md,csv", "--pages", "1-2", "--server", url]) == 0
        )
        job_id = capsys.readouterr().out.strip()
        job = world.jobs.store.get(job_id)
        assert job is not None
        assert (job.request.formats, job.request.options) == (("markdown", "csv"), {"pages": "1-2"})
        assert main(["jobs", "watch", job_id, "--server", url]) == 0
        assert "2 pages read" in capsys.readouterr().err
        out = tmp_path / "out"
        assert main(["jobs", "get", job_id, "-o", str(out), "--server", url]) == 0
        assert sorted(path.name for path in out.iterdir()) == ["scan 1.csv.zip", "scan 1.md"]
        assert capsys.readouterr().out.splitlines() == [str(out / "scan 1.md"), str(out / "scan 1.csv.zip")]
        assert main(["jobs", "get", job_id, "--to", "text", "-o", str(out), "--server", url]) == 0
        assert (out / "scan 1.txt").read_bytes() == b"text result"
        assert main(["jobs", "get", job_id, "--to", "docx", "--server", url]) == 2
        assert "OPTION_INVALID" in capsys.readouterr().err


def test_submit_can_wait_for_the_results(
    tmp_path: Path, picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture.with_name("scan 2.png").write_bytes(PNG)
    out = tmp_path / "out"
    with service(tmp_path) as (_, url):
        arguments = [str(picture.parent), str(picture), "missing.png", "--to", "docx", "-o", str(out)]
        assert main(["jobs", "submit", *arguments, "--server", url]) == 1
    said = capsys.readouterr()
    assert "missing.png" in said.err
    assert "FILE_UNREADABLE" in said.err
    (archive,) = out.iterdir()
    assert archive.name.endswith(".docx.zip")


def test_list_shows_the_jobs(tmp_path: Path, picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with service(tmp_path, works=False) as (world, url):
        world.submit(("a\x1b[31m.png", PNG), ("b.png", PNG))
        world.finish(files=2)
        world.submit()
        assert main(["jobs", "list", "--server", url]) == 0
        head, first, second = capsys.readouterr().out.splitlines()
        assert head.split() == ["ID", "STATE", "PAGES", "CREATED", "FILES"]
        assert "queued" in first
        assert "0/?" in first
        assert "succeeded" in second
        assert "4/4" in second
        assert second.endswith("and 1 more")
        assert "\x1b" not in second
        assert main(["jobs", "list", "--state", "queued", "--server", url]) == 0
        assert len(capsys.readouterr().out.splitlines()) == 2
        assert main(["jobs", "list", "--state", "lost", "--server", url]) == 2


def test_partial_and_cancelled_jobs_exit_with_1(
    tmp_path: Path, picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with service(tmp_path, broken={2: BROKEN}) as (_, url):
        assert main(["jobs", "submit", str(picture), "--wait", "--server", url]) == 1
        said = capsys.readouterr()
        assert f"scan 1.png, page 2: {BROKEN.message} ({BROKEN.code})" in said.err
    with service(tmp_path / "other", works=False) as (_, url):
        assert main(["jobs", "submit", str(picture), "--server", url]) == 0
        job_id = capsys.readouterr().out.strip()
        assert main(["jobs", "cancel", job_id, "0" * 32, "--server", url]) == 1
        said = capsys.readouterr()
        assert said.out.split() == [job_id, "cancelled"]
        assert "JOB_NOT_FOUND" in said.err
        assert main(["jobs", "watch", job_id, "--server", url]) == 1
        assert main(["jobs", "get", job_id, "--server", url]) == 1
        assert "JOB_NOT_READY" in capsys.readouterr().err


def test_a_format_that_is_too_large_costs_no_other(
    tmp_path: Path, picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    large = Problem("JOB_RESULT_TOO_LARGE", "The result as Word has 300 MiB or more.")
    with service(tmp_path, too_large={"docx": large}) as (world, url):
        where = ["--to", "docx,md", "--server", url]
        for folder, command in (("sent", ["jobs", "submit"]), ("made", ["convert"])):
            out = tmp_path / folder
            assert main([*command, str(picture), *where, "-o", str(out)]) == 1
            assert [path.name for path in out.iterdir()] == ["scan 1.md"]
            assert large.message in capsys.readouterr().err
        job_id = world.jobs.store.jobs("", states=["partial"])[-1].id
        assert main(["jobs", "get", job_id, "-o", str(tmp_path / "got"), "--server", url]) == 1
        assert [path.name for path in (tmp_path / "got").iterdir()] == ["scan 1.md"]
        assert main(["jobs", "get", job_id, "--to", "docx", "-o", str(out), "--server", url]) == 1
        assert "JOB_RESULT_TOO_LARGE" in capsys.readouterr().err


def test_the_key_of_the_environment_is_sent(
    tmp_path: Path, picture: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = make_world(tmp_path / "jobs", api_keys=(f"ann:{hash_key('secret')}",))
    with served(world) as url:
        monkeypatch.delenv("CRNN_OCR_API_KEY", raising=False)
        assert main(["jobs", "list", "--server", url]) == 1
        assert "UNAUTHORIZED" in capsys.readouterr().err
        monkeypatch.setenv("CRNN_OCR_API_KEY", "secret")
        assert main(["jobs", "submit", str(picture), "--server", url]) == 0
    (job,) = world.jobs.store.jobs("ann")
    assert job.id == capsys.readouterr().out.strip()


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["jobs", "list", "--server", "nonsense"], 2),
        (["jobs", "list", "--limit", "x"], 2),
        (["jobs", "submit", "a.png", "--to", "exe"], 2),
        (["jobs"], 2),
        (["convert", "a.png", "--to", "md", "--server", "nonsense"], 2),
    ],
)
def test_wrong_usage(arguments: list[str], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        found = main(arguments)
    except SystemExit as end:
        found = int(str(end.code))
    assert found == status
    assert capsys.readouterr().err


# ---- convert -------------------------------------------------------------------------------------------


def test_convert_writes_the_files_that_it_writes_itself(
    tmp_path: Path, picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(2, 8):
        picture.with_name(f"scan {number}.png").write_bytes(PNG)
    out = tmp_path / "out"
    with service(tmp_path) as (world, url):
        arguments = [str(picture.parent), "--to", "md,csv", "-o", str(out), "--server", url]
        assert main(["convert", *arguments]) == 0
        # Nothing is left on the service.
        assert {job.state for job in world.jobs.store.jobs("")} == {"expired"}
    names = sorted(path.name for path in out.iterdir())
    assert len(names) == 7 * 3
    assert (out / "scan 7.md").read_bytes() == b"markdown result"
    assert (out / "scan 1.table1.csv").read_bytes() == b"1"
    assert (out / "scan 1.table2.csv").read_bytes() == b"2"


def test_convert_reports_what_fails_and_goes_on(
    tmp_path: Path,
    picture: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bad = picture.with_name("bad.png")
    bad.write_bytes(b"plain text")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(PNG)))
    out = tmp_path / "out"
    with service(tmp_path, broken={1: BROKEN}) as (_, url):
        arguments = [str(bad), "-", str(picture), "--to", "md", "-o", str(out), "--server", url]
        assert main(["convert", *arguments]) == 1
    said = capsys.readouterr().err
    assert "bad.png: The file is not a picture" in said
    assert f"page 1: {BROKEN.message}" in said
    assert sorted(path.name for path in out.iterdir()) == ["scan 1.md", "stdin.md"]


def test_convert_ends_where_the_service_has_no_jobs(
    tmp_path: Path, picture: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from crnn_ocr.settings import Settings
    from tests.service.fakes import FakeReader, create_app

    app = create_app(FakeReader(), Settings(jobs="off"), warm_up=False)
    other = World(app, make_world(tmp_path / "unused").jobs, tmp_path)
    with served(other) as url:
        assert main(["convert", str(picture), "--to", "md", "-o", str(tmp_path), "--server", url]) == 1
    assert "JOBS_DISABLED" in capsys.readouterr().err


def test_an_interrupted_conversion_cancels_its_jobs(
    tmp_path: Path, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    picture.with_name("scan 2.png").write_bytes(PNG)
    monkeypatch.setattr("crnn_ocr.cli.jobs.converting.watch", interrupted)
    with service(tmp_path, works=False) as (world, url):
        assert main(["convert", str(picture.parent), "--to", "md", "--server", url]) == 130
        assert [job.state for job in world.jobs.store.jobs("")] == ["cancelled", "cancelled"]


def test_an_interrupted_watch_lets_the_job_go_on(
    tmp_path: Path,
    picture: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("crnn_ocr.cli.jobs.commands.watch", interrupted)
    with service(tmp_path, works=False) as (world, url):
        assert main(["jobs", "submit", str(picture), "--wait", "--server", url]) == 130
        (job,) = world.jobs.store.jobs("")
        assert job.state == "queued"
        assert f"crnn-ocr jobs watch {job.id}" in capsys.readouterr().err


def test_an_archive_with_strange_names_is_not_unpacked(tmp_path: Path, picture: Path) -> None:
    from crnn_ocr.cli.jobs.remote import files_of
    from crnn_ocr.client import JobResult
    from crnn_ocr.errors import OcrError

    for name in ("../a.csv", "/a.csv", "a/b.csv", ".hidden"):
        with pytest.raises(OcrError):
            files_of(JobResult("x.zip", "application/zip", zipped([(name, b"1")])), "csv")
    with pytest.raises(OcrError):
        files_of(JobResult("x.zip", "application/zip", b"no archive"), "csv")
    word = JobResult("x.docx", "application/zip", b"PK word")
    assert [file.suffix for file in files_of(word, "docx")] == [".docx"]

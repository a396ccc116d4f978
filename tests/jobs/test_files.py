"""Files of jobs: the same tests for the folder and for a bucket on a real server of S3."""

from __future__ import annotations

import errno
import io
import itertools
import multiprocessing
import os
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.errors import JobExpiredError, JobStorageFullError, JobsUnavailableError, SettingsError
from crnn_ocr.jobs.backends import open_files
from crnn_ocr.jobs.files import (
    PIECE,
    FileStore,
    FolderFiles,
    Readable,
    is_key,
    page_key,
    result_key,
    source_key,
)
from crnn_ocr.settings import Settings
from tests.jobs.s3_server import S3Server, running_s3

QUOTA = 64 * 1024 * 1024
JOB, OTHER = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
_numbers = itertools.count()

Open = Callable[..., FileStore]


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with running_s3() as server:
        yield server


@pytest.fixture(params=["folder", "s3"])
def open_store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Open]:
    """Opens the same store again and again, as several processes do."""
    if request.param == "folder":
        yield lambda quota=QUOTA: FolderFiles(tmp_path / "files", quota=quota)
        return
    server: S3Server = request.getfixturevalue("s3")
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    bucket = f"jobs-{next(_numbers)}"
    server.make_bucket(bucket)
    from crnn_ocr.jobs.object_files import ObjectFiles

    yield lambda quota=QUOTA: ObjectFiles(f"s3://{bucket}/some/prefix", quota=quota)
    assert server.unfinished_uploads(bucket) == 0
    assert all(key.startswith("some/prefix/") for key in server.keys(bucket))


@pytest.fixture
def store(open_store: Open) -> FileStore:
    return open_store()


class Stream:
    """Content that comes piece by piece, and may fail or call something on the way."""

    def __init__(self, *steps: bytes | Exception | Callable[[], object]) -> None:
        self._steps = list(steps)

    def read(self, size: int, /) -> bytes:
        while self._steps:
            step = self._steps.pop(0)
            if isinstance(step, Exception):
                raise step
            if callable(step):
                step()
                continue
            if not step:
                continue
            if len(step) > size:
                self._steps.insert(0, step[size:])
            return step[:size]
        return b""


def left(store: FileStore) -> tuple[list[str], int]:
    return store.job_ids(), store.used_bytes()


# ---- what goes in comes out --------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, PIECE, PIECE + 1, 5 * 1024 * 1024, 5 * 1024 * 1024 + 1, 17_000_000])
@pytest.mark.parametrize("streamed", [True, False])
def test_what_goes_in_comes_out(store: FileStore, size: int, streamed: bool) -> None:
    content = os.urandom(size)
    key = source_key(JOB, 0)
    assert store.put(key, io.BytesIO(content) if streamed else content) == size
    assert store.get(key) == content
    with store.local(key) as path:
        assert path.read_bytes() == content
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert left(store) == ([JOB], size)


def test_files_are_replaced_and_told_apart(store: FileStore) -> None:
    for key in (source_key(JOB, 0), page_key(JOB, 0, 17), result_key(JOB, "docx"), page_key(OTHER, 0, 17)):
        store.put(key, key.encode())
    store.put(page_key(JOB, 0, 17), b"again")
    assert store.get(page_key(JOB, 0, 17)) == b"again"
    assert store.get(page_key(OTHER, 0, 17)) == page_key(OTHER, 0, 17).encode()
    assert store.job_ids() == [JOB, OTHER]


def test_what_is_not_there_is_a_key_error(store: FileStore) -> None:
    store.put(source_key(JOB, 0), b"x")
    for key in (source_key(JOB, 1), source_key(OTHER, 0), JOB, f"{JOB}/source"):
        with pytest.raises(KeyError):
            store.get(key)
        with pytest.raises(KeyError), store.local(key):
            pass


def test_a_second_process_sees_the_same(open_store: Open) -> None:
    open_store().put(source_key(JOB, 0), b"content")
    again = open_store()
    assert again.get(source_key(JOB, 0)) == b"content"
    assert left(again) == ([JOB], 7)


# ---- whole or not at all -----------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [RuntimeError("bug"), ConnectionResetError("the client went away")])
@pytest.mark.parametrize("sent", [0, 100, 12_000_000])
def test_content_that_breaks_off_leaves_nothing(store: FileStore, sent: int, failure: Exception) -> None:
    store.put(source_key(JOB, 0), b"the old one")
    for key in (source_key(JOB, 0), source_key(OTHER, 0)):
        with pytest.raises(type(failure), match=str(failure)):
            store.put(key, Stream(bytes(sent), failure))
    assert store.get(source_key(JOB, 0)) == b"the old one"
    with pytest.raises(KeyError):
        store.get(source_key(OTHER, 0))
    assert store.used_bytes() == len(b"the old one")


def test_a_file_is_seen_when_it_is_whole(store: FileStore) -> None:
    key = source_key(JOB, 0)

    def look() -> None:
        with pytest.raises(KeyError):
            store.get(key)

    store.put(key, Stream(bytes(6_000_000), look, bytes(6_000_000), look, b"end"))
    assert len(store.get(key)) == 12_000_003


# ---- quota -------------------------------------------------------------------------------------------


def test_the_quota_is_for_all_jobs_together(open_store: Open) -> None:
    store = open_store(quota=1000)
    store.put(source_key(JOB, 0), bytes(600))
    for content in (bytes(401), io.BytesIO(bytes(401)), Stream(bytes(300), bytes(101))):
        with pytest.raises(JobStorageFullError):
            store.put(source_key(OTHER, 0), content)
    store.put(source_key(OTHER, 0), bytes(400))
    assert store.used_bytes() == 1000
    store.delete_job(JOB)
    store.put(source_key(OTHER, 1), bytes(600))
    assert store.used_bytes() == 1000


def test_a_stream_beyond_the_quota_leaves_nothing(open_store: Open) -> None:
    store = open_store(quota=8_000_000)
    endless: Readable = Stream(*(bytes(PIECE) for _ in range(100)))
    with pytest.raises(JobStorageFullError):
        store.put(source_key(JOB, 0), endless)
    with pytest.raises(KeyError):
        store.get(source_key(JOB, 0))
    assert store.used_bytes() == 0


def test_threads_do_not_exceed_the_quota_together(open_store: Open) -> None:
    store = open_store(quota=10_000)

    def put(number: int) -> bool:
        try:
            store.put(page_key(JOB, 0, number), bytes(1000))
        except JobStorageFullError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(put, range(24))) == 10
    assert store.used_bytes() == 10_000


# ---- deletion ----------------------------------------------------------------------------------------


def test_a_deleted_job_leaves_nothing_and_others_stay(store: FileStore) -> None:
    for job in (JOB, OTHER):
        for number in range(5):
            store.put(page_key(job, number, number), b"page")
    store.delete_job(JOB)
    store.delete_job(JOB)
    store.delete_job("0" * 32)
    assert left(store) == ([OTHER], 20)
    assert store.get(page_key(OTHER, 1, 1)) == b"page"


def test_what_is_put_after_the_deletion_is_refused(open_store: Open) -> None:
    store = open_store()
    store.put(page_key(JOB, 0, 1), b"page")
    open_store().delete_job(JOB)
    for content in (b"late", Stream(bytes(6_000_000))):
        with pytest.raises(JobExpiredError):
            store.put(page_key(JOB, 0, 2), content)
    assert open_store().job_ids() == []


@pytest.mark.parametrize("size", [10, 6_000_000])
def test_what_is_being_put_at_the_deletion_is_removed(open_store: Open, size: int) -> None:
    store, other = open_store(), open_store()
    store.put(page_key(JOB, 0, 1), b"page")
    with pytest.raises(JobExpiredError):
        store.put(page_key(JOB, 0, 2), Stream(bytes(size), lambda: other.delete_job(JOB), bytes(size)))
    assert left(open_store()) == ([], 0)


def test_deletions_among_writers_leave_nothing(open_store: Open) -> None:
    store = open_store()
    jobs = [f"{number:032x}" for number in range(6)]
    over = threading.Event()

    def write(worker: int) -> None:
        for number in itertools.count():
            for job in jobs:
                if over.is_set():
                    return
                try:
                    store.put(page_key(job, worker, number % 5), b"x" * 50)
                except JobExpiredError:
                    continue

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, worker) for worker in range(3)]
        try:
            while len(store.job_ids()) < len(jobs):
                pass
            for job in jobs:
                store.delete_job(job)
        finally:
            over.set()
        for writer in writers:
            writer.result(60)
    assert store.job_ids() == []
    assert open_store().job_ids() == []


# ---- hostile keys ------------------------------------------------------------------------------------

HOSTILE = [
    "",
    "/",
    ".",
    "..",
    "../x",
    "/etc/passwd",
    f"{JOB}/../{OTHER}/source/0",
    f"{JOB}/results/../../x",
    f"{JOB}//source",
    f"{JOB}/",
    f"{JOB}/.part-x",
    ".deleted/x",
    f"{JOB}/results/a\x00b",
    f"{JOB}/results/a\nb",
    f"{JOB}\\x/y",
    f"{JOB}/results/" + "a" * 300,
    f"{JOB}/results/ä",
]


@pytest.mark.parametrize("key", HOSTILE)
def test_hostile_keys_lead_nowhere(store: FileStore, key: str) -> None:
    store.put(source_key(OTHER, 0), b"precious")
    with pytest.raises(ValueError, match=r".*"):
        store.put(key, b"x")
    with pytest.raises(KeyError):
        store.get(key)
    with pytest.raises(KeyError), store.local(key):
        pass
    store.delete_job(key)
    assert store.get(source_key(OTHER, 0)) == b"precious"
    assert store.job_ids() == [OTHER]


@given(st.text(max_size=40))
def test_no_key_has_a_part_that_a_folder_understands(text: str) -> None:
    for key in (text, f"a/{text}", f"{text}/a"):
        if is_key(key):
            assert not {"", ".", ".."} & set(key.split("/"))
            assert key.isascii()


# ---- the folder --------------------------------------------------------------------------------------


def test_a_temporary_file_holds_what_is_written(store: FileStore) -> None:
    for size in (3, 3000):  # in memory, and not
        with store.temporary(100) as file:
            file.write(b"x" * size)
            assert file.tell() == size
            file.seek(0)
            assert file.read() == b"x" * size
    assert (store.job_ids(), store.used_bytes()) == ([], 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "files"


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.name != ".used-bytes")


def test_only_the_owner_reads_files_and_folders(folder: Path) -> None:
    before = os.umask(0o022)
    try:
        store = FolderFiles(folder, quota=QUOTA)
        store.put(page_key(JOB, 0, 1), b"page")
        store.delete_job(OTHER)
    finally:
        os.umask(before)
    for path in (folder, *folder.rglob("*")):
        expected = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == expected, path


def test_temporary_files_are_on_the_disk_of_the_others_without_a_name(folder: Path) -> None:
    files = FolderFiles(folder, quota=QUOTA)
    before = set(folder.rglob("*"))
    with files.temporary(10) as file:
        file.write(b"x" * 11)
        assert set(folder.rglob("*")) == before
        found = os.fstat(file.fileno())
        assert (found.st_dev, found.st_nlink) == (folder.stat().st_dev, 0)
        if Path("/proc/self/fd").exists():
            name = Path(f"/proc/self/fd/{file.fileno()}").readlink()
            assert name.is_relative_to(folder.resolve())


def test_a_deletion_leaves_no_file_and_its_mark_not_for_ever(folder: Path) -> None:
    store = FolderFiles(folder, quota=QUOTA)
    store.put(page_key(JOB, 0, 1), b"page")
    (folder / JOB / ".part-of a process that was killed").write_bytes(b"half")
    store.delete_job(JOB)
    mark = folder / ".deleted" / JOB
    assert everything(folder) == [".deleted", f".deleted/{JOB}"]
    (folder / f".gone-{OTHER}-x" / "pages").mkdir(parents=True)  # of a deletion that was killed
    os.utime(mark, (0, 0))
    (folder / ".used-bytes").unlink()
    assert FolderFiles(folder, quota=QUOTA).used_bytes() == 0
    assert everything(folder) == [".deleted"]


def full_disk(monkeypatch: pytest.MonkeyPatch, *, after: int, code: int) -> None:
    """Let writing files of jobs fail once that many bytes have been written."""
    room = after
    write = os.write

    def limited(descriptor: int, data: Any) -> int:
        nonlocal room
        if room <= 0:
            raise OSError(code, os.strerror(code))
        written = write(descriptor, data[:room])
        room -= written
        return written

    monkeypatch.setattr(os, "write", limited)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.ENOSPC, JobStorageFullError),
        (errno.EDQUOT, JobStorageFullError),
        (errno.EIO, JobsUnavailableError),
    ],
)
def test_a_full_disk_leaves_nothing_half_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, code: int, kind: type[Exception]
) -> None:
    store = FolderFiles(folder, quota=QUOTA)
    store.put(source_key(JOB, 0), b"the old one")
    with monkeypatch.context() as patch:
        full_disk(patch, after=1_500_000, code=code)
        with pytest.raises(kind):
            store.put(source_key(JOB, 0), io.BytesIO(bytes(3_000_000)))
    assert store.get(source_key(JOB, 0)) == b"the old one"
    assert store.used_bytes() == 11
    assert everything(folder) == [JOB, f"{JOB}/source", f"{JOB}/source/0"]
    store.put(source_key(JOB, 0), bytes(3_000_000))


def no_room(
    monkeypatch: pytest.MonkeyPatch, code: int, *, while_there_is: Path | None = None, rename: bool = False
) -> None:
    """Let nothing new be made, and nothing renamed if so asked, on a full disk; or until a folder is gone."""

    def full(original: Callable[..., Any]) -> Callable[..., Any]:
        def fail(*given: Any, **named: Any) -> Any:
            if while_there_is is None or while_there_is.exists():
                raise OSError(code, os.strerror(code))
            return original(*given, **named)

        return fail

    names = ["mkdir", "touch", *(["rename", "replace"] if rename else [])]
    for owner, name in [*((Path, name) for name in names), (tempfile, "mkdtemp"), (os, "pwrite")]:
        monkeypatch.setattr(owner, name, full(getattr(owner, name)))


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("rename", [True, False])
def test_a_full_disk_keeps_nothing_from_being_deleted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, code: int, rename: bool
) -> None:
    store = FolderFiles(folder, quota=QUOTA)
    for job in (JOB, OTHER):
        store.put(page_key(job, 0, 1), b"page")
    with monkeypatch.context() as patch:
        no_room(patch, code, rename=rename)
        store.delete_job(JOB)
    assert everything(folder) == [OTHER, f"{OTHER}/pages", f"{OTHER}/pages/0", f"{OTHER}/pages/0/1"]
    (folder / ".used-bytes").unlink()
    assert store.used_bytes() == 4


def test_a_deletion_on_a_full_disk_leaves_its_mark_once_there_is_room(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FolderFiles(folder, quota=QUOTA)
    store.put(page_key(JOB, 0, 1), b"page")
    with monkeypatch.context() as patch:
        no_room(patch, errno.ENOSPC, while_there_is=folder / JOB)
        store.delete_job(JOB)
    assert everything(folder) == [".deleted", f".deleted/{JOB}"]
    with pytest.raises(JobExpiredError):
        store.put(page_key(JOB, 0, 2), b"late")


def test_a_disk_that_fails_otherwise_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FolderFiles(folder, quota=QUOTA)
    store.put(page_key(JOB, 0, 1), b"page")
    with monkeypatch.context() as patch:
        no_room(patch, errno.EIO)
        with pytest.raises(JobsUnavailableError):
            store.delete_job(JOB)
    assert store.job_ids() == [JOB]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(JobsUnavailableError):
        FolderFiles(tmp_path / "file" / "jobs", quota=QUOTA)


def _put_many(folder: Path, quota: int, worker: int, count: int) -> None:
    store = FolderFiles(folder, quota=quota)
    for number in range(count):
        try:
            store.put(page_key(JOB, worker, number), bytes(1000))
        except JobStorageFullError:
            return


def test_processes_do_not_exceed_the_quota_together(folder: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_put_many, args=(folder, 30_000, n, 25)) for n in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
        assert worker.exitcode == 0
    assert sum(path.stat().st_size for path in (folder / JOB).rglob("*") if path.is_file()) == 30_000


def test_files_are_not_counted_for_each_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = 0
    count = FolderFiles._count

    def counting(self: FolderFiles) -> int:
        nonlocal counted
        counted += 1
        return count(self)

    monkeypatch.setattr(FolderFiles, "_count", counting)
    store = FolderFiles(folder, quota=QUOTA)
    for number in range(200):
        store.put(page_key(JOB, 0, number), b"page")
    assert counted == 1


# ---- the bucket --------------------------------------------------------------------------------------


def test_settings_choose_the_store(folder: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    s3.make_bucket("chosen")
    open_files(Settings(), folder).put(source_key(JOB, 0), b"x")
    assert everything(folder)[-1] == source_key(JOB, 0)
    settings = Settings.model_validate({"jobs_files_url": "s3://chosen/a/b"})
    open_files(settings, folder / "none").put(source_key(JOB, 0), b"x")
    assert s3.keys("chosen") == [f"a/b/{source_key(JOB, 0)}"]
    assert not (folder / "none").exists()


@pytest.mark.parametrize(
    "url", ["", "bucket", "http://bucket", "s3://", "s3://KEY:SECRET@bucket", "s3://b/a?x=1", "s3://Büro"]
)
def test_a_malformed_url_of_a_bucket(url: str) -> None:
    pytest.importorskip("obstore", reason="obstore is not installed (extra `s3`)")
    from crnn_ocr.jobs.object_files import ObjectFiles

    with pytest.raises(SettingsError, match="JOBS_FILES_URL") as caught:
        ObjectFiles(url, quota=QUOTA)
    assert "SECRET" not in caught.value.message


def test_a_bucket_that_does_not_exist(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    from crnn_ocr.jobs.object_files import ObjectFiles

    store = ObjectFiles("s3://nowhere", quota=QUOTA)
    for ask in (
        lambda: store.put(source_key(JOB, 0), b"x"),
        lambda: store.get(source_key(JOB, 0)),
        lambda: store.delete_job(JOB),
        store.job_ids,
        store.used_bytes,
    ):
        with pytest.raises(JobsUnavailableError):
            ask()


def test_a_server_that_goes_away_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    with running_s3() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        from crnn_ocr.jobs.object_files import ObjectFiles

        server.make_bucket("jobs")
        store = ObjectFiles("s3://jobs", quota=QUOTA)
        store.put(source_key(JOB, 0), b"x")
        server.stop()
        for ask in (
            lambda: store.put(source_key(JOB, 1), bytes(6_000_000)),
            lambda: store.get(source_key(JOB, 0)),
            lambda: store.delete_job(JOB),
            store.job_ids,
        ):
            with pytest.raises(JobsUnavailableError) as caught:
                ask()
            assert "127.0.0.1" not in caught.value.message
        assert store.used_bytes() == 1  # what failed is not counted
        server.start()
        server.make_bucket("jobs")
        store.put(source_key(JOB, 0), b"y")
        assert store.get(source_key(JOB, 0)) == b"y"


def test_a_copy_of_an_object_is_gone_after_the_block(
    s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    from crnn_ocr.jobs.object_files import ObjectFiles

    s3.make_bucket("copies")
    store = ObjectFiles("s3://copies", quota=QUOTA)
    store.put(source_key(JOB, 0), bytes(6_000_000))
    with store.local(source_key(JOB, 0)):
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []
    full_disk(monkeypatch, after=1_000_000, code=errno.ENOSPC)
    with pytest.raises(JobStorageFullError), store.local(source_key(JOB, 0)):
        pass
    assert list(tmp_path.iterdir()) == []

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from flask.testing import FlaskClient

from crnn_ocr.document import Block, Line, Page
from crnn_ocr.engine.page_readings import PageReading
from crnn_ocr.errors import JobStorageFullError, JobsUnavailableError
from crnn_ocr.jobs.files import FolderFiles, page_key, result_key
from crnn_ocr.jobs.records import Problem
from crnn_ocr.jobs.results import PROBLEMS, encode_problems
from crnn_ocr.jobs.sqlite_store import SqliteStore
from crnn_ocr.jobs.work.page_codec import encode_page
from crnn_ocr.service.middleware.api_keys import hash_key
from crnn_ocr.service.routes.jobs.events import KEEP_ALIVE_S, POLL_S, event_stream
from crnn_ocr.service.server.event_streams import StreamPlaces
from tests.service.fakes import box
from tests.service.routes.jobs_world import BROKEN, PNG, World, make_world, zipped

ZIP_HEAD = b"PK\x03\x04"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def error(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["error"]["code"]


def fetch(world: World, path: str, **headers: str) -> Any:
    """Return an answer that has been received to its end, as the server closes it."""
    with world.client.get(path, headers=headers) as answer:
        assert answer.get_data() is not None
        return answer


def show(world: World, job_id: str) -> dict[str, Any]:
    answer = world.client.get(f"/jobs/{job_id}")
    assert answer.status_code == 200
    assert answer.json is not None
    return dict(answer.json)


# ---- the life of a job -------------------------------------------------------------------------------


def test_a_job_tells_how_far_it_is(world: World) -> None:
    job_id = world.submit(("甲.png", PNG), ("b.png", PNG), formats="docx")["id"]
    assert (show(world, job_id)["pages_total"], show(world, job_id)["position"]) == (None, 0)
    world.plan(2)
    world.plan(1)
    world.read()
    world.read(problem=BROKEN)
    seen = show(world, job_id)
    assert (seen["state"], seen["pages_total"], seen["pages_done"], seen["pages_failed"]) == (
        "running",
        3,
        1,
        1,
    )
    assert [file["pages"] for file in seen["files"]] == [2, 1]
    assert seen["expires"] is None
    world.read()
    world.assemble()
    seen = show(world, job_id)
    assert (seen["state"], seen["pages_done"]) == ("partial", 2)
    for name in ("created", "started", "finished", "expires"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", seen[name]), name
    pages = world.client.get(f"/jobs/{job_id}/pages").json
    assert pages is not None
    failed = [page for page in pages["pages"] if page["state"] == "failed"]
    assert [page["error"]["code"] for page in failed] == [BROKEN.code]
    assert {page["elapsed_ms"] for page in pages["pages"] if page["state"] == "done"} == {12.3}


def test_pages_are_told_once(world: World) -> None:
    job_id = world.submit()["id"]
    world.plan(3)
    first = world.client.get(f"/jobs/{job_id}/pages?limit=2").json
    assert first is not None
    rest = world.client.get(f"/jobs/{job_id}/pages?after={first['next']}").json
    assert rest is not None
    numbers = [page["number"] for page in (*first["pages"], *rest["pages"])]
    assert sorted(numbers) == [1, 2, 3]
    again = world.client.get(f"/jobs/{job_id}/pages?after={rest['next']}").json
    assert again is not None
    assert (again["pages"], again["next"]) == ([], rest["next"])
    world.read()
    changed = world.client.get(f"/jobs/{job_id}/pages?after={rest['next']}").json
    assert changed is not None
    assert [(page["number"], page["state"]) for page in changed["pages"]] == [(1, "done")]


def test_jobs_are_listed_newest_first_and_by_state(world: World) -> None:
    first = world.submit()["id"]
    world.finish()
    second = world.submit()["id"]

    def listed(query: str) -> list[str]:
        answer = world.client.get(f"/jobs{query}")
        assert answer.json is not None
        return [job["id"] for job in answer.json["jobs"]]

    assert listed("") == [second, first]
    assert listed("?limit=1") == [second]
    assert listed("?state=succeeded,failed") == [first]
    assert listed("?state=running") == []


@pytest.mark.parametrize(
    "query",
    [
        "/jobs?state=gone",
        "/jobs?state=queued&state=failed",
        "/jobs?limit=0",
        "/jobs?limit=501",
        "/jobs?limit=x",
        "/jobs?limit=" + "9" * 30,
        "/jobs?colour=red",
        "/jobs/{}?colour=red",
        "/jobs/{}/pages?after=-1",
        "/jobs/{}/pages?after=9007199254740992",
        "/jobs/{}/result?format=exe",
        "/jobs/{}/result?format=docx",
        "/jobs/{}/result?file=-1",
    ],
)
def test_bad_parameters(world: World, query: str) -> None:
    job_id = world.submit()["id"]
    assert error(world.client.get(query.format(job_id))) == (422, "OPTION_INVALID")


# ---- whose job -----------------------------------------------------------------------------------------


def test_the_job_of_another_key_is_not_found(tmp_path: Path) -> None:
    keys = tuple(f"{name}:{hash_key(name)}" for name in ("ann", "bob"))
    world = make_world(tmp_path, api_keys=keys)

    def client(name: str) -> FlaskClient:
        found = world.app.test_client()
        found.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {name}"
        return found

    assert error(world.client.get("/jobs")) == (401, "UNAUTHORIZED")
    made = client("ann").post("/jobs", data=PNG, content_type="image/png")
    assert made.json is not None
    path = f"/jobs/{made.json['id']}"
    assert client("ann").get(path).status_code == 200
    for query in ("", "/pages", "/events", "/result", "/pages/0/1"):
        assert error(client("bob").get(path + query)) == (404, "JOB_NOT_FOUND"), query
    assert error(client("bob").delete(path)) == (404, "JOB_NOT_FOUND")
    assert client("bob").get("/jobs").json["jobs"] == []  # type: ignore[index]
    assert client("ann").get(path).json["state"] == "queued"  # type: ignore[index]


@pytest.mark.parametrize("job_id", ["0" * 32, "x", "..", "%2e%2e", "0" * 31 + "G", "0" * 400])
def test_unknown_jobs(world: World, job_id: str) -> None:
    answer = world.client.get(f"/jobs/{job_id}")
    assert answer.status_code == 404
    assert world.client.delete(f"/jobs/{job_id}").status_code in (404, 405)


# ---- results -------------------------------------------------------------------------------------------


def test_results_have_their_type_and_name(world: World) -> None:
    job_id = world.submit(("报告.v2.pdf", PNG), formats="docx,csv")["id"]
    path = f"/jobs/{job_id}/result"
    assert error(fetch(world, path)) == (409, "JOB_NOT_READY")
    contents = {
        "docx": ZIP_HEAD + bytes(200_000),
        "csv": ZIP_HEAD + b"parts",
        "json": b"{}",
        "text": "文".encode(),
    }
    world.finish(contents)
    word = fetch(world, f"{path}?format=docx")
    assert word.data == contents["docx"]
    assert word.content_length == len(contents["docx"])
    assert word.mimetype == "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    assert "%E6%8A%A5%E5%91%8A.v2.docx" in word.headers["Content-Disposition"]
    parts = fetch(world, f"{path}?format=csv")
    assert (parts.mimetype, parts.data) == ("application/zip", contents["csv"])
    assert ".csv.zip" in parts.headers["Content-Disposition"]
    text = fetch(world, f"{path}?format=text&file=0")
    assert (text.mimetype, text.data) == ("text/plain", contents["text"])
    assert fetch(world, path).data == contents["docx"]  # the first format


def test_of_several_files_one_can_be_had_alone(world: World) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in {"a.csv": b"1", "a.b.table1.csv": b"2", "a.b.table2.csv": b"3"}.items():
            archive.writestr(name, content)
    job_id = world.submit(("a.png", PNG), ("a.b.png", PNG), ("c.png", PNG), formats="csv")["id"]
    world.finish({"csv": out.getvalue(), "json": b"", "text": b""}, pages=1, files=3)
    path = f"/jobs/{job_id}/result?format=csv"
    whole = fetch(world, path)
    assert (whole.mimetype, whole.data) == ("application/zip", out.getvalue())
    one = fetch(world, f"{path}&file=0")
    assert (one.mimetype, one.data, one.content_length) == ("text/csv", b"1", 1)
    two = fetch(world, f"{path}&file=1")
    assert two.mimetype == "application/zip"
    with zipfile.ZipFile(io.BytesIO(two.data)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "a.b.table1.csv": b"2",
            "a.b.table2.csv": b"3",
        }
    assert error(fetch(world, f"{path}&file=2")) == (422, "JOB_FAILED")
    assert error(fetch(world, f"{path}&file=3")) == (404, "JOB_NOT_FOUND")


def test_a_failed_job_tells_why(world: World) -> None:
    job_id = world.submit()["id"]
    task = world.jobs.store.take("worker")
    assert task is not None
    world.jobs.store.fail(task.lease, BROKEN)
    seen = show(world, job_id)
    assert seen["state"] == "failed"
    assert seen["files"][0]["error"]["message"] == BROKEN.message
    assert error(world.client.get(f"/jobs/{job_id}/result")) == (422, "JOB_FAILED")
    assert error(world.client.get(f"/jobs/{job_id}/pages/0/1")) == (422, "JOB_FAILED")


def test_results_that_were_deleted(world: World) -> None:
    job_id = world.submit()["id"]
    world.finish()
    for _ in range(2):
        answer = world.client.delete(f"/jobs/{job_id}")
        assert answer.status_code == 200
        assert answer.json is not None
        assert answer.json["state"] == "expired"
        assert job_id not in "".join(world.stored())
    assert error(world.client.get(f"/jobs/{job_id}/result")) == (410, "JOB_EXPIRED")
    assert error(world.client.get(f"/jobs/{job_id}/pages/0/1")) == (410, "JOB_EXPIRED")


def test_a_page_that_is_deleted_meanwhile(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = world.submit()["id"]
    world.finish()
    world.jobs.files.delete_job(job_id)  # the first half of deleting it
    path = f"/jobs/{job_id}/pages/0/1"
    assert error(world.client.get(path)) == (410, "JOB_EXPIRED")
    assert error(world.client.get(f"{path}/picture")) == (410, "JOB_EXPIRED")
    assert error(world.client.get(f"/jobs/{job_id}/result")) == (410, "JOB_EXPIRED")
    page = SqliteStore.page

    def expire_first(store: SqliteStore, *place: Any) -> Any:
        world.jobs.store.expire(job_id)
        return page(store, *place)

    monkeypatch.setattr(SqliteStore, "page", expire_first)
    assert error(world.client.get(path)) == (410, "JOB_EXPIRED")


def test_a_page_that_is_damaged_is_not_told_as_deleted(world: World) -> None:
    job_id = world.submit()["id"]
    world.finish()
    world.jobs.files.put(page_key(job_id, 0, 1), b"no page")
    assert error(world.client.get(f"/jobs/{job_id}/pages/0/1")) == (503, "JOBS_UNAVAILABLE")


def test_a_format_that_could_not_be_written_tells_why(world: World) -> None:
    job_id = world.submit(formats="pdf,docx")["id"]
    world.plan(1)
    world.read()
    task = world.jobs.store.take("worker")
    assert task is not None
    problems = {
        "pdf": Problem("JOB_RESULT_TOO_LARGE", "The result as PDF has 300 MiB or more.", "Ask for less."),
        "docx": Problem("INTERNAL_ERROR", "It could not be written as Word: ValueError."),
    }
    world.jobs.files.put(result_key(job_id, "json"), b"{}")
    world.jobs.files.put(result_key(job_id, PROBLEMS), encode_problems(problems))
    world.jobs.store.finish(task.lease, problem=problems["pdf"])
    seen = show(world, job_id)
    assert (seen["state"], seen["error"]["code"]) == ("partial", "JOB_RESULT_TOO_LARGE")
    assert fetch(world, f"/jobs/{job_id}/result?format=json").status_code == 200
    answer = world.client.get(f"/jobs/{job_id}/result?format=pdf")
    assert error(answer) == (413, "JOB_RESULT_TOO_LARGE")
    assert answer.json is not None
    assert (answer.json["error"]["message"], answer.json["error"]["hint"]) == (
        problems["pdf"].message,
        problems["pdf"].hint,
    )
    assert error(world.client.get(f"/jobs/{job_id}/result?format=docx")) == (422, "JOB_FAILED")
    assert error(world.client.get(f"/jobs/{job_id}/result?format=text")) == (422, "JOB_FAILED")


def full_disk(*_: object) -> IO[bytes]:
    return Path("/dev/full").open("w+b", buffering=0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk")
def test_a_full_disk_while_the_parts_of_a_file_are_packed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = world.submit(("a.png", PNG), ("b.png", PNG), formats="csv")["id"]
    names = ("a.table1.csv", "a.table2.csv", "b.csv")
    archive = zipped([(name, b"1,2") for name in names])
    world.finish({"csv": archive, "json": archive, "text": archive}, pages=1, files=2)
    path = f"/jobs/{job_id}/result?format=csv&file=0"
    assert fetch(world, path).status_code == 200
    monkeypatch.setattr(FolderFiles, "temporary", full_disk)
    answer = fetch(world, path)
    assert error(answer) == (507, "JOB_STORAGE_FULL")
    assert answer.headers["Retry-After"]


def test_deleting_a_running_job_cancels_it(world: World) -> None:
    job_id = world.submit()["id"]
    world.plan(2)
    task = world.jobs.store.take("worker")
    assert task is not None
    answer = world.client.delete(f"/jobs/{job_id}")
    assert answer.json is not None
    assert answer.json["state"] == "cancelled"
    assert not world.jobs.store.beat(task.lease)
    again = world.client.delete(f"/jobs/{job_id}")
    assert again.json is not None
    assert (again.status_code, again.json["state"]) == (200, "cancelled")
    assert job_id not in "".join(world.stored())
    assert error(world.client.get(f"/jobs/{job_id}/result")) == (409, "JOB_NOT_READY")


@pytest.mark.parametrize("finished", [True, False])
def test_a_job_can_be_deleted_on_a_full_disk(
    world: World, finished: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = world.submit()["id"]
    if finished:
        world.finish()
    store = type(world.jobs.store)

    def on_a_full_disk(change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*given: Any) -> Any:
            if job_id in world.jobs.files.job_ids():
                raise JobStorageFullError("The disk for the table of jobs is full.")
            return change(*given)

        return changed

    for name in ("cancel", "expire"):
        monkeypatch.setattr(store, name, on_a_full_disk(getattr(store, name)))
    answer = world.client.delete(f"/jobs/{job_id}")
    assert answer.json is not None
    assert (answer.status_code, answer.json["state"]) == (200, "expired" if finished else "cancelled")
    assert world.stored() == []


# ---- single pages --------------------------------------------------------------------------------------


def test_a_page_can_be_had_as_soon_as_it_is_read(world: World) -> None:
    job_id = world.submit()["id"]
    path = f"/jobs/{job_id}/pages/0"
    assert error(fetch(world, f"{path}/1")) == (409, "JOB_NOT_READY")
    world.plan(2)
    page = Page(200, 100, (Block((Line("合计", 0.987654, box(10.0)),)),), number=1)
    world.jobs.files.put(page_key(job_id, 0, 1), encode_page(PageReading(page, "fake/1"), chars=False))
    world.read()
    body = fetch(world, f"{path}/1").json
    assert body is not None
    assert (body["text"], body["model"], body["elapsed_ms"]) == ("合计", "fake/1", 12.3)
    detailed = fetch(world, f"{path}/1?detail=blocks").json
    assert detailed is not None
    assert len(detailed["blocks"]) == 1
    assert error(fetch(world, f"{path}/2")) == (409, "JOB_NOT_READY")
    world.read(problem=BROKEN)
    assert error(fetch(world, f"{path}/2")) == (422, "JOB_FAILED")
    for other in ("0/3", "1/1", "x/1", "0/-1", "0/" + "9" * 30):
        assert error(world.client.get(f"/jobs/{job_id}/pages/{other}")) == (404, "JOB_NOT_FOUND")


# ---- events --------------------------------------------------------------------------------------------


def events(data: bytes) -> list[tuple[int, str, dict[str, Any]]]:
    found = []
    for block in data.decode().split("\n\n"):
        fields = dict(row.split(": ", 1) for row in block.splitlines() if not row.startswith(":"))
        if "event" in fields:
            found.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
    return found


def test_events_tell_everything_until_the_end(world: World) -> None:
    job_id = world.submit()["id"]
    world.finish()
    answer = fetch(world, f"/jobs/{job_id}/events")
    assert answer.content_type == "text/event-stream; charset=utf-8"
    told = events(answer.data)
    assert [kind for _, kind, _ in told] == ["page", "page", "job"]
    assert [number for number, _, _ in told] == sorted(number for number, _, _ in told)
    assert told[-1][2]["state"] == "succeeded"
    last = told[-1][0]
    # A browser that reconnects is told that there is nothing more.
    again = fetch(world, f"/jobs/{job_id}/events", **{"Last-Event-ID": str(last)})
    assert (again.status_code, again.data) == (204, b"")
    middle = fetch(world, f"/jobs/{job_id}/events", **{"Last-Event-ID": str(told[0][0])})
    assert [kind for _, kind, _ in events(middle.data)] == ["page", "job"]


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "9" * 40])
def test_bad_event_ids(world: World, last: str) -> None:
    job_id = world.submit()["id"]
    answer = world.client.get(f"/jobs/{job_id}/events", headers={"Last-Event-ID": last})
    assert error(answer) == (400, "BAD_REQUEST")


class Steps:
    """A clock that moves with each pause, and what happens meanwhile."""

    def __init__(self, *steps: Any) -> None:
        self.now = 0.0
        self.steps: Iterator[Any] = iter(steps)

    def pause(self, seconds: float) -> None:
        self.now += seconds
        next(self.steps, lambda: None)()

    def clock(self) -> float:
        return self.now


def test_a_stream_follows_the_work_and_tells_nothing_twice(world: World) -> None:
    job_id = world.submit()["id"]
    steps = Steps(lambda: world.plan(2), world.read, world.read, world.assemble)
    parts = list(event_stream(world.jobs.store, job_id, 0, pause=steps.pause, clock=steps.clock))
    told = events(b"".join(parts))
    done = [(entry["number"]) for _, kind, entry in told if kind == "page" and entry["state"] == "done"]
    assert done == [1, 2]
    states = [entry["state"] for _, kind, entry in told if kind == "job"]
    assert (states[0], states[-1]) == ("queued", "succeeded")
    assert len({(number, kind) for number, kind, _ in told}) == len(told)


def test_a_quiet_stream_is_kept_alive_and_ends_with_its_worker(world: World) -> None:
    job_id = world.submit()["id"]
    steps = Steps()
    limit = KEEP_ALIVE_S * 2 + POLL_S
    parts = list(
        event_stream(
            world.jobs.store,
            job_id,
            0,
            pause=steps.pause,
            clock=steps.clock,
            is_stopping=lambda: steps.now > limit,
        )
    )
    assert parts.count(b": keep-alive\n\n") == 2
    assert len(events(b"".join(parts))) == 1


def test_a_stream_ends_when_the_table_is_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = world.submit()["id"]

    def away(*_: object) -> None:
        raise JobsUnavailableError("away")

    def go_away() -> None:
        monkeypatch.setattr(type(world.jobs.store), "get", away)

    steps = Steps(go_away)
    parts = list(event_stream(world.jobs.store, job_id, 0, pause=steps.pause, clock=steps.clock))
    assert len(events(b"".join(parts))) == 1


def test_streams_are_limited_in_number_and_per_client() -> None:
    from crnn_ocr.errors import OverloadedError

    places = StreamPlaces(4)
    first = places.take("a")
    places.take("a")
    with pytest.raises(OverloadedError) as refused:
        places.take("a")
    assert refused.value.retry_after
    places.take("b")
    places.take("c")
    with pytest.raises(OverloadedError):
        places.take("d")
    first()
    places.take("d")


def test_places_are_freed_after_the_stream(world: World) -> None:
    job_id = world.submit()["id"]
    world.finish()
    for _ in range(40):  # more than there are places
        assert fetch(world, f"/jobs/{job_id}/events").status_code == 200


def test_documents_of_jobs_are_not_cached(world: World) -> None:
    job_id = world.submit()["id"]
    assert world.client.get(f"/jobs/{job_id}").headers["Cache-Control"] == "no-store"

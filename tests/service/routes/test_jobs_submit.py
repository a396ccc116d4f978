from __future__ import annotations

import base64
import io
import random
import stat
from pathlib import Path
from typing import Any

import pytest

from crnn_ocr.errors import JobsUnavailableError
from crnn_ocr.jobs.files import source_key
from crnn_ocr.jobs.upload_limits import longest_body
from crnn_ocr.jobs.work.watcher import PURGE_S, UNCONFIRMED_S, Watcher
from crnn_ocr.settings import MIB, Settings
from tests.jobs.stores import Clock
from tests.service.fakes import FakeReader, create_app
from tests.service.routes.jobs_world import PNG, World, make_world, zipped

SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def error(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["error"]["code"]


def nothing_is_left(world: World) -> bool:
    return not world.stored() and world.client.get("/jobs").json["jobs"] == []  # type: ignore[index]


# ---- forms -----------------------------------------------------------------------------------------


def test_files_of_a_form_are_stored_and_queued(world: World) -> None:
    data = random.Random(1).randbytes(300_000)  # larger than a body that is held in memory may be
    form = {
        "file": [(io.BytesIO(PNG), "甲.png"), (io.BytesIO(data), "C:/scans/b.pdf")],
        "formats": "docx, csv",
    }
    answer = world.post("/jobs?layout=lines", form)
    assert answer.status_code == 202
    job = answer.json
    assert job is not None
    assert answer.headers["Location"] == f"/jobs/{job['id']}"
    assert job["state"] == "queued"
    assert job["formats"] == ["docx", "csv", "json", "text"]
    assert job["options"] == {"layout": "lines"}
    assert [(file["name"], file["size"]) for file in job["files"]] == [
        ("甲.png", len(PNG)),
        ("b.pdf", 300_000),
    ]
    assert world.jobs.files.get(source_key(job["id"], 0)) == PNG
    assert world.jobs.files.get(source_key(job["id"], 1)) == data
    for path in (world.folder / "files").rglob("*"):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077


def test_a_raw_body_is_one_file(world: World) -> None:
    answer = world.client.post("/jobs?name=x/a.png&formats=markdown", data=PNG, content_type="image/png")
    assert answer.status_code == 202
    assert answer.json is not None
    assert [file["name"] for file in answer.json["files"]] == ["a.png"]
    assert world.jobs.files.get(source_key(answer.json["id"], 0)) == PNG


def test_json_carries_one_document(world: World) -> None:
    body = {
        "image": base64.b64encode(PNG).decode(),
        "name": "a.png",
        "options": {"password": "secret", "pages": "1"},
        "formats": ["xlsx"],
        "ttl": 120,
    }
    answer = world.client.post("/jobs", json=body)
    assert answer.status_code == 202
    assert answer.json is not None
    assert answer.json["options"] == {"pages": "1"}  # a password is never shown
    job = world.jobs.store.get(answer.json["id"])
    assert job is not None
    assert job.request.options == {"password": "secret", "pages": "1"}
    assert (job.request.ttl_s, job.request.formats) == (120, ("xlsx",))


def test_an_archive_counts_as_its_files_in_natural_order(world: World) -> None:
    archive = zipped(
        [("s/10.png", b"ten"), ("s/2.png", PNG), ("__MACOSX/s/._2.png", b"x"), ("s/empty.png", b"")]
    )
    job = world.submit(("first.png", b"1"), ("all.zip", archive), ("last.png", b"3"))
    assert [(file["name"], file["size"]) for file in job["files"]] == [
        ("first.png", 1),
        ("s/2.png", len(PNG)),
        ("s/10.png", 3),
        ("s/empty.png", 0),
        ("last.png", 1),
    ]
    contents = [world.jobs.files.get(source_key(job["id"], number)) for number in range(5)]
    assert contents == [b"1", PNG, b"ten", b"", b"3"]
    assert len(world.stored()) == 5  # of the archive itself nothing is left


# ---- repeated requests -------------------------------------------------------------------------------


def test_a_repeated_request_finds_its_job(world: World) -> None:
    first = world.submit(("a.png", PNG), key="k1", formats="docx")
    again = world.submit(("a.png", PNG), key="k1", formats="docx")
    assert again["id"] == first["id"]
    assert world.stored() == [source_key(first["id"], 0)]
    assert world.submit(("a.png", PNG), key="k2")["id"] != first["id"]


@pytest.mark.parametrize(
    ("data", "fields"), [(PNG + b"x", {"formats": "docx"}), (PNG, {"formats": "csv"}), (PNG, {})]
)
def test_a_key_belongs_to_one_request(world: World, data: bytes, fields: dict[str, str]) -> None:
    first = world.submit(("a.png", PNG), key="k1", formats="docx")
    form = {"file": (io.BytesIO(data), "a.png"), **fields}
    answer = world.post("/jobs", form, key="k1")
    assert error(answer) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert world.stored() == [source_key(first["id"], 0)]


# ---- bad requests ------------------------------------------------------------------------------------

FORM: dict[str, tuple[dict[str, Any], int, str]] = {
    "no file": ({"formats": "docx"}, 400, "IMAGE_MISSING"),
    "an empty file": ({"file": (b"", "a.png")}, 400, "IMAGE_EMPTY"),
    "a file that is text": ({"file": "a.png"}, 400, "BAD_REQUEST"),
    "a file under another name": ({"document": (PNG, "a.png")}, 400, "BAD_REQUEST"),
    "an unknown format": ({"file": (PNG, "a.png"), "formats": "docx,exe"}, 422, "OPTION_INVALID"),
    "an unknown option": ({"file": (PNG, "a.png"), "colour": "red"}, 422, "OPTION_INVALID"),
    "a bad page range": ({"file": (PNG, "a.png"), "pages": "9-1"}, 422, "OPTION_INVALID"),
    "too short a life": ({"file": (PNG, "a.png"), "ttl": "1"}, 422, "OPTION_INVALID"),
    "too long a life": ({"file": (PNG, "a.png"), "ttl": "1e9"}, 422, "OPTION_INVALID"),
    "no number": ({"file": (PNG, "a.png"), "ttl": "nan"}, 422, "OPTION_INVALID"),
    "a webhook that nobody signs": (
        {"file": (PNG, "a.png"), "webhook": "https://a.example"},
        403,
        "WEBHOOKS_DISABLED",
    ),
    "an archive without files": ({"file": (zipped([]), "a.zip")}, 415, "IMAGE_TYPE_UNSUPPORTED"),
    "an archive that leads out": (
        {"file": (zipped([("../a.png", PNG)]), "a.zip")},
        422,
        "IMAGE_DECODE_FAILED",
    ),
    "an archive in an archive": (
        {"file": (zipped([("b.png", PNG), ("a.zip", zipped([("c.png", PNG)]))]), "a.zip")},
        415,
        "IMAGE_TYPE_UNSUPPORTED",
    ),
    "an office document": (
        {"file": (zipped([("[Content_Types].xml", b"<x/>")]), "a.docx")},
        415,
        "IMAGE_TYPE_UNSUPPORTED",
    ),
    "a bomb": ({"file": (zipped([("a.bmp", bytes(8_000_000))]), "a.zip")}, 413, "IMAGE_TOO_LARGE"),
    "a cut archive": ({"file": (zipped([("a.png", PNG)])[:-30], "a.zip")}, 422, "IMAGE_DECODE_FAILED"),
}


@pytest.mark.parametrize(("form", "status", "code"), FORM.values(), ids=FORM.keys())
def test_bad_forms_leave_nothing(world: World, form: dict[str, Any], status: int, code: str) -> None:
    sent = {
        # The bad part comes after a good file, which must not stay either.
        "image": (io.BytesIO(PNG), "good.png"),
        **{
            name: (io.BytesIO(value[0]), value[1]) if isinstance(value, tuple) else value
            for name, value in form.items()
        },
    }
    if code == "IMAGE_MISSING":
        del sent["image"]
    answer = world.post("/jobs", sent)
    assert error(answer) == (status, code)
    assert nothing_is_left(world)


def test_a_webhook_to_a_private_address_is_refused(tmp_path: Path) -> None:
    world = make_world(tmp_path, jobs_webhook_secret=SECRET)
    answer = world.client.post("/jobs?webhook=http://127.0.0.1:9/hook", data=PNG, content_type="image/png")
    assert error(answer) == (403, "WEBHOOK_NOT_ALLOWED")
    assert nothing_is_left(world)
    good = world.client.post("/jobs?webhook=https://a.example/h", data=PNG, content_type="image/png")
    assert good.status_code == 202


@pytest.mark.parametrize(
    ("settings", "files", "status", "code"),
    [
        ({"jobs_max_files": 2}, [PNG, PNG, PNG], 413, "BATCH_TOO_LARGE"),
        ({"jobs_max_files": 2}, [PNG, zipped([("1.png", PNG), ("2.png", PNG)])], 413, "BATCH_TOO_LARGE"),
        ({"jobs_max_file_bytes": 2048}, [PNG, bytes(2049)], 413, "IMAGE_TOO_LARGE"),
        ({"jobs_max_file_bytes": 2048}, [zipped([("1.png", bytes(2049))])], 413, "IMAGE_TOO_LARGE"),
        (
            {"jobs_quota_bytes": MIB},
            [PNG, random.Random(2).randbytes(MIB)],
            507,
            "JOB_STORAGE_FULL",
        ),
    ],
)
def test_limits(tmp_path: Path, settings: dict[str, Any], files: list[bytes], status: int, code: str) -> None:
    world = make_world(tmp_path, **settings)
    form = {"file": [(io.BytesIO(data), f"{number}.png") for number, data in enumerate(files)]}
    answer = world.post("/jobs", form)
    assert error(answer) == (status, code)
    if status == 507:
        assert int(answer.headers["Retry-After"]) >= 1
    assert nothing_is_left(world)


def test_the_body_as_a_whole_is_limited(tmp_path: Path) -> None:
    world = make_world(tmp_path, jobs_max_file_bytes=2048, jobs_max_files=1)
    most = longest_body(world.jobs.settings)
    answer = world.client.post("/jobs", data=bytes(most + 1), content_type="image/png")
    assert error(answer) == (413, "BODY_TOO_LARGE")
    chunked = io.BytesIO(bytes(most + 1))
    answer = world.client.post(
        "/jobs",
        input_stream=chunked,
        content_type="multipart/form-data; boundary=x",
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert answer.status_code == 413
    # JSON is held in memory, so it may be no longer than elsewhere.
    answer = world.client.post("/jobs", data=b" " * 100_001, content_type="application/json")
    assert error(answer) == (413, "BODY_TOO_LARGE")
    assert nothing_is_left(world)


BODIES = {
    "no boundary": ("multipart/form-data", b"x", 400, "BAD_REQUEST"),
    "cut in a file": (
        "multipart/form-data; boundary=b",
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc',
        400,
        "BAD_REQUEST",
    ),
    "a part without a name": (
        "multipart/form-data; boundary=b",
        b"--b\r\nContent-Disposition: form-data\r\n\r\nabc\r\n--b--\r\n",
        400,
        "BAD_REQUEST",
    ),
    "a long text": (
        "multipart/form-data; boundary=b",
        b'--b\r\nContent-Disposition: form-data; name="pages"\r\n\r\n' + b"1" * 80_000 + b"\r\n--b--\r\n",
        413,
        "BODY_TOO_LARGE",
    ),
    "long headers of a part": (
        "multipart/form-data; boundary=b",
        b"--b\r\nX: " + b"1" * 200_000 + b"\r\n\r\nabc\r\n--b--\r\n",
        413,
        "BODY_TOO_LARGE",
    ),
    "an empty body": ("image/png", b"", 400, "IMAGE_EMPTY"),
    "a text": ("text/plain", b"abc", 415, "MEDIA_TYPE_UNSUPPORTED"),
    "no object": ("application/json", b"[]", 400, "JSON_INVALID"),
    "formats that are no list": (
        "application/json",
        b'{"image": "YQ==", "formats": "docx"}',
        422,
        "OPTION_INVALID",
    ),
    "a URL": ("application/json", b'{"image_url": "https://a.example"}', 403, "URL_INPUT_DISABLED"),
}


@pytest.mark.parametrize(("kind", "body", "status", "code"), BODIES.values(), ids=BODIES.keys())
def test_bad_bodies_leave_nothing(world: World, kind: str, body: bytes, status: int, code: str) -> None:
    assert error(world.client.post("/jobs", data=body, content_type=kind)) == (status, code)
    assert nothing_is_left(world)


@pytest.mark.parametrize("key", ["", "  ", "ä", "x" * 256, "a\tb"])
def test_bad_idempotency_keys(world: World, key: str) -> None:
    answer = world.client.post("/jobs", data=PNG, content_type="image/png", headers={"Idempotency-Key": key})
    assert error(answer) == (400, "BAD_REQUEST")
    assert nothing_is_left(world)


def test_options_may_stand_in_one_place_only(world: World) -> None:
    form = {"file": (io.BytesIO(PNG), "a.png"), "grey": "on"}
    assert error(world.post("/jobs?grey=off", form)) == (422, "OPTION_INVALID")
    assert nothing_is_left(world)


def away(*_: object, **__: object) -> None:
    raise JobsUnavailableError("The table is away.")


# ---- trouble -----------------------------------------------------------------------------------------


def test_a_client_may_have_so_many_unfinished_jobs(tmp_path: Path) -> None:
    world = make_world(tmp_path, jobs_per_key=2)
    world.submit(key="k1")
    world.submit()
    answer = world.client.post("/jobs", data=PNG, content_type="image/png")
    assert error(answer) == (429, "JOBS_TOO_MANY")
    assert int(answer.headers["Retry-After"]) >= 1
    assert len(world.stored()) == 2
    assert world.submit(key="k1")["position"] is not None  # but finds those that it has


def test_a_table_that_is_away_takes_the_files_with_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(type(world.jobs.store), "create", away)
        answer = world.client.post("/jobs", data=PNG, content_type="image/png")
    assert error(answer) == (503, "JOBS_UNAVAILABLE")
    assert int(answer.headers["Retry-After"]) >= 1
    assert nothing_is_left(world)


def test_a_table_that_is_away_takes_the_files_of_a_request_with_a_key_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(type(world.jobs.store), "create", away)
        answer = world.post("/jobs", {"file": (io.BytesIO(PNG), "a.png")}, key="k1")
    assert error(answer) == (503, "JOBS_UNAVAILABLE")
    assert nothing_is_left(world)
    world.submit(key="k1")
    assert len(world.stored()) == 1


@pytest.mark.parametrize("key", [None, "k1"])
def test_nothing_is_stored_while_the_table_is_away(
    world: World, key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored: list[str] = []
    put = type(world.jobs.files).put

    def noted(files: Any, name: str, content: Any) -> int:
        stored.append(name)
        return int(put(files, name, content))

    with monkeypatch.context() as patch:
        patch.setattr(type(world.jobs.files), "put", noted)
        for operation in ("create", "get", "jobs"):
            patch.setattr(type(world.jobs.store), operation, away)
        answer = world.post("/jobs", {"file": (io.BytesIO(PNG), "a.png")}, key=key)
        assert error(answer) == (503, "JOBS_UNAVAILABLE")
        assert stored == []
        patch.undo()
        patch.setattr(type(world.jobs.files), "put", noted)
        world.submit(key=key)
        assert len(stored) == 1


@pytest.mark.parametrize("made", [True, False])
def test_a_table_that_goes_while_a_job_is_made_leaves_files_only_for_a_job(
    world: World, made: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = type(world.jobs.store)
    create = store.create
    clock = Clock()
    watcher = Watcher(world.jobs, clock=clock)
    with monkeypatch.context() as patch:

        def going(*given: Any, **named: Any) -> None:
            if made:
                create(*given, **named)
            for _ in range(3):  # it has been uploaded for some minutes
                watcher.look()
                clock.now += PURGE_S
            patch.setattr(store, "get", away)
            away()

        patch.setattr(store, "create", going)
        answer = world.post("/jobs", {"file": (io.BytesIO(PNG), "a.png")}, key="k1")
    assert error(answer) == (503, "JOBS_UNAVAILABLE")
    clock.now += PURGE_S
    watcher.look()
    assert world.stored(), "the request may still be on its way to the table"
    clock.now += max(UNCONFIRMED_S, PURGE_S)
    watcher.look()
    kept = world.jobs.files.job_ids()
    assert kept == [job.id for job in world.jobs.store.jobs("")]
    assert len(kept) == (1 if made else 0)
    job = world.submit(key="k1")
    assert world.jobs.files.get(source_key(job["id"], 0)) == PNG
    assert world.jobs.files.job_ids() == [job["id"]]
    assert not made or kept == [job["id"]]


def test_a_job_whose_creation_was_not_confirmed_keeps_its_files(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = type(world.jobs.store).create

    def unconfirmed(*given: Any, **named: Any) -> None:
        create(*given, **named)
        raise JobsUnavailableError("The answer of the table was lost.")

    with monkeypatch.context() as patch:
        patch.setattr(type(world.jobs.store), "create", unconfirmed)
        answer = world.client.post("/jobs", data=PNG, content_type="image/png")
    assert answer.status_code == 202
    assert answer.json is not None
    assert world.stored() == [source_key(answer.json["id"], 0)]


def test_a_folder_that_cannot_be_written_fails_jobs_and_nothing_else(tmp_path: Path) -> None:
    world = make_world(tmp_path / "good")
    (tmp_path / "file").write_bytes(b"")
    broken = Settings(jobs_dir=tmp_path / "file" / "jobs")
    client = create_app(FakeReader(), broken, warm_up=False).test_client()
    for answer in (client.get("/jobs"), client.post("/jobs", data=PNG, content_type="image/png")):
        assert error(answer) == (503, "JOBS_UNAVAILABLE")
        assert int(answer.headers["Retry-After"]) >= 1
    assert client.post("/ocr", data=PNG, content_type="image/png").status_code == 200
    assert world.client.get("/jobs").status_code == 200


@pytest.mark.parametrize("path", ["/jobs", "/jobs/x", "/jobs/x/pages", "/jobs/x/events", "/jobs/x/result"])
def test_without_jobs_every_route_says_so(tmp_path: Path, path: str) -> None:
    client = create_app(FakeReader(), Settings(jobs="off", jobs_dir=tmp_path), warm_up=False).test_client()
    assert error(client.get(path)) == (404, "JOBS_DISABLED")
    assert list(tmp_path.iterdir()) == []

"""An application with jobs in a folder of the test, and a worker that the test moves by hand."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.serving import make_server
from werkzeug.test import TestResponse, encode_multipart

from crnn_ocr.jobs.backends import Jobs, open_jobs
from crnn_ocr.jobs.files import result_key
from crnn_ocr.jobs.records import Problem
from crnn_ocr.settings import Settings
from tests.service.fakes import FakeReader, create_app
from tests.service.rendering import encoded, picture

PNG = encoded(picture("text"), "PNG")
BROKEN = Problem("IMAGE_DECODE_FAILED", "The PNG ends before its last row.", "Save it again.")


@dataclass(frozen=True)
class World:
    """The application, and the same table and files as its own."""

    app: Flask
    jobs: Jobs
    folder: Path

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def submit(self, *files: tuple[str, bytes], key: str | None = None, **fields: str) -> dict[str, Any]:
        """Submit a job with files, or one file, and return it."""
        given = files or (("a.png", PNG),)
        form = {"file": [(io.BytesIO(data), name) for name, data in given], **fields}
        answer = self.post("/jobs", form, key=key)
        assert answer.status_code == 202, answer.json
        assert answer.json is not None
        return dict(answer.json)

    def post(self, path: str, form: dict[str, Any], *, key: str | None = None) -> TestResponse:
        """Send a form; the test client would keep a long one in a file that nobody closes."""
        parts = [
            (name, FileStorage(*value) if isinstance(value, tuple) else value)
            for name, given in form.items()
            for value in (given if isinstance(given, list) else [given])
        ]
        boundary, body = encode_multipart(MultiDict(parts))
        headers = {} if key is None else {"Idempotency-Key": key}
        kind = f"multipart/form-data; boundary={boundary}"
        return self.client.post(path, data=body, content_type=kind, headers=headers)

    def plan(self, pages: int = 2) -> None:
        """Plan the next file: each page is a task."""
        task = self.jobs.store.take("worker")
        assert task is not None
        assert task.kind == "plan"
        assert self.jobs.store.plan(task.lease, [[number] for number in range(1, pages + 1)])

    def read(self, *, problem: Problem | None = None) -> None:
        """Read the next page."""
        task = self.jobs.store.take("worker")
        assert task is not None
        assert task.kind == "read"
        for page in task.pages:
            self.jobs.store.begin_page(task.lease, page)
            self.jobs.store.end_page(task.lease, page, elapsed_ms=12.34, problem=problem)
        self.jobs.store.finish(task.lease)

    def assemble(self, results: Mapping[str, bytes] | None = None) -> None:
        """Write the results and end the job."""
        task = self.jobs.store.take("worker")
        assert task is not None
        assert task.kind == "assemble"
        for name, content in (results or {"json": b"{}", "text": b"text"}).items():
            self.jobs.files.put(result_key(task.job, name), content)
        self.jobs.store.finish(task.lease)

    def finish(self, results: Mapping[str, bytes] | None = None, *, pages: int = 2, files: int = 1) -> None:
        """Do all the work of the next job."""
        for _ in range(files):
            self.plan(pages)
        for _ in range(files * pages):
            self.read()
        self.assemble(results)

    def stored(self) -> list[str]:
        """Return the keys of all stored files."""
        folder = self.folder / "files"
        found = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
        # What begins with a dot is the store's own: marks of deleted jobs, and the sum of the bytes.
        return sorted(str(path) for path in found if not str(path).startswith("."))


@contextmanager
def served(world: World) -> Iterator[str]:
    """Serve the application over HTTP, and yield its address."""
    server = make_server("127.0.0.1", 0, world.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def make_world(folder: Path, **settings: Any) -> World:
    found = Settings(jobs_dir=folder, **{"max_body_bytes": 100_000, **settings})
    app = create_app(FakeReader(), found, warm_up=False)
    return World(app, open_jobs(found), folder)


def zipped(members: Sequence[tuple[str, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()

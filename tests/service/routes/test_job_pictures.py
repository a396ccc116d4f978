from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from crnn_ocr.jobs.records import Problem
from crnn_ocr.settings import Settings
from tests.service.fakes import FakeReader, create_app
from tests.service.rendering import picture, tiff
from tests.service.routes.jobs_world import BROKEN, PNG, World, make_world
from tests.service.routes.test_jobs import error


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def test_every_page_is_drawn_as_soon_as_the_pages_are_counted(world: World) -> None:
    pages = tiff([picture("a", width=width).convert("L") for width in (300, 200)])
    job_id = world.submit(("two.tiff", pages))["id"]
    assert error(world.client.get(f"/jobs/{job_id}/pages/0/2/picture")) == (409, "JOB_NOT_READY")
    world.plan(2)
    world.read(problem=BROKEN)  # a page that could not be read can be looked at all the same
    for number, width in ((1, 300), (2, 200)):
        answer = world.client.get(f"/jobs/{job_id}/pages/0/{number}/picture")
        assert (answer.status_code, answer.mimetype) == (200, "image/png")
        assert Image.open(BytesIO(answer.data)).width == width
        assert answer.cache_control.private
    assert error(world.client.get(f"/jobs/{job_id}/pages/0/3/picture")) == (404, "JOB_NOT_FOUND")
    assert error(world.client.get(f"/jobs/{job_id}/pages/0/1/picture?stage=x")) == (422, "OPTION_INVALID")


def test_nothing_is_drawn_of_what_is_deleted_or_has_ended_a_process(world: World) -> None:
    job_id = world.submit(("a.png", PNG))["id"]
    world.plan(1)
    world.read(problem=Problem("IMAGE_KILLED_WORKER", "Reading it has ended a process."))
    path = f"/jobs/{job_id}/pages/0/1/picture"
    assert error(world.client.get(path)) == (422, "JOB_FAILED")
    world.client.delete(f"/jobs/{job_id}")
    assert error(world.client.get(path)) == (409, "JOB_NOT_READY")
    job_id = world.submit(("a.png", PNG))["id"]
    world.finish(pages=1)
    world.client.delete(f"/jobs/{job_id}")
    assert error(world.client.get(f"/jobs/{job_id}/pages/0/1/picture")) == (410, "JOB_EXPIRED")


def test_limits_tell_what_jobs_take(tmp_path: Path) -> None:
    limits = make_world(tmp_path, jobs_max_pages=7).client.get("/limits").get_json()
    assert limits["jobs"]["max_pages"] == 7
    without = create_app(FakeReader(), Settings(jobs="off"), warm_up=False).test_client()
    assert without.get("/limits").get_json()["jobs"] is None

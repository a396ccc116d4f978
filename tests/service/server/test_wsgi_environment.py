"""The environment of requests: neither a header nor a variable moves the service away from the root."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.service.slow_server import slow_server
from tests.service.wire import Server


@pytest.fixture(scope="module")
def moved() -> Iterator[Server]:
    with slow_server(SCRIPT_NAME="/x", FORWARDED_ALLOW_IPS="*", CRNN_OCR_API_KEYS=f"a:{'0' * 64}") as server:
        yield server


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "PATH_INFO", "script_name", "X-Forwarded-Proto"])
@pytest.mark.parametrize("value", ["/x", "/", "https"])
def test_headers_of_gunicorns_own_mean_nothing(moved: Server, name: str, value: str) -> None:
    answer = moved.ask("GET", "/limits", headers={name: value})
    assert (answer.status, answer.code) == (401, "UNAUTHORIZED")
    assert moved.ask("GET", "/healthz", headers={name: value}).status == 200


def test_the_variable_script_name_moves_nothing(moved: Server) -> None:
    assert moved.get("/healthz").status == 200
    assert moved.get("/x/healthz").status == 401  # not open: another path

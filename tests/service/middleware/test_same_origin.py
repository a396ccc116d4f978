"""Who may use a service without keys: nobody by way of a browser that has another site's page open."""

from __future__ import annotations

import hashlib

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers

from crnn_ocr.service.middleware.same_origin import Site, is_loopback
from crnn_ocr.settings import Settings
from tests.service.fakes import FakeReader, create_app

KEY = "crnn_" + "k" * 43
ENTRY = f"ops:{hashlib.sha256(KEY.encode()).hexdigest()}"

OWN = ["localhost", "localhost:5000", "LocalHost:1", "localhost.", "ocr.localhost:5000", "127.0.0.1:5000"]
OWN += ["127.8.9.10", "[::1]:5000", "[::1]", "[::ffff:127.0.0.1]:80"]
OTHERS = ["evil.example", "evil.example:5000", "localhost.evil.example", "127.0.0.1.evil.example:5000"]
OTHERS += ["x", "10.0.0.1:5000", "[2001:db8::1]:5000", "0.0.0.0:5000", "", "[", "localhost:port"]
OTHERS += ["localhost@evil.example", "evil.example/localhost", "localhost#", "localhost,evil.example"]


def made(**settings: object) -> FlaskClient:
    return create_app(FakeReader(), Settings.model_validate(settings), warm_up=False).test_client()


def statuses(client: FlaskClient, **headers: str) -> list[int]:
    """Of reading a picture, of looking at the models, of switching them."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    asked = (
        client.post("/ocr", data=b"x", content_type="image/png", headers=named),
        client.get("/models", headers=named),
        client.put("/models/active", json={"model": "other"}, headers=named),
    )
    return [answer.status_code for answer in asked]


@pytest.mark.parametrize("host", OWN)
def test_this_machine_has_many_names(host: str) -> None:
    assert statuses(made(), Host=host) == [200, 200, 200]
    assert statuses(made(), Host=host, Origin=f"http://{host}") == [200, 200, 200]


@pytest.mark.parametrize("host", OTHERS)
def test_a_name_that_was_pointed_here_is_refused(host: str) -> None:
    """DNS rebinding: the page counts as the service's own, and says so itself."""
    reader = FakeReader()
    client = create_app(reader, Settings(), warm_up=False).test_client()
    assert statuses(client, Host=host, Origin=f"http://{host}", Sec_Fetch_Site="same-origin") == [403] * 3
    assert (reader.calls, reader.log) == ([], [])
    answer = client.get("/models", headers={"Host": host})
    assert answer.json is not None
    assert answer.json["error"]["code"] == "HOST_NOT_ALLOWED"


def test_the_host_that_it_listens_on_is_one_of_its_names() -> None:
    assert statuses(made(host="Scanner.lan"), Host="scanner.lan:5000") == [200] * 3
    assert statuses(made(), Host="scanner.lan:5000") == [403] * 3


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/", "/docs", "/openapi.json"])
def test_what_is_open_to_all_is_so_under_any_name(path: str) -> None:
    answer = made().get(path, headers={"Host": "evil.example", "Origin": "http://evil.example"})
    answer.close()
    assert answer.status_code == 200


FOREIGN = [
    "https://evil.example",
    "http://localhost:3000",
    "http://127.0.0.1:5000",
    "null",
    "https://localhost",
]


@pytest.mark.parametrize("origin", [*FOREIGN, "http://"])
@pytest.mark.parametrize("fetch", [{}, {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}])
def test_pages_of_other_sites_change_nothing(origin: str, fetch: dict[str, str]) -> None:
    reader = FakeReader()
    client = create_app(reader, Settings(), warm_up=False).test_client()
    assert statuses(client, Host="localhost:5000", Origin=origin, **fetch) == [403, 200, 403]
    assert (reader.calls, reader.log) == ([], [])
    answer = client.post("/ocr", data=b"x", headers={"Host": "localhost:5000", "Origin": origin})
    assert answer.json is not None
    assert answer.json["error"]["code"] == "ORIGIN_NOT_ALLOWED"


def test_pages_that_are_named_may_read() -> None:
    client = made(cors_origins=("http://localhost:3000",))
    assert statuses(client, Host="localhost:5000", Origin="http://localhost:3000") == [200] * 3


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "chrome-extension://abcdef", "Sec_Fetch_Site": "cross-site"},
        {"Origin": "https://ocr.example.com", "Sec_Fetch_Site": "same-origin"},  # the proxy changed the host
        {"Origin": "http://127.0.0.1", "Host": "127.0.0.1:80"},
        {"Origin": "https://127.0.0.1", "Host": "127.0.0.1:443"},
    ],
)
def test_programs_extensions_and_its_own_page_may_read(headers: dict[str, str]) -> None:
    assert statuses(made(), **{"Host": "127.0.0.1:5000", **headers}) == [200] * 3


def test_a_program_that_names_no_host_is_no_page() -> None:
    assert Site("127.0.0.1").is_named(Headers())
    assert not Site("127.0.0.1").is_named(Headers([("Host", "")]))


def test_a_service_with_keys_is_protected_by_them() -> None:
    client = made(api_keys=(ENTRY,))
    foreign = {"Host": "ocr.example.com", "Origin": "https://app.example.com"}
    assert statuses(client, **foreign) == [401] * 3
    assert statuses(client, **foreign, X_API_Key=KEY) == [200] * 3


def test_a_service_for_all_reads_for_all_but_is_run_from_here() -> None:
    """As in a container that listens on 0.0.0.0, which is reached under names that it cannot know."""
    client = made(host="0.0.0.0", allow_anonymous=True)
    assert statuses(client, Host="ocr.example.com", Origin="https://app.example.com") == [200, 200, 403]
    assert statuses(client, Host="ocr:5000") == [200, 200, 403]
    assert statuses(client, Host="localhost:8080") == [200, 200, 200]
    assert statuses(client, Host="localhost:8080", Origin="http://evil.example") == [200, 200, 403]
    far = {"REMOTE_ADDR": "192.0.2.7"}
    answer = client.put("/models/active", json={"model": "other"}, environ_base=far)
    assert answer.status_code == 403


@pytest.mark.parametrize("header", ["X-Forwarded-For", "x-forwarded-host", "Forwarded", "Via", "X-Real-IP"])
@pytest.mark.parametrize("settings", [{}, {"allow_anonymous": True}, {"trusted_proxies": 1}])
def test_behind_a_proxy_on_this_machine_nobody_is_this_machine(
    header: str, settings: dict[str, object]
) -> None:
    client = made(**settings)
    answer = client.put("/models/active", json={"model": "other"}, headers={header: "127.0.0.1"})
    assert answer.status_code == 403
    assert answer.json is not None
    assert answer.json["error"]["code"] == "MODEL_SWITCH_FORBIDDEN"
    assert client.get("/models", headers={header: "127.0.0.1"}).status_code == 200


@pytest.mark.parametrize("proxies", [0, 1, 2])
@pytest.mark.parametrize("claim", [None, "127.0.0.1", "::1", "127.0.0.1, 127.0.0.1", ""])
@pytest.mark.parametrize("peer", ["192.0.2.7", "10.9.9.9", "::ffff:192.0.2.7"])
def test_a_stranger_cannot_claim_to_be_this_machine(proxies: int, claim: str | None, peer: str) -> None:
    answer = made(allow_anonymous=True, trusted_proxies=proxies).put(
        "/models/active",
        json={"model": "other"},
        headers={"Host": "localhost", **({} if claim is None else {"X-Forwarded-For": claim})},
        environ_overrides={"REMOTE_ADDR": peer},
    )
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "MODEL_SWITCH_FORBIDDEN")  # type: ignore[index]


def test_with_a_trusted_proxy_this_machine_still_switches() -> None:
    answer = made(trusted_proxies=1).put("/models/active", json={"model": "other"})
    assert answer.status_code == 200


def test_loopback() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "::1", "::ffff:127.0.0.1", "127.9.9.9")))
    assert not any(map(is_loopback, ("", "localhost", "::", "0.0.0.0", "192.0.2.7", "::ffff:192.0.2.7")))

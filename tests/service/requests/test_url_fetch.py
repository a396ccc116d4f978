"""Fetching by URL: tricky hosts, and a local server that behaves badly."""

from __future__ import annotations

import contextlib
import ipaddress
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.document import Document
from crnn_ocr.errors import ImageTooLargeError, OcrError, SettingsError, UrlFetchError, UrlNotAllowedError
from crnn_ocr.net.dns import MOST_LOOKUPS, Lookups, resolve
from crnn_ocr.net.url_rules import Rules
from crnn_ocr.options import ReadOptions
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.service.requests.body_budget import Intake
from crnn_ocr.service.requests.parsing import INTAKE
from crnn_ocr.service.requests.url_fetch import Fetcher, fetch_rules
from crnn_ocr.settings import Settings
from tests.service.fakes import FakeReader, create_app

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


# ---- URLs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.com/a.png",
        "gopher://example.com/",
        "data:image/png;base64,AAAA",
        "//example.com/a.png",
        "example.com/a.png",
        "",
        "http://",
        "http:///a.png",
        "http://user@example.com/",
        "http://user:secret@example.com/",
        "http://@example.com/",
        "http://example.com:22/",
        "http://example.com:0/",
        "https://example.com:80/",
        "http://example.com:99999/",
        "http://example.com:port/",
        "http://example.com\r\nHost: other/",
        "http://example.com/ a",
        "http://example.com\\@other.example/",
        "http://[::1",
        "http://" + "a" * 64 + ".example/",
        "http://example..com/",
        "http://example.com/" + "a" * 3000,
    ],
)
def test_urls_that_are_refused_without_looking_anything_up(url: str) -> None:
    def lookup(_host: str, _port: int) -> list[str]:
        raise AssertionError("looked up")

    with pytest.raises(UrlNotAllowedError) as caught:
        Fetcher(Rules(), max_bytes=1000, timeout_s=1, lookup=lookup).fetch(url)
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "①②⑦.⓪.⓪.①",
        "169.254.169.254",
        "[fe80::1]",
    ],
)
def test_other_spellings_of_this_machine_lead_nowhere(host: str) -> None:
    fetcher = Fetcher(Rules(), max_bytes=1000, timeout_s=2)
    with pytest.raises((UrlNotAllowedError, UrlFetchError)) as caught:
        fetcher.fetch(f"http://{host}/")
    # Whatever could be looked up was refused for its address, not because nothing listens there.
    assert isinstance(caught.value, UrlNotAllowedError) or "unknown" in caught.value.message


@given(st.text(max_size=60))
def test_any_text_is_refused_in_our_own_words(text: str) -> None:
    fetcher = Fetcher(Rules(("nowhere.invalid",)), max_bytes=10, timeout_s=1, lookup=lambda *_: ["10.0.0.1"])
    with pytest.raises(OcrError):
        fetcher.fetch(f"http://{text}")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"fetch_hosts": "http://a"}, "FETCH_HOSTS"),
        ({"fetch_hosts": "*.example.com"}, "FETCH_HOSTS"),
        ({"fetch_networks": "10.0.0.0/33"}, "FETCH_NETWORKS"),
        ({"fetch_networks": "10.0.0.1/8"}, "FETCH_NETWORKS"),
    ],
)
def test_wrong_settings_end_the_start(settings: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        fetch_rules(Settings.model_validate(settings))


# ---- a local server ----------------------------------------------------------------------------------


@contextlib.contextmanager
def set_at_end(over: threading.Event) -> Iterator[None]:
    """Let what waits for the event end with the block, also where that fails."""
    try:
        yield
    finally:
        over.set()


class Handler(BaseHTTPRequestHandler):
    asked: list[tuple[str, dict[str, str]]]
    over: threading.Event
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.asked.append((self.path, dict(self.headers)))
        with suppress(OSError):
            getattr(self, "path_" + self.path.strip("/").split("/")[0].split("?")[0])()
        self.close_connection = True

    def give(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in {"Content-Length": str(len(body)), **given}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def path_picture(self) -> None:
        self.give(200, b"the picture")

    def path_unannounced(self) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"the picture")

    def path_large(self) -> None:
        self.give(200, bytes(1000))

    def path_missing(self) -> None:
        self.give(404)

    def path_empty(self) -> None:
        self.give(200)

    def path_again(self) -> None:
        self.give(302, Location="/picture")

    def path_round(self) -> None:
        self.give(302, Location="/round")

    def path_inside(self) -> None:
        self.give(302, Location="http://10.0.0.1/")

    def path_file(self) -> None:
        self.give(302, Location="file:///etc/passwd")

    def path_packed(self) -> None:
        self.give(200, b"x", Content_Encoding="gzip")

    def path_huge(self) -> None:
        self.give(200, b"", Content_Length="100000000")

    def path_endless(self) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        for _ in range(1000):
            self.wfile.write(bytes(1000))

    def path_short(self) -> None:
        self.give(200, b"half", Content_Length="100")

    def path_trickle(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        while not self.over.wait(0.1):
            self.wfile.write(b"x")

    def path_silent(self) -> None:
        self.over.wait()

    def path_slowheaders(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not self.over.wait(0.1):
            self.wfile.write(b"X-A: b\r\n")

    def log_message(self, *_: object) -> None:
        pass


class Local:
    def __init__(self, server: ThreadingHTTPServer, asked: list[tuple[str, dict[str, str]]]) -> None:
        self.port = server.server_address[1]
        self.asked = asked

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}/{path}"

    def fetcher(self, host: str = "127.0.0.1", lookup: Callable[[str, int], list[str]] = resolve) -> Fetcher:
        rules = Rules((f"{host}:{self.port}",), LOOPBACK)
        return Fetcher(rules, max_bytes=10_000, timeout_s=1, lookup=lookup)


@pytest.fixture
def local() -> Iterator[Local]:
    asked: list[tuple[str, dict[str, str]]] = []
    over = threading.Event()
    handler = type("OwnHandler", (Handler,), {"asked": asked, "over": over})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Local(server, asked)
        over.set()
        server.shutdown()
        thread.join(5)


def test_a_picture_is_fetched(local: Local) -> None:
    assert local.fetcher().fetch(local.url("picture?x=ä#part")) == b"the picture"
    ((path, headers),) = local.asked
    assert path == "/picture?x=%C3%A4"
    assert headers["Host"] == f"127.0.0.1:{local.port}"
    assert headers["Accept-Encoding"] == "identity"
    assert not {"Authorization", "Cookie", "X-Forwarded-For"} & set(headers)


def test_redirects_are_followed_and_bounded(local: Local) -> None:
    assert local.fetcher().fetch(local.url("again")) == b"the picture"
    with pytest.raises(UrlFetchError, match="redirects"):
        local.fetcher().fetch(local.url("round"))
    assert len(local.asked) == 2 + 4


@pytest.mark.parametrize("path", ["inside", "file"])
def test_redirects_pass_the_same_checks(local: Local, path: str) -> None:
    with pytest.raises(UrlNotAllowedError):
        local.fetcher().fetch(local.url(path))


@pytest.mark.parametrize(
    ("path", "kind", "words"),
    [
        ("missing", UrlFetchError, "404"),
        ("packed", UrlFetchError, "compressed"),
        ("short", UrlFetchError, "HTTP"),
        ("huge", ImageTooLargeError, "10000"),
        ("endless", ImageTooLargeError, "10000"),
        ("trickle", UrlFetchError, "within 1 seconds"),
        ("silent", UrlFetchError, "within 1 seconds"),
        ("slowheaders", UrlFetchError, "within 1 seconds"),
    ],
)
def test_bad_answers_are_told_apart_and_bounded_in_time(
    local: Local, path: str, kind: type[OcrError], words: str
) -> None:
    with pytest.raises(kind, match=words):  # what is slow goes on for as long as the test
        local.fetcher().fetch(local.url(path))


def test_a_host_is_looked_up_once_and_used_as_checked(local: Local) -> None:
    asked: list[str] = []

    def rebinding(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    host = "rebind.example"
    assert local.fetcher(host, rebinding).fetch(local.url("picture", host)) == b"the picture"
    assert asked == [host]
    assert local.asked[0][1]["Host"] == f"{host}:{local.port}"


def test_a_look_up_that_hangs_ends_at_the_deadline() -> None:
    may_end = threading.Event()
    begun = threading.Semaphore(0)

    def hanging(_host: str, _port: int) -> list[str]:
        begun.release()
        may_end.wait()
        return ["10.0.0.1"]

    fetcher = Fetcher(Rules(), max_bytes=1000, timeout_s=0.5, lookup=hanging)
    with ThreadPoolExecutor(2 * MOST_LOOKUPS) as pool, set_at_end(may_end):
        asked = [pool.submit(fetcher.fetch, f"http://{n}.example/") for n in range(2 * MOST_LOOKUPS)]
        for request in asked:
            with pytest.raises(UrlFetchError, match=r"within 0\.5 seconds"):
                request.result(30)
    assert sum(begun.acquire(blocking=False) for _ in asked) == MOST_LOOKUPS  # no thread beyond these
    deadline = time.monotonic() + 30
    while True:  # the places are given back
        try:
            fetcher.fetch("http://again.example/")
        except UrlNotAllowedError:  # looked up at last, and found inside
            break
        except UrlFetchError:
            assert time.monotonic() < deadline


def test_places_of_look_ups_are_given_back_however_they_end() -> None:
    def missing(_host: str, _port: int) -> list[str]:
        raise UrlFetchError("The host of the URL is unknown.")

    lookups = Lookups(missing, most=1)
    for _ in range(3):
        with pytest.raises(UrlFetchError, match="unknown"):
            lookups.find("none.example", 80, time.monotonic() + 30)


def test_a_local_server_is_refused_unless_its_network_is_named(local: Local) -> None:
    rules = Rules((f"127.0.0.1:{local.port}",))
    with pytest.raises(UrlNotAllowedError):
        Fetcher(rules, max_bytes=1000, timeout_s=1).fetch(local.url("picture"))
    assert local.asked == []


def test_a_port_where_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    rules = Rules((f"127.0.0.1:{port}",), LOOPBACK)
    with pytest.raises(UrlFetchError, match="cannot be reached"):
        Fetcher(rules, max_bytes=1000, timeout_s=1).fetch(f"http://127.0.0.1:{port}/")


def test_what_speaks_no_tls_has_no_certificate(local: Local) -> None:
    rules = Rules((f"127.0.0.1:{local.port}",), LOOPBACK)
    with pytest.raises(UrlFetchError, match="TLS"):
        Fetcher(rules, max_bytes=1000, timeout_s=1).fetch(f"https://127.0.0.1:{local.port}/picture")


# ---- TLS ---------------------------------------------------------------------------------------------


class Authority:
    """Signs certificates; trusted by those whose SSL_CERT_FILE names it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.certificate = folder / "ca.pem"
        self._openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=Tests")

    def sign(self, host: str, *, days: int = 2) -> Path:
        """A file with key and certificate."""
        (self._folder / "ext").write_text(f"subjectAltName=DNS:{host}\n")
        self._openssl(f"req -newkey rsa:2048 -nodes -keyout own.key -out own.csr -subj /CN={host}")
        signing = "x509 -req -in own.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile ext"
        self._openssl(f"{signing} -out own.pem -days {days}")
        both = self._folder / f"{host}.pem"
        both.write_bytes(b"".join((self._folder / name).read_bytes() for name in ("own.key", "own.pem")))
        return both

    def _openssl(self, arguments: str) -> None:
        subprocess.run(["openssl", *arguments.split()], cwd=self._folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    return Authority(tmp_path_factory.mktemp("authority"))


@contextlib.contextmanager
def tls_server(pem: Path) -> Iterator[int]:
    """A server with that certificate; tells its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def finish_request(self, request: Any, client_address: Any) -> None:
            with suppress(OSError), context.wrap_socket(request, server_side=True) as wrapped:
                super().finish_request(wrapped, client_address)

    over = threading.Event()
    handler = type("OwnHandler", (Handler,), {"asked": [], "over": over})
    with Quiet(("127.0.0.1", 0), handler) as server, set_at_end(over):
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join(5)


def fetch_tls(port: int, host: str = "secure.example", path: str = "picture") -> bytes:
    rules = Rules((f"{host}:{port}",), LOOPBACK)
    fetcher = Fetcher(rules, max_bytes=10_000, timeout_s=1, lookup=lambda *_: ["127.0.0.1"])
    return fetcher.fetch(f"https://{host}:{port}/{path}")


def test_a_certificate_of_a_trusted_authority_opens(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    with tls_server(authority.sign("secure.example")) as port:
        assert fetch_tls(port) == b"the picture"
        assert fetch_tls(port, path="again") == b"the picture"
        with pytest.raises(UrlFetchError, match="within 1 seconds"):
            fetch_tls(port, path="trickle")
        with pytest.raises(ImageTooLargeError):
            fetch_tls(port, path="endless")


@pytest.mark.parametrize("fault", ["unknown authority", "another host", "expired"])
def test_no_other_certificate_does(authority: Authority, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    if fault != "unknown authority":
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    pem = authority.sign(
        "other.example" if fault == "another host" else "secure.example",
        days=-1 if fault == "expired" else 2,
    )
    with tls_server(pem) as port, pytest.raises(UrlFetchError, match="no valid certificate"):
        fetch_tls(port)


def test_a_handshake_that_trickles_is_bounded_in_time(authority: Authority) -> None:
    over = threading.Event()

    def trickle(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.sendall(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc")  # the head of a long message
            while not over.wait(0.1):
                connection.sendall(b"\x03")

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool, set_at_end(over):
        pool.submit(trickle, listener)
        with pytest.raises(UrlFetchError, match="within 1 seconds"):
            fetch_tls(listener.getsockname()[1])


# ---- HTTP --------------------------------------------------------------------------------------------


def test_it_is_off_by_default() -> None:
    client = create_app(FakeReader(), Settings(), warm_up=False).test_client()
    answer = client.post("/ocr", json={"image_url": "http://example.com/a.png"})
    assert answer.status_code == 403
    assert answer.json is not None
    assert answer.json["error"]["code"] == "URL_INPUT_DISABLED"


@pytest.mark.parametrize(
    ("payload", "status", "code"),
    [
        ({"image_url": "http://127.0.0.1/a.png"}, 403, "URL_NOT_ALLOWED"),
        ({"image_url": 1}, 403, "URL_NOT_ALLOWED"),
        ({"image_url": "http://a", "image": "YWJj"}, 400, "BAD_REQUEST"),
    ],
)
def test_what_a_request_may_name(payload: dict[str, object], status: int, code: str) -> None:
    client = create_app(FakeReader(), Settings(fetch_urls=True), warm_up=False).test_client()
    answer = client.post("/ocr", json=payload)
    assert answer.json is not None
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code)


def test_a_named_picture_is_read(local: Local) -> None:
    reader = FakeReader()
    settings = Settings(
        fetch_urls=True, fetch_hosts=(f"127.0.0.1:{local.port}",), fetch_networks=("127.0.0.0/8",)
    )
    client = create_app(reader, settings, warm_up=False).test_client()
    assert client.post("/ocr", json={"image_url": local.url("picture")}).status_code == 200
    assert reader.calls[0][0] == b"the picture"
    answer = client.post("/ocr", json={"image_url": local.url("empty")})
    assert answer.json is not None
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "IMAGE_EMPTY")


# ---- memory ------------------------------------------------------------------------------------------


class Waiting(FakeReader):
    """Tells what is held while it reads, and goes on when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = threading.Semaphore(0)
        self.may_go_on = threading.Event()

    def work(self, source: bytes, options: ReadOptions, ticket: Ticket | None) -> Document:
        self.reading.release()
        assert self.may_go_on.wait(10)
        return super().work(source, options, ticket)


def counting_app(local: Local, reader: FakeReader, **settings: Any) -> tuple[FlaskClient, Intake]:
    app = create_app(
        reader,
        Settings(
            fetch_urls=True,
            fetch_hosts=(f"127.0.0.1:{local.port}",),
            fetch_networks=("127.0.0.0/8",),
            cache_bytes=0,
            **settings,
        ),
        warm_up=False,
    )
    intake = app.extensions[INTAKE]
    assert isinstance(intake, Intake)
    return app.test_client(), intake


@pytest.mark.parametrize("path", ["picture", "unannounced"])
def test_a_fetched_picture_counts_like_a_body_while_it_is_read(local: Local, path: str) -> None:
    reader = Waiting()
    client, intake = counting_app(local, reader)
    body = len(b'{"image_url": ""}') + len(local.url(path))
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(client.post, "/ocr", json={"image_url": local.url(path)})
        assert reader.reading.acquire(timeout=10)
        assert body <= intake.held_bytes - len(b"the picture") <= body + 2
        reader.may_go_on.set()
        assert asked.result(10).status_code == 200
    assert intake.held_bytes == 0


def test_fetched_pictures_share_the_memory_of_bodies(local: Local) -> None:
    reader = Waiting()
    client, intake = counting_app(local, reader, max_bytes_in_flight=1200, queue_seconds=100)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.post, "/ocr", json={"image_url": local.url("large")})
        assert reader.reading.acquire(timeout=10)
        second = client.application.test_client().post("/ocr", json={"image_url": local.url("large")})
        assert (second.status_code, second.get_json()["error"]["code"]) == (503, "OVERLOADED")
        assert int(second.headers["Retry-After"]) >= 1
        reader.may_go_on.set()
        assert first.result(10).status_code == 200
    assert intake.held_bytes == 0
    assert client.post("/ocr", json={"image_url": local.url("large")}).status_code == 200


@pytest.mark.parametrize("accept", ["application/json", "application/x-ndjson"])
def test_pictures_of_a_batch_give_their_room_back_one_by_one(local: Local, accept: str) -> None:
    client, intake = counting_app(local, FakeReader(), max_bytes_in_flight=4000, threads=1, queue_seconds=100)
    items = [{"image_url": local.url(f"large?{number}")} for number in range(12)]
    answer = client.post("/ocr/batch", json=items, headers={"Accept": accept})
    assert answer.text.count('"success":true') - (accept == "application/json") == 12, answer.text
    answer.close()
    assert intake.held_bytes == 0

"""Webhooks: signatures that receivers' libraries accept, hosts that are refused, receivers that misbehave."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from crnn_ocr.errors import (
    OcrError,
    SettingsError,
    WebhookFailedError,
    WebhookGoneError,
    WebhookNotAllowedError,
    WebhooksDisabledError,
)
from crnn_ocr.jobs.records import MOST_DELIVERIES
from crnn_ocr.jobs.webhooks import (
    Webhooks,
    body_of,
    check,
    check_webhook,
    secrets_of,
    sign,
    wait_s,
)
from crnn_ocr.net.dns import Resolve, resolve
from crnn_ocr.net.url_rules import Rules
from crnn_ocr.settings import Settings

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OLD_SECRET = "whsec_" + base64.b64encode(b"an older secret of 24 b.").decode()
JOB: dict[str, Any] = {"id": "4f2a", "state": "succeeded", "files": [{"name": "Rechnung 中文.pdf"}]}
FINISHED = 1_800_000_000.25
#: Seconds; what is slow in these tests goes on for as long as the test.
TIMEOUT_S = 1.0


def configured(**settings: Any) -> Settings:
    return Settings(jobs_webhook_secret=SecretStr(SECRET), **settings)


# ---- signing -----------------------------------------------------------------------------------------


def test_the_example_of_the_specification() -> None:
    # https://github.com/standard-webhooks/standard-webhooks, the test vector of its reference libraries.
    (secret,) = secrets_of(Settings(jobs_webhook_secret=SecretStr("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")))
    signature = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(st.binary(min_size=24, max_size=64), st.binary(max_size=100), st.text("abc_-", min_size=1))
def test_the_reference_library_accepts_what_is_signed(secret: bytes, body: bytes, message_id: str) -> None:
    library = pytest.importorskip("standardwebhooks", reason="standardwebhooks is not installed")
    when = datetime.fromtimestamp(1_800_000_000)
    expected = library.Webhook(secret).sign(message_id, when, body.hex())
    assert sign(secret, message_id, 1_800_000_000, body.hex().encode()) == expected


@pytest.mark.parametrize(
    "secret",
    [
        "secret",
        "whsec_",
        "whsec_!!!!",
        base64.b64encode(bytes(32)).decode(),
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        "whsec_" + base64.b64encode(bytes(32)).decode().rstrip("="),
        f"{SECRET} whsec_x",
    ],
)
def test_a_malformed_secret_ends_the_start_and_is_not_shown(secret: str) -> None:
    with pytest.raises(SettingsError, match="JOBS_WEBHOOK_SECRET") as caught:
        check(Settings(jobs_webhook_secret=SecretStr(secret)))
    assert secret not in caught.value.message or secret == "whsec_"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"jobs_webhook_hosts": "http://a"}, "WEBHOOK_HOSTS"),
        ({"jobs_webhook_networks": "10.0.0.1/8"}, "WEBHOOK_NETWORKS"),
    ],
)
def test_wrong_settings_end_the_start(settings: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        check(Settings.model_validate(settings))


def test_the_body_says_what_when_and_which() -> None:
    body = body_of(JOB, FINISHED)
    assert json.loads(body) == {"type": "job.finished", "timestamp": "2027-01-15T08:00:00.250Z", "data": JOB}
    assert json.loads(body_of({"name": "\udcff.png"}, FINISHED))["data"] == {"name": "\udcff.png"}


# ---- when to try again -------------------------------------------------------------------------------


def test_waits_grow_and_end() -> None:
    failed = WebhookFailedError("The receiver is away.")
    waits = [wait_s(number, failed) for number in range(1, MOST_DELIVERIES + 1)]
    assert waits == [5, 30, 120, 600, 3600, 21600, None]
    assert wait_s(1, WebhookGoneError("It is gone.")) is None


@given(st.integers(1, MOST_DELIVERIES - 1), st.integers(0, 10**9))
def test_a_receiver_that_asks_for_time_gets_it_within_reason(number: int, asked: int) -> None:
    plain = wait_s(number, WebhookFailedError("away"))
    wait = wait_s(number, WebhookFailedError("away", retry_after=asked))
    assert plain is not None
    assert wait == max(plain, min(asked, 21_600))


# ---- at submit ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["https://example.com/hook?x=1", "http://example.com/", "http://8.8.8.8/"])
def test_public_webhooks_are_accepted_without_a_look_up(url: str) -> None:
    check_webhook(url, configured())


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "ftp://example.com/",
        "http://user:secret@example.com/",
        "http://example.com:22/",
        "http://example.com/ x",
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fe80::1]/",
        "http://" + "a" * 3000,
    ],
)
def test_what_can_never_be_reached_is_refused_at_once(url: str) -> None:
    with pytest.raises(WebhookNotAllowedError) as caught:
        check_webhook(url, configured())
    assert "secret" not in caught.value.message


@given(st.text(max_size=50))
def test_any_text_is_accepted_or_refused_in_our_own_words(text: str) -> None:
    with suppress(WebhookNotAllowedError):
        check_webhook(f"http://{text}", configured(jobs_webhook_hosts=("nowhere.invalid",)))


def test_hosts_and_networks_of_the_settings() -> None:
    inside = configured(jobs_webhook_hosts=("10.1.2.3:8080",), jobs_webhook_networks=("10.1.0.0/16",))
    check_webhook("http://10.1.2.3:8080/hook", inside)
    for url in ("http://10.1.2.3/", "http://10.2.0.1:8080/", "https://example.com/"):
        with pytest.raises(WebhookNotAllowedError):
            check_webhook(url, inside)


def test_without_a_secret_there_are_no_webhooks() -> None:
    with pytest.raises(WebhooksDisabledError):
        check_webhook("https://example.com/", Settings())
    with pytest.raises(WebhookFailedError, match="no secret"):
        Webhooks((), Rules()).deliver("https://example.com/", "4f2a", JOB, finished=FINISHED)


# ---- delivery ----------------------------------------------------------------------------------------


@dataclass
class Receiver:
    """A real HTTP server; what it does depends on the path."""

    port: int = 0
    received: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}/{path}"

    def sender(
        self,
        host: str = "127.0.0.1",
        lookup: Resolve = resolve,
        secrets: str = SECRET,
        clock: Callable[[], float] = lambda: 1_800_000_042.7,
    ) -> Webhooks:
        rules = Rules.parse((f"{host}:{self.port}",), ("127.0.0.0/8",), setting="TEST")
        keys = secrets_of(Settings(jobs_webhook_secret=SecretStr(secrets)))
        return Webhooks(keys, rules, timeout_s=TIMEOUT_S, lookup=lookup, clock=clock)

    def deliver(self, path: str, **sender: Any) -> None:
        self.sender(**sender).deliver(self.url(path), "4f2a", JOB, finished=FINISHED)


class Handler(BaseHTTPRequestHandler):
    told: Receiver
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.told.received.append((self.path, dict(self.headers), body))
        self.close_connection = True
        what = self.path.strip("/").split("?")[0]
        with suppress(OSError):
            if what.isdigit():
                self.give(int(what))
            else:
                getattr(self, "path_" + what)()

    def give(self, status: int, length: int = 0) -> None:
        self.send_response(status)
        for name, value in {302: {"Location": "/200"}, 503: {"Retry-After": "77"}}.get(status, {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def path_closes(self) -> None:
        pass

    def path_silent(self) -> None:
        self.told.over.wait()

    def path_slowheaders(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not self.told.over.wait(0.1):
            self.wfile.write(b"X-A: b\r\n")

    def path_nonsense(self) -> None:
        self.wfile.write(b"hello\r\n\r\n")

    def path_endless(self) -> None:
        self.give(200, 2**40)
        while not self.told.over.is_set():
            self.wfile.write(bytes(65536))

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    told = Receiver()
    handler = type("OwnHandler", (Handler,), {"told": told})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        told.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield told
        told.over.set()
        server.shutdown()
        thread.join(5)


def test_a_receiver_verifies_it_with_its_library(receiver: Receiver) -> None:
    library = pytest.importorskip("standardwebhooks", reason="standardwebhooks is not installed")
    receiver.deliver("200?x=ä", clock=time.time, secrets=f"{SECRET} {OLD_SECRET}")
    ((path, headers, body),) = receiver.received
    assert path == "/200?x=%C3%A4"
    for secret in (SECRET, OLD_SECRET):
        assert library.Webhook(secret).verify(body, headers)["data"] == JOB
    with pytest.raises(library.WebhookVerificationError):
        library.Webhook("whsec_" + base64.b64encode(b"x" * 30).decode()).verify(body, headers)
    with pytest.raises(library.WebhookVerificationError):
        library.Webhook(SECRET).verify(body.replace(b"succeeded", b"failed"), headers)


def test_the_headers_of_a_delivery(receiver: Receiver) -> None:
    receiver.deliver("204")
    ((_, headers, body),) = receiver.received
    assert headers["webhook-id"] == "msg_4f2a"
    assert headers["webhook-timestamp"] == "1800000042"
    (key,) = secrets_of(configured())
    assert headers["webhook-signature"] == sign(key, "msg_4f2a", 1_800_000_042, body)
    assert headers["Content-Type"] == "application/json"
    assert headers["Host"] == f"127.0.0.1:{receiver.port}"
    assert not {"Authorization", "Cookie"} & set(headers)


@pytest.mark.parametrize("path", ["200", "202", "299"])
def test_every_success_counts(receiver: Receiver, path: str) -> None:
    receiver.deliver(path)
    assert len(receiver.received) == 1


def test_a_delivery_that_is_repeated_has_the_same_id(receiver: Receiver) -> None:
    for when in (1_800_000_000.0, 1_800_000_100.0):
        receiver.deliver("200", clock=lambda when=when: when)
    (_, first, body), (_, second, again) = receiver.received
    assert first["webhook-id"] == second["webhook-id"]
    assert body == again
    assert first["webhook-timestamp"] != second["webhook-timestamp"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("302", "status 302"),
        ("400", "status 400"),
        ("404", "status 404"),
        ("500", "status 500"),
        ("silent", "within 1 seconds"),
        ("slowheaders", "within 1 seconds"),
        ("nonsense", "does not speak HTTP"),
        ("closes", "does not speak HTTP"),
    ],
)
def test_a_receiver_that_fails_is_asked_once_and_again_later(
    receiver: Receiver, path: str, words: str
) -> None:
    with pytest.raises(WebhookFailedError, match=words) as caught:
        receiver.deliver(path)
    assert [entry[0] for entry in receiver.received] == [f"/{path}"]  # redirects are not followed
    assert wait_s(1, caught.value) == 5


def test_gone_is_final_and_busy_is_told(receiver: Receiver) -> None:
    with pytest.raises(WebhookGoneError) as gone:
        receiver.deliver("410")
    assert wait_s(1, gone.value) is None
    with pytest.raises(WebhookFailedError) as busy:
        receiver.deliver("503")
    assert wait_s(1, busy.value) == 77


def test_an_endless_answer_is_not_read(receiver: Receiver) -> None:
    receiver.deliver("endless")  # reading it would exceed the time
    assert len(receiver.received) == 1


def test_the_address_is_checked_when_it_is_delivered(receiver: Receiver) -> None:
    asked: list[str] = []

    def rebinding(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    sender = receiver.sender("rebind.example", rebinding)
    url = receiver.url("200", "rebind.example")
    sender.deliver(url, "4f2a", JOB, finished=FINISHED)
    assert asked == ["rebind.example"]  # looked up once, and the checked address used
    with pytest.raises(WebhookFailedError, match="not public"):
        sender.deliver(url, "4f2a", JOB, finished=FINISHED)
    assert len(receiver.received) == 1


def test_a_private_receiver_is_refused_unless_its_network_is_named(receiver: Receiver) -> None:
    sender = Webhooks(secrets_of(configured()), Rules((f"localhost:{receiver.port}",)))
    with pytest.raises(WebhookFailedError, match="not public"):
        sender.deliver(receiver.url("200", "localhost"), "4f2a", JOB, finished=FINISHED)
    assert receiver.received == []


def test_nobody_listens(receiver: Receiver) -> None:
    sender = receiver.sender()
    url = receiver.url("200")
    unknown = receiver.sender("nowhere.invalid", lookup=lambda *_: _raise(OSError("no such host")))
    with pytest.raises(WebhookFailedError, match="cannot be reached"):
        unknown.deliver(receiver.url("200", "nowhere.invalid"), "4f2a", JOB, finished=FINISHED)
    with pytest.raises(OcrError, match="TLS"):
        sender.deliver(url.replace("http:", "https:"), "4f2a", JOB, finished=FINISHED)


def _raise(error: Exception) -> Any:
    raise error

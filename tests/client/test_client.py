"""The client against a server that misbehaves as it is told."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest

from crnn_ocr import errors
from crnn_ocr.client import (
    AnswerTimeoutError,
    BadAnswerError,
    Client,
    ConnectionFailedError,
    OcrLine,
    OcrResult,
)
from crnn_ocr.document import Remark
from crnn_ocr.errors import OcrError
from crnn_ocr.options import ReadOptions
from crnn_ocr.service.api import examples
from tests.client.scripted import Step, answer, failure, hang_up, scripted_server

GOOD = answer(200, examples.OCR_ANSWER)


def rows(*entries: dict[str, Any]) -> Step:
    return answer(200, b"".join(json.dumps(entry).encode() + b"\n" for entry in entries))


def good(index: int, text: str = "a") -> dict[str, Any]:
    return {"index": index, **examples.OCR_ANSWER, "text": text}


def bad(index: int, status: int, code: str, **more: Any) -> dict[str, Any]:
    error = {"code": code, "message": "m", "hint": "h"}
    return {"index": index, "success": False, "status": status, "error": error, "request_id": "-", **more}


def test_a_result_has_types() -> None:
    body = {**examples.OCR_ANSWER, "warnings": [{"code": "IMAGE_BLURRED", "message": "m"}], "new_field": 1}
    page = {name: body[name] for name in ("width", "height", "text", "lines", "warnings")}
    body["pages"] = [{"number": 1, **page}, {"number": 2, **page}]
    with scripted_server(answer(200, body)) as server, Client(server.url) as client:
        result = client.ocr(b"picture")
    assert result.text == "合计：￥5999.00\nThank you"
    assert result.lines[1] == OcrLine(
        "Thank you", 0.9951, ((24.0, 80.0), (188.0, 80.0), (188.0, 108.5), (24.0, 108.5))
    )
    assert (result.width, result.height, result.model) == (640, 480, "crnn-zh-en/1")
    assert (result.cached, result.elapsed_ms) == (False, 87.4)
    assert result.warnings == (Remark("IMAGE_BLURRED", "m"),)
    assert [entry.number for entry in result.pages] == [1, 2]
    assert result.pages[1].lines == result.lines


def test_what_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"picture")
    with (
        scripted_server(*[GOOD] * 5) as server,
        Client(f"{server.url}/behind/a/proxy/", api_key="key-1", timeout=7.5) as client,
    ):
        client.ocr(path, fresh=True)
        client.ocr(str(path), grey="on", min_confidence=0.25)
        client.ocr(BytesIO(b"picture"), ReadOptions(model="m"))
        client.ocr(memoryview(b"picture"))
        client.options()
    (first, second, third, fourth, fifth) = server.seen
    assert {(method, body) for method, _, _, body in server.seen[:4]} == {("POST", b"picture")}
    assert first[1] == "/behind/a/proxy/ocr"
    assert first[2]["Authorization"] == "Bearer key-1"
    assert first[2]["X-Request-Timeout"] == "7.5"
    assert first[2]["Cache-Control"] == "no-cache"
    assert second[1] == "/behind/a/proxy/ocr?grey=on&min_confidence=0.25"
    assert "Cache-Control" not in second[2]
    assert third[1] == "/behind/a/proxy/ocr?model=m"
    assert fourth[1] == "/behind/a/proxy/ocr"
    assert fifth[:2] == ("GET", "/behind/a/proxy/options")
    assert server.connections == 1  # kept


def test_a_short_time_out_is_one_that_servers_take() -> None:
    with scripted_server(GOOD) as server, Client(server.url, timeout=0.5) as client:
        client.ocr(b"picture")
    assert server.seen[0][2]["X-Request-Timeout"] == "1"


def test_what_cannot_be_sent_is_refused_here() -> None:
    client = Client("http://127.0.0.1:1")
    with pytest.raises(errors.InvalidOptionError):
        client.ocr(b"", gray="on")
    with pytest.raises(TypeError, match="not both"):
        client.ocr(b"", ReadOptions(), grey="on")
    with pytest.raises(TypeError, match="rb"):
        client.ocr(StringIO("text"))  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        client.ocr("/nowhere/picture.png")


@pytest.mark.parametrize("url", ["", "127.0.0.1:5000", "ftp://host", "http://", "http://host/?a=b"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        Client(url)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (422, "IMAGE_DECODE_FAILED", errors.ImageDecodeError),
        (400, "BASE64_INVALID", errors.InvalidBase64Error),
        (401, errors.UnauthorizedError.code, errors.UnauthorizedError),
        (404, "MODEL_NOT_FOUND", errors.ModelNotFoundError),
        (500, "INTERNAL_ERROR", OcrError),
        (418, "SOMETHING_NEW", OcrError),
    ],
)
def test_errors_are_those_of_the_library(status: int, code: str, kind: type[OcrError]) -> None:
    with scripted_server(failure(status, code)) as server, pytest.raises(kind) as caught:
        Client(server.url).ocr(b"picture")
    assert (caught.value.code, caught.value.http_status) == (code, status)
    assert (caught.value.message, caught.value.hint) == ("m", "h")
    assert caught.value.__notes__ == ["request id: id-1"]
    assert len(server.seen) == 1


class Time:
    """A clock that only sleeping moves.

    Attributes:
        pauses: how long the client slept each time, in seconds.
    """

    def __init__(self) -> None:
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return sum(self.pauses)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    """The client's time."""
    told = Time()
    monkeypatch.setattr("crnn_ocr.client.time", told)
    monkeypatch.setattr("crnn_ocr.client.asking.time", told)
    return told


def test_a_busy_server_is_asked_again_as_late_as_it_says(clock: Time) -> None:
    busy = failure(503, "OVERLOADED", Retry_After="1")
    limited = failure(429, "RATE_LIMITED", Retry_After="0")
    with scripted_server(limited, busy, GOOD) as server:
        assert Client(server.url).ocr(b"picture").text
    assert len(clock.pauses) == 2
    assert 1 <= clock.pauses[1] < 2
    assert [body for *_, body in server.seen] == [b"picture"] * 3


def test_what_falls_out_of_the_total_time_is_not_waited_for(clock: Time) -> None:
    late = failure(503, "OVERLOADED", Retry_After="60")
    with scripted_server(late) as server, pytest.raises(errors.OverloadedError) as caught:
        Client(server.url, retry_for=30).ocr(b"picture")
    assert caught.value.retry_after == 60
    with scripted_server(failure(503, "OVERLOADED")) as server, pytest.raises(errors.OverloadedError):
        Client(server.url, retry_for=0).ocr(b"picture")
    assert clock.pauses == []


def test_a_total_time_ends_the_attempts(clock: Time) -> None:
    with scripted_server(*[failure(503, "OVERLOADED")] * 50) as server:
        with pytest.raises(errors.OverloadedError):
            Client(server.url, retry_for=1.5).ocr(b"picture")
        assert len(server.seen) == len(clock.pauses) + 1 >= 2
    assert sum(clock.pauses) < 1.5


def test_a_server_that_is_being_replaced_is_found_again() -> None:
    with scripted_server(hang_up, answer(502, b"<html>Bad Gateway</html>"), GOOD) as server:
        assert Client(server.url).ocr(b"picture").text
    with pytest.raises(ConnectionFailedError, match="cannot be reached"):
        Client(server.url, retry_for=0.3).ocr(b"picture")


def test_a_dead_kept_connection_is_replaced_without_a_pause() -> None:
    def last_words(handler: BaseHTTPRequestHandler) -> None:
        GOOD(handler)
        handler.close_connection = True  # though no header has said so

    with scripted_server(last_words, GOOD) as server, Client(server.url, retry_for=0) as client:
        client.ocr(b"first")
        time.sleep(0.1)
        client.ocr(b"second")
    assert server.connections == 2


def test_an_answer_that_does_not_come_is_not_asked_for_again() -> None:
    def slow(_handler: BaseHTTPRequestHandler) -> None:
        time.sleep(3)

    with scripted_server(slow) as server:
        client = Client(server.url, timeout=0.2)
        client._transport._timeout = 0.2
        with pytest.raises(AnswerTimeoutError):
            client.ocr(b"picture")
        assert len(server.seen) == 1


@pytest.mark.parametrize(
    "step",
    [
        answer(200, b"<html>hello</html>"),
        answer(200, [1]),
        answer(200, {"success": True}),
        answer(404, b"nothing here"),
        answer(302, b"", Location="http://elsewhere/"),
        answer(422, {"detail": "another API"}),
        answer(200, {**examples.OCR_ANSWER, "lines": [{"text": "a", "confidence": 1, "polygon": [[0, 0]]}]}),
    ],
)
def test_what_is_no_answer_of_this_api(step: Step) -> None:
    with scripted_server(step) as server, pytest.raises(BadAnswerError):
        Client(server.url).ocr(b"picture")


# ---- many pictures -----------------------------------------------------------------------------------


def parts(seen: tuple[str, str, dict[str, str], bytes]) -> list[bytes]:
    """The files of a form, taken apart by somebody else's parser."""
    _, _, headers, body = seen
    message = message_from_bytes(f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode() + body)
    payload = message.get_payload()
    assert isinstance(payload, list)
    files = []
    for part in payload:
        assert isinstance(part, Message)
        assert part.get_param("name", header="content-disposition") == "image"
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        files.append(content)
    return files


def test_a_batch_comes_in_order_and_as_it_is_finished() -> None:
    step = rows(good(2, "c"), bad(1, 422, "IMAGE_DECODE_FAILED"), good(0, "a"))
    pictures = [b"one", b"two \r\n--", b"\x00three\n"]
    with scripted_server(step, step) as server, Client(server.url) as client:
        first, second, third = client.batch(pictures, denoise="on")
        order = [index for index, _ in client.stream(pictures)]
    assert isinstance(first, OcrResult)
    assert isinstance(third, OcrResult)
    assert (first.text, third.text) == ("a", "c")
    assert isinstance(second, errors.ImageDecodeError)
    assert order == [2, 1, 0]
    assert server.seen[0][1] == "/ocr/batch?denoise=on"
    assert server.seen[0][2]["Accept"] == "application/x-ndjson"
    assert parts(server.seen[0]) == pictures
    assert server.connections == 1


def test_only_what_a_busy_server_refused_is_sent_again() -> None:
    first = rows(bad(0, 503, "OVERLOADED", retry_after=1), good(1, "b"), bad(2, 503, "OVERLOADED"))
    with scripted_server(first, failure(503, "OVERLOADED"), rows(good(1, "c"), good(0, "a"))) as server:
        results = Client(server.url).batch([b"A", b"B", b"C"])
    assert [result.text for result in results if isinstance(result, OcrResult)] == ["a", "b", "c"]
    assert [parts(seen) for seen in server.seen] == [[b"A", b"B", b"C"], [b"A", b"C"], [b"A", b"C"]]


def test_what_stays_refused_is_an_error_of_that_picture() -> None:
    step = rows(good(0), bad(1, 503, "OVERLOADED", retry_after=60))
    with scripted_server(step) as server:
        first, second = Client(server.url).batch([b"A", b"B"])
    assert isinstance(first, OcrResult)
    assert isinstance(second, errors.OverloadedError)
    assert second.retry_after == 60


def test_an_answer_that_breaks_off_is_taken_up_again() -> None:
    whole = json.dumps(good(1, "b")).encode() + b"\n"

    def broken(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(f"{len(whole):x}\r\n".encode() + whole + b"\r\n")
        handler.wfile.flush()
        handler.close_connection = True

    with scripted_server(broken, rows(good(0, "a"))) as server:
        results = Client(server.url).batch([b"A", b"B"])
    assert [result.text for result in results if isinstance(result, OcrResult)] == ["a", "b"]
    assert parts(server.seen[1]) == [b"A"]


def test_many_pictures_go_in_several_requests() -> None:
    pictures = [str(number).encode() for number in range(70)]
    steps = [rows(*(good(index) for index in range(count))) for count in (32, 32, 6)]
    with scripted_server(*steps) as server:
        results = Client(server.url).batch(pictures)
    assert len(results) == 70
    assert [data for seen in server.seen for data in parts(seen)] == pictures
    assert Client(server.url).batch([]) == []


@pytest.mark.parametrize("step", [rows(good(0), good(0)), rows(good(7)), rows({"index": 0, "success": True})])
def test_rows_that_make_no_sense(step: Step) -> None:
    with scripted_server(step) as server, pytest.raises(BadAnswerError):
        Client(server.url).batch([b"A", b"B"])


# ---- the rest ----------------------------------------------------------------------------------------


def test_models_are_listed() -> None:
    entry = {
        "name": "m",
        "version": "1",
        "kind": "rec",
        "title": "A model",
        "languages": ["zh", "en"],
        "active": True,
        "loaded": False,
        "licence": "…",
    }
    with scripted_server(answer(200, {"active": "m/1", "models": [entry]})) as server:
        (model,) = Client(server.url).models()
    assert (model.name, model.languages, model.active, model.loaded) == ("m", ("zh", "en"), True, False)


def test_health_never_raises() -> None:
    with scripted_server(answer(200, {}), failure(503, "NOT_READY"), hang_up, hang_up) as server:
        client = Client(server.url)
        assert [client.healthy() for _ in range(3)] == [True, False, False]
        assert len(server.seen) == 4  # a kept connection that dies is replaced once
    assert Client(server.url).healthy() is False


def test_many_threads_share_a_client() -> None:
    with scripted_server(*[GOOD] * 40) as server, Client(server.url) as client, ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: client.ocr(b"picture").text, range(40)))
    assert len(set(results)) == 1
    assert server.connections <= 8


def test_it_needs_neither_the_engine_nor_the_service() -> None:
    program = (
        "import sys; import crnn_ocr.client; "
        "heavy = {'numpy', 'cv2', 'onnxruntime', 'onnx', 'PIL', 'flask', 'gunicorn', 'redis', 'rapidocr'}; "
        "sys.exit(', '.join(heavy & sys.modules.keys()) or 0)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr

"""`crnn-ocr models`, from the command line to the folder."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from crnn_ocr.cli import main
from crnn_ocr.cli.switch_model import url_of_this_machine
from crnn_ocr.settings import Settings
from tests.full_disks import without_temporary_folder
from tests.models.graphs import best_graph, int8_graph, scores_graph, write_pack


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CRNN_OCR_MODELS_DIR", str(tmp_path / "models"))
    return tmp_path / "models"


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    status = main(["models", *map(str, words)])
    out, err = capsys.readouterr()
    return status, out, err


def test_the_way_of_a_pack(tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack = write_pack(tmp_path, int8_graph(), output="best", precision="int8")
    (pack / "CARD.md").write_text("What it is.")

    assert run(capsys, "add", pack) == (0, f"added mine/1 in {folder / 'mine'}\n", "")
    _, listed, _ = run(capsys, "list")
    assert "mine 1 recogniser folder" in " ".join(listed.split())
    _, shown, _ = run(capsys, "show", "mine")
    assert "precision:  INT8, FP32 derived from it" in shown
    assert f"card:       {folder / 'mine' / 'CARD.md'}" in shown
    assert run(capsys, "verify", "mine") == (0, "mine/1 is intact\n", "")
    assert run(capsys, "remove", "mine") == (0, f"removed {folder / 'mine'}\n", "")
    assert "mine" not in run(capsys, "list")[1]


def test_read_only_disks_are_no_reason_not_to_verify(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pack(folder, int8_graph(), output="best", precision="int8")
    graph = tmp_path / "net.onnx"
    graph.write_bytes(scores_graph())
    without_temporary_folder(monkeypatch)
    assert run(capsys, "verify", "mine") == (0, "mine/1 is intact\n", "")
    status, out, err = run(capsys, "wrap", graph, "--name", "other")
    assert (status, out) == (1, "")
    assert "MODEL_INSTALL_FAILED" in err
    assert "TMPDIR" in err


def test_aliases_and_defaults_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    rows = run(capsys, "list")[1].splitlines()
    (accurate,) = (row for row in rows if row.startswith("ppocrv6-small "))
    assert accurate.endswith("alias accurate")
    (detector,) = (row for row in rows if row.startswith("ppocrv6-det-small "))
    assert detector.endswith("default")
    assert run(capsys, "show", "accurate")[1].startswith("name:       ppocrv6-small/1\n")


def test_broken_packs_are_told_of(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_pack(folder, best_graph(), "scrap", output="best")
    (folder / "scrap" / "manifest.json").write_text("{}")
    damaged = write_pack(folder, scores_graph(), "damaged")
    (damaged / "net.onnx").write_bytes(b"another")
    write_pack(folder, scores_graph(), "named-otherwise").rename(folder / "elsewhere")

    listed = run(capsys, "list")[1]
    assert listed.count("broken: see `crnn-ocr models verify`") == 2
    status, out, err = run(capsys, "verify")
    assert status == 1
    assert "ppocrv6-small/1 is intact" in out
    assert "crnn-ocr: damaged: pack 'damaged': net.onnx differs from its manifest" in err
    assert "crnn-ocr: scrap: " in err
    assert "crnn-ocr: elsewhere: " in err
    assert err.count("(MODEL_BROKEN)") == 3


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        ("show nothing", 2, "MODEL_NOT_FOUND"),
        ("verify nothing", 2, "MODEL_NOT_FOUND"),
        ("remove ppocrv6-small", 1, "MODEL_INSTALL_FAILED"),
        ("add /no/such/pack", 1, "MODEL_BROKEN"),
    ],
)
def test_errors_have_codes_and_statuses(
    words: str, status: int, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found, out, err = run(capsys, *words.split())
    assert (found, out) == (status, "")
    assert f"({code})" in err
    assert "Traceback" not in err


def test_a_manifest_with_impossible_numbers_is_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = run(capsys, "add", write_pack(tmp_path, scores_graph(), max_width=1000))
    assert (status, out) == (1, "")
    assert "must be a multiple of 32" in err
    assert "(MODEL_BROKEN)" in err


def test_a_wrong_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CRNN_OCR_PRECISION", "int4")
    status, _, err = run(capsys, "list")
    assert status == 2
    assert "CRNN_OCR_PRECISION" in err


class Service(BaseHTTPRequestHandler):
    """Stands in for a running service: answers what it was told to, keeps what it was asked."""

    answer: ClassVar[tuple[int, bytes]] = (200, b"")
    asked: ClassVar[list[tuple[str, str | None, bytes]]] = []

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append((self.path, self.headers["Authorization"], body))
        status, answer = self.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[HTTPServer]:
    Service.asked.clear()
    with HTTPServer(("127.0.0.1", 0), Service) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_running_service_is_told_to_use_another_model(
    service: HTTPServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {"model": "mine/2", "previous": "ppocrv6-small/1", "workers": 2, "pending": []}
    Service.answer = (200, json.dumps(made).encode())
    monkeypatch.setenv("CRNN_OCR_PORT", str(service.server_port))
    assert run(capsys, "use", "mine") == (
        0,
        "mine/2 is active in 2 worker(s); before it was ppocrv6-small/1\n",
        "",
    )
    monkeypatch.setenv("CRNN_OCR_API_KEY", "crnn_secret")
    Service.answer = (202, json.dumps(made | {"pending": [17, 18]}).encode())
    url = f"http://127.0.0.1:{service.server_port}/ocr-service/"
    assert run(capsys, "use", "mine", "--url", url)[1].endswith("\nnot yet in: 17, 18\n")
    assert Service.asked == [
        ("/models/active", None, b'{"model": "mine"}'),
        ("/ocr-service/models/active", "Bearer crnn_secret", b'{"model": "mine"}'),
    ]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            (
                409,
                b'{"success": false, "error": {"code": "MODEL_SWITCH_FAILED", "message": "m", "hint": "h"}}',
            ),
            "crnn-ocr: m (MODEL_SWITCH_FAILED)\n  h\n",
        ),
        ((502, b'{"oops": 1}'), "answered with status 502. (SERVICE_FAILED)"),
        ((200, b"<html>"), "is not a crnn-ocr service. (SERVICE_FAILED)"),
    ],
)
def test_what_the_service_objects_to_is_told(
    service: HTTPServer, capsys: pytest.CaptureFixture[str], answer: tuple[int, bytes], words: str
) -> None:
    Service.answer = answer
    status, out, err = run(capsys, "use", "mine", "--url", f"http://127.0.0.1:{service.server_port}")
    assert (status, out) == (1, "")
    assert words in err


@pytest.mark.parametrize(
    ("url", "status", "words"),
    [
        ("http://127.0.0.1:9", 1, "does not answer"),
        ("127.0.0.1:5000", 2, "not the address of a service"),
        ("http://", 2, "not the address of a service"),
        ("http://127.0.0.1:many", 2, "not the address of a service"),
    ],
)
def test_a_wrong_address_is_named(
    capsys: pytest.CaptureFixture[str], url: str, status: int, words: str
) -> None:
    found, _, err = run(capsys, "use", "mine", "--url", url)
    assert found == status
    assert words in err


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:5000"),
        ("::", "http://[::1]:5000"),
        ("ocr.lan", "http://ocr.lan:5000"),
    ],
)
def test_the_service_of_this_machine_is_found(host: str, url: str) -> None:
    assert url_of_this_machine(Settings(host=host)) == url

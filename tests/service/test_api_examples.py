"""The examples of docs/api.md, executed against the running service."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crnn_ocr.service import examples
from crnn_ocr.service.openapi import error_catalogue, openapi_document
from tests.service.rendering import png
from tests.service.wire import Server

DOCUMENT = Path(__file__).parents[2] / "docs" / "api.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
LINES = ["Receipt 10234", "Total 99.50 EUR"]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.joinpath("receipt.png").write_bytes(png(*LINES))
    return tmp_path


def at(server: Server, example: str) -> str:
    assert "http://127.0.0.1:5000" in example
    return example.replace("http://127.0.0.1:5000", server.url)


@pytest.mark.parametrize("index", range(4))
def test_curl(server: Server, folder: Path, index: int) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    assert len(blocks("sh")) == 4
    command = at(server, blocks("sh")[index]).replace("curl ", "curl --silent --fail-with-body ")
    ended = subprocess.run(["bash", "-euc", command], cwd=folder, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stdout
    assert json.loads(ended.stdout)["text"] == "\n".join(LINES)


def test_python(server: Server, folder: Path) -> None:
    (program,) = blocks("python")
    ended = subprocess.run(
        [sys.executable, "-c", at(server, program)], cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert ended.stdout == "\n".join(LINES) + "\n", ended.stderr


def test_answers_are_those_of_the_reference() -> None:
    success, failure = (json.loads(block) for block in blocks("json"))
    assert success == examples.OCR_ANSWER
    schema = openapi_document()["components"]["schemas"]
    assert list(failure) == list(schema["ErrorAnswer"]["properties"])
    assert list(failure["error"]) == list(schema["ErrorDetail"]["properties"])


def test_routes_and_codes_exist() -> None:
    for path in openapi_document()["paths"]:
        assert f" {path}`" in TEXT
    known = {(str(entry["status"]), entry["code"]) for entry in error_catalogue()}
    table = re.findall(r"^\| (\d{3}) \| (.*?) \|", TEXT, re.MULTILINE)
    assert len(table) >= 8
    for status, codes in table:
        for code in re.findall(r"`(\w+)`", codes):
            assert (status, code) in known

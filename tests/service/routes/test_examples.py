"""The examples of docs/api.md, docs/cache.md and docs/client.md, executed against the running service."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from crnn_ocr.service.api import examples
from crnn_ocr.service.routes.openapi import error_catalogue, openapi_document
from tests.service.rendering import png
from tests.service.wire import Server

DOCS = Path(__file__).parents[3] / "docs"
ADDRESS = "http://127.0.0.1:5000"
LINES = ["Receipt 10234", "Total 99.50 EUR"]
LETTER = ["Dear Sir or Madam"]


def text(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```", text(name), re.MULTILINE | re.DOTALL)
    assert found, f"{name} has no {language}"
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.joinpath("receipt.png").write_bytes(png(*LINES))
    tmp_path.joinpath("letter.png").write_bytes(png(*LETTER))
    tmp_path.joinpath("broken.png").write_bytes(png(*LINES)[:-100])
    return tmp_path


def shell(server: Server, folder: Path, command: str) -> str:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    command = command.replace(ADDRESS, server.url).replace("https://ocr.example.com", server.url)
    assert server.url in command
    ended = subprocess.run(
        ["bash", "-euc", command.replace("curl ", "curl --silent --fail-with-body ")],
        cwd=folder,
        env={**os.environ, "KEY": "crnn_key"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def program(server: Server, folder: Path, source: str) -> str:
    assert ADDRESS in source
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", source.replace(ADDRESS, server.url)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def texts(command: str, printed: str) -> list[str]:
    """What was read, whichever route the command asks."""
    if "ndjson" in command:
        rows = sorted((json.loads(row) for row in printed.splitlines()), key=lambda row: row["index"])
        return [row["text"] for row in rows]
    if "/export" in command:
        return [printed.rstrip("\n")]
    answer = json.loads(printed)
    if "/ocr/batch" in command:
        assert answer["failed"] == 0
        return [result["text"] for result in answer["results"]]
    if "/compat/rapidocr" in command:
        return ["\n".join(entry["rec_txt"] for entry in answer.values())]
    if "/compat/umi" in command:
        assert answer["code"] == 100
        return [answer["data"].rstrip("\n")]
    return [answer["text"]]


# ---- docs/api.md -------------------------------------------------------------------------------------


#: Examples whose answers are files.
FILES = re.compile("/preview|/convert|receipt.pdf")


@pytest.mark.parametrize("command", [block for block in blocks("api.md", "sh") if not FILES.search(block)])
def test_curl(server: Server, folder: Path, command: str) -> None:
    read = texts(command, shell(server, folder, command))
    receipt = "\n".join(LINES)
    assert read[0] in (receipt, " ".join(LINES))  # Umi-OCR's parser may join lines
    if "/ocr/batch" in command:
        assert read[1] == (LETTER[0] if "letter.png" in command else receipt)
        assert len(read) == 2


def test_preview(server: Server, folder: Path) -> None:
    (command,) = [block for block in blocks("api.md", "sh") if "/preview" in block]
    assert shell(server, folder, command) == ""
    with Image.open(folder / "seen.png") as seen, Image.open(folder / "receipt.png") as receipt:
        assert (seen.format, seen.size) == ("PNG", receipt.size)


def test_convert(server: Server, folder: Path) -> None:
    (command,) = [block for block in blocks("api.md", "sh") if "/convert" in block]
    assert shell(server, folder, command) == ""
    assert LINES[0] in (folder / "document.md").read_text(encoding="utf-8")
    with zipfile.ZipFile(folder / "receipt.zip") as archive:
        assert archive.namelist() == ["document.md", "document.html", "document.json"]


def test_a_document_is_written_with_the_file_that_it_was_read_from(server: Server, folder: Path) -> None:
    (command,) = [block for block in blocks("api.md", "sh") if "receipt.pdf" in block]
    (before,) = [block for block in blocks("api.md", "sh") if "> receipt.json" in block]
    shell(server, folder, before)
    assert shell(server, folder, command) == ""
    assert (folder / "receipt.pdf").read_bytes().startswith(b"%PDF-")


def test_every_way_to_send_a_picture_is_shown() -> None:
    commands = "".join((*blocks("api.md", "sh"), *blocks("jobs.md", "sh")))
    for route in (path for path, methods in openapi_document()["paths"].items() if "post" in methods):
        assert re.search(rf"{ADDRESS}{route}['?\s]", commands), route


@pytest.mark.parametrize("example", blocks("api.md", "console"))
def test_console(server: Server, folder: Path, example: str) -> None:
    command, *shown = example.removeprefix("$ ").splitlines()
    answer = json.loads(shell(server, folder, command))
    for row in shown:
        assert list(json.loads(row)) == list(answer)


def test_python(server: Server, folder: Path) -> None:
    (source,) = blocks("api.md", "python")
    assert program(server, folder, source) == "\n".join(LINES) + "\n"


def kind_of(body: dict[str, Any]) -> str:
    if "results" in body:
        return "BatchAnswer"
    return "OcrAnswer" if body["success"] else "ErrorAnswer"


def test_answers_are_those_of_the_reference() -> None:
    schemas = openapi_document()["components"]["schemas"]
    shown = [json.loads(block) for block in blocks("api.md", "json")]
    assert {kind_of(body) for body in shown} == {"OcrAnswer", "ErrorAnswer", "BatchAnswer"}
    for body in shown:
        described = schemas[kind_of(body)]
        assert set(described["required"]) <= set(body) <= set(described["properties"])
    assert examples.OCR_ANSWER in shown
    (batch,) = [body for body in shown if "results" in body]
    for result in batch["results"]:
        described = schemas["BatchItemAnswer" if result["success"] else "BatchItemError"]
        assert set(described["required"]) <= set(result) <= set(described["properties"])


def test_routes_and_codes_exist() -> None:
    page = text("api.md")
    for path in openapi_document()["paths"]:
        assert f" {path}`" in page, path
    known = {(str(entry["status"]), entry["code"]) for entry in error_catalogue()}
    table = re.findall(r"^\| (\d{3}) \| (.*?) \|", page, re.MULTILINE)
    assert len(table) >= 8
    for status, codes in table:
        for code in re.findall(r"`(\w+)`", codes):
            assert (status, code) in known


# ---- docs/cache.md -----------------------------------------------------------------------------------


def test_the_header_that_tells_of_the_cache(server: Server, folder: Path) -> None:
    twice, without, _serve = blocks("cache.md", "sh")
    folder.joinpath("receipt.png").write_bytes(png("Seen here for the first time"))
    rows = shell(server, folder, twice).lower().split()
    assert rows == ["x-cache:", "miss", "x-cache:", "hit"]
    first, second = (json.loads((folder / name).read_text()) for name in ("first.json", "second.json"))
    assert (first.pop("cached"), second.pop("cached")) == (False, True)
    for about_the_request in ("elapsed_ms", "request_id"):
        del first[about_the_request], second[about_the_request]
    assert first == second
    assert json.loads(shell(server, folder, without))["cached"] is False


# ---- docs/client.md ----------------------------------------------------------------------------------


def test_the_client_reads(server: Server, folder: Path) -> None:
    printed = program(server, folder, blocks("client.md", "python")[0]).splitlines()
    assert printed[:2] == LINES
    assert [row.startswith(line) for row, line in zip(printed[2:], LINES, strict=True)] == [True, True]


def test_the_client_reads_many(server: Server, folder: Path) -> None:
    printed = program(server, folder, blocks("client.md", "python")[1])
    assert printed.startswith(f"receipt.png {LINES[0]}\n{LINES[1]}\nletter.png {LETTER[0]}\n")
    assert "broken.png IMAGE_DECODE_FAILED\n" in printed
    done = re.findall(r"^(\S+) is done$", printed, re.MULTILINE)
    assert sorted(done) == ["broken.png", "letter.png", "receipt.png"]


def test_the_client_tells_errors(server: Server, folder: Path) -> None:
    assert program(server, folder, blocks("client.md", "python")[2]).startswith("broken: ")


def test_the_client_asks_about_the_service(server: Server, folder: Path) -> None:
    assert server.read(png(*LINES), query="?model=accurate").status == 200  # so that it is loaded
    healthy, options, models = program(server, folder, blocks("client.md", "python")[3]).splitlines()
    assert healthy == "True"
    assert "min_confidence" in options
    assert "'ppocrv6-small'" in models
    assert len(blocks("client.md", "python")) == 4

"""`crnn-ocr serve`: flags, messages, exit codes, and what must be true before the engine loads."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from crnn_ocr.cli import serve
from crnn_ocr.models.registry import BUNDLED
from crnn_ocr.service import launcher
from crnn_ocr.settings import Settings
from tests.service.wire import clean_environment


def run(*flags: str) -> int:
    parser = argparse.ArgumentParser()
    serve.add_parser(parser.add_subparsers(required=True))
    arguments = parser.parse_args(["serve", *flags])
    code = arguments.run(arguments)
    assert isinstance(code, int)
    return code


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """Stands in for Gunicorn; collects the settings that it would have got."""
    for name in list(os.environ):
        if name.startswith(("CRNN_OCR_", "ORT_")):
            monkeypatch.delenv(name)
    collected: list[Settings] = []

    def fake_serve(settings: Settings, listener: socket.socket) -> None:
        assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
        listener.close()
        collected.append(settings)

    monkeypatch.setattr(launcher, "serve", fake_serve)
    monkeypatch.setattr(serve, "configure_logging", lambda *_: None)
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    return collected


def test_the_url_is_printed(served: list[Settings], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--port", "0") == 0
    assert "http://127.0.0.1:" in capsys.readouterr().out


def test_flags_override_the_environment(served: list[Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRNN_OCR_WORKERS", "3")
    monkeypatch.setenv("CRNN_OCR_WORKER_THREADS", "5")
    monkeypatch.setenv("CRNN_OCR_MAX_PAGES", "7")
    assert run("--port", "0", "--workers", "2", "--threads", "1", "--log-level", "warning") == 0
    (settings,) = served
    assert (settings.workers, settings.worker_threads, settings.threads) == (2, 5, 1)
    assert (settings.max_pages, settings.log_level) == (7, "warning")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--port", "70000"], "--port"),
        (["--workers", "0"], "--workers"),
        (["--request-threads", "-1"], "--request-threads"),
    ],
)
def test_wrong_flags_are_named(
    served: list[Settings], capsys: pytest.CaptureFixture[str], flags: list[str], words: str
) -> None:
    assert run(*flags) == 2
    assert words in capsys.readouterr().err
    assert served == []


def test_wrong_settings_are_named(
    served: list[Settings], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRNN_OCR_PORT", "many")
    assert run() == 2
    assert "CRNN_OCR_PORT" in capsys.readouterr().err


def test_slips_in_the_names_of_settings_are_warned_of(
    served: list[Settings], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("CRNN_OCR_WORKER", "CRNN_OCR_EVAL_DIR", "CRNN_OCR_WORKERS", "crnn_ocr_max_page"):
        monkeypatch.setenv(variable, "2")
    assert run("--port", "0") == 0
    told = [record.fields for record in caplog.records if record.message == "no such setting"]  # type: ignore[attr-defined]
    assert told == [
        {"variable": "CRNN_OCR_WORKER", "meant": "CRNN_OCR_WORKERS"},
        {"variable": "crnn_ocr_max_page", "meant": "CRNN_OCR_MAX_PAGES"},
    ]


def test_help_tells_the_defaults_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("--help")
    text = " ".join(capsys.readouterr().out.split())
    defaults = Settings.model_fields
    for flag, words in (
        ("workers", "processes"),
        ("worker_threads", "waiting ones included"),
        ("port", "free one"),
    ):
        assert f"{words} (default: {defaults[flag].default})" in text


def test_a_wrong_table_of_replacements_ends_the_start(
    served: list[Settings],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    table = tmp_path / "table.tsv"
    table.write_text("m2 ㎡\n", encoding="utf-8")
    monkeypatch.setenv("CRNN_OCR_REPLACEMENTS", str(table))

    assert run("--port", "0") == 2

    assert "row 1 of the table of replacements has no tab" in capsys.readouterr().err
    assert served == []


def test_an_unknown_model_ends_the_start(served: list[Settings], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--port", "0", "--model", "none-such") == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("crnn-ocr: ")
    assert "none-such" in first
    assert first.endswith("(MODEL_NOT_FOUND)")
    assert second.startswith("  ")
    assert served == []


def test_a_taken_port_ends_the_start(served: list[Settings], capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert run("--port", str(port)) == 1
    error = capsys.readouterr().err
    assert f"127.0.0.1:{port}" in error
    assert "in use" in error
    assert "--port" in error


@pytest.mark.parametrize("host", ["203.0.113.9", "no such host", "a" * 300])
def test_a_wrong_host_ends_the_start(
    served: list[Settings], capsys: pytest.CaptureFixture[str], host: str
) -> None:
    assert run("--host", host, "--port", "0") == 1
    assert host in capsys.readouterr().err


KEY = f"team:{'0' * 64}"


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_public_address_needs_keys_or_a_clear_word(
    served: list[Settings], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    assert run("--host", host, "--port", "0") == 2
    told = capsys.readouterr().err
    assert "no API keys" in told
    assert "CRNN_OCR_ALLOW_ANONYMOUS" in told
    assert served == []
    for name, value in (("CRNN_OCR_API_KEYS", KEY), ("CRNN_OCR_ALLOW_ANONYMOUS", "true")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            assert run("--host", host, "--port", "0") == 0
    assert len(served) == 2


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "::1"])
def test_this_machine_needs_none(served: list[Settings], host: str) -> None:
    assert run("--host", host, "--port", "0") == 0
    assert len(served) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_KEYS", "team:short"),
        ("API_KEYS_FILE", "/nowhere/keys"),
        ("CORS_ORIGINS", "*"),
        ("FETCH_NETWORKS", "everywhere"),
        ("FETCH_HOSTS", "http://a"),
    ],
)
def test_wrong_rules_of_the_door_end_the_start(
    served: list[Settings],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
) -> None:
    monkeypatch.setenv(f"CRNN_OCR_{name}", value)
    assert run("--port", "0") == 2
    assert f"CRNN_OCR_{name}" in capsys.readouterr().err
    assert served == []


@pytest.mark.parametrize(
    ("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("localhost", "")]
)
def test_the_shown_url_can_be_opened_from_here(host: str, shown: str) -> None:
    with launcher.bind(Settings(host=host, port=0, allow_anonymous=True)) as listener:
        url = launcher.url_of(listener)
        port = listener.getsockname()[1]
    assert url.startswith(f"http://{shown}")
    assert url.endswith(f":{port}")


PROBE = """
import importlib.abc, os, sys

class Watch(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "onnxruntime":
            print("ORT_DISABLE_TELEMETRY =", os.environ.get("ORT_DISABLE_TELEMETRY"))
        return None

sys.meta_path.insert(0, Watch())
{statement}
print("loaded", "onnxruntime" in sys.modules)
"""


def probe(statement: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", PROBE.replace("{statement}", statement)],
        check=True,
        capture_output=True,
        text=True,
        env=clean_environment(),
    ).stdout


def test_telemetry_is_off_before_onnx_runtime_is_imported() -> None:
    assert probe("from crnn_ocr import OCR") == "ORT_DISABLE_TELEMETRY = 1\nloaded True\n"


def test_the_service_is_imported_without_the_engine() -> None:
    imports = "import crnn_ocr.cli.serve, crnn_ocr.service.app, crnn_ocr.service.launcher"
    assert probe(imports) == "loaded False\n"


@pytest.mark.parametrize(("wanted", "code"), [("true", 1), ("false", 0)])
def test_damaged_files_stop_the_start_where_that_is_wanted(
    served: list[Settings],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    wanted: str,
    code: int,
) -> None:
    pack = shutil.copytree(BUNDLED / "ppocrv6-small", tmp_path / "ppocrv6-small")
    manifest = json.loads((pack / "manifest.json").read_text(encoding="utf-8"))
    manifest["graph"]["sha256"] = "0" * 64
    (pack / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    monkeypatch.setenv("CRNN_OCR_MODELS_DIR", str(tmp_path))
    monkeypatch.setenv("CRNN_OCR_MODEL", "ppocrv6-small")
    monkeypatch.setenv("CRNN_OCR_VERIFY_MODELS", wanted)
    assert run("--port", "0") == code
    assert len(served) == 1 - code
    assert ("differs from its manifest" in capsys.readouterr().err) == bool(code)

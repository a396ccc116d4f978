"""What the package promises by its name: exports, errors, settings, the version."""

from __future__ import annotations

import inspect
import pickle
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import crnn_ocr
from crnn_ocr import errors
from crnn_ocr.errors import OcrError, SettingsError
from crnn_ocr.options import options_from_text
from crnn_ocr.settings import load_settings

ROOT = Path(__file__).resolve().parents[1]
ALL_ERRORS = [
    member for _, member in inspect.getmembers(errors, inspect.isclass) if issubclass(member, OcrError)
]


def test_everything_promised_is_there() -> None:
    assert crnn_ocr.__all__ == sorted(
        crnn_ocr.__all__, key=lambda name: (not name.isupper(), name[0].islower(), name)
    )
    for name in crnn_ocr.__all__:
        assert getattr(crnn_ocr, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        _ = crnn_ocr.nothing


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert project["version"] == crnn_ocr.__version__
    assert f"## [{crnn_ocr.__version__}]" in changelog


@pytest.mark.parametrize("error", ALL_ERRORS)
def test_an_error_has_a_code_a_status_and_a_hint(error: type[OcrError]) -> None:
    raised = error("This is wrong.")

    assert re.fullmatch(r"[A-Z][A-Z0-9_]+", raised.code)
    assert 400 <= raised.http_status < 600
    assert raised.hint.endswith(".")
    assert f"`{raised.code}`" in (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    again = pickle.loads(pickle.dumps(error("This is wrong.", hint="Do that.")))
    assert (type(again), again.message, again.hint) == (error, "This is wrong.", "Do that.")


def test_codes_are_unique() -> None:
    codes = [error.code for error in ALL_ERRORS]

    assert len(set(codes)) == len(codes)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRNN_OCR_PORT", "8080")
    monkeypatch.setenv("CRNN_OCR_LOG_FORMAT", "json")

    settings = load_settings()

    assert (settings.port, settings.log_format) == (8080, "json")


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "http"), ("PORT", "70000"), ("THREADS", "-1"), ("LOG_LEVEL", "loud"), ("MAX_PIXELS", "1e9x")],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"CRNN_OCR_{name}", value)

    with pytest.raises(SettingsError, match=f"CRNN_OCR_{name}"):
        load_settings()


@pytest.mark.parametrize("table", ["architecture-table", "settings-table", "errors-table", "metrics-table"])
def test_the_tables_in_the_docs_are_up_to_date(table: str) -> None:
    script = ROOT / "scripts" / table

    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_an_empty_variable_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MODELS_DIR", "CACHE_DIR", "PORT"):
        monkeypatch.setenv(f"CRNN_OCR_{name}", "")

    settings = load_settings()

    assert (settings.models_dir, settings.cache_dir, settings.port) == (None, None, 5000)


def test_options_from_text_are_converted() -> None:
    options = options_from_text({"min_confidence": "0.25", "grey": "on"})

    assert (options.min_confidence, options.grey) == (0.25, "on")
    with pytest.raises(errors.InvalidOptionError, match="min_confidence"):
        options_from_text({"min_confidence": "much"})

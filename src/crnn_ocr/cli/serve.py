"""Implements `crnn-ocr serve`, which serves the REST API and the page."""

from __future__ import annotations

import argparse
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

import crnn_ocr
from crnn_ocr.caching.shared import check_redis_url
from crnn_ocr.cli.exit_codes import EXIT_FAILED, EXIT_OK, EXIT_USAGE
from crnn_ocr.cli.outputs import OutputError
from crnn_ocr.cli.standard_streams import discard_output, print_error
from crnn_ocr.engine.kinds import check_packs
from crnn_ocr.errors import MissingExtraError, ModelNotFoundError, OcrError, SettingsError
from crnn_ocr.logging import configure_logging
from crnn_ocr.recognition.text import replacement_table
from crnn_ocr.settings import Settings, load_settings, misspelt

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

_log = logging.getLogger(__name__)

#: Command-line flag and the setting that it overrides.
_FLAGS = {
    "host": "host",
    "port": "port",
    "workers": "workers",
    "request_threads": "worker_threads",
    "threads": "threads",
    "model": "model",
    "log_level": "log_level",
    "log_format": "log_format",
}


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command and its flags."""
    parser = subparsers.add_parser(
        "serve",
        help="serve the REST API and the page",
        description="Serve the REST API and the page. Every flag overrides the setting of the same name; "
        "all other settings come from the environment (CRNN_OCR_…).",
    )
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on, 0 for any free one (default: 5000)")
    parser.add_argument("--workers", type=int, help="worker processes (default: 1)")
    parser.add_argument(
        "--request-threads",
        type=int,
        help="pictures in work per worker, waiting ones included (default: 64)",
    )
    parser.add_argument("--threads", type=int, help="cores to use, 0 for all (default: 0)")
    parser.add_argument("--model", help="name of the recogniser pack")
    parser.add_argument("--log-level", choices=["debug", "info", "warning", "error"])
    parser.add_argument("--log-format", choices=["text", "json"])
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until a signal ends it.

    Returns:
        0 after a requested stop, 1 if the address cannot be used or the workers cannot start, 2 if a setting
        or the name of a model is wrong.
    """
    # Recent ONNX Runtime wheels send telemetry unless this is set; workers inherit it.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        settings = _settings(args)
        configure_logging(settings.log_level, settings.log_format)
        for variable, setting in misspelt(os.environ).items():
            _log.warning("no such setting", extra={"fields": {"variable": variable, "meant": setting}})
        return _serve(settings)
    except OcrError as error:
        print_error(None, error)
        return EXIT_USAGE if isinstance(error, SettingsError | ModelNotFoundError) else EXIT_FAILED


def _settings(args: argparse.Namespace) -> Settings:
    settings = load_settings()
    given = {name: getattr(args, flag) for flag, name in _FLAGS.items() if getattr(args, flag) is not None}
    try:
        return Settings(**{**settings.model_dump(), **given})
    except ValidationError as error:
        flags = {name: flag for flag, name in _FLAGS.items()}
        parts = [
            f"--{flags[str(item['loc'][0])].replace('_', '-')}: {item['msg']}"
            for item in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        raise SettingsError("; ".join(parts), hint="`crnn-ocr serve --help` lists the flags.") from None


def _serve(settings: Settings) -> int:
    _leave_deleted_folder()
    try:
        from crnn_ocr.service import launcher
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"The service needs the package {error.name!r}.",
            hint="Install it: pip install 'crnn-ocr[service]'.",
        ) from None
    check_packs(settings)
    if settings.replacements is not None:
        replacement_table.load(settings.replacements)
    if settings.redis_url is not None:
        check_redis_url(settings.redis_url.get_secret_value())
    launcher.check(settings)
    listener = launcher.bind(settings)
    url = launcher.url_of(listener)
    try:
        print(
            f"crnn-ocr {crnn_ocr.__version__} serves {url} (API: {url}/docs); stop it with Ctrl+C", flush=True
        )
    except (BrokenPipeError, OutputError):  # nobody wants to read it
        discard_output()
    parent = os.getpid()
    try:
        launcher.serve(settings, listener)
    except SystemExit as stop:
        if os.getpid() != parent:
            raise  # this is a worker: its exit code tells Gunicorn whether to start another one
        return EXIT_FAILED if stop.code else EXIT_OK
    return EXIT_OK


def _leave_deleted_folder() -> None:
    """Leave a working directory that has been deleted, because Gunicorn asks for its name."""
    try:
        Path.cwd()
    except FileNotFoundError:
        os.chdir("/")

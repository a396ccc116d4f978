"""Implements `crnn-ocr worker`, which runs jobs for services on any number of machines, with Celery."""

from __future__ import annotations

import argparse
import logging
import os
import socket
from typing import TYPE_CHECKING

import crnn_ocr
from crnn_ocr.cli.exit_codes import EXIT_FAILED, EXIT_OK, EXIT_USAGE
from crnn_ocr.cli.standard_streams import print_error, print_message
from crnn_ocr.engine.kinds import check_packs
from crnn_ocr.errors import ModelNotFoundError, OcrError, SettingsError
from crnn_ocr.logging import configure_logging
from crnn_ocr.recognition.text import replacement_table
from crnn_ocr.settings import Settings, load_settings, misspelt

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

_log = logging.getLogger(__name__)

#: Most processes of one worker; more machines are the better way from there on.
_MOST_PROCESSES = 64


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command and its flags."""
    parser = subparsers.add_parser(
        "worker",
        help="run jobs for a service whose jobs run with Celery",
        description="Run jobs for services whose jobs run with Celery (CRNN_OCR_JOBS=celery), until SIGTERM "
        "or Ctrl+C: then it gives back what it has not finished. Settings come from the environment "
        "(CRNN_OCR_…) and have to be those of the service.",
    )
    parser.add_argument(
        "--concurrency",
        type=_processes,
        default=1,
        metavar="N",
        help="processes that read, which share the cores; each takes the models' memory (default: 1)",
    )
    parser.add_argument(
        "--name", help="name of the worker for Flower and `celery inspect` (default: the host's)"
    )
    parser.add_argument("--log-level", choices=["debug", "info", "warning", "error"])
    parser.add_argument("--log-format", choices=["text", "json"])
    parser.set_defaults(run=run)


def _processes(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 1 <= number <= _MOST_PROCESSES:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {_MOST_PROCESSES}")
    return number


def run(args: argparse.Namespace) -> int:
    """Run jobs until a signal ends it.

    Returns:
        0 after a requested stop, 1 if the worker cannot start, 2 if a setting or a model's name is wrong.
    """
    # Recent ONNX Runtime wheels send telemetry unless this is set; the processes inherit it.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        settings = _settings(args)
        configure_logging(settings.log_level, settings.log_format)
        for variable, setting in misspelt(os.environ).items():
            _log.warning("no such setting", extra={"fields": {"variable": variable, "meant": setting}})
        return _work(settings, args.concurrency, args.name or socket.gethostname())
    except OcrError as error:
        print_error(None, error)
        return EXIT_USAGE if isinstance(error, SettingsError | ModelNotFoundError) else EXIT_FAILED


def _settings(args: argparse.Namespace) -> Settings:
    given = {
        name: getattr(args, name) for name in ("log_level", "log_format") if getattr(args, name) is not None
    }
    return load_settings().model_copy(update=given)


def _work(settings: Settings, concurrency: int, name: str) -> int:
    # Imported late: it needs the extra `celery`, and other commands do not.
    from crnn_ocr.jobs.messaging.configuration import check, make_app
    from crnn_ocr.jobs.messaging.parts import open_background, open_worker
    from crnn_ocr.jobs.messaging.worker import equip

    check(settings)
    check_packs(settings)
    if settings.replacements is not None:
        replacement_table.load(settings.replacements)
    app = make_app(settings)
    equip(app, settings, open_worker, open_background)
    worker = app.Worker(
        hostname=f"worker@{name}",
        concurrency=concurrency,
        pool="prefork",
        loglevel=settings.log_level.upper(),
        quiet=True,
        # Workers have nothing to tell each other: the table divides the work.
        without_gossip=True,
        without_mingle=True,
    )
    print_message(
        f"crnn-ocr {crnn_ocr.__version__} works on jobs with {concurrency} "
        f"{'process' if concurrency == 1 else 'processes'}; stop it with Ctrl+C"
    )
    worker.start()
    return EXIT_FAILED if worker.exitcode else EXIT_OK

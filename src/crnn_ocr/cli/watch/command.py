"""The sub-command `crnn-ocr watch`: its flags, and what they must not say."""

from __future__ import annotations

import argparse
import hashlib
import json
import signal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from crnn_ocr.cli.exit_codes import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK
from crnn_ocr.cli.flags import add_option_flags, format_names
from crnn_ocr.cli.reading import OpenReader, Reading, run_with_engine, thread_count
from crnn_ocr.cli.standard_streams import print_message
from crnn_ocr.cli.watch.ledger import Ledger
from crnn_ocr.cli.watch.stop import Stop, Stopped
from crnn_ocr.cli.watch.watcher import Plan, Watcher
from crnn_ocr.errors import ModelBrokenError, SettingsError
from crnn_ocr.export import FORMATS
from crnn_ocr.export.files import layout_for

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

#: Folder of the ledger in that of the results.
STATE = ".crnn-ocr-watch"


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command and its flags."""
    parser = subparsers.add_parser(
        "watch",
        help="convert every new file of a folder, as of a scanner",
        description="Watch a folder, and convert every new file in it once, also across restarts. Files that "
        "cannot be converted are reported on standard error; the others are still converted.",
        epilog="Exit code: 0 success or ended by SIGTERM, 1 with --once an input failed, or the model is "
        "broken, 2 wrong usage or setting, 130 interrupted.",
    )
    parser.add_argument("folder", metavar="DIR", help="the folder that is watched")
    parser.add_argument(
        "--to",
        required=True,
        type=format_names,
        metavar="FORMAT[,FORMAT…]",
        help="the formats, for example md,pdf; `crnn-ocr convert --help` lists them",
    )
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="folder for the results")
    parser.add_argument("-r", "--recursive", action="store_true", help="also watch subfolders")
    after = parser.add_mutually_exclusive_group()
    after.add_argument("--move", metavar="DIR", help="move converted originals to this folder")
    after.add_argument("--delete", action="store_true", help="delete converted originals")
    parser.add_argument(
        "--failed", metavar="DIR", help="move originals that cannot be converted to this folder"
    )
    parser.add_argument(
        "--once", action="store_true", help="convert what is there, and end; otherwise until a signal"
    )
    parser.add_argument(
        "--interval",
        type=_seconds,
        default=2.0,
        metavar="S",
        help="seconds between two looks at the folder (default: 2)",
    )
    parser.add_argument(
        "--settle",
        type=_seconds,
        default=3.0,
        metavar="S",
        help="seconds without a change after which a file is complete (default: 3)",
    )
    parser.add_argument(
        "--state", metavar="DIR", help=f"folder that remembers what is done (default: {STATE} in --output)"
    )
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="no names of files and no remarks, errors only"
    )
    parser.add_argument("--threads", type=thread_count, metavar="N", help="cores to use (default: all)")
    add_option_flags(parser)
    parser.set_defaults(run=partial(run, parser=parser))


def run(
    args: argparse.Namespace, *, parser: argparse.ArgumentParser, open_reader: OpenReader | None = None
) -> int:
    """Watch a folder until a signal comes, or convert what is in it.

    Args:
        args: The parsed command line.
        parser: Reports usage errors that can only be found when all arguments are known.
        open_reader: Makes the engine; the real one when None.

    Returns:
        0 after SIGTERM, or with `--once` if nothing failed; 1 if something failed with `--once`, or the model
        is broken; 2 if a setting or the name of the model is wrong; 130 after SIGINT.
    """
    plan = _plan(args, parser)
    state = Path(args.state) if args.state else plan.output / STATE

    def work(reading: Reading) -> int:
        stop = Stop()
        ledger = Ledger(state, _way(plan, reading))
        watcher = Watcher(plan, reading, ledger, stop)
        with stop.listening():
            if not (plan.once or reading.quiet):
                print_message(f"crnn-ocr: watching {plan.folder}; stop it with Ctrl+C.")
            try:
                status = watcher.run()
            except Stopped:
                status = EXIT_INTERRUPTED if stop.signal == signal.SIGINT else EXIT_OK
            except (ModelBrokenError, SettingsError):  # which has been told
                status = EXIT_FAILED
            finally:
                ledger.close()
        if not reading.quiet:
            _summarise(watcher)
        return status

    return run_with_engine(args, layout_for(FORMATS[name] for name in args.to), work, open_reader)


def _summarise(watcher: Watcher) -> None:
    failed = f", {len(watcher.failures)} failed: {', '.join(watcher.failures)}" if watcher.failures else ""
    print_message(f"crnn-ocr: {watcher.converted} converted{failed}")


def _plan(args: argparse.Namespace, parser: argparse.ArgumentParser) -> Plan:
    """Return what is to be done; what is wrong about the folders ends the program."""
    folder = Path(args.folder)
    if not folder.is_dir():
        parser.error(f"{folder} is not a folder")
    watched = folder.resolve()
    others = {
        name: Path(text)
        for name in ("output", "move", "failed", "state")
        if (text := getattr(args, name)) is not None
    }
    for name, other in others.items():
        if other.exists() and not other.is_dir():
            parser.error(f"--{name} {other} is not a folder")
        # Results would be converted again, and originals found again.
        if other.resolve() == watched:
            parser.error(f"--{name} {other} is the watched folder itself")
        if args.recursive and watched.is_relative_to(other.resolve()):
            parser.error(
                f"--{name} {other} contains the watched folder, which is not possible with --recursive"
            )
    for name in ("move", "failed"):
        if name in others and others[name].resolve() == others["output"].resolve():
            parser.error(f"--{name} {others[name]} is the folder of the results")
    return Plan(
        folder,
        others["output"],
        args.to,
        recursive=args.recursive,
        move=others.get("move"),
        delete=args.delete,
        failed=others.get("failed"),
        without=[other.resolve() for other in others.values()],
        once=args.once,
        interval_s=args.interval,
        settle_s=args.settle,
    )


def _way(plan: Plan, reading: Reading) -> str:
    """Return what tells apart ways to convert: with other formats or options everything is new."""
    # Without the password: its digest could be guessed.
    options = reading.options.model_dump(mode="json", exclude={"password"})
    text = json.dumps([sorted(plan.formats), options], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.1 <= value <= 86_400:
        raise argparse.ArgumentTypeError(f"must be a number of seconds from 0.1 to 86400, not {text[:40]!r}")
    return value

"""Measures services under load: throughput, latency, refusals and memory.

    python -m benchmarks.load [--only capacity,overload,mixed,soak] [--services crnn-ocr,…] [--quick]
    python -m benchmarks.load --only soak --requests 10000 --mix light
    python -m benchmarks.load --only soak --clients 16 --memory-limit 512
    python -m benchmarks.load --plot benchmarks/results/soak.csv

Each service is started afresh and driven over loopback with pictures of the evaluation set; our cache of
answers is off unless ``--cache`` is given. Everything is bounded in count and in time (``--requests``,
``--seconds``). Exits with 1 where a claim is missed; with ``--quick`` it only says so, because so few
pictures prove nothing but that it works.

Efficiency is pictures per second × CPU seconds that the library alone needs per picture ÷ cores. It has a
meaning on an idle machine only; ``CPU ÷ library`` has it on a busy one too.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from pathlib import Path

from benchmarks.harness import report
from benchmarks.serving import pictures as sent
from benchmarks.serving import scenarios, soak
from benchmarks.serving.library import Library
from benchmarks.serving.memory_group import NoGroupError, memory_group
from benchmarks.serving.pictures import Picture
from benchmarks.serving.scenarios import Measured
from benchmarks.serving.services import OURS, SERVICES, StartError, running
from benchmarks.serving.verdicts import Verdict

LOADS = ("capacity", "overload", "mixed", "soak")
_NO_CACHE = {"CRNN_OCR_CACHE_BYTES": "0"}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)

    def words(text: str) -> list[str]:
        return text.split(",")

    parser.add_argument("--only", type=words, default=list(LOADS), help=",".join(LOADS))
    parser.add_argument(
        "--services", type=words, default=list(SERVICES), help=f"of: {', '.join(SERVICES)} (default: all)"
    )
    parser.add_argument("--quick", action="store_true", help="a few pictures each, to see that it works")
    parser.add_argument("--requests", type=int, help="pictures at capacity and of the soak (240; 1,000)")
    parser.add_argument("--seconds", type=float, help="longest time of one load (600; the soak's 7,200)")
    parser.add_argument(
        "--mix", choices=sent.MIXES, default="full", help="of the soak; light: fewer large pictures"
    )
    parser.add_argument(
        "--clients", type=int, default=soak.CLIENTS, help=f"of the soak, at a time ({soak.CLIENTS})"
    )
    parser.add_argument(
        "--memory-limit",
        type=int,
        metavar="MIB",
        help="put the service of the soak into a control group\nwith this limit; usually takes root",
    )
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="CRNN_OCR_… setting")
    parser.add_argument("--cache", action="store_true", help="leave our cache of answers on")
    parser.add_argument("--plot", type=Path, metavar="CSV", help="only draw the looks of an earlier soak")
    options = parser.parse_args()
    unknown = (set(options.only) - set(LOADS)) | (set(options.services) - set(SERVICES))
    if unknown or any("=" not in pair for pair in options.set):
        parser.error(f"unknown: {', '.join(sorted(unknown)) or options.set}")
    return options


def _settings(options: argparse.Namespace) -> dict[str, str]:
    given = dict(pair.split("=", 1) for pair in options.set)
    return ({} if options.cache else _NO_CACHE) | given


def _throughput(options: argparse.Namespace, cores: int) -> tuple[list[Measured], list[Verdict]]:
    """Measure the capacity of every service, and our service at four times its capacity."""
    pictures = sent.capacity_mix(quick=options.quick)
    count = options.requests or (24 if options.quick else 240)
    seconds = options.seconds or (60 if options.quick else 600)
    library = Library.measure(pictures)
    rows: list[Measured] = []
    overloaded: Measured | None = None
    for service in report.only_installed(SERVICES, options.services):
        settings = _settings(options) if service.name == OURS else {}
        try:
            with running(service, pictures[0], **settings) as up:
                rows.append(scenarios.capacity(up, pictures, count, seconds, library, cores))
                if service.name == OURS and "overload" in options.only:
                    length = min(seconds, 8 if options.quick else 60)
                    overloaded = scenarios.overload(up, pictures, length, rows[-1], library, cores)
        except StartError as error:
            print(error, file=sys.stderr)
            continue
        if service.name == OURS:
            # Before and after: the machine may have changed its pace meanwhile.
            library.add(Library.measure(pictures))
    # Anew: efficiency is measured by the mean of both.
    rows = [_again(row, library, cores) for row in rows]
    verdicts = []
    ours = next((row for row in rows if row.service == OURS), None)
    if ours is not None:
        verdicts += scenarios.judge_capacity(ours)
        if overloaded is not None:
            overloaded = _again(overloaded, library, cores)
            verdicts += scenarios.judge_overload(overloaded, ours)
        for peer in rows:
            if peer is not ours:
                verdicts += scenarios.judge_peer(ours, peer)
    return [*rows, *([overloaded] if overloaded else [])], verdicts


def _again(row: Measured, library: Library, cores: int) -> Measured:
    return Measured(
        row.load,
        row.service,
        row.run,
        row.peak_rss,
        library.efficiency(row.run, cores),
        library.overhead(row.run),
        row.wrong,
    )


def _mixed(options: argparse.Namespace) -> list[tuple[str, scenarios.Mixture]]:
    small: list[Picture] = sent.lines(every=30)
    large = sent.long_page(60 if options.quick else 300)
    found = []
    for service in report.only_installed(SERVICES, options.services):
        settings = _settings(options) if service.name == OURS else {}
        try:
            mixed = scenarios.mixture(
                service, small, large, count=6 if options.quick else 60, settings=settings
            )
        except StartError as error:
            print(error, file=sys.stderr)
        else:
            found.append((service.name, mixed))
    return found


def _soak(options: argparse.Namespace) -> tuple[list[soak.Look], list[Verdict]]:
    count = options.requests or (100 if options.quick else 1000)
    seconds = options.seconds or (120 if options.quick else 7200)
    kills = None
    with contextlib.ExitStack() as stack:
        group = None
        if options.memory_limit:
            try:
                group = stack.enter_context(memory_group(options.memory_limit * soak.MIB))
            except NoGroupError as error:
                sys.exit(f"--memory-limit: {error}")
        up = stack.enter_context(
            running(SERVICES[OURS], sent.lines(every=100)[0], group, **_settings(options))
        )
        looks, run = soak.soak(up, count, seconds=seconds, mix=options.mix, clients=options.clients)
        if group is not None:
            kills = group.kills
    target = report.RESULTS / "soak.csv"
    soak.write(looks, target)
    print(f"Kept in {target}")
    _draw(looks, target.with_suffix(".png"))
    return looks, soak.judge(looks, run, kills)


def _draw(looks: list[soak.Look], target: Path) -> None:
    try:
        soak.plot(looks, target)
    except ModuleNotFoundError as error:
        print(f"No plot: {error.name} is not installed (extra `train`)", file=sys.stderr)
    else:
        print(f"Drawn in {target}")


def main() -> None:
    """Drive, print Markdown, keep JSON and CSV."""
    options = _options()
    if options.plot:
        _draw(soak.read(options.plot), options.plot.with_suffix(".png"))
        return
    cores = len(os.sched_getaffinity(0))
    print(report.heading(f"Load, {os.getloadavg()[0]:.1f} processes of others running at the start"))
    verdicts: list[Verdict] = []
    kept: dict[str, object] = {}
    if {"capacity", "overload"} & set(options.only):
        rows, verdicts = _throughput(options, cores)
        print(scenarios.table(rows))
        kept["throughput"] = [row.numbers() for row in rows]
    if "mixed" in options.only:
        mixtures = _mixed(options)
        print(scenarios.mixture_table(mixtures))
        kept["mixed"] = {name: mixed.numbers() for name, mixed in mixtures}
    if "soak" in options.only:
        _, found = _soak(options)
        verdicts += found
    kept["verdicts"] = [str(verdict) for verdict in verdicts]
    print("\n".join(map(str, verdicts)))
    print(f"\nKept in {report.save('load', kept)}")
    sys.exit(not options.quick and not all(verdict.kept for verdict in verdicts))


if __name__ == "__main__":
    main()

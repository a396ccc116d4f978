"""Measures accuracy on the labelled lines and pages: this project beside its peers.

    python -m benchmarks.accuracy [--only pages_zh,lines_en] [--engines crnn-ocr,rapidocr] [--show-errors]

Lines are read by each recogniser alone on the crop as it is, and once more end to end by the whole engine
(``--whole``), which has to find the line first.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from tqdm import tqdm

from benchmarks.harness import datasets, metrics, report
from benchmarks.harness.datasets import DataSet, Sample
from benchmarks.harness.engines import Engine, EngineError, Mode, Worker


@dataclass(frozen=True)
class Outcome:
    """Answers of one engine for one folder."""

    engine: str
    version: str
    dataset: DataSet
    samples: Sequence[Sample]
    answers: Sequence[tuple[str, ...]]
    cpu_s: float
    peak_rss: int
    failures: int


def measure(engine: Engine, sets: Sequence[DataSet], mode: Mode) -> list[Outcome]:
    """Read every sample of the sets with one process of the engine."""
    outcomes = []
    with Worker(engine, mode) as worker:
        for dataset in sets:
            if dataset.language not in engine.languages:
                continue
            samples = datasets.load(dataset.name)
            answers: list[tuple[str, ...]] = []
            cpu, rss, failures = 0.0, 0, 0
            for sample in tqdm(samples, f"{engine.name} {dataset.name}", disable=None, leave=False):
                try:
                    reading = worker.read(sample.path)
                except EngineError as error:
                    tqdm.write(f"{sample.path.name}: {error}")
                    answers.append(())
                    failures += 1
                    continue
                answers.append(reading.texts)
                cpu += reading.cpu_s
                rss = max(rss, reading.peak_rss)
            spent = cpu / max(len(samples), 1)
            outcomes.append(
                Outcome(engine.name, worker.version, dataset, samples, answers, spent, rss, failures)
            )
    return outcomes


def line_score(outcome: Outcome) -> metrics.LineScore:
    """Score answers to single lines; several lines found in one crop are joined by a blank."""
    pairs = [(s.truth, " ".join(a)) for s, a in zip(outcome.samples, outcome.answers, strict=True)]
    return metrics.score_lines(pairs, case=outcome.dataset.case)


def page_score(outcome: Outcome) -> metrics.PageScore:
    """Score answers to pages."""
    return metrics.score_pages([(s.truth, a) for s, a in zip(outcome.samples, outcome.answers, strict=True)])


def lines_table(outcomes: Sequence[Outcome], sets: Sequence[DataSet]) -> str:
    """Return a table of CER, exact lines and exact lines with spaces, one column per folder."""
    scores = {(o.engine, o.dataset.name): line_score(o) for o in outcomes}
    header = ["CER / exact / exact with spaces, %"]
    for dataset in sets:
        counts = {score.count for (_, name), score in scores.items() if name == dataset.name}
        caseless = "" if dataset.case else ", no case"
        header.append(f"{dataset.name} ({max(counts, default=0)}{caseless})")
    rows = []
    for engine in dict.fromkeys(outcome.engine for outcome in outcomes):
        row = [engine]
        for dataset in sets:
            score = scores.get((engine, dataset.name))
            row.append(f"{score.cer:.2f} / {score.exact:.1f} / {score.exact_spaces:.1f}" if score else "–")
        rows.append(row)
    return report.table(header, rows)


def pages_table(outcomes: Sequence[Outcome], sets: Sequence[DataSet]) -> str:
    """Return a table of character F1, line hits, hits with spaces and CPU seconds, one column per folder."""
    found = {(o.engine, o.dataset.name): o for o in outcomes}
    rows = []
    for engine in dict.fromkeys(outcome.engine for outcome in outcomes):
        row = [engine]
        for dataset in sets:
            outcome = found.get((engine, dataset.name))
            if outcome is None:
                row.append("–")
                continue
            score = page_score(outcome)
            row.append(f"{score.f1:.2f} / {score.hits:.1f} / {score.hits_spaces:.1f} / {outcome.cpu_s:.2f}")
        rows.append(row)
    return report.table(["F1 / hits / hits with spaces, % / CPU s", *(d.name for d in sets)], rows)


def widths_table(outcomes: Sequence[Outcome], sets: Sequence[DataSet], *, page: bool) -> str:
    """Return a table of exact lines, or line hits of pages, with widths compared, one column per folder."""
    rows = []
    for engine in dict.fromkeys(outcome.engine for outcome in outcomes):
        found = {o.dataset.name: o for o in outcomes if o.engine == engine}
        row = [engine]
        for dataset in sets:
            outcome = found.get(dataset.name)
            if outcome is None:
                row.append("–")
            elif page:
                row.append(f"{page_score(outcome).hits_widths:.1f}")
            else:
                row.append(f"{line_score(outcome).exact_widths:.1f}")
        rows.append(row)
    return report.table([f"{'Hits' if page else 'Exact'} with widths, %", *(d.name for d in sets)], rows)


def errors(outcome: Outcome, *, page: bool) -> list[str]:
    """Yield one readable line per fault."""
    found = []
    for sample, answer in zip(outcome.samples, outcome.answers, strict=True):
        if page:
            found += [
                f"{sample.path.name}: wanted {line!r}, nearest {nearest!r}"
                for line, nearest in metrics.missed_lines(sample.truth, answer)
            ]
            continue
        case = outcome.dataset.case
        wanted = metrics.normalise(sample.truth, spaces=True, case=case)
        got = metrics.normalise(" ".join(answer), spaces=True, case=case)
        if wanted != got:
            kind = "spaces" if wanted.replace(" ", "") == got.replace(" ", "") else "wrong"
            found.append(f"{sample.path.name}: {kind}: wanted {wanted!r}, got {got!r}")
            continue
        wanted = metrics.normalise(sample.truth, spaces=True, case=case, widths=True)
        got = metrics.normalise(" ".join(answer), spaces=True, case=case, widths=True)
        if wanted != got:
            found.append(f"{sample.path.name}: widths: wanted {wanted!r}, got {got!r}")
    return found


def _report(title: str, outcomes: Sequence[Outcome], sets: Sequence[DataSet], *, page: bool) -> list[object]:
    print(report.heading(title))
    print((pages_table if page else lines_table)(outcomes, sets))
    print(widths_table(outcomes, sets, page=page))
    print("Versions: " + ", ".join(sorted({f"{o.engine} {o.version}" for o in outcomes})))
    results: list[object] = []
    for outcome in outcomes:
        score = page_score(outcome) if page else line_score(outcome)
        answers = {s.path.name: list(a) for s, a in zip(outcome.samples, outcome.answers, strict=True)}
        results.append(
            {
                "benchmark": title,
                "engine": outcome.engine,
                "version": outcome.version,
                "set": outcome.dataset.name,
                "score": asdict(score),
                "cpu_s": outcome.cpu_s,
                "peak_rss": outcome.peak_rss,
                "failures": outcome.failures,
                "answers": answers,
            }
        )
    return results


def main() -> None:
    """Measure, print Markdown, keep JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    names = [dataset.name for dataset in (*datasets.LINES, *datasets.PAGES)]
    parser.add_argument("--only", type=lambda text: text.split(","), default=names, help=",".join(names))
    parser.add_argument("--show-errors", action="store_true", help="list what is wrong")
    parser.add_argument("--whole", action="store_true", help="read the lines also with the whole engine")
    report.add_engine_option(parser)
    arguments = parser.parse_args()
    wrong = set(arguments.only) - set(names)
    if wrong:
        parser.error(f"no such set: {', '.join(sorted(wrong))}")
    engines = report.chosen_engines(arguments.engines)
    plans: list[tuple[str, tuple[DataSet, ...], Mode, bool]] = [
        ("Pages", datasets.PAGES, "page", True),
        ("Lines, recogniser alone", datasets.LINES, "line", False),
    ]
    if arguments.whole:
        plans.append(("Lines, end to end", datasets.LINES, "page", False))
    results: list[object] = []
    for title, all_sets, mode, page in plans:
        sets = [dataset for dataset in all_sets if dataset.name in arguments.only]
        if not sets:
            continue
        outcomes = []
        for engine in engines:
            try:
                outcomes += measure(engine, sets, mode)
            except EngineError as error:
                print(f"{title}: left out: {error}", file=sys.stderr)
        if not outcomes:
            sys.exit("No engine gave an answer.")
        results += _report(title, outcomes, sets, page=page)
        if arguments.show_errors:
            for outcome in outcomes:
                print(f"\n### {outcome.engine}, {outcome.dataset.name}\n")
                print("\n".join(errors(outcome, page=page)) or "nothing wrong")
    print(f"\nKept in {report.save('accuracy', results)}")


if __name__ == "__main__":
    main()

"""Measures what is made of documents: tables beside their peers, and searchable PDFs.

    python -m benchmarks.documents tables [--only tables,tables_pubtabnet] [--methods img2table] [--worst 5]
    python -m benchmarks.documents pdf [--only pages_zh]

Tables: every picture holds one table. crnn-ocr reads its lines once; then every method gets the picture and
these lines, and returns the table as HTML. So the CPU seconds are those on top of reading, decoding of the
picture included, and the largest memory is that of a process that reads tables only. TEDS compares text and
structure, TEDS-S the structure alone (`benchmarks.teds`); a table that a method does not find counts 0.

Searchable PDFs: every page is read and written as a PDF; what counts is how many of its lines common programs
find in one piece (`benchmarks.text_layers`).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import fmean

from tqdm import tqdm

import crnn_ocr
from benchmarks import text_layers
from benchmarks.harness import datasets, report
from benchmarks.harness.engines import Engine, EngineError, Worker, peer
from benchmarks.teds import teds
from crnn_ocr.document import Line
from crnn_ocr.export import FORMATS, WriteOptions
from crnn_ocr.imaging.decode import Limits, decode_pages
from crnn_ocr.pixels import Pixels
from crnn_ocr.settings import load_settings

TABLES = ("tables", "tables_icdar2013", "tables_pubtabnet")

_OURS = Path(sys.executable)
METHODS: dict[str, Engine] = {
    engine.name: engine
    for engine in (
        Engine("crnn-ocr", _OURS, ("tables_crnn_ocr", "all")),
        Engine("crnn-ocr, no network", _OURS, ("tables_crnn_ocr", "rules")),
        Engine("crnn-ocr, network alone", _OURS, ("tables_crnn_ocr", "network")),
        Engine("rapid_table (SLANet-plus)", peer("rapid-table"), ("tables_rapid_table",)),
        Engine("img2table", peer("img2table"), ("tables_img2table",)),
    )
}


@dataclass(frozen=True)
class Answer:
    """What a method made of one picture.

    Attributes:
        method: the method.
        dataset: the folder.
        picture: name of the file.
        teds: likeness to the truth, 0 to 1.
        structure: the same without text.
        cpu_s: CPU seconds.
        peak_rss: largest resident size of the process until then, bytes.
    """

    method: str
    dataset: str
    picture: str
    teds: float
    structure: float
    cpu_s: float
    peak_rss: int


def pictures(name: str, every: int = 1) -> list[Path]:
    """Return the pictures of a folder by name, or every n-th; the truth lies beside each as HTML."""
    return sorted((datasets.root() / name).glob("*.png"))[::every]


def read_lines(paths: Mapping[str, Sequence[Path]]) -> dict[Path, list[dict[str, object]]]:
    """Read the lines of every picture with crnn-ocr, in the form in which the adapters get them."""
    with crnn_ocr.OCR() as engine:
        return {
            path: [as_json(line) for page in engine.read(path).pages for line in page.lines]
            for name, own in paths.items()
            for path in tqdm(own, f"reading {name}", disable=None, leave=False)
        }


def as_json(line: Line) -> dict[str, object]:
    """Return a line as the adapters get it."""
    chars = [{"text": char.text, "polygon": char.polygon} for char in line.chars]
    return {"text": line.text, "confidence": line.confidence, "polygon": line.polygon, "chars": chars}


def measure(
    engine: Engine, paths: Mapping[str, Sequence[Path]], lines: Mapping[Path, list[dict[str, object]]]
) -> list[Answer]:
    """Read every table with one process of the method."""
    answers = []
    with Worker(engine) as worker:
        for name, own in paths.items():
            for path in tqdm(own, f"{engine.name} {name}", disable=None, leave=False):
                truth = path.with_suffix(".html").read_text(encoding="utf-8")
                try:
                    answer = worker.ask({"path": str(path), "lines": lines[path]})
                except EngineError as error:
                    tqdm.write(f"{path.name}: {error}")
                    answers.append(Answer(engine.name, name, path.name, 0.0, 0.0, 0.0, 0))
                    continue
                html = str(answer["html"])
                answers.append(
                    Answer(
                        engine.name,
                        name,
                        path.name,
                        teds(html, truth),
                        teds(html, truth, structure_only=True),
                        float(str(answer["cpu_s"])),
                        int(str(answer["peak_rss"])),
                    )
                )
    return answers


def scores_table(answers: Sequence[Answer], names: Sequence[str]) -> str:
    """Return a table of TEDS, TEDS-S and CPU seconds per folder, and the largest memory."""
    counts = {name: len({one.picture for one in answers if one.dataset == name}) for name in names}
    header = ["TEDS / TEDS-S, % / CPU s per table", *(f"{name} ({count})" for name, count in counts.items())]
    rows = []
    for method in dict.fromkeys(one.method for one in answers):
        own = [one for one in answers if one.method == method]
        row = [method]
        for name in names:
            found = [one for one in own if one.dataset == name]
            row.append(
                f"{100 * fmean(one.teds for one in found):.1f} / "
                f"{100 * fmean(one.structure for one in found):.1f} / "
                f"{fmean(one.cpu_s for one in found):.3f}"
                if found
                else "–"
            )
        rows.append([*row, f"{max(one.peak_rss for one in own) / 2**20:.0f}"])
    return report.table([*header, "peak MiB"], rows)


def worst(answers: Sequence[Answer], count: int) -> list[str]:
    """Return a line for each of the pictures that a method reads worst."""
    by_method: dict[str, list[Answer]] = {}
    for one in answers:
        by_method.setdefault(one.method, []).append(one)
    return [
        f"{method}: {one.dataset}/{one.picture} {100 * one.teds:.1f} / {100 * one.structure:.1f}"
        for method, own in by_method.items()
        for one in sorted(own, key=lambda one: one.teds)[:count]
    ]


def measure_tables(given: argparse.Namespace) -> int:
    """Measure tables and print the result; return the exit status."""
    names = [name for name in TABLES if name in given.only.split(",")] if given.only else list(TABLES)
    methods = [METHODS[name] for name in given.methods] if given.methods else list(METHODS.values())
    paths = {name: pictures(name, given.every) for name in names}
    lines = read_lines(paths)
    answers: list[Answer] = []
    failed = False
    for engine in methods:
        try:
            answers += measure(engine, paths, lines)
        except EngineError as error:
            failed = True
            print(f"left out: {error}", file=sys.stderr)
    if answers:
        print(report.heading("Tables"))
        print(scores_table(answers, names))
        print("\n".join(worst(answers, given.worst)))
        report.save("tables", [asdict(one) for one in answers])
    return int(failed)


def page_picture(path: Path, number: int) -> Pixels:
    """Return the picture of a page, as it was read, from its number."""
    settings = load_settings()
    limits = Limits(settings.max_image_bytes, settings.max_pixels, settings.max_side, settings.max_pages)
    return next(islice(decode_pages(path.read_bytes(), limits), number - 1, None))


def measure_pdf(given: argparse.Namespace) -> int:
    """Measure searchable PDFs and print the result; return the exit status."""
    pages = [one.name for one in datasets.PAGES]
    names = [name for name in pages if name in given.only.split(",")] if given.only else pages
    found: list[text_layers.Found] = []
    with crnn_ocr.OCR() as engine, tempfile.TemporaryDirectory() as folder:
        for name in names:
            texts: dict[str, list[tuple[list[str], str]]] = {}
            for sample in tqdm(datasets.load(name), name, disable=None, leave=False):
                document = engine.read(sample.path)
                how = WriteOptions(
                    original=sample.path.read_bytes, picture=partial(page_picture, sample.path)
                )
                content = FORMATS["pdf"].write(document, how)
                path = Path(folder) / f"{sample.path.stem}.pdf"
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
                lines = [line.text for page in document.pages for line in page.lines]
                for program, read in text_layers.programs().items():
                    texts.setdefault(program, []).append((lines, read(path)))
            found += [text_layers.count(program, name, read) for program, read in texts.items()]
    counts = {one.dataset: one.lines for one in found}
    print(report.heading("Searchable PDFs"))
    header = ["Lines found unbroken / if blanks do not count, %"]
    header += [f"{name} ({counts[name]} lines)" for name in names]
    print(report.table(header, text_layers.rows(found, names)))
    report.save("searchable_pdf", [asdict(one) for one in found])
    return 0


def main() -> int:
    """Run the benchmark that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(required=True)
    tables = commands.add_parser("tables", help="grids of tables and their text")
    tables.add_argument("--only", help="folders, separated by commas")
    tables.add_argument("--methods", nargs="+", choices=METHODS, help="methods; all of them if not given")
    tables.add_argument("--every", type=int, default=1, help="1: all pictures; 5: every fifth of a folder")
    tables.add_argument("--worst", type=int, default=0, help="how many of the worst pictures are listed")
    tables.set_defaults(run=measure_tables)
    if "pdf" in FORMATS:
        pdf = commands.add_parser("pdf", help="text layers of searchable PDFs")
        pdf.add_argument("--only", help="folders, separated by commas")
        pdf.set_defaults(run=measure_pdf)
    given = parser.parse_args()
    return int(given.run(given))


if __name__ == "__main__":
    sys.exit(main())

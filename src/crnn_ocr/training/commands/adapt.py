"""`crnn-ocr train adapt`: fine-tune an installed recogniser on one's own fonts, texts and pictures."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "adapt",
        help="fine-tune an installed recogniser on your fonts, texts and pictures",
        description="Fine-tune a recogniser pack on your fonts, texts and pictures of lines, teach it new"
        " characters, and write a new pack for `crnn-ocr models add` into OUT_DIR/NAME. Takes a minute or two"
        " on a CPU; docs/adapt.md shows how.",
    )
    parser.add_argument("--base", metavar="PACK", help="pack to adapt, by name or folder [the default pack]")
    parser.add_argument("--name", required=True, help="of the new pack: a-z, 0-9, - _ .")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="OUT_DIR", help="the new pack's folder is made in here"
    )
    parser.add_argument(
        "--fonts", type=Path, nargs="+", default=[], metavar="PATH", help="font files, or folders of them"
    )
    parser.add_argument(
        "--text",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="UTF-8 files with lines as they are to be read",
    )
    parser.add_argument(
        "--images", type=Path, metavar="TSV", help="list of line pictures: file, TAB, text; one a row"
    )
    parser.add_argument(
        "--pages", type=Path, metavar="DIR", help="folder of unlabelled pages: pictures and PDFs"
    )
    parser.add_argument("--charset", type=Path, metavar="FILE", help="new characters, one a row")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="fetched training data, to rehearse ordinary lines with"
    )
    parser.add_argument("--version", default="1", help="of the new pack [1]")
    parser.add_argument("--title", default="", help="of the new pack, one line for lists")
    parser.add_argument(
        "--lines", type=int, metavar="COUNT", help="lines to draw [800, or 30 per new character]"
    )
    parser.add_argument("--steps", type=int, metavar="COUNT", help="weight updates [by the number of lines]")
    parser.add_argument("--seed", type=int, default=0, help="of all that is drawn [0]")
    parser.add_argument("--threads", type=int, default=1, help="PyTorch's threads [1]")
    parser.add_argument(
        "--force", action="store_true", help="write the pack even if it reads ordinary lines worse"
    )
    parser.set_defaults(run_command=_adapt)


def _adapt(arguments: argparse.Namespace) -> int:
    from crnn_ocr.settings import load_settings
    from crnn_ocr.training.adaptation.packing import About
    from crnn_ocr.training.adaptation.run import Request, adapt

    settings = load_settings()
    report = adapt(
        Request(
            base=arguments.base or settings.model,
            about=About(arguments.name, arguments.version, arguments.title),
            out=arguments.out,
            fonts=tuple(arguments.fonts),
            texts=tuple(arguments.text),
            images=arguments.images,
            pages=arguments.pages,
            charset=arguments.charset,
            data=arguments.data,
            models_dir=settings.models_dir,
            lines=arguments.lines,
            steps=arguments.steps,
            seed=arguments.seed,
            threads=arguments.threads,
            force=arguments.force,
        )
    )
    for row in report.compared:
        a, b = row.before, row.after
        found = f", new characters {a.found} -> {b.found} of {b.new}" if b.new else ""
        print(
            f"{row.name}: {a.lines} lines, CER {100 * a.cer:.2f} -> {100 * b.cer:.2f} %,"
            f" exact {a.exact} -> {b.exact}{found}"
        )
    for remark in report.remarks:
        print(f"note: {remark}")
    print(report.pack.folder)
    return 0

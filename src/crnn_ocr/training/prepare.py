"""Makes corpora and glyph atlas from the fetched packages: `python -m crnn_ocr.training.prepare [DIR]`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from crnn_ocr.training import fonts, rasterise, texts
from crnn_ocr.training.charset import characters
from crnn_ocr.training.fetch import DATA_VARIABLE, data_folder


def prepare(root: Path, *, with_texts: bool = True, with_fonts: bool = True) -> None:
    """Build `corpora/` and `atlas/` under `root` from `unpacked/`; what was there is replaced."""
    if with_texts:
        counts = texts.collect(root / "unpacked" / "texts", root / "corpora")
        print(", ".join(f"{kind} {count}" for kind, count in counts.items()))  # noqa: T201
    if with_fonts:
        faces = fonts.discover(root / "unpacked" / "fonts")
        built = rasterise.build(faces, characters(), root / "atlas")
        families = len({info.family for info in built if info.kind == "han"})
        print(f"{len(built)} faces; {families} Chinese families")  # noqa: T201


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare what the command line asks for."""
    parser = argparse.ArgumentParser(description="Build corpora and glyph atlas from fetched packages.")
    parser.add_argument("folder", type=Path, nargs="?", help=f"of the data; else {DATA_VARIABLE}")
    parser.add_argument("--no-texts", action="store_true", help="leave the corpora as they are")
    parser.add_argument("--no-fonts", action="store_true", help="leave the atlas as it is")
    options = parser.parse_args(arguments)
    prepare(data_folder(options.folder), with_texts=not options.no_texts, with_fonts=not options.no_fonts)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""The measurement of tables and text layers: adapters, scores and tables of results."""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path

import pytest
from benchmarks.documents import Answer, as_json, measure, scores_table, worst
from benchmarks.harness import engines
from benchmarks.harness.engines import Engine

from benchmarks import text_layers
from crnn_ocr.document import Char, Line

SQUARE = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 9.0))

#: Answers every other picture with the text of its lines in one cell.
ADAPTER = """
    from benchmarks.peers.protocol import serve_tables

    def start():
        def read(path, lines):
            if "bad" in path:
                raise ValueError("cannot read")
            cells = "".join(f"<td>{line['text']}</td>" for line in lines)
            return f"<table><tr>{cells}</tr></table>"
        return "1.2", read

    serve_tables(start)
"""


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    script = tmp_path / "adapter.py"
    script.write_text(textwrap.dedent(ADAPTER), encoding="utf-8")
    monkeypatch.setattr(
        engines, "adapter_command", lambda python, adapter: [str(python), str(script), *adapter[1:]]
    )
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    return Engine("tiny", Path(sys.executable), ("adapter",))


def test_every_method_gets_the_lines_and_is_scored(engine: Engine, tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.png" for name in ("good", "bad")]
    for path in paths:
        path.with_suffix(".html").write_text("<table><tr><td>a</td><td>b</td></tr></table>", encoding="utf-8")
    lines = [as_json(Line("a", 0.5, SQUARE, (Char("a", 0.5, SQUARE),))), as_json(Line("b", 1.0, SQUARE))]
    assert json.loads(json.dumps(lines))[0]["chars"][0]["text"] == "a"
    good, bad = measure(engine, {"tables": paths}, dict.fromkeys(paths, lines))
    assert (good.method, good.picture, good.teds, good.structure) == ("tiny", "good.png", 1.0, 1.0)
    assert good.cpu_s >= 0
    assert good.peak_rss > 2**20
    assert (bad.picture, bad.teds, bad.structure) == ("bad.png", 0.0, 0.0)


def test_results_are_averages_per_folder_and_the_largest_memory() -> None:
    answers = [
        Answer("ours", "tables", "a.png", 1.0, 1.0, 0.1, 200 * 2**20),
        Answer("ours", "tables", "b.png", 0.5, 0.8, 0.3, 100 * 2**20),
        Answer("theirs", "tables", "a.png", 0.0, 0.0, 0.0, 0),
    ]
    header, _, ours, theirs = scores_table(answers, ["tables", "more"]).splitlines()
    assert header.endswith("| tables (2) | more (0) | peak MiB |")
    assert ours == "| ours | 75.0 / 90.0 / 0.200 | – | 200 |"
    assert theirs == "| theirs | 0.0 / 0.0 / 0.000 | – | 0 |"
    assert worst(answers, 1) == ["ours: tables/b.png 50.0 / 80.0", "theirs: tables/a.png 0.0 / 0.0"]
    assert worst(answers, 0) == []


def test_lines_are_found_unbroken_with_and_without_their_blanks() -> None:
    pages = [
        (["一行字", "two words"], "head\n一行字 and more\ntwo  words"),
        (["一行字", "two words", "cut here"], "一 行 字\ntwowords\ncut\nhere"),
    ]
    found = text_layers.count("reader", "pages", pages)
    assert (found.lines, found.unbroken, found.despaced) == (5, 2, 4)
    assert text_layers.rows([found], ["pages", "more"]) == [["reader", "40.0 / 80.0", "–"]]
    assert text_layers.rows([text_layers.count("reader", "none", [])], ["none"]) == [["reader", "– / –"]]

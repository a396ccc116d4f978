from __future__ import annotations

from pathlib import Path

from benchmarks.accuracy import Outcome, errors, widths_table
from benchmarks.harness.datasets import DataSet, Sample


def _outcome(engine: str, name: str, *rows: tuple[str, str]) -> Outcome:
    samples = [Sample(Path(f"{n}.png"), truth) for n, (truth, _) in enumerate(rows)]
    answers = [tuple(answer.splitlines()) for _, answer in rows]
    return Outcome(engine, "1", DataSet(name, "zh"), samples, answers, 0.0, 0, 0)


def test_widths_have_a_table_of_their_own() -> None:
    lines = [
        _outcome("ours", "some", ("96%", "96％"), ("甲：1", "甲：1")),
        _outcome("theirs", "other", ("甲", "甲")),
    ]
    table = widths_table(lines, [DataSet("some", "zh"), DataSet("other", "zh")], page=False)
    assert table.splitlines()[0] == "| Exact with widths, % | some | other |"
    assert table.splitlines()[2:] == ["| ours | 50.0 | – |", "| theirs | – | 100.0 |"]


def test_hits_of_pages_with_widths() -> None:
    pages = [_outcome("ours", "some", ("总额：5\n96%\n甲\n乙", "总额:5\n96%\n乙\n甲"))]
    table = widths_table(pages, [DataSet("some", "zh")], page=True)
    assert table.splitlines()[0].startswith("| Hits with widths")
    assert table.splitlines()[2] == "| ours | 75.0 |"


def test_errors_tell_what_is_wrong_with_a_line() -> None:
    outcome = _outcome("ours", "some", ("甲 1", "甲1"), ("甲：1", "甲:1"), ("甲", "乙"), ("丙", "丙"))
    kinds = [error.split(": ")[1] for error in errors(outcome, page=False)]
    assert kinds == ["spaces", "widths", "wrong"]

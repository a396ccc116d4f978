"""What the second look's benchmark counts, with recognisers whose answers are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from benchmarks import recheck
from crnn_ocr.recognition.lines.recheck import Policy
from crnn_ocr.recognition.network.ctc import Frames
from crnn_ocr.recognition.network.recognizer import PreparedLine, ReadChar, Reading, Window

HEIGHT = 10
POLICY = Policy(unsure=0.9)


class Known:
    """Reads columns of pixels as letters, ten wide each; doubts some of them, and takes them for an x."""

    name = "known/1"
    seconds_per_column = 1e-5
    bytes_per_column = 45_056

    def __init__(self, wrong: str = "") -> None:
        self.wrong = wrong
        self.characters = frozenset("abcdefghijklmnopqrstuvwxyz")
        self.columns = 0

    def window_widths(self, width: int, height: int) -> tuple[int, ...]:
        return (width,)

    def prepare(self, crop: np.typing.NDArray[np.uint8]) -> PreparedLine:
        return PreparedLine((Window(0, 1, crop[:, :, None], crop.shape[1]),), 1.0)

    def infer(self, window: Window) -> Frames:
        self.columns += window.content
        return Frames(np.zeros(1, np.int64), np.ones(1, np.float32))

    def decode(self, line: PreparedLine, frames: Sequence[Frames]) -> Reading:
        values = line.windows[0].pixels[0, :, 0]
        letters = [chr(values[i]) for i in range(HEIGHT // 2, len(values), HEIGHT)]
        chars = tuple(
            ReadChar(
                "x" if letter in self.wrong else letter,
                0.5 if letter in self.wrong else 0.99,
                i / len(letters),
                (i + 1) / len(letters),
            )
            for i, letter in enumerate(letters)
        )
        mean = float(np.mean([char.confidence for char in chars]))
        return Reading("".join(char.text for char in chars), mean, chars)


def lines(*texts: str) -> recheck.LineSet:
    pictures = [
        np.tile(np.repeat(np.array([ord(c) for c in text], np.uint8), HEIGHT), (HEIGHT, 1)) for text in texts
    ]
    return recheck.LineSet("drawn", pictures, texts)


@pytest.mark.parametrize("whole", [False, True])
def test_a_point_counts_what_was_read_again(whole: bool) -> None:
    some = lines("abcdefghijklmnopqrst", "bcdbcdbcdbcdbcdbcdbc")
    first, second = Known(wrong="k"), Known()

    alone = recheck.measure(some, recheck.Timed(first), recheck.Timed(second), None, whole=False)
    point = recheck.measure(some, recheck.Timed(first), recheck.Timed(second), POLICY, whole=whole)

    assert (alone.way, alone.score.exact, alone.looked_at, alone.second_ms) == ("first", 50, 0, 0)
    assert (point.score.exact, point.looked_at, point.mended, point.spoiled) == (100, 50, 1, 0)
    # Three characters and what rounding adds at the borders, or all twenty.
    assert point.pixels == pytest.approx(50 if whole else 100 * 3 / 40, abs=0 if whole else 5)
    assert second.columns == pytest.approx(point.pixels / 100 * 400, abs=2)
    assert point.second_ms > 0
    assert point.ms == point.first_ms + point.second_ms


def test_lines_that_become_wrong_are_counted() -> None:
    some = lines("abcdefghijklmnopqrst")
    first = Known(wrong="k")
    some = recheck.LineSet(some.name, some.pictures, ["abcdefghijxlmnopqrst"])

    point = recheck.measure(some, recheck.Timed(first), recheck.Timed(Known()), POLICY, whole=False)

    assert (point.score.exact, point.mended, point.spoiled) == (0, 0, 1)


def test_nothing_is_read_twice() -> None:
    some = lines("abcdefghijklmnopqrst")
    first, second = Known(wrong="k"), Known()
    points = recheck.curves(some, recheck.Timed(first), recheck.Timed(second), (0.6, 0.9, 0.95))

    assert first.columns == 200
    assert second.columns < 200 + 60  # the line, for each alone, and one stretch
    assert [point.way for point in points[:2]] == ["first", "second"]
    assert len(points) == 2 + 2 * 3
    assert points[1].score.exact == 100
    rows = recheck.table(points).strip().split("\n")
    assert len(rows) == 2 + len(points)
    assert rows[-1].startswith("| whole line 0.95 | 100.0 |")

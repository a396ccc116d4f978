from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.recognition.recognizer import CtcRecognizer
from crnn_ocr.recognition.vertical import cell_borders, stacked
from tests import drawing
from tests.recognition.test_recognizer import read_alone


@given(st.integers(1, 40), st.integers(1, 400), st.integers(0, 2**32 - 1))
def test_cells_cover_a_column(width: int, height: int, seed: int) -> None:
    column = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)

    cells = cell_borders(column)

    assert cells[0][0] == 0
    assert cells[-1][1] == height
    assert all(top < bottom for top, bottom in cells)
    assert all(above[1] == below[0] for above, below in itertools.pairwise(cells))
    assert stacked(column).shape[1] == width * len(cells)


@pytest.mark.parametrize("text", ["天下为公", "恭贺新禧", "注意安全请勿靠近"])
def test_a_column_is_read_from_top_to_bottom(recognizer: CtcRecognizer, text: str) -> None:
    column = drawing.page(
        [(6, 4 + 44 * i, c) for i, c in enumerate(text)], size=38, shape=(50, 44 * len(text) + 12)
    )

    assert read_alone(recognizer, stacked(column)).text == text

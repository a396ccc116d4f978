from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.layout.prose import prose


@pytest.mark.parametrize(
    "text",
    [
        "缺少时与经销商联系。安装地点",
        "打开包装后检查零件是否齐全，",
        "1. 打开包装，检查零件是否齐全",
        "the place of installation must be well",
        "repair. An old bridge of stone crosses",
    ],
)
def test_part_of_a_sentence(text: str) -> None:
    assert prose(text) > 0


@pytest.mark.parametrize(
    "text",
    [
        "联系电话：13800138000",
        "Name: John Smith of London",
        "由本公司派人上门处理",
        "Replace the filter and clean the case",
        "2) Replace the filter",
        "1,204.50",
        "HT-2024-0018",
    ],
)
def test_cell(text: str) -> None:
    assert prose(text) < 0


@pytest.mark.parametrize("text", ["", " ", "张伟", "之后再送修。", "Total", "•", "1.", "——"])
def test_short_lines_score_zero(text: str) -> None:
    assert prose(text) == 0


@given(st.text())
def test_any_text_tells_little_on_its_own(text: str) -> None:
    assert abs(prose(text)) <= 1

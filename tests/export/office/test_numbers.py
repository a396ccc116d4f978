from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.export.office.numbers import DecimalSign, Value, decimal_sign, value_of

day = dt.date


@pytest.mark.parametrize(
    ("text", "content", "form"),
    [
        ("1,234.56", 1234.56, "#,##0.00"),
        ("-5.00", -5, "0.00"),
        ("–5", -5, "0"),
        ("+3", 3, "+0;-0;0"),
        ("(12.50)", -12.5, "0.00;(0.00)"),
        ("（1,200）", -1200, "#,##0;(#,##0)"),
        ("12.5 %", 0.125, '0.0" "%'),
        ("１２％", 0.12, "0%"),
        ("￥5,999.00", 5999, '"￥"#,##0.00'),
        ("-¥1,200.50", -1200.5, '"¥"#,##0.00'),
        ("$-3", -3, '"$"0'),
        ("US$ 5", 5, '"US$ "0'),
        ("100 元", 100, '0" 元"'),
        ("99.90€", 99.9, '0.00"€"'),
        ("1 234 567", 1234567, "#,##0"),
        ("1'234.50", 1234.5, "#,##0.00"),
        ("0.5", 0.5, "0.0"),
        ("0", 0, "0"),
        ("2024", 2024, "0"),
        ("2024-01-31", day(2024, 1, 31), "yyyy-mm-dd"),
        ("2024/1/31", day(2024, 1, 31), "yyyy/m/d"),
        ("2024.01.31", day(2024, 1, 31), 'yyyy"."mm"."dd'),
        ("2024年1月31日", day(2024, 1, 31), 'yyyy"年"m"月"d"日"'),
    ],
)
def test_values(text: str, content: float | dt.date, form: str) -> None:
    assert value_of(text) == Value(content, form)


@pytest.mark.parametrize(
    "text",
    [
        "", "-", "—", "%", "007", "00.5", "13812345678", "6901234567892", "6222 0212 3456 7890", "1-2", "3/4",
        "400-800-1234", "123456789012345.6", "1,23", "12,345,6", "1,2345", "1.2.3", "1.5e3", "0x10", "1 234",
        "(1)", "(5%)", "(-5.0)", "(5.0", "5.0)", "--5", "-￥-5", "￥5元", "¥ ", "5 kg", "10万", "²", "٣", "½",
        "-0.00", "(0.00)", "2024-02-30", "2024-1-5", "1899-12-31", "1900-01-01", "31/01/2024", "01/02/2024",
        "10:30", "=1+1", "1,234.", ".5", "1..2", "1 2 3", "NaN", "inf", "1_000", "2024年13月1日", "2024年1月",
    ],
)  # fmt: skip
def test_texts(text: str) -> None:
    assert value_of(text) is None


def test_the_decimal_sign_of_a_column() -> None:
    assert decimal_sign(["1.234,56", "1.234", "text"]) == ","
    assert decimal_sign(["12,50", "1,234.00", "0,5"]) == ","
    assert decimal_sign(["1.234.567"]) == ","
    assert decimal_sign(["1,234,567"]) == "."
    assert decimal_sign(["1,234", "5", "x"]) == "."
    assert decimal_sign(["1,234"], ",") == ","
    assert decimal_sign([]) == "."
    assert value_of("1.234,56", ",") == Value(1234.56, "#,##0.00")
    assert value_of("1.234", ",") == Value(1234, "#,##0")
    assert value_of("1.234", ".") == Value(1.234, "0.000")
    assert value_of("12.50", ",") is None


def shown(value: Value, decimal: DecimalSign) -> str:
    """What a spreadsheet shows, for the formats that this module makes of plain numbers."""
    assert isinstance(value.content, float)
    places = len(value.form.partition(".")[2].rstrip("%"))
    number = Decimal(repr(value.content)) * (100 if value.form.endswith("%") else 1)
    text = f"{number:{',' if '#,##0' in value.form else ''}.{places}f}"
    if decimal == ",":
        text = text.translate(str.maketrans(",.", ".,"))
    return text + ("%" if value.form.endswith("%") else "")


@given(
    st.integers(1 - 10**10, 10**10 - 1),
    st.integers(0, 4),
    st.booleans(),
    st.sampled_from([".", ","]),
    st.sampled_from(["", "%"]),
)
def test_numbers_look_as_they_were_printed(
    units: int, places: int, grouped: bool, decimal: DecimalSign, unit: str
) -> None:
    number = Decimal(units).scaleb(-places)
    text = f"{number:{',' if grouped else ''}.{places}f}"
    if decimal == ",":
        text = text.translate(str.maketrans(",.", ".,"))

    value = value_of(text + unit, decimal)

    assert value is not None
    assert shown(value, decimal) == text + unit
    assert value.content == float(number / 100 if unit else number)


@given(st.dates(day(1900, 3, 1), day(9999, 12, 31)))
def test_all_days(date: dt.date) -> None:
    for text in (
        date.isoformat(),
        f"{date.year:04}年{date.month}月{date.day}日",
        f"{date:%Y/%m/%d}".rjust(10, "0"),
    ):
        value = value_of(text)
        assert value is not None
        assert value.content == date


@given(st.text("0123456789.,-+()%¥元 年月日/'", max_size=20), st.sampled_from([".", ","]))
def test_any_text(text: str, decimal: DecimalSign) -> None:
    value = value_of(text, decimal)

    if value is not None and isinstance(value.content, float):
        digits = "".join(char for char in text if char.isdigit())
        assert float(f"{abs(value.content):.15g}") == abs(value.content)
        assert len(digits.lstrip("0")) <= 15
        assert not (len(digits) > 1 and digits[0] == "0" and text.lstrip(" ¥(-+")[1] not in ".,")
        # No digit is lost: what is shown holds all of them.
        assert sum(map(int, digits)) == sum(int(c) for c in shown_digits(value))


def shown_digits(value: Value) -> str:
    assert isinstance(value.content, float)
    places = len(value.form.split(";")[0].lstrip("+").strip('"¥元 %').partition(".")[2].rstrip('" %元'))
    number = abs(Decimal(repr(value.content))) * (100 if "%" in value.form else 1)
    return "".join(char for char in f"{number:.{places}f}" if char.isdigit())


@given(st.text(max_size=30))
def test_every_text_is_taken(text: str) -> None:
    value_of(text)
    decimal_sign([text])

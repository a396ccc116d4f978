from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.errors import ImageEmptyError, InvalidBase64Error, OcrError, UnsupportedImageError
from crnn_ocr.service.requests.base64_pictures import decode_picture_field, is_picture_type


@given(
    data=st.binary(min_size=1),
    prefix=st.sampled_from(
        [
            "",
            "data:image/png;base64,",
            "DATA:IMAGE/JPEG;charset=x;BASE64,",
            "data:;base64,",
            "data:application/pdf;base64,",
            "data:application/octet-stream;base64,",
            "  data:image/webp;base64,",
        ]
    ),
    width=st.integers(1, 80),
    breaks=st.sampled_from(["\n", "\r\n", " ", "\t"]),
)
def test_what_was_encoded_comes_back(data: bytes, prefix: str, width: int, breaks: str) -> None:
    text = base64.b64encode(data).decode()
    wrapped = breaks.join(text[start : start + width] for start in range(0, len(text), width))
    assert decode_picture_field(prefix + wrapped + breaks) == data


@pytest.mark.parametrize(
    "text",
    [
        "not base64!",
        "abc",  # padding is missing
        "abcde",
        "ab=cd===",
        "YWJj=",
        "=YWJj",
        "YWJj-_",  # the URL-safe alphabet
        "YWJjÄ",
        "图片",
        "YWJj\0",
        "data:image/png,rawtext",
        "data:image/png;base64,%%%%",
        "https://example.org/picture.png",
        "http:",
        "\ud800",
    ],
)
def test_refuses_what_is_not_base64(text: str) -> None:
    with pytest.raises(InvalidBase64Error) as caught:
        decode_picture_field(text)
    assert "image" in caught.value.message or "data URL" in caught.value.message


@pytest.mark.parametrize("text", ["YWJj-_==", "YW-j", "YW_jYQ", "data:image/png;base64,YW-j\n_w=="])
def test_names_the_url_safe_alphabet(text: str) -> None:
    with pytest.raises(InvalidBase64Error, match="URL-safe alphabet") as caught:
        decode_picture_field(text)
    assert "'+'" in caught.value.hint


@pytest.mark.parametrize("text", ["my-picture.png", "YWJj-+==", "a_b/c.jpg!"])
def test_other_text_with_dashes_is_not_called_url_safe(text: str) -> None:
    with pytest.raises(InvalidBase64Error) as caught:
        decode_picture_field(text)
    assert "URL-safe" not in caught.value.message


def test_says_that_urls_have_a_field_of_their_own() -> None:
    with pytest.raises(InvalidBase64Error, match="image_url"):
        decode_picture_field("https://example.org/picture.png")


@pytest.mark.parametrize(
    "kind", ["text/html", "TEXT/HTML", "application/json", "audio/mpeg", "imagefake/png"]
)
def test_refuses_data_urls_of_something_else_by_name(kind: str) -> None:
    with pytest.raises(UnsupportedImageError) as caught:
        decode_picture_field(f"data:{kind};base64,YWJj")
    assert kind.lower() in caught.value.message


@pytest.mark.parametrize("text", ["", "  \n", "data:image/png;base64,"])
def test_refuses_emptiness(text: str) -> None:
    with pytest.raises(ImageEmptyError):
        decode_picture_field(text)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"),
        (True, "true or false"),
        (5, "a number"),
        (0.5, "a number"),
        ([], "a list"),
        ({}, "an object"),
    ],
)
def test_refuses_other_json_types_by_name(value: object, name: str) -> None:
    with pytest.raises(InvalidBase64Error, match=name):
        decode_picture_field(value)


@given(st.text())
def test_any_text_gives_bytes_or_an_error_of_ours(text: str) -> None:
    try:
        status = 200 if decode_picture_field(text) else 0
    except OcrError as error:
        status = error.http_status
    assert status in (200, 400, 415)


def test_a_long_prefix_costs_nothing() -> None:
    with pytest.raises(InvalidBase64Error):
        decode_picture_field("data:" + "x;" * 500_000)


def test_picture_types() -> None:
    assert is_picture_type("image/jpeg")
    assert is_picture_type("application/pdf")
    assert not is_picture_type("text/plain")
    assert not is_picture_type("")

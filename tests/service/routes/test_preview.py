from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from crnn_ocr.imaging.opened import open_document
from crnn_ocr.options import ReadOptions
from crnn_ocr.settings import Settings
from tests.service.fakes import FakeReader, create_app
from tests.service.rendering import bomb_png, encoded, picture, png, tiff


def shown(
    client: FlaskClient, data: bytes, query: str = "", kind: str = "image/png"
) -> tuple[Image.Image, str]:
    answer = client.post(f"/preview?{query}", data=data, content_type=kind)
    assert answer.status_code == 200, answer.json
    assert answer.mimetype == "image/png"
    return Image.open(BytesIO(answer.data)), answer.headers["X-Enhancements"]


def test_the_original_is_the_picture_itself(client: FlaskClient) -> None:
    image = picture("Original", width=300)
    found, steps = shown(client, encoded(image), "stage=original")
    assert np.array_equal(np.asarray(found.convert("RGB")), np.asarray(image))
    assert steps == ""


def test_enhanced_is_what_would_be_read(client: FlaskClient) -> None:
    pale = encoded(picture("Pale words").point(lambda level: 205 + level // 8))
    found, steps = shown(client, pale)
    assert steps == "stretch"
    assert np.asarray(found).min() < 20
    found, steps = shown(client, pale, "clahe=off")
    assert steps == ""
    assert np.asarray(found).min() > 200
    _, steps = shown(client, pale, "clahe=on&denoise=on")
    assert steps == "grey, denoise, clahe"


def test_quality_is_told(client: FlaskClient) -> None:
    answer = client.post("/preview", data=png("Sharp"), content_type="image/png")
    values = dict(part.split("=") for part in answer.headers["X-Quality"].split(", "))
    assert float(values["brightness"]) == 255
    assert float(values["contrast"]) > 200
    assert float(values["blur"]) < 1.5


def test_single_pages(client: FlaskClient) -> None:
    pages = tiff([picture("a", width=width).convert("L") for width in (300, 200)])
    assert shown(client, pages, "page=2", "image/tiff")[0].width == 200
    answer = client.post("/preview?page=3", data=pages, content_type="image/tiff")
    assert answer.status_code == 422
    assert "no page 3" in answer.get_json()["error"]["message"]


def test_a_preview_takes_of_the_room_that_pictures_share(client: FlaskClient, reader: FakeReader) -> None:
    pages = tiff([picture("a", width=width).convert("L") for width in (600, 500)])
    shown(client, pages, "page=2", "image/tiff")
    with open_document(pages, Settings().limits) as opened:
        most = opened.extents[1].memory  # the other page is not decoded
    assert reader.held == [most, -most]


def test_long_pages_are_scaled_down(client: FlaskClient) -> None:
    image = Image.new("L", (200, 9600), 255)
    assert shown(client, encoded(image))[0].size == (50, 2400)


@pytest.mark.parametrize(
    "query", ["page=0", "page=x", "page=1&page=2", "stage=other", "page=9999999999", "gone=1"]
)
def test_bad_parameters_are_refused(client: FlaskClient, query: str) -> None:
    answer = client.post(f"/preview?{query}", data=png("x"), content_type="image/png")
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (422, "OPTION_INVALID")


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"text", "IMAGE_TYPE_UNSUPPORTED"), (b"", "IMAGE_EMPTY"), (bomb_png(), "IMAGE_TOO_LARGE")],
)
def test_bad_pictures_are_refused_as_when_reading(client: FlaskClient, data: bytes, code: str) -> None:
    answer = client.post("/preview", data=data, content_type="image/png")
    assert answer.get_json()["error"]["code"] == code


def test_the_options_are_those_of_reading(client: FlaskClient) -> None:
    form = {"image": (BytesIO(png("x")), "x.png"), "options": ReadOptions(grey="on").model_dump_json()}
    answer = client.post("/preview", data=form)
    assert answer.headers["X-Enhancements"] == "grey"


def test_limits_are_those_of_the_settings() -> None:
    client = create_app(
        FakeReader(), Settings(max_pages=7, max_image_bytes=5000), warm_up=False
    ).test_client()
    limits = client.get("/limits").get_json()
    assert limits["max_pages"] == 7
    assert limits["max_image_bytes"] == 5000


def test_the_pages_of_a_pdf_are_told(client: FlaskClient) -> None:
    pages = [picture(f"page {number}") for number in range(3)]
    out = BytesIO()
    pages[0].save(out, "PDF", save_all=True, append_images=pages[1:])
    answer = client.post("/preview?page=2", data=out.getvalue(), content_type="application/pdf")
    assert answer.headers["X-Pages"] == "3"
    tiffs = tiff([page.convert("L") for page in pages])
    assert "X-Pages" not in client.post("/preview", data=tiffs, content_type="image/tiff").headers

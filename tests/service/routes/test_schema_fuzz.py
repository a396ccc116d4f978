"""Requests generated from the OpenAPI document: no answer may be a fault or differ from what it promises."""

from __future__ import annotations

import atexit
import json
import tempfile
import zlib
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from crnn_ocr.document import Document
from crnn_ocr.errors import (
    DeadlineExceededError,
    ModelBrokenError,
    ModelsBusyError,
    ModelSwitchError,
    OverloadedError,
)
from crnn_ocr.imaging.decode import Limits, decode_pages
from crnn_ocr.options import ReadOptions
from crnn_ocr.service.middleware.api_keys import hash_key
from crnn_ocr.settings import Settings
from tests.service.fakes import FakeReader, create_app, document, page
from tests.service.rendering import encoded, picture


def decode_only(data: bytes, _options: ReadOptions) -> Document:
    """Everything but the reading itself: broken pictures fail as they do in the real engine."""
    limits = Limits(max_bytes=1_000_000, max_pixels=1_000_000, max_side=10_000, max_pages=5)
    pages = list(decode_pages(data, limits))
    return document(*[page("text", width=image.shape[1], height=image.shape[0]) for image in pages])


def mutated(data: bytes, cut: int, place: int, value: int) -> bytes:
    body = bytearray(data[: len(data) - cut % len(data)])
    body[place % len(body)] = value
    return bytes(body)


GOOD = [encoded(picture("text"), kind) for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PDF")]
BYTE = st.integers(0, 255)
BYTES = st.one_of(
    st.sampled_from(GOOD),
    st.binary(max_size=300),
    st.builds(
        mutated, st.sampled_from(GOOD), st.integers(0, 4_000), st.integers(0, 400), st.integers(0, 255)
    ),
)
for media_type in ("image/*", "application/pdf", "application/zip"):
    schemathesis.openapi.media_type(media_type, BYTES)

# Schemathesis 4.32 cannot tell whether a list that it has spoilt, with files in it, breaks the schema.
CONFIG = schemathesis.Config.from_dict(
    {"operations": [{"include-path": "/jobs", "include-method": "POST", "generation": {"mode": "positive"}}]}
)

jobs_folder = tempfile.TemporaryDirectory()
atexit.register(jobs_folder.cleanup)
app = create_app(FakeReader(decode_only), Settings(jobs_dir=Path(jobs_folder.name, "a")), warm_up=False)
schema = schemathesis.openapi.from_wsgi("/openapi.json", app, config=CONFIG)


@schema.parametrize()  # type: ignore[untyped-decorator]  # Schemathesis has no types
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_generated_request_is_answered_as_documented(case: Any) -> None:
    excluded = [positive_data_acceptance]
    # Of a batch, an item that breaks the schema fails alone. The originals of the compatible interfaces pass
    # over what they do not know, and may answer errors with 200.
    if case.operation.path.startswith(("/ocr/batch", "/compat/")):
        excluded.append(negative_data_rejection)
    case.call_and_validate(excluded_checks=excluded)


# ---- a service in trouble ---------------------------------------------------------------------------

KEY = "a-key-of-the-tests"
TROUBLES = (
    OverloadedError("The service takes no more.", retry_after=3),
    DeadlineExceededError("The answer was not ready in time."),
    ModelBrokenError("The graph differs from its manifest."),
    ModelsBusyError("All places for models are taken.", retry_after=2),
)


def in_trouble(data: bytes, options: ReadOptions) -> Document:
    """Fails in all the ways in which the engine does under load; what is no picture fails as ever."""
    read = decode_only(data, options)
    trouble = TROUBLES[zlib.crc32(data) % (len(TROUBLES) + 1) - 1]
    if zlib.crc32(data) % (len(TROUBLES) + 1):
        raise trouble
    return read


troubled = FakeReader(in_trouble, ready=False)
troubled.warm_up_error = ModelBrokenError("The graph differs from its manifest.")
troubled.prepare_errors = {
    "other": ModelBrokenError("The graph differs from its manifest."),
    "third": ModelSwitchError("It cannot read its probe."),
}
troubled_app = create_app(
    troubled,
    Settings(
        api_keys=(f"tests:{hash_key(KEY)}",),
        rate_limit_per_minute=100_000,
        cache_bytes=0,
        jobs_dir=Path(jobs_folder.name, "b"),
    ),
    warm_up=False,
)
troubled_schema = schemathesis.openapi.from_wsgi(
    "/openapi.json", troubled_app, config=CONFIG, headers={"X-API-Key": KEY}
)


@troubled_schema.parametrize()  # type: ignore[untyped-decorator]  # Schemathesis has no types
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_service_in_trouble_answers_as_documented(case: Any) -> None:
    excluded = [positive_data_acceptance, not_a_server_error]
    if case.operation.path.startswith(("/ocr/batch", "/compat/")):
        excluded.append(negative_data_rejection)
    answer = case.call_and_validate(excluded_checks=excluded, headers={"X-API-Key": KEY})
    assert answer.status_code < 500 or answer.status_code in (503, 504), answer.content
    error = json.loads(answer.content).get("error") if answer.status_code in (429, 503) else None
    if isinstance(error, dict) and error["code"] in ("OVERLOADED", "RATE_LIMITED", "MODELS_BUSY"):
        assert int(answer.headers["retry-after"][0]) >= 1

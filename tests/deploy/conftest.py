"""The image under test: built once from this checkout, unless CRNN_OCR_IMAGE names one that is there."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.deploy.docker import BUILD_LIMIT_S, ROOT, Container, container, docker, hardened


@pytest.fixture(scope="session")
def image() -> str:
    """Build the image, or take the one that is named; return its name."""
    named = os.environ.get("CRNN_OCR_IMAGE")
    if named is None:
        named = "crnn-ocr:test"
        docker("build", "--network", "host", "--tag", named, str(ROOT), limit_s=BUILD_LIMIT_S)
    return named


@pytest.fixture(scope="session")
def service(image: str) -> Iterator[Container]:
    """Start a service in the strictest container, for tests that leave it as it is."""
    with container(image, *hardened()) as running:
        yield running

"""The same Dockerfile for 64-bit ARM, built and run by emulation: slow, but it is the real image.

What emulation cannot show: speed, and ONNX Runtime's choice of kernels, for which it looks at the CPU. The
kernel of this machine describes another one, so a description of an ARM one is laid over it.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.docker import (
    BUILD_LIMIT_S,
    ROOT,
    Container,
    container,
    docker,
    hardened,
    inspect,
    needs_docker,
    run,
    size_of,
)
from tests.deploy.test_image import LARGEST
from tests.service.rendering import png

pytestmark = [needs_docker, pytest.mark.deploy, pytest.mark.timeout(BUILD_LIMIT_S)]

#: A stand-in for the official image, which has both architectures under one name.
BASE = "python:3.11-slim-arm64"
NAME = "crnn-ocr:test-arm64"
#: As the kernel tells of two cores of a Neoverse N1, the kind in Graviton 2 and Ampere Altra.
_FEATURES = (
    "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp"
)
CPU = f"""processor\t: {{0}}
BogoMIPS\t: 50.00
Features\t: {_FEATURES}
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x3
CPU part\t: 0xd0c
CPU revision\t: 1

"""


def can_emulate() -> bool:
    return platform.machine() == "aarch64" or Path("/proc/sys/fs/binfmt_misc/qemu-aarch64").exists()


@pytest.fixture(scope="module")
def image() -> str:
    """Build the image for ARM, or take the one that is named; return its name."""
    named = os.environ.get("CRNN_OCR_IMAGE_ARM64")
    if named is not None:
        return named
    if not can_emulate():
        pytest.skip("this machine cannot run programs for 64-bit ARM (tests/deploy/lab/emulate-arm64)")
    flags = ["--network", "host", "--platform", "linux/arm64", "--tag", NAME]
    if run("image", "inspect", BASE).status == 0:
        flags += ["--build-arg", f"PYTHON_IMAGE={BASE}"]
    docker("build", *flags, str(ROOT), limit_s=BUILD_LIMIT_S)
    return NAME


@pytest.fixture(scope="module")
def service(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """Start a service with the settings for a small machine; it has all cores, as emulation needs them."""
    cpu = tmp_path_factory.mktemp("arm") / "cpuinfo"
    cpu.write_text(CPU.format(0) + CPU.format(1), encoding="ascii")
    flags = [*hardened(memory="1g", cpus=str(os.cpu_count() or 1)), "--volume", f"{cpu}:/proc/cpuinfo:ro"]
    flags += ["--env-file", str(ROOT / "deploy" / "edge" / "settings.env")]
    with container(image, *flags, wait=False) as running:
        running.wait_until_ready(limit_s=600)
        yield running


def test_it_is_for_arm_and_small(image: str) -> None:
    assert inspect(image)["Architecture"] == "arm64"
    assert size_of(image) <= LARGEST
    assert docker("run", "--rm", "--entrypoint", "uname", image, "-m") == "aarch64\n"


def test_it_reads_a_picture(service: Container) -> None:
    answer = service.read(png("ARM 64"))
    assert (answer.status, answer.json["text"]) == (200, "ARM 64")


def test_its_modules_are_compiled_and_its_graphs_prepared(service: Container) -> None:
    """Made by emulation too, without a look at the CPU."""
    assert ".onnx" in service.execute("ls", "/opt/crnn-ocr/graphs")
    assert ".pyc" in service.execute(
        "sh", "-c", "ls /opt/crnn-ocr/lib/python3*/site-packages/crnn_ocr/__pycache__"
    )


def test_the_bill_of_materials_is_its_own(image: str) -> None:
    text = docker("run", "--rm", "--entrypoint", "cat", image, "/opt/crnn-ocr/share/sbom.cdx.json")
    names = {row["name"] for row in json.loads(text)["components"]}
    assert {"onnxruntime", "opencv-python-headless", "crnn-zh-en"} <= names

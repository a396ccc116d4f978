"""What is in the image, and what is not."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.docker import (
    BUILD_LIMIT_S,
    INT8,
    ROOT,
    container,
    docker,
    hardened,
    inspect,
    needs_docker,
    run,
    size_of,
)
from tests.service.rendering import png

pytestmark = [needs_docker, pytest.mark.deploy, pytest.mark.timeout(BUILD_LIMIT_S)]

#: What the product promises, in megabytes of 10⁶ bytes, unpacked.
LARGEST = 512
#: Names of programs with which something could be installed, compiled, or another user become.
TOOLS = "pip pip3 apt apt-get dpkg gcc cc g++ make ld perl su sudo mount passwd curl wget tar"


@pytest.fixture(scope="module")
def bill(image: str) -> dict[str, Any]:
    """Read the bill of materials inside."""
    text = docker("run", "--rm", "--entrypoint", "cat", image, "/opt/crnn-ocr/share/sbom.cdx.json")
    bill: dict[str, Any] = json.loads(text)
    return bill


def test_it_is_small(image: str) -> None:
    assert size_of(image) <= LARGEST


def test_it_says_how_it_wants_to_be_run(image: str) -> None:
    config = inspect(image)["Config"]
    assert config["User"] == "10001:10001"
    assert (config["Entrypoint"], config["Cmd"]) == (["crnn-ocr"], ["serve"])
    assert list(config["ExposedPorts"]) == ["5000/tcp"]
    assert config["StopSignal"] == "SIGTERM"
    assert config["Healthcheck"]["Test"][0] == "CMD"
    assert not config.get("Volumes")
    variables = dict(entry.split("=", 1) for entry in config["Env"])
    assert variables["ORT_DISABLE_TELEMETRY"] == "1"
    assert variables["CRNN_OCR_HOST"] == "0.0.0.0"
    labels = config["Labels"]
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert labels["org.opencontainers.image.version"] == "0.1.0"


def test_one_layer_hides_nothing(image: str) -> None:
    layers = inspect(image)["RootFS"]["Layers"]
    assert len(layers) <= 2  # the second one makes no more than the folder to work in


def test_nothing_in_it_installs_compiles_or_changes_users(image: str) -> None:
    script = f"for name in {TOOLS}; do command -v $name; done; python -m pip; python -m ensurepip"
    done = run("run", "--rm", "--entrypoint", "sh", image, "-c", script)
    assert done.output == ""
    assert done.errors.count("No module named") == 2


def test_no_program_gives_rights_away(image: str) -> None:
    script = "find / -xdev -perm /6000 -type f; find / -xdev -perm -2 -type f; ls -A /tmp /build"
    done = run("run", "--rm", "--user", "0", "--entrypoint", "sh", image, "-c", script)
    assert [line for line in done.output.splitlines() if line and not line.endswith(":")] == []


def test_nothing_but_the_folder_of_jobs_belongs_to_the_user_that_runs_it(image: str) -> None:
    script = "find / -xdev \\( -user 10001 -o -group 10001 \\) -print"
    done = run("run", "--rm", "--user", "0", "--entrypoint", "sh", image, "-c", script)
    assert done.output.split() == ["/jobs"]


def test_tests_of_packages_are_left_out(image: str) -> None:
    assert docker("run", "--rm", "--entrypoint", "find", image, "/opt", "-name", "tests") == ""


def test_modules_are_compiled(image: str) -> None:
    """Else every start would compile them anew: nothing can be written."""
    code = """
import sys
from importlib.util import cache_from_source
from pathlib import Path
import gunicorn.arbiter
import crnn_ocr.cli, crnn_ocr.engine.ocr, crnn_ocr.service.app, crnn_ocr.service.server.gunicorn_worker
for module in list(sys.modules.values()):
    file = getattr(module, "__file__", None)
    if file and file.endswith(".py") and not Path(cache_from_source(file)).is_file():
        print(file)
"""
    assert docker("run", "--rm", "--entrypoint", "python", image, "-c", code) == ""


def test_the_bill_lists_every_locked_package(bill: dict[str, Any]) -> None:
    lock = Path(ROOT, "deploy/docker/requirements.txt").read_text(encoding="utf-8")
    locked = dict(re.findall(r"^([a-z0-9.-]+)==(\S+) \\$", lock, re.MULTILINE))
    packages = [row for row in bill["components"] if row["type"] == "library"]
    assert {re.sub(r"[-_.]+", "-", row["name"]).lower(): row["version"] for row in packages} == locked
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["name"] == "crnn-ocr"


def test_the_bill_has_models_and_every_licence(bill: dict[str, Any]) -> None:
    rows = [bill["metadata"]["component"], *bill["components"]]
    assert {"crnn-zh-en", "ppocrv6-small", "ppocrv6-det-small"} <= {row["name"] for row in rows}
    assert [row["name"] for row in rows if not row.get("licenses")] == []


def test_bundled_recognisers_are_prepared(image: str) -> None:
    """A start neither needs `onnx` nor writes anything."""
    with container(image, *hardened(), settings=INT8) as service:
        assert re.search(r"\.onnx$", service.execute("ls", "/opt/crnn-ocr/graphs").strip())
        worker = service.execute("sh", "-c", "cat /proc/[0-9]*/maps | grep -c onnx_cpp2py || true")
        assert worker.strip() == "0"


@pytest.mark.parametrize("arguments", [("--version",), ("models", "verify"), ("keys", "new", "mine")])
def test_its_command_line_works(image: str, arguments: tuple[str, ...]) -> None:
    assert docker("run", "--rm", "--read-only", "--tmpfs", "/tmp", image, *arguments)


def test_it_reads_a_picture_from_standard_input(image: str) -> None:
    command = ("run", "--rm", "--interactive", "--read-only", "--network", "none", image, "read", "-")
    assert docker(*command, given=png("Number 4711")).strip() == "Number 4711"

"""kubectl and helm, and what they make of deploy/: manifests as plain dictionaries."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
K8S = ROOT / "deploy" / "k8s"
CHART = ROOT / "deploy" / "helm" / "crnn-ocr"
VERSION = "0.1.0"

Manifest = dict[str, Any]


def find_tool(name: str) -> Path | None:
    """A program where scripts/install-kubernetes-tools puts it, or on the path."""
    beside = ROOT / ".venv" / "kubernetes" / name
    if beside.is_file():
        return beside
    found = shutil.which(name)
    return None if found is None else Path(found)


def tool(name: str) -> Path:
    """As `find_tool`; the test is skipped where there is none."""
    found = find_tool(name)
    if found is None:
        pytest.skip(f"{name} is not installed (scripts/install-kubernetes-tools)")
    return found


class RenderError(Exception):
    """A tool has refused its input; the message is what it wrote."""


def kustomize(folder: Path) -> list[Manifest]:
    """What `kubectl apply -k` would send."""
    return read(_run(tool("kubectl"), "kustomize", str(folder)))


def helm(values: Mapping[str, Any], *, release: str = "ocr", namespace: str = "crnn-ocr") -> list[Manifest]:
    """What `helm install` would send.

    Raises:
        RenderError: The values are refused.
    """
    arguments = ["template", release, str(CHART), "--namespace", namespace, "--values", "-"]
    return read(_run(tool("helm"), *arguments, given=json.dumps(values)))


def _run(program: Path, *arguments: str, given: str = "") -> str:
    # Neither reads settings of the user's, nor writes a cache into their home.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HELM_", "KUBE"))}
    environment = {**kept, "HOME": "/nonexistent", "KUBECONFIG": "/nonexistent"}
    done = subprocess.run(
        [program, *arguments], input=given, capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        raise RenderError(done.stderr)
    return done.stdout


# ---- YAML -------------------------------------------------------------------------------------------


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
    """Refuses a mapping that has a key twice: PyYAML keeps the last one silently."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    made: dict[Hashable, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in made:
            raise yaml.constructor.ConstructorError(
                None, None, f"{key!r} is there twice", key_node.start_mark
            )
        made[key] = loader.construct_object(value_node, deep=True)
    return made


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read(text: str) -> list[Manifest]:
    """The documents of a stream of YAML; empty ones are left out."""
    return [document for document in yaml.load_all(text, _Loader) if document]

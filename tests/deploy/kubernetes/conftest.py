"""Renderings that several tests look at, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy.kubernetes.tools import K8S, Manifest, kustomize

#: What docs/kubernetes.md tells the operator to make.
GIVEN = frozenset(f"Secret/crnn-ocr-{name}" for name in ("keys", "prometheus", "redis", "tls"))


@pytest.fixture(scope="session")
def minimal() -> list[Manifest]:
    """The overlay minimal."""
    return kustomize(K8S / "overlays" / "minimal")


@pytest.fixture(scope="session")
def production() -> list[Manifest]:
    """The overlay production."""
    return kustomize(K8S / "overlays" / "production")


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> list[Manifest]:
    """The overlay production with the component that it leaves out."""
    return kustomize(overlay(tmp_path_factory.mktemp("overlay"), "production", "shared-cache"))


def overlay(folder: Path, base: str, *components: str) -> Path:
    """An overlay of one's own, in a folder that has the repository's manifests beside it."""
    for name in ("k8s", "observability"):
        link = folder / name
        if not link.exists():
            link.symlink_to(K8S.parent / name)
    place = folder / "own"
    place.mkdir()
    lines = ["apiVersion: kustomize.config.k8s.io/v1beta1", "kind: Kustomization", "namespace: crnn-ocr"]
    lines += ["resources:", f"  - ../k8s/overlays/{base}"]
    lines += ["components:", *(f"  - ../k8s/components/{name}" for name in components)]
    (place / "kustomization.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return place

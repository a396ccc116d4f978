"""The manifests in deploy/k8s: every overlay and component, as `kubectl apply -k` would send them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from crnn_ocr.settings import Settings
from tests.deploy.kubernetes import schemas
from tests.deploy.kubernetes.checks import problems
from tests.deploy.kubernetes.checks.settings import effective
from tests.deploy.kubernetes.conftest import GIVEN, overlay
from tests.deploy.kubernetes.inventory import Inventory
from tests.deploy.kubernetes.tools import K8S, VERSION, Manifest, RenderError, kustomize, read

COMPONENTS = sorted(path.name for path in (K8S / "components").iterdir())
OVERLAYS = sorted(path.name for path in (K8S / "overlays").iterdir())


def refused(manifests: list[Manifest]) -> list[str]:
    return [text for version in schemas.VERSIONS for text in schemas.problems(manifests, version)]


def set_in(folder: Path, setting: str) -> None:
    """Set it as docs/kubernetes.md says."""
    with (folder / "kustomization.yaml").open("a", encoding="utf-8") as file:
        file.write("configMapGenerator:\n  - name: crnn-ocr-settings\n    behavior: merge\n")
        file.write(f"    literals: [{setting}]\n")


@pytest.mark.parametrize("name", OVERLAYS)
def test_overlays_are_taken_by_every_version_and_fit_the_service(name: str) -> None:
    manifests = kustomize(K8S / "overlays" / name)
    assert refused(manifests) == []
    assert problems(manifests, given=GIVEN) == []


def test_so_is_production_with_the_component_that_it_leaves_out(everything: list[Manifest]) -> None:
    assert refused(everything) == []
    assert problems(everything, given=GIVEN) == []


@pytest.mark.parametrize("name", ["ingress", "model-packs", "monitoring", "shared-cache"])
def test_components_can_be_added_one_by_one(name: str, tmp_path: Path) -> None:
    manifests = kustomize(overlay(tmp_path, "minimal", name))
    assert refused(manifests) == []
    assert problems(manifests, given=GIVEN) == []


def test_there_are_no_other_components() -> None:
    tried = {"ingress", "model-packs", "monitoring", "shared-cache"}
    text = "".join((K8S / "overlays" / name / "kustomization.yaml").read_text() for name in OVERLAYS)
    assert {name for name in COMPONENTS if f"../../components/{name}" in text} | tried == set(COMPONENTS)


def test_the_base_alone_runs_three_pods_that_ask_for_keys() -> None:
    manifests = kustomize(K8S / "base")
    assert refused(manifests) == []
    assert problems(manifests, given=GIVEN) == []
    inventory = Inventory(manifests, given=GIVEN)
    (workload,) = inventory.workloads
    assert workload.spec["replicas"] == 3
    assert workload.container["resources"]["limits"]["memory"] == "512Mi"
    assert workload.container["resources"]["limits"]["cpu"] == "500m"
    assert workload.container["image"] == f"crnn-ocr:{VERSION}"
    (service,) = inventory.of("Service")
    assert service["spec"]["ports"][0]["port"] == 80
    assert workload.ports == {"http": 5000}
    settings = effective(inventory, workload)
    assert settings.api_keys_file is not None
    assert not settings.allow_anonymous


def test_overlays_keep_three_pods_at_least(minimal: list[Manifest], production: list[Manifest]) -> None:
    (autoscaler,) = Inventory(minimal).of("HorizontalPodAutoscaler")
    assert autoscaler["spec"]["minReplicas"] == 3
    (scaled,) = Inventory(production).of("ScaledObject")
    assert scaled["spec"]["minReplicaCount"] == 3


def test_a_changed_setting_rolls_the_pods(tmp_path: Path, minimal: list[Manifest]) -> None:
    folder = overlay(tmp_path, "minimal")
    set_in(folder, "CRNN_OCR_MAX_PAGES=3")
    changed = Inventory(kustomize(folder))
    assert problems(changed.manifests) == []
    assert effective(changed, changed.workloads[0]).max_pages == 3
    names = [
        inventory.workloads[0].container["envFrom"][0]["configMapRef"]["name"]
        for inventory in (changed, Inventory(minimal))
    ]
    assert names[0] != names[1]


def test_a_misspelt_setting_in_an_overlay_is_noticed(tmp_path: Path) -> None:
    folder = overlay(tmp_path, "minimal")
    set_in(folder, "CRNN_OCR_MAX_PAGE=3")
    assert problems(kustomize(folder)) == ["Deployment/crnn-ocr: there is no setting CRNN_OCR_MAX_PAGE"]


def test_a_folder_that_is_no_kustomization_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RenderError):
        kustomize(tmp_path)


def test_source_files_have_no_key_twice() -> None:
    files = [path for path in K8S.rglob("*.yaml") if path.name != "kustomization.yaml"]
    assert len(files) > 10
    for path in files:
        assert read(path.read_text(encoding="utf-8")), path
    with pytest.raises(Exception, match="is there twice"):
        read("a: 1\nb: 2\na: 3\n")


def test_figures_in_the_settings_are_those_of_the_ingress() -> None:
    """The component `ingress` takes the service's default for granted."""
    assert Settings.model_fields["max_body_bytes"].default == 32 * 1024 * 1024


def test_components_can_be_left_out_of_production(tmp_path: Path) -> None:
    """What a company without that part of its cluster does: a copy of the overlay without the row."""
    for name in ("k8s", "observability"):
        shutil.copytree(K8S.parent / name, tmp_path / name)
    file = tmp_path / "k8s" / "overlays" / "production" / "kustomization.yaml"
    rows = file.read_text(encoding="utf-8").splitlines(keepends=True)
    for left_out in ("model-packs", "ingress"):
        file.write_text("".join(row for row in rows if f"components/{left_out}" not in row), encoding="utf-8")
        manifests = kustomize(file.parent)
        assert refused(manifests) == []
        assert problems(manifests, given=GIVEN) == []

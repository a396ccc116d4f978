"""What docs/kubernetes.md and docs/operations.md show is what there is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from crnn_ocr import errors
from crnn_ocr.service.middleware.api_keys import KeyRing
from crnn_ocr.settings import Settings
from tests.deploy.kubernetes import schemas
from tests.deploy.kubernetes.checks import problems
from tests.deploy.kubernetes.checks.settings import effective, settings_of
from tests.deploy.kubernetes.conftest import GIVEN
from tests.deploy.kubernetes.inventory import Inventory
from tests.deploy.kubernetes.tools import CHART, K8S, ROOT, helm, kustomize, read

KUBERNETES = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", KUBERNETES, re.MULTILINE | re.DOTALL)


def test_the_overlay_of_ones_own_renders(tmp_path: Path) -> None:
    (text,) = blocks("yaml")
    (tmp_path / "kustomization.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "crnn-ocr").symlink_to(ROOT)
    manifests = kustomize(tmp_path)
    assert schemas.problems(manifests, schemas.VERSIONS[0]) == []
    assert problems(manifests, given=GIVEN) == []
    inventory = Inventory(manifests)
    (workload,) = inventory.workloads
    assert workload.container["image"] == "registry.example.com/crnn-ocr:0.1.0"
    assert effective(inventory, workload).max_pages == 10
    (ingress,) = inventory.of("Ingress")
    assert ingress["spec"]["rules"][0]["host"] == "ocr.mycompany.com"


def test_the_command_for_helm_renders() -> None:
    (command,) = [block for block in blocks("sh") if block.startswith("helm")]
    words = shlex.split(command.replace("\\\n", " "))
    given = dict(words[place + 1].split("=", 1) for place, word in enumerate(words) if word == "--set")
    assert given.keys() == {"image.repository", "auth.keys"}
    entry = f"scanner-app:{'5f2c' * 16}"
    assert given["auth.keys"] == "{scanner-app:5f2c…}"
    manifests = helm({"image": {"repository": given["image.repository"]}, "auth": {"keys": [entry]}})
    assert problems(manifests) == []


def test_every_component_is_described() -> None:
    table = re.findall(r"^\| `([a-z-]+)` \|", KUBERNETES, re.MULTILINE)
    assert sorted(table) == sorted(path.name for path in (K8S / "components").iterdir())


def test_the_secrets_to_be_made_are_those_that_the_overlay_asks_for() -> None:
    made = set(re.findall(r"create secret \w+ (\S+)", KUBERNETES))
    assert made == {"crnn-ocr-keys", "crnn-ocr-prometheus", "crnn-ocr-tls"}
    manifests = kustomize(K8S / "overlays" / "production")
    assert problems(manifests, given={f"Secret/{name}" for name in made}) == []
    for name in made:
        left = {f"Secret/{other}" for other in made - {name}}
        assert problems(manifests, given=left), f"nothing asks for {name}"


def test_periods_and_limits_are_those_of_the_manifests() -> None:
    (workload,) = Inventory(kustomize(K8S / "base")).workloads
    settings = effective(Inventory(kustomize(K8S / "base")), workload)
    assert f"`terminationGracePeriodSeconds` ({workload.pod['terminationGracePeriodSeconds']})" in KUBERNETES
    assert f"`CRNN_OCR_GRACEFUL_TIMEOUT_S`, {settings.graceful_timeout_s:g}," in KUBERNETES
    assert f"time-outs of {settings.request_timeout_s + 10:g} seconds" in KUBERNETES
    assert f"of the {settings.queue_seconds * workload.cores:g} that it lets in" in KUBERNETES
    resources = workload.container["resources"]
    assert resources["limits"]["memory"] == resources["requests"]["memory"] == "512Mi"


def test_the_pod_that_installs_packs_is_as_strict_as_the_others() -> None:
    (pod,) = read((K8S / "model-desk.yaml").read_text(encoding="utf-8"))
    assert [text for version in schemas.VERSIONS for text in schemas.problems([pod], version)] == []
    (workload,) = Inventory(kustomize(K8S / "base")).workloads
    (desk,) = pod["spec"]["containers"]
    assert pod["spec"]["securityContext"] == workload.pod["securityContext"]
    assert desk["securityContext"] == workload.container["securityContext"]
    assert desk["image"] == workload.container["image"]
    assert pod["spec"]["automountServiceAccountToken"] is False
    settings = settings_of({entry["name"]: entry["value"] for entry in desk["env"]})
    mounts = {mount["name"]: mount["mountPath"] for mount in desk["volumeMounts"]}
    assert str(settings.models_dir) == mounts["models"]
    claims = [volume["persistentVolumeClaim"]["claimName"] for volume in pod["spec"]["volumes"] if "persistentVolumeClaim" in volume]  # fmt: skip # noqa: E501
    assert claims == ["crnn-ocr-models"]
    # Neither the Service nor a NetworkPolicy takes it for one of the others.
    assert pod["metadata"]["labels"] != workload.labels
    assert pod["metadata"]["name"] in KUBERNETES


@pytest.mark.parametrize("text", [KUBERNETES, OPERATIONS], ids=["kubernetes", "operations"])
def test_settings_and_values_that_are_named_exist(text: str) -> None:
    variables = {f"CRNN_OCR_{name.upper()}" for name in Settings.model_fields} | {"CRNN_OCR_API_KEY"}
    assert set(re.findall(r"\bCRNN_OCR_[A-Z_]+[A-Z]\b", text)) <= variables
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    for part, name in re.findall(r"`(auth|models|monitoring|autoscaling)\.(\w+)`", text):
        assert name in values[part]


@pytest.mark.parametrize("text", [KUBERNETES, OPERATIONS], ids=["kubernetes", "operations"])
def test_links_lead_somewhere(text: str) -> None:
    found = re.findall(r"\]\(([^):]+)\)", text)
    assert found
    for link in found:
        page, _, anchor = link.partition("#")
        path = ROOT / "docs" / page if page else None
        assert path is None or path.is_file(), link
        if anchor:
            titles = re.findall(
                r"^#+ (.+)$", path.read_text(encoding="utf-8") if path else text, re.MULTILINE
            )
            anchors = {re.sub(r"[^a-z0-9 _-]", "", title.lower()).replace(" ", "-") for title in titles}
            assert anchor in anchors, link


def test_every_error_is_told_to_operators() -> None:
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.OcrError)
    ]
    for kind in kinds:
        assert f"`{kind.code}`" in OPERATIONS


def test_the_examples_of_entries_are_none_that_open_anything() -> None:
    with pytest.raises(errors.SettingsError):
        KeyRing.from_settings(settings_of({"CRNN_OCR_API_KEYS": "scanner-app:5f2c…"}))

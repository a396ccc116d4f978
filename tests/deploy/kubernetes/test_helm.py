"""The chart in deploy/helm: what it renders from plain and odd values, and what it refuses."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from crnn_ocr.settings import Settings
from tests.deploy.kubernetes import schemas
from tests.deploy.kubernetes.checks import problems
from tests.deploy.kubernetes.checks.settings import effective
from tests.deploy.kubernetes.checks.shutdown import pre_stop_seconds
from tests.deploy.kubernetes.inventory import Inventory
from tests.deploy.kubernetes.tools import CHART, VERSION, Manifest, helm, tool
from tests.deploy.kubernetes.values import ANONYMOUS, BIG, CASES, FULL, KEYS, MADE_BY_OPERATOR, Values, given


def inventory(values: Values) -> Inventory:
    return Inventory(helm(values), given=MADE_BY_OPERATOR)


def settings(values: Values) -> Settings:
    found = inventory(values)
    return effective(found, found.workloads[0])


@pytest.mark.parametrize("values", CASES.values(), ids=CASES.keys())
def test_renderings_are_taken_by_every_version_and_fit_the_service(values: Values) -> None:
    manifests = helm(values)
    assert [text for version in schemas.VERSIONS for text in schemas.problems(manifests, version)] == []
    assert problems(manifests, given=MADE_BY_OPERATOR) == []


@pytest.mark.parametrize("release", ["a", "r" * 53, "0-crnn-ocr-0", "crnn-ocr"])
def test_names_of_releases_make_names_that_kubernetes_takes(release: str) -> None:
    if release[0].isdigit():
        release = f"n{release}"
    manifests = helm(FULL, release=release)
    assert schemas.problems(manifests, schemas.VERSIONS[0]) == []
    assert problems(manifests, given=MADE_BY_OPERATOR) == []


def test_two_releases_in_a_namespace_keep_apart() -> None:
    one, two = (helm(FULL, release=name) for name in ("one", "two"))
    names = [{(m["kind"], m["metadata"]["name"]) for m in manifests} for manifests in (one, two)]
    assert not names[0] & names[1]
    (first, second) = (Inventory(manifests) for manifests in (one, two))
    (service,) = first.of("Service")
    assert not second.chosen(service["spec"]["selector"])


def test_a_plain_release_is_what_the_base_is() -> None:
    found = inventory(given(ANONYMOUS, autoscaling={"enabled": False}))
    (workload,) = found.workloads
    assert workload.spec["replicas"] == 3
    assert workload.container["resources"]["limits"] == {
        "cpu": "500m",
        "memory": "512Mi",
        "ephemeral-storage": "256Mi",
    }
    assert workload.container["image"] == f"crnn-ocr:{VERSION}"
    assert {manifest["kind"] for manifest in found.manifests} == {
        "ConfigMap",
        "Deployment",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "Service",
        "ServiceAccount",
    }


def test_the_chart_and_the_base_run_the_same_container(minimal: list[Manifest]) -> None:
    """Two ways to the same pod: neither may fall behind the other."""
    (chart,) = inventory(ANONYMOUS).workloads
    (base,) = Inventory(minimal).workloads
    one, other = ({**each.container, "envFrom": []} for each in (chart, base))
    assert one == other
    kept = base.pod.keys() - {"containers", "serviceAccountName", "topologySpreadConstraints"}
    assert {name: chart.pod[name] for name in kept} == {name: base.pod[name] for name in kept}
    for name in ("strategy", "minReadySeconds", "progressDeadlineSeconds", "revisionHistoryLimit"):
        assert chart.spec[name] == base.spec[name]
    assert settings(ANONYMOUS) == effective(Inventory(minimal), Inventory(minimal).workloads[0])


# ---- values reach the service --------------------------------------------------------------------------


def test_settings_arrive_as_they_were_written() -> None:
    found = settings(BIG)
    for name, value in BIG["settings"].items():
        expected = tuple(value) if isinstance(value, list) else value
        assert getattr(found, name) == ("text" if name == "log_format" else expected), name
    assert found.trusted_proxies == 2


@pytest.mark.parametrize("number", [1024, 99999999, 104857600, 1073741824])
def test_whole_numbers_have_no_exponent(number: int) -> None:
    (workload,) = inventory(given(ANONYMOUS, settings={"max_image_bytes": number})).workloads
    environment = inventory(given(ANONYMOUS, settings={"max_image_bytes": number})).environment(workload)
    assert environment["CRNN_OCR_MAX_IMAGE_BYTES"] == str(number)


def test_keys_are_kept_in_a_secret_and_roll_the_pods() -> None:
    first = inventory(KEYS)
    (secret,) = first.of("Secret")
    assert secret["stringData"]["api-keys"].splitlines() == KEYS["auth"]["keys"]
    second = inventory({"auth": {"keys": KEYS["auth"]["keys"][:1]}})
    notes = [found.workloads[0].spec["template"]["metadata"]["annotations"] for found in (first, second)]
    assert notes[0]["checksum/keys"] != notes[1]["checksum/keys"]


def test_a_changed_setting_rolls_the_pods() -> None:
    checksums = [
        inventory(given(ANONYMOUS, settings={"max_pages": pages}))
        .workloads[0]
        .spec["template"]["metadata"]["annotations"]["checksum/settings"]
        for pages in (3, 4)
    ]
    assert checksums[0] != checksums[1]


def test_periods_and_sizes_follow_from_the_settings() -> None:
    found = inventory(BIG)
    (workload,) = found.workloads
    assert pre_stop_seconds(workload) == 20
    assert workload.pod["terminationGracePeriodSeconds"] == 20 + 131 + 10
    (ingress,) = found.of("Ingress")
    notes = ingress["metadata"]["annotations"]
    assert notes["nginx.ingress.kubernetes.io/proxy-body-size"] == "101m"
    assert notes["nginx.ingress.kubernetes.io/proxy-read-timeout"] == "131"
    assert notes["a.example.com/b"] == "1"
    assert "tls" not in ingress["spec"]


def test_defaults_of_the_service_are_known_to_the_chart() -> None:
    """The chart falls back to them where a setting is taken away."""
    values = given(ANONYMOUS, ingress={"enabled": True, "tlsSecret": ""})
    values["settings"] = {"request_timeout_s": None, "graceful_timeout_s": None, "max_body_bytes": None}
    found = inventory(values)
    fields = Settings.model_fields
    notes = found.of("Ingress")[0]["metadata"]["annotations"]
    assert notes["nginx.ingress.kubernetes.io/proxy-read-timeout"] == str(
        fields["request_timeout_s"].default + 10
    ).removesuffix(".0")
    assert (
        notes["nginx.ingress.kubernetes.io/proxy-body-size"]
        == f"{fields['max_body_bytes'].default // 2**20}m"
    )
    assert (
        found.workloads[0].pod["terminationGracePeriodSeconds"]
        == 10 + fields["graceful_timeout_s"].default + 10
    )
    # Such a service may cut requests off at its end, and the checks say so.
    assert any("may last longer" in text for text in problems(found.manifests, given=MADE_BY_OPERATOR))


@pytest.mark.parametrize("values", CASES.values(), ids=CASES.keys())
def test_helm_has_nothing_to_remark(values: Values, tmp_path: Path) -> None:
    file = tmp_path / "values.json"
    file.write_text(json.dumps(values))
    done = subprocess.run(
        [tool("helm"), "lint", "--strict", str(CHART), "--values", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr

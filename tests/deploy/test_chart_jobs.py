"""What the chart renders for jobs: worker pods, what they share with the service, and what scales them."""

from __future__ import annotations

import re

import pytest

from crnn_ocr.cli import _parser
from crnn_ocr.jobs.messaging.configuration import CHILD_BYTES, KILL_AFTER_S, configuration
from crnn_ocr.service.middleware.gate import MOST_UPLOADS
from crnn_ocr.settings import MIB
from tests.deploy.chart import (
    ANONYMOUS,
    CASES,
    JOBS,
    Manifest,
    Rendering,
    Values,
    changed,
    environment_of,
    ports_of_jobs,
    settings_of,
)
from tests.deploy.test_chart import MEMORY, chooses

WITH_JOBS = {name: values for name, values in CASES.items() if "jobs" in values}


@pytest.fixture(scope="module", params=WITH_JOBS.values(), ids=list(WITH_JOBS))
def values(request: pytest.FixtureRequest) -> Values:
    """Return the values of a case."""
    given: Values = request.param
    return given


@pytest.fixture(scope="module")
def rendered(values: Values) -> Rendering:
    """Render them."""
    return Rendering(values)


def test_without_jobs_there_are_no_workers() -> None:
    found = Rendering(ANONYMOUS)
    assert found.of("Deployment") == [found.deployment]
    assert found.settings.jobs == "off"


def test_a_worker_starts_with_the_settings_of_the_service(rendered: Rendering) -> None:
    container = rendered.worker
    settings = settings_of(environment_of(container))
    theirs = {name: value for name, value in rendered.environment.items() if "API_KEYS" not in name}
    assert environment_of(container) == theirs
    assert container["image"] == rendered.container["image"]
    assert _parser().parse_args(container["args"]).run.__module__ == "crnn_ocr.cli.worker"
    configuration(settings)
    assert (settings.jobs_files_url is None) != (settings.jobs_dir is None)
    assert "whsec" not in str(rendered.manifests)


def test_a_worker_has_the_time_and_the_room_that_tasks_need(rendered: Rendering) -> None:
    container, pod = rendered.worker, rendered.worker_pod
    settings = rendered.settings
    assert pod["terminationGracePeriodSeconds"] > settings.jobs_task_timeout_s + KILL_AFTER_S
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", container["resources"]["limits"]["memory"]).groups()  # type: ignore[union-attr]
    processes = int(container["args"][2])
    assert int(number) * {"Mi": 1, "Gi": 1024}[unit] >= MEMORY * processes
    assert MEMORY * MIB > CHILD_BYTES


def test_a_worker_is_as_confined_as_the_service(rendered: Rendering, values: Values) -> None:
    container, pod = rendered.worker, rendered.worker_pod
    assert container["securityContext"] == rendered.container["securityContext"]
    for name in ("securityContext", "automountServiceAccountToken", "enableServiceLinks"):
        assert pod[name] == rendered.pod[name]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    assert {mount["name"] for mount in mounts.values()} == volumes.keys()
    assert {"/tmp", "/dev/shm"} <= mounts.keys()
    policy = rendered.named("NetworkPolicy", "-worker")
    assert policy["spec"]["ingress"] == []
    labels = rendered.named("Deployment", "-worker")["spec"]["template"]["metadata"]["labels"]
    assert chooses(policy["spec"]["podSelector"]["matchLabels"], labels)
    assert chooses(rendered.named("Deployment", "-worker")["spec"]["selector"]["matchLabels"], labels)
    public = rendered.settings.jobs_files_url or rendered.settings.jobs_webhook_secret
    opened = {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]}
    assert opened == ports_of_jobs(values) | ({80, 443} if public else set())


def test_service_and_workers_share_the_files(rendered: Rendering) -> None:
    container = rendered.worker

    def claim(pod: Manifest, mounts: list[Manifest]) -> str | None:
        names = {mount["name"] for mount in mounts if mount["mountPath"] == "/jobs"}
        found: list[str] = [
            volume["persistentVolumeClaim"]["claimName"]
            for volume in pod["volumes"]
            if volume["name"] in names
        ]
        return found[0] if found else None

    ours = claim(rendered.worker_pod, container["volumeMounts"])
    assert ours == claim(rendered.pod, rendered.container["volumeMounts"])
    assert (ours is None) == (rendered.settings.jobs_files_url is not None)
    if ours is None:  # sources and uploads pass through the folder for temporary files, here and there
        rooms = [_size_of_tmp(pod) for pod in (rendered.pod, rendered.worker_pod)]
        stored = [
            _bytes(one["resources"]["limits"]["ephemeral-storage"]) for one in (rendered.container, container)
        ]
        at_a_time = MOST_UPLOADS * rendered.settings.jobs_max_file_bytes
        for room, limit in zip(rooms, stored, strict=True):
            assert at_a_time < room < limit


def _size_of_tmp(pod: Manifest) -> int:
    return next(
        _bytes(volume["emptyDir"]["sizeLimit"]) for volume in pod["volumes"] if volume["name"] == "tmp"
    )


def _bytes(quantity: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", quantity).groups()  # type: ignore[union-attr]
    return int(number) * {"Mi": 1, "Gi": 1024}[unit] * MIB


def test_one_autoscaler_targets_the_workers(rendered: Rendering, values: Values) -> None:
    found = [
        each
        for each in (*rendered.of("HorizontalPodAutoscaler"), *rendered.of("ScaledObject"))
        if each["metadata"]["name"].endswith("-worker")
    ]
    workers = rendered.named("Deployment", "-worker")
    wanted = values["jobs"].get("autoscaling", {}).get("enabled", True)
    assert len(found) == wanted
    assert ("replicas" in workers["spec"]) != wanted
    for autoscaler in found:
        assert autoscaler["spec"]["scaleTargetRef"]["name"] == workers["metadata"]["name"]


def test_a_changed_setting_rolls_the_workers() -> None:
    other = Rendering(changed(JOBS, settings={"max_pages": 3}))
    assert other.worker_pod != Rendering(JOBS).worker_pod

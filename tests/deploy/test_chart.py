"""What the chart renders fits Kubernetes, itself and the service."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import promql_parser
import pytest
import yaml

from crnn_ocr.service import launcher
from crnn_ocr.service.middleware.api_keys import new_key
from crnn_ocr.service.middleware.auth import OPEN_PATHS
from crnn_ocr.service.routes.openapi import openapi_document
from crnn_ocr.service.telemetry.metrics import Metrics
from crnn_ocr.settings import Settings
from tests.deploy.chart import (
    ANONYMOUS,
    BIG,
    CASES,
    CHART,
    FULL,
    JOBS,
    K8S,
    KEYS,
    SCRIPT,
    Manifest,
    Rendering,
    Values,
    changed,
    helm,
    ports_of_jobs,
)
from tests.deploy.docker import ROOT
from tests.observability.test_files import selectors

#: The oldest version of Kubernetes that the chart supports, and the newest that there are schemas of.
VERSIONS = ("1.27", "1.37")
#: Resources of other makers, for which there are no schemas.
CUSTOM = {"ScaledObject", "ServiceMonitor", "PrometheusRule"}
#: What the operator makes.
GIVEN = {f"crnn-ocr-{name}" for name in ("jobs-redis", "broker", "bucket", "webhooks")}
GIVEN |= {
    "jobs",
    "crnn-ocr-keys",
    "crnn-ocr-prometheus",
    "crnn-ocr-redis",
    "crnn-ocr-tls",
    "packs",
    "reader-account",
}
#: Memory for each worker, as docs/docker.md promises, in MiB.
MEMORY = 512


@pytest.fixture(scope="module", params=CASES.values(), ids=list(CASES))
def values(request: pytest.FixtureRequest) -> Values:
    """Return the values of a case."""
    given: Values = request.param
    return given


@pytest.fixture(scope="module")
def rendered(values: Values) -> Rendering:
    """Render them."""
    return Rendering(values)


def chooses(labels: dict[str, str], among: dict[str, str]) -> bool:
    return bool(labels) and labels.items() <= among.items()


# ---- files that are made ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCRIPT.MANIFESTS)
def test_manifests_are_current(name: str) -> None:
    made = SCRIPT.manifest(helm(), name)
    assert (K8S / f"{name}.yaml").read_text(encoding="utf-8") == made, "run scripts/kubernetes-files"


def test_the_schema_of_the_settings_is_current() -> None:
    text = SCRIPT.SCHEMA.read_text(encoding="utf-8")
    assert text == SCRIPT.schema(text), "run scripts/kubernetes-files"


def test_the_schema_names_every_value() -> None:
    def compare(values: dict[str, Any], schema: dict[str, Any]) -> None:
        assert schema["additionalProperties"] is False
        assert values.keys() == schema["properties"].keys() - {"global"}
        for name, value in values.items():
            if name not in ("settings", "resources") and "properties" in schema["properties"][name]:
                compare(value, schema["properties"][name])

    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    compare(values, json.loads(SCRIPT.SCHEMA.read_text(encoding="utf-8")))


def test_versions_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert {chart["version"], chart["appVersion"]} == {project["version"]}


# ---- what every rendering has to fulfil ---------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_takes_it(rendered: Rendering, version: str) -> None:
    for manifest in rendered.manifests:
        if manifest["kind"] not in CUSTOM:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_helm_has_nothing_to_remark(values: Values) -> None:
    command = [helm(), "lint", "--strict", str(CHART), "--values", "-"]
    done = subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_everything_lies_in_the_namespace(rendered: Rendering) -> None:
    places = {each["metadata"].get("namespace") for each in rendered.manifests if each["kind"] != "Namespace"}
    assert places == {"crnn-ocr"}
    assert all(each["metadata"]["name"] == "crnn-ocr" for each in rendered.of("Namespace"))


def test_probes_ask_open_routes_on_a_real_port(rendered: Rendering) -> None:
    wanted = {"startupProbe": "/healthz", "readinessProbe": "/readyz", "livenessProbe": "/healthz"}
    ports = {port["name"]: port["containerPort"] for port in rendered.container["ports"]}
    for kind, path in wanted.items():
        asked = rendered.container[kind]["httpGet"]
        assert asked["path"] == path
        assert "get" in openapi_document()["paths"][path]
        assert path in OPEN_PATHS
        assert ports[asked["port"]] == rendered.settings.port


def test_pods_are_as_restricted_as_they_can_be(rendered: Rendering) -> None:
    for pod in (rendered.pod, *(each["spec"] for each in rendered.of("Pod"))):
        security = pod["securityContext"]
        assert security["runAsNonRoot"] is True
        assert (security["runAsUser"], security["runAsGroup"], security["fsGroup"]) == (10001,) * 3
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["containers"][0]["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        }
        # Neither a token, nor variables CRNN_OCR_PORT and the like for a Service of that name.
        assert pod["automountServiceAccountToken"] is pod["enableServiceLinks"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()


def test_resources_keep_to_the_budget(rendered: Rendering) -> None:
    requests, limits = (rendered.container["resources"][kind] for kind in ("requests", "limits"))
    # Work is let in by the limit, so it has to be there.
    assert (requests["cpu"], requests["memory"]) == (limits["cpu"], limits["memory"])
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", limits["memory"]).groups()  # type: ignore[union-attr]
    assert int(number) * {"Mi": 1, "Gi": 1024}[unit] >= MEMORY * rendered.settings.workers


def test_volumes_are_mounted_and_those_written_have_a_size(rendered: Rendering) -> None:
    volumes = {volume["name"]: volume for volume in rendered.pod["volumes"]}
    mounts = {mount["mountPath"]: mount for mount in rendered.container["volumeMounts"]}
    assert {mount["name"] for mount in mounts.values()} == volumes.keys()
    assert len(mounts) == len(rendered.container["volumeMounts"])
    for path, mount in mounts.items():
        directory = volumes[mount["name"]].get("emptyDir")
        assert directory["sizeLimit"] if directory else mount.get("readOnly") or path == "/jobs", path
    assert volumes[mounts["/dev/shm"]["name"]]["emptyDir"]["medium"] == "Memory"
    assert "/tmp" in mounts
    models = rendered.settings.models_dir
    assert ("/models" in mounts) == (str(models) == "/models")


def test_the_service_would_start_with_its_settings(rendered: Rendering) -> None:
    known = {f"CRNN_OCR_{name.upper()}" for name in Settings.model_fields}
    others = {"ORT_DISABLE_TELEMETRY", "OTEL_EXPORTER_OTLP_ENDPOINT"}
    names = [entry["name"] for entry in rendered.container["env"]]
    assert set(names) <= known | others
    assert len(names) == len(set(names))
    assert rendered.environment["ORT_DISABLE_TELEMETRY"] == "1"
    settings = rendered.settings
    launcher.check(settings.model_copy(update={"api_keys_file": None}))
    assert settings.host == "0.0.0.0"
    assert (settings.api_keys_file is not None) != settings.allow_anonymous
    assert bool(settings.trusted_proxies) == bool(rendered.of("Ingress"))


def test_selectors_choose_the_pods(rendered: Rendering) -> None:
    labels = rendered.template["metadata"]["labels"]
    assert chooses(rendered.deployment["spec"]["selector"]["matchLabels"], labels)
    for constraint in rendered.pod.get("topologySpreadConstraints", []):
        assert chooses(constraint["labelSelector"]["matchLabels"], labels)
    (service,) = rendered.of("Service")
    (budget,) = rendered.of("PodDisruptionBudget")
    policy = rendered.named("NetworkPolicy")
    chosen = (
        service["spec"]["selector"],
        budget["spec"]["selector"]["matchLabels"],
        policy["spec"]["podSelector"]["matchLabels"],
    )
    for selector in chosen:
        assert chooses(selector, labels)
        assert not any(chooses(selector, desk["metadata"]["labels"]) for desk in rendered.of("Pod"))
        if rendered.of("Deployment") != [rendered.deployment]:
            worker = rendered.named("Deployment", "-worker")["spec"]["template"]["metadata"]["labels"]
            assert not chooses(selector, worker)
    for monitor in rendered.of("ServiceMonitor"):
        assert chooses(monitor["spec"]["selector"]["matchLabels"], service["metadata"]["labels"])
        # The job that the alerts and the dashboard expect.
        assert service["metadata"]["labels"][monitor["spec"]["jobLabel"]] == "crnn-ocr"


def test_ports_lead_to_the_container(rendered: Rendering) -> None:
    (service,) = rendered.of("Service")
    (port,) = service["spec"]["ports"]
    policy = rendered.named("NetworkPolicy")
    names = [each["name"] for each in rendered.container["ports"]]
    assert port["targetPort"] in names
    assert policy["spec"]["ingress"][0]["ports"][0]["port"] in names
    for ingress in rendered.of("Ingress"):
        backend = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
        assert backend == {"name": service["metadata"]["name"], "port": {"name": port["name"]}}
    for monitor in rendered.of("ServiceMonitor"):
        (endpoint,) = monitor["spec"]["endpoints"]
        assert endpoint["port"] == port["name"]
        assert endpoint["path"] in openapi_document()["paths"]
        assert ("authorization" in endpoint) != rendered.settings.allow_anonymous


def test_what_is_named_is_there(rendered: Rendering) -> None:
    there = GIVEN | {each["metadata"]["name"] for each in rendered.manifests} | {"tables"}
    assert set(named(rendered.manifests)) <= there


def named(node: object) -> Iterator[str]:
    """Find the names of Secrets, claims, accounts and ConfigMaps that manifests refer to."""
    if isinstance(node, list):
        for each in node:
            yield from named(each)
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("secretName", "claimName", "serviceAccountName"):
                yield value
            elif key in ("secretKeyRef", "credentials", "configMap"):
                yield value["name"]
            else:
                yield from named(value)


def test_one_autoscaler_targets_the_deployment(rendered: Rendering, values: Values) -> None:
    found = [
        each
        for each in (*rendered.of("HorizontalPodAutoscaler"), *rendered.of("ScaledObject"))
        if not each["metadata"]["name"].endswith("-worker")
    ]
    wanted = values.get("autoscaling", {}).get("enabled", True)
    assert len(found) == wanted
    # The autoscaler's number must not be written over when the manifests are applied again.
    assert ("replicas" in rendered.deployment["spec"]) != wanted
    for autoscaler in found:
        target = autoscaler["spec"]["scaleTargetRef"]
        assert target["name"] == rendered.deployment["metadata"]["name"]
        assert target.get("kind", "Deployment") == "Deployment"


def test_the_queue_is_one_number_of_real_metrics(rendered: Rendering) -> None:
    known = {metric.name for metric in Metrics().definitions}
    for scaled in rendered.of("ScaledObject"):
        (asked,) = (each["metadata"] for each in scaled["spec"]["triggers"] if each["type"] == "prometheus")
        query = promql_parser.parse(asked["query"])
        assert isinstance(query, promql_parser.AggregateExpr)
        assert {name for name, _ in selectors(asked["query"])} <= known
        for label in ('job="crnn-ocr"', 'namespace="crnn-ocr"'):
            assert asked["query"].count(label) == asked["query"].count("{")
        assert rendered.of("ServiceMonitor")


def test_nobody_waits_less_than_the_service_works(rendered: Rendering) -> None:
    settings = rendered.settings
    notice = float(rendered.container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert settings.graceful_timeout_s > settings.request_timeout_s
    assert rendered.pod["terminationGracePeriodSeconds"] >= notice + settings.graceful_timeout_s + 5
    for ingress in rendered.of("Ingress"):
        notes = ingress["metadata"]["annotations"]
        for name in ("nginx.ingress.kubernetes.io/proxy-read-timeout", "nginx.org/proxy-read-timeout"):
            assert int(notes[name].rstrip("s")) > settings.request_timeout_s
        for name in ("nginx.ingress.kubernetes.io/proxy-body-size", "nginx.org/client-max-body-size"):
            assert int(notes[name].rstrip("m")) * 2**20 >= settings.max_body_bytes


def test_the_network_opens_only_to_who_has_to_pass(rendered: Rendering, values: Values) -> None:
    policy = rendered.named("NetworkPolicy")
    peers = policy["spec"]["ingress"][0]["from"]
    others = [peer for peer in peers if "namespaceSelector" in peer]
    assert len(others) == len(rendered.of("Ingress")) + len(rendered.of("ServiceMonitor"))
    assert all(peer["namespaceSelector"]["matchLabels"] for peer in others)
    settings = rendered.settings
    needed = {53, 6379} if settings.redis_url else set()
    needed |= {53, 80, 443} if settings.fetch_urls or settings.jobs_files_url else set()
    needed |= ports_of_jobs(values)
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]} == needed


# ---- single values --------------------------------------------------------------------------------------


def test_alerts_and_dashboard_are_the_files() -> None:
    full = Rendering(FULL)
    (rule,) = full.of("PrometheusRule")
    assert rule["spec"] == yaml.safe_load((CHART / "files" / "alerts.yml").read_text(encoding="utf-8"))
    (boards,) = full.of("ConfigMap")
    assert boards["metadata"]["labels"]["grafana_dashboard"] == "1"
    file = CHART / "files" / "grafana-dashboard.json"
    assert json.loads(boards["data"]["crnn-ocr.json"]) == json.loads(file.read_text(encoding="utf-8"))


def test_settings_arrive_as_they_were_written() -> None:
    found = Rendering(BIG).settings
    for name, value in BIG["settings"].items():
        expected = tuple(value) if isinstance(value, list) else value
        assert getattr(found, name) == ("text" if name == "log_format" else expected), name
    assert found.trusted_proxies == 2


def test_large_numbers_have_no_exponent() -> None:
    values = changed(ANONYMOUS, settings={"max_image_bytes": 1073741824})
    assert Rendering(values).environment["CRNN_OCR_MAX_IMAGE_BYTES"] == "1073741824"


def test_defaults_of_the_service_are_known_to_the_chart() -> None:
    """It falls back to them where a setting is taken away."""
    taken: dict[str, None] = dict.fromkeys(("request_timeout_s", "graceful_timeout_s", "max_body_bytes"))
    found = Rendering(changed(ANONYMOUS, ingress={"enabled": True}, settings=taken))
    settings = Settings()
    notes = found.of("Ingress")[0]["metadata"]["annotations"]
    assert notes["nginx.org/proxy-read-timeout"] == f"{settings.request_timeout_s + 10:g}s"
    assert notes["nginx.org/client-max-body-size"] == f"{settings.max_body_bytes // 2**20}m"
    assert found.pod["terminationGracePeriodSeconds"] == 10 + settings.graceful_timeout_s + 10


@pytest.mark.parametrize(
    "change", [{"settings": {"max_pages": 3}}, {"auth": {"keys": KEYS["auth"]["keys"][:1]}}]
)
def test_a_changed_setting_or_key_rolls_the_pods(change: Values) -> None:
    assert Rendering(changed(KEYS, **change)).template != Rendering(KEYS).template


def test_keys_lie_in_a_secret() -> None:
    found = Rendering(KEYS)
    (secret,) = found.of("Secret")
    assert secret["stringData"]["api-keys"].splitlines() == KEYS["auth"]["keys"]
    assert not any(entry in str(found.deployment) for entry in KEYS["auth"]["keys"])


def test_two_releases_in_a_namespace_keep_apart() -> None:
    one, two = (Rendering(FULL, name) for name in ("one", "r" * 53))
    titles = [{(each["kind"], each["metadata"]["name"]) for each in part.manifests} for part in (one, two)]
    assert not titles[0] & titles[1]
    assert all(len(name) <= 63 for _, name in titles[1])
    (service,) = one.of("Service")
    assert not chooses(service["spec"]["selector"], two.template["metadata"]["labels"])


def test_the_model_desk_writes_where_the_pods_read() -> None:
    found = Rendering(FULL)
    (desk,) = found.of("Pod")

    def models(pod: Manifest) -> tuple[Any, Any]:
        (mount,) = (each for each in pod["containers"][0]["volumeMounts"] if each["name"] == "models")
        (volume,) = (each for each in pod["volumes"] if each["name"] == "models")
        return mount["subPath"], volume["persistentVolumeClaim"]["claimName"]

    assert models(desk["spec"]) == models(found.pod)
    assert desk["spec"]["containers"][0]["image"] == found.container["image"]


REFUSED: dict[str, tuple[Values, str]] = {
    "nobody said who may use it": ({}, "choose one of keys"),
    "keys and none": (changed(KEYS, auth={"anonymous": True}), "choose one of keys"),
    "a key in the place of its entry": ({"auth": {"keys": [new_key("a").key]}}, "/auth/keys/0"),
    "value misspelt": (changed(ANONYMOUS, replica=3), "additional properties 'replica'"),
    "setting misspelt": (changed(ANONYMOUS, settings={"wrokers": 2}), "additional properties 'wrokers'"),
    "setting out of range": (changed(ANONYMOUS, settings={"workers": 0}), "/settings/workers"),
    "setting as a variable": (changed(ANONYMOUS, extraEnv=[{"name": "CRNN_OCR_PORT"}]), "/extraEnv/0"),
    "fewest above most": (changed(ANONYMOUS, autoscaling={"min": 4, "max": 2}), "is more than max"),
    "queue out of reach": (
        changed(ANONYMOUS, autoscaling={"queue": {"enabled": True, "seconds": 4}}),
        "has to be less than settings.queue_seconds",
    ),
    "scraping without metrics": (
        changed(ANONYMOUS, monitoring={"enabled": True}, settings={"metrics": False}),
        "needs settings.metrics",
    ),
    "jobs without a table": (
        changed(JOBS, jobs={"redis": {"existingSecret": ""}}),
        "needs redis.existingSecret",
    ),
    "jobs in the Redis of the cache": (
        changed(JOBS, redis={"existingSecret": "crnn-ocr-jobs-redis"}),
        "has to be another one than that of the cache",
    ),
    "jobs without files": (
        changed(JOBS, jobs={"files": {"claimSize": ""}}),
        "needs one of files.existingClaim",
    ),
    "no worker to count the CPU use of": (
        changed(JOBS, jobs={"autoscaling": {"queue": {"enabled": False}}}),
        "min can be 0 only with queue.enabled",
    ),
    "jobs as a setting": (changed(ANONYMOUS, settings={"jobs": "celery"}), "additional properties 'jobs'"),
    "desk without a volume": (
        changed(ANONYMOUS, models={"desk": True}),
        "desk needs existingClaim",
    ),
}


@pytest.mark.parametrize(("values", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_wrong_values_are_refused_in_words(values: Values, words: str) -> None:
    with pytest.raises(ValueError, match=r"\S") as caught:
        Rendering(values)
    assert words in " ".join(str(caught.value).split())

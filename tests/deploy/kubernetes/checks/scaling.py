"""How many pods there are, and how many may go."""

from __future__ import annotations

import re
from collections.abc import Iterator

import promql_parser

from crnn_ocr.errors import OcrError
from crnn_ocr.service.telemetry.metrics import Metrics
from tests.deploy.kubernetes.checks.settings import effective
from tests.deploy.kubernetes.inventory import Inventory, Workload, title
from tests.deploy.kubernetes.tools import Manifest


def autoscalers(inventory: Inventory) -> Iterator[str]:
    """One autoscaler per Deployment, with a target, a range and nobody who contradicts it."""
    for workload in inventory.workloads:
        where = title(workload.manifest)
        found = [manifest for manifest in _autoscalers(inventory) if _target(manifest) == workload.name]
        if len(found) > 1:
            yield f"{where}: several autoscalers"
        if found and "replicas" in workload.spec:
            yield f"{where}: sets replicas, although an autoscaler does"
        if not found and "replicas" not in workload.spec:
            yield f"{where}: neither replicas nor an autoscaler"
    for manifest in _autoscalers(inventory):
        if not any(_target(manifest) == workload.name for workload in inventory.workloads):
            yield f"{title(manifest)}: its target is not there"
        reference = manifest["spec"]["scaleTargetRef"]
        if (reference.get("apiVersion", "apps/v1"), reference.get("kind", "Deployment")) != (
            "apps/v1",
            "Deployment",
        ):
            yield f"{title(manifest)}: its target is no Deployment"
        least, most = _range(manifest)
        if not 1 <= least <= most:
            yield f"{title(manifest)}: from {least} to {most} pods"


def by_cpu(inventory: Inventory) -> Iterator[str]:
    """CPU use is measured, against a request, and aimed at below all of it."""
    for manifest in _autoscalers(inventory):
        if manifest["kind"] == "HorizontalPodAutoscaler":
            metrics = [metric.get("resource", {}) for metric in manifest["spec"].get("metrics", [])]
            targets = [
                metric["target"].get("averageUtilization", 0)
                for metric in metrics
                if metric.get("name") == "cpu"
            ]
        else:
            triggers = [trigger for trigger in manifest["spec"]["triggers"] if trigger["type"] == "cpu"]
            targets = [
                int(trigger["metadata"].get("value", 0))
                for trigger in triggers
                if trigger.get("metricType") == "Utilization"
            ]
        if len(targets) != 1 or not 30 <= targets[0] <= 90:
            yield f"{title(manifest)}: does not aim at a CPU use between 30 and 90 %"
        for workload in inventory.workloads:
            if workload.resource("requests", "cpu") is None:
                yield f"{title(manifest)}: its target requests no CPU"


def by_queue(inventory: Inventory) -> Iterator[str]:
    """A query over metrics that there are, scraped and scoped, with a threshold that can be reached."""
    for manifest in inventory.of("ScaledObject"):
        triggers = [trigger for trigger in manifest["spec"]["triggers"] if trigger["type"] == "prometheus"]
        if len(triggers) != 1:
            yield f"{title(manifest)}: no trigger by the queue"
            continue
        if not inventory.of("ServiceMonitor"):
            yield f"{title(manifest)}: asks Prometheus, which nothing tells to scrape the pods"
        for text in _query(triggers[0], manifest["metadata"].get("namespace")):
            yield f"{title(manifest)}: {text}"
        for workload in inventory.workloads:
            for text in _threshold(inventory, workload, triggers[0]):
                yield f"{title(manifest)}: {text}"


def _query(trigger: Manifest, namespace: str | None) -> Iterator[str]:
    asked = trigger["metadata"]
    if trigger.get("metricType") != "AverageValue":
        yield "the queue is not shared out over the pods"
    if not re.match(r"https?://", asked.get("serverAddress", "")):
        yield "no address of Prometheus"
    if asked.get("ignoreNullValues") != "false":
        yield "takes pods away when Prometheus has no data"
    text = asked.get("query", "")
    try:
        parsed = promql_parser.parse(text)
    except ValueError as error:
        yield f"its query cannot be parsed: {error}"
        return
    if not isinstance(parsed, promql_parser.AggregateExpr) or re.search(r"\bby\b", text):
        yield "its query gives more than one number"
    names = {metric.name for metric in Metrics().definitions}
    found = re.findall(r"\b(crnn_ocr_\w+)", re.sub(r'"[^"]*"', "", text))
    if not found or not set(found) <= names:
        yield "its query asks for a metric that there is not"
    if 'job="crnn-ocr"' not in text or (namespace and f'namespace="{namespace}"' not in text):
        yield "its query counts other services too"


def _threshold(inventory: Inventory, workload: Workload, trigger: Manifest) -> Iterator[str]:
    try:
        settings = effective(inventory, workload)
        threshold = float(trigger["metadata"].get("threshold", "nan"))
    except (OcrError, ValueError):
        threshold = float("nan")
    else:
        if not settings.metrics:
            yield "the metrics are off"
        if 0 < threshold < settings.queue_seconds * workload.cores:
            return
    yield f"a pod refuses work before there are {threshold} seconds of it"


def disruption(inventory: Inventory) -> Iterator[str]:
    """Nodes can be emptied, one pod at a time; a roll-out keeps all pods."""
    for workload in inventory.workloads:
        where = title(workload.manifest)
        rolling = workload.spec.get("strategy", {}).get("rollingUpdate", {})
        if rolling.get("maxUnavailable") != 0 or rolling.get("maxSurge", 0) in (0, "0%"):
            yield f"{where}: a roll-out takes pods away before there are new ones"
        if workload.spec.get("progressDeadlineSeconds", 600) <= workload.startup_s:
            yield f"{where}: a roll-out is given up before a slow pod has started"
        least = [_range(manifest)[0] for manifest in _autoscalers(inventory)] or [
            workload.spec.get("replicas", 0)
        ]
        for budget in inventory.of("PodDisruptionBudget"):
            unavailable, available = (budget["spec"].get(f"{name}vailable") for name in ("maxUna", "minA"))
            if unavailable in (0, "0%") or (isinstance(available, int) and available >= min(least)):
                yield f"{title(budget)}: no node could ever be emptied"
            if unavailable == "100%" or (isinstance(unavailable, int) and unavailable >= min(least) > 1):
                yield f"{title(budget)}: all pods may go at a time"
            if budget["spec"].get("unhealthyPodEvictionPolicy") != "AlwaysAllow":
                yield f"{title(budget)}: a pod that is not ready keeps its node from being emptied"


def _autoscalers(inventory: Inventory) -> list[Manifest]:
    return [*inventory.of("HorizontalPodAutoscaler"), *inventory.of("ScaledObject")]


def _target(manifest: Manifest) -> str:
    return str(manifest["spec"]["scaleTargetRef"]["name"])


def _range(manifest: Manifest) -> tuple[int, int]:
    spec = manifest["spec"]
    if manifest["kind"] == "ScaledObject":
        return spec.get("minReplicaCount", 0), spec.get("maxReplicaCount", 100)
    return spec.get("minReplicas", 1), spec.get("maxReplicas", 0)


CHECKS = (autoscalers, by_cpu, by_queue, disruption)

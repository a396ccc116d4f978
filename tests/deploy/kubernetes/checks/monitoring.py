"""Prometheus finds the pods, is let in, and knows the alerts."""

from __future__ import annotations

import json
from collections.abc import Iterator

import yaml

from crnn_ocr.errors import OcrError
from crnn_ocr.service.routes.openapi import openapi_document
from tests.deploy.kubernetes.checks.settings import effective
from tests.deploy.kubernetes.inventory import Inventory, chooses, title
from tests.deploy.kubernetes.tools import ROOT, Manifest

OBSERVABILITY = ROOT / "deploy" / "observability"
#: The job that the alerts and the dashboard expect.
JOB = "crnn-ocr"


def scraping(inventory: Inventory) -> Iterator[str]:
    """A ServiceMonitor leads to a Service, under the job of the alerts, with a key where one is needed."""
    for monitor in inventory.of("ServiceMonitor"):
        where = title(monitor)
        services = [
            service
            for service in inventory.of("Service")
            if chooses(monitor["spec"]["selector"]["matchLabels"], service["metadata"].get("labels"))
        ]
        if not monitor["spec"]["selector"]["matchLabels"] or len(services) != 1:
            yield f"{where}: chooses {len(services)} Services, not 1"
        for service in services:
            labels = service["metadata"].get("labels", {})
            if labels.get(monitor["spec"].get("jobLabel", "")) != JOB:
                yield f"{where}: the job would not be called {JOB}"
            known = {port.get("name") for port in service["spec"]["ports"]}
            for endpoint in monitor["spec"]["endpoints"]:
                if endpoint["port"] not in known:
                    yield f"{where}: the Service has no port {endpoint['port']!r}"
        for endpoint in monitor["spec"]["endpoints"]:
            yield from (f"{where}: {text}" for text in _endpoint(inventory, endpoint))


def _endpoint(inventory: Inventory, endpoint: Manifest) -> Iterator[str]:
    if endpoint.get("path", "/metrics") not in openapi_document()["paths"]:
        yield f"the API has no {endpoint['path']}"
    credentials = endpoint.get("authorization", {}).get("credentials", {})
    if credentials and not inventory.has("Secret", credentials["name"]):
        yield f"there is no Secret {credentials['name']!r}"
    for workload in inventory.workloads:
        try:
            settings = effective(inventory, workload)
        except OcrError:
            continue
        if not settings.metrics:
            yield "the metrics are off"
        if not settings.allow_anonymous and not credentials:
            yield "Prometheus has no API key"


def alerts(inventory: Inventory) -> Iterator[str]:
    """The rules are those of deploy/observability, word for word."""
    wanted = yaml.safe_load((OBSERVABILITY / "alerts.yml").read_text(encoding="utf-8"))
    for rule in inventory.of("PrometheusRule"):
        if rule["spec"] != wanted:
            yield f"{title(rule)}: other alerts than deploy/observability/alerts.yml"


def dashboard(inventory: Inventory) -> Iterator[str]:
    """The dashboard is that of deploy/observability, where Grafana finds it."""
    wanted = json.loads((OBSERVABILITY / "grafana-dashboard.json").read_text(encoding="utf-8"))
    for manifest in inventory.of("ConfigMap"):
        found = "grafana_dashboard" in manifest["metadata"].get("labels", {})
        if found and [json.loads(text) for text in manifest["data"].values()] != [wanted]:
            yield f"{title(manifest)}: another dashboard than deploy/observability/grafana-dashboard.json"


CHECKS = (scraping, alerts, dashboard)

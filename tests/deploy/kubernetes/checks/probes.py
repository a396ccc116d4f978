"""Probes ask what the service answers, and for long enough."""

from __future__ import annotations

from collections.abc import Iterator

from crnn_ocr.service.middleware.auth import OPEN_PATHS
from crnn_ocr.service.routes.openapi import openapi_document
from tests.deploy.kubernetes.inventory import Inventory, title

#: Which probe asks what. A restart mends no model, so what restarts a pod must not ask for one.
WANTED = {"startupProbe": "/healthz", "readinessProbe": "/readyz", "livenessProbe": "/healthz"}
START_S = 60
SILENCE_S = 30


def paths(inventory: Inventory) -> Iterator[str]:
    """Every probe is there and asks a route of the API that needs no key."""
    known = {path for path, methods in openapi_document()["paths"].items() if "get" in methods}
    for workload in inventory.workloads:
        where = title(workload.manifest)
        for name, wanted in WANTED.items():
            asked = workload.container.get(name, {}).get("httpGet")
            if asked is None:
                yield f"{where}: no {name} over HTTP"
                continue
            if asked["path"] not in known or asked["path"] not in OPEN_PATHS:
                yield f"{where}: {name} asks {asked['path']}, unknown to the API or for keys alone"
            elif asked["path"] != wanted:
                yield f"{where}: {name} asks {asked['path']}, not {wanted}"
            if not workload.has_port(asked["port"]):
                yield f"{where}: {name}: the container has no port {asked['port']!r}"


def patience(inventory: Inventory) -> Iterator[str]:
    """A slow start and a busy minute restart nothing."""
    for workload in inventory.workloads:
        where = title(workload.manifest)
        if workload.startup_s < START_S:
            yield f"{where}: startupProbe gives up after {workload.startup_s} s"
        alive = workload.container.get("livenessProbe", {})
        silence = alive.get("periodSeconds", 10) * alive.get("failureThreshold", 3)
        if silence < SILENCE_S:
            yield f"{where}: livenessProbe restarts after {silence} s"
        for name in WANTED:
            probe = workload.container.get(name, {})
            if probe.get("timeoutSeconds", 1) < 2:
                yield f"{where}: {name} waits too briefly for a container with half a core"
            if probe.get("timeoutSeconds", 1) > probe.get("periodSeconds", 10):
                yield f"{where}: {name} waits longer than until the next one"


CHECKS = (paths, patience)

"""Metrics that nobody gets, alerts that are out of date."""

from __future__ import annotations

from tests.deploy.kubernetes.mutants.draft import Mutant, drop, put

MUTANTS = [
    Mutant("no key for Prometheus", "Prometheus has no API key", lambda d: drop(d.endpoint, "authorization")),
    Mutant(
        "key of another Secret",
        "there is no Secret 'prometheus'",
        lambda d: put(d.endpoint["authorization"]["credentials"], name="prometheus"),
    ),
    Mutant(
        "Service without its label",
        "chooses 0 Services",
        lambda d: drop(d.get("Service")["metadata"], "labels"),
    ),
    Mutant(
        "job of another name", "would not be called", lambda d: drop(d.spec("ServiceMonitor"), "jobLabel")
    ),
    Mutant(
        "scraped port of another name",
        "the Service has no port 'metrics'",
        lambda d: put(d.endpoint, port="metrics"),
    ),
    Mutant(
        "scraped path that there is not", "the API has no /metric", lambda d: put(d.endpoint, path="/metric")
    ),
    Mutant("metrics off", "the metrics are off", lambda d: put(d.settings, CRNN_OCR_METRICS="false")),
    Mutant("old alerts", "other alerts than", lambda d: d.spec("PrometheusRule")["groups"][0]["rules"].pop()),
    Mutant(
        "old dashboard",
        "another dashboard than",
        lambda d: put(d.get("ConfigMap", "crnn-ocr-dashboard"), data={"a.json": "{}"}),
    ),
    Mutant(
        "Prometheus not let in",
        "let in 1 other namespaces",
        lambda d: d.manifests.remove(d.get("NetworkPolicy", "crnn-ocr-from-prometheus")),
    ),
]

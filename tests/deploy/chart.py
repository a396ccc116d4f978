"""The chart of deploy/helm and what it renders, and the values that the tests give it."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import os
from collections.abc import Mapping
from functools import cached_property
from types import ModuleType
from typing import Any
from unittest import mock

import pytest
import yaml

from crnn_ocr.service.middleware.api_keys import new_key
from crnn_ocr.settings import Settings, load_settings
from tests.deploy.docker import ROOT

CHART = ROOT / "deploy" / "helm" / "crnn-ocr"
K8S = ROOT / "deploy" / "k8s"

Values = dict[str, Any]
Manifest = dict[str, Any]


def load_script() -> ModuleType:
    """Load scripts/kubernetes-files."""
    path = ROOT / "scripts" / "kubernetes-files"
    loader = importlib.machinery.SourceFileLoader("kubernetes_files", str(path))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


SCRIPT = load_script()


def helm() -> str:
    """Find helm; skip the test where there is none."""
    found: str | None = SCRIPT.find_helm()
    if found is None:
        pytest.skip("HELM IS MISSING (scripts/install-helm): the chart was not tested")
    return found


class Rendering:
    """What `helm install` would send."""

    def __init__(self, values: Values, release: str = "crnn-ocr") -> None:
        """Render the chart.

        Raises:
            ValueError: The values are refused.
        """
        text = SCRIPT.render(helm(), "--values", "-", release=release, given=json.dumps(values))
        self.manifests: list[Manifest] = [document for document in yaml.safe_load_all(text) if document]

    def of(self, kind: str) -> list[Manifest]:
        return [manifest for manifest in self.manifests if manifest["kind"] == kind]

    def named(self, kind: str, end: str = "") -> Manifest:
        """Return the resource of the service, or with the end "-worker" that of its workers."""
        of_workers = [each for each in self.of(kind) if each["metadata"]["name"].endswith("-worker")]
        (found,) = of_workers if end else [each for each in self.of(kind) if each not in of_workers]
        return found

    @cached_property
    def deployment(self) -> Manifest:
        return self.named("Deployment")

    @property
    def worker_pod(self) -> Manifest:
        found: Manifest = self.named("Deployment", "-worker")["spec"]["template"]["spec"]
        return found

    @property
    def template(self) -> Manifest:
        found: Manifest = self.deployment["spec"]["template"]
        return found

    @property
    def pod(self) -> Manifest:
        found: Manifest = self.template["spec"]
        return found

    @property
    def worker(self) -> Manifest:
        """The container of the workers."""
        (found,) = self.worker_pod["containers"]
        assert isinstance(found, dict)
        return found

    @property
    def container(self) -> Manifest:
        (found,) = self.pod["containers"]
        assert isinstance(found, dict)
        return found

    @property
    def environment(self) -> dict[str, str]:
        """The container's variables; those from Secrets have stand-ins."""
        return environment_of(self.container)

    @property
    def settings(self) -> Settings:
        """The settings as the service would read them."""
        return settings_of(self.environment)


#: Stand-ins for what lies in Secrets.
SECRETS = {
    "CRNN_OCR_REDIS_URL": "redis://redis.redis.svc:6379/0",
    "CRNN_OCR_JOBS_REDIS_URL": "redis://jobs.redis.svc:6379/0",
    "CRNN_OCR_JOBS_BROKER_URL": "amqp://jobs.rabbitmq.svc:5672//",
    "CRNN_OCR_JOBS_FILES_URL": "s3://documents/jobs",
    "CRNN_OCR_JOBS_WEBHOOK_SECRET": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
}


def environment_of(container: Manifest) -> dict[str, str]:
    """Return a container's variables, with stand-ins for those from Secrets."""
    return {
        entry["name"]: entry["value"] if "value" in entry else SECRETS[entry["name"]]
        for entry in container["env"]
    }


def settings_of(environment: Mapping[str, str]) -> Settings:
    """Read settings from variables, and from nothing else."""
    with mock.patch.dict(os.environ, environment, clear=True):
        return load_settings()


def changed(values: Values, **changes: Any) -> Values:
    """Change some values, parts of parts too."""
    both = {**values, **changes}
    for name in values.keys() & changes.keys():
        if isinstance(values[name], dict) and isinstance(changes[name], dict):
            both[name] = changed(values[name], **changes[name])
    return both


def values_of(name: str) -> Values:
    """Read the values of one of the manifests in deploy/k8s."""
    values: Values = yaml.safe_load((K8S / f"{name}.values.yaml").read_text(encoding="utf-8"))
    return values


ANONYMOUS: Values = {"auth": {"anonymous": True}}
KEYS: Values = {"auth": {"keys": [new_key("scanner").entry, new_key("app.2").entry]}}
FULL: Values = {
    "auth": {"existingSecret": "crnn-ocr-keys"},
    "autoscaling": {"queue": {"enabled": True}},
    "ingress": {"enabled": True},
    "models": {"existingClaim": "packs", "subPath": "2026/spring", "desk": True},
    "monitoring": {"enabled": True, "labels": {"release": "prometheus"}},
    "redis": {"existingSecret": "crnn-ocr-redis"},
    "settings": {"model": "edge"},
}
BIG: Values = {
    **KEYS,
    "resources": {
        kind: {"cpu": 4, "memory": "2Gi", "ephemeral-storage": "1Gi"} for kind in ("requests", "limits")
    },
    "settings": {
        "workers": 2,
        "queue_seconds": 20,
        "max_body_bytes": 104857601,
        "max_image_bytes": 78643200,
        "max_pixels": 200000000,
        "graceful_timeout_s": 130.5,
        "request_timeout_s": 120.25,
        "cors_origins": ["https://a.example.com", "https://b.example.com"],
        "fetch_urls": True,
        "fetch_hosts": [".example.com"],
        "unload_after_s": 0.5,
        "warm_up": False,
        "log_format": None,
    },
    "ingress": {
        "enabled": True,
        "tlsSecret": "",
        "trustedProxies": 2,
        "annotations": {"a.example.com/b": "1"},
    },
    "monitoring": {
        "enabled": True,
        "alerts": False,
        "dashboard": False,
        "apiKey": {"existingSecret": "crnn-ocr-prometheus"},
    },
    "image": {
        "repository": "registry.example.com:5000/ocr/crnn-ocr",
        "digest": "sha256:" + "0" * 64,
        "pullSecrets": ["pull"],
    },
    "preStopSeconds": 20,
}
BARE: Values = {
    **ANONYMOUS,
    "autoscaling": {"enabled": False},
    "replicas": 1,
    "fullnameOverride": "reader",
    "serviceAccount": {"create": False, "name": "reader-account"},
    "spread": False,
    "service": {"type": "NodePort", "port": 8080, "annotations": {"a": "b"}},
    "podLabels": {"team": "scans"},
    "podAnnotations": {"a": "1"},
    "nodeSelector": {"kubernetes.io/arch": "arm64"},
    "tolerations": [{"key": "a", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "priorityClassName": "high",
    "extraEnv": [{"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://collector:4318"}],
    "extraVolumes": [{"name": "tables", "configMap": {"name": "tables"}}],
    "extraVolumeMounts": [{"name": "tables", "mountPath": "/tables", "readOnly": True}],
    "settings": {"replacements": "/tables/a.tsv"},
}
JOBS: Values = {
    **ANONYMOUS,
    "jobs": {
        "enabled": True,
        "redis": {"existingSecret": "crnn-ocr-jobs-redis"},
        "files": {"claimSize": "20Gi"},
        "autoscaling": {"min": 0, "queue": {"enabled": True}},
    },
    "monitoring": {"enabled": True},
}
JOBS_IN_A_BUCKET: Values = {
    **FULL,
    "jobs": {
        "enabled": True,
        "redis": {"existingSecret": "crnn-ocr-jobs-redis", "namespace": "tables", "port": 6380},
        "broker": {"existingSecret": "crnn-ocr-broker"},
        "files": {"bucketSecret": "crnn-ocr-bucket"},
        "webhooks": {"existingSecret": "crnn-ocr-webhooks"},
        "concurrency": 2,
        "resources": {
            kind: {"cpu": 2, "memory": "1Gi", "ephemeral-storage": "4Gi"} for kind in ("requests", "limits")
        },
    },
    "settings": {"jobs_task_timeout_s": 900.5, "jobs_max_pages": 500},
}
JOBS_FIXED: Values = {
    **BARE,
    "jobs": {
        "enabled": True,
        "redis": {"existingSecret": "crnn-ocr-jobs-redis"},
        "files": {"existingClaim": "jobs"},
        "replicas": 3,
        "autoscaling": {"enabled": False},
    },
}
CASES = {
    "minimal": values_of("minimal"),
    "production": values_of("production"),
    "keys": KEYS,
    "full": FULL,
    "big": BIG,
    "bare": BARE,
    "jobs": JOBS,
    "jobs in a bucket": JOBS_IN_A_BUCKET,
    "jobs with a fixed number of workers": JOBS_FIXED,
}


def ports_of_jobs(values: Values) -> set[int]:
    """Return the ports that jobs need: of names, of the table and of the broker."""
    jobs: Values = values.get("jobs", {})
    if not jobs.get("enabled"):
        return set()
    return {53, jobs["redis"].get("port", 6379)} | ({5672} if "broker" in jobs else set())

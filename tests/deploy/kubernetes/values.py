"""Values of the chart: plain and odd ones."""

from __future__ import annotations

import copy
from typing import Any

from crnn_ocr.service.middleware.api_keys import new_key
from tests.deploy.kubernetes.conftest import GIVEN

Values = dict[str, Any]

ANONYMOUS: Values = {"auth": {"anonymous": True}}
KEYS: Values = {"auth": {"keys": [new_key("scanner").entry, new_key("app.2").entry]}}
SECRET: Values = {"auth": {"existingSecret": "crnn-ocr-keys"}}
FULL: Values = {
    **SECRET,
    "autoscaling": {"queue": {"enabled": True}},
    "ingress": {"enabled": True},
    "models": {"existingClaim": "packs", "subPath": "2026/spring"},
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
CASES = {"anonymous": ANONYMOUS, "keys": KEYS, "secret": SECRET, "full": FULL, "big": BIG, "bare": BARE}
MADE_BY_OPERATOR = GIVEN | {"PersistentVolumeClaim/packs", "ServiceAccount/reader-account"}


def given(values: Values, **changes: Any) -> Values:
    """Values with some of them changed, parts of parts too."""

    def merged(old: Values, new: Values) -> Values:
        both = {**old, **new}
        for name in old.keys() & new.keys():
            if isinstance(old[name], dict) and isinstance(new[name], dict):
                both[name] = merged(old[name], new[name])
        return both

    return merged(copy.deepcopy(values), changes)

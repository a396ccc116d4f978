"""Are manifests what Kubernetes takes? By its own schemas, and by ours for resources of other makers.

Fields that a schema does not know are mistakes, as is a kind without a schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from kubernetes_validate.utils import schema_contents
from referencing import Registry, Resource

from tests.deploy.kubernetes.tools import Manifest

#: The oldest that the manifests support, the newest that there are schemas of, and some between.
VERSIONS = ("1.27", "1.29", "1.31", "1.33", "1.35", "1.37")


def problems(manifests: Iterable[Manifest], version: str) -> list[str]:
    """What that version of Kubernetes would not take."""
    return [
        f"{manifest.get('kind')}/{manifest.get('metadata', {}).get('name')}: {text}"
        for manifest in manifests
        for text in _problems(manifest, version)
    ]


def _problems(manifest: Manifest, version: str) -> Iterator[str]:
    kind, group = str(manifest.get("kind")), str(manifest.get("apiVersion"))
    try:
        validator = _validator(kind, group, version)
    except FileNotFoundError:
        yield f"Kubernetes {version} has no {kind} in {group}"
        return
    for error in validator.iter_errors(manifest):
        yield f"{'.'.join(map(str, error.absolute_path))}: {error.message[:300]}"


@cache
def _validator(kind: str, group: str, version: str) -> Draft202012Validator:
    if (group, kind) in CUSTOM:
        return Draft202012Validator(CUSTOM[group, kind])
    short = re.sub(r"^([^./]*)(\.[^/]*)?/", r"\1-", group)
    schema = _read(f"{kind.lower()}-{short}.json", version)
    return Draft202012Validator(schema, registry=_definitions(version))


@cache
def _definitions(version: str) -> Registry:
    return Resource.from_contents(_read("_definitions.json", version)) @ Registry()


def _read(name: str, version: str) -> Any:
    return schema_contents(f"kubernetes-json-schema/v{version}.0-local-strict/{name}", version)


# ---- resources of other makers ------------------------------------------------------------------------


def _object(required: Iterable[str] = (), **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": properties,
    }


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": 1}


def _enum(*values: str) -> dict[str, Any]:
    return {"enum": list(values)}


_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
_COUNT = {"type": "integer", "minimum": 0}
_DURATION = {"type": "string", "pattern": r"^([0-9]+(ms|s|m|h|d))+$"}
_METADATA = _object(["name"], name=_TEXT, namespace=_TEXT, labels=_TEXTS, annotations=_TEXTS)


def _resource(group: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    return _object(
        ["apiVersion", "kind", "metadata", "spec"],
        apiVersion={"const": group},
        kind={"const": kind},
        metadata=_METADATA,
        spec=spec,
    )


_POLICY = _object(
    ["type", "value", "periodSeconds"], type=_enum("Pods", "Percent"), value=_COUNT, periodSeconds=_COUNT
)
_BEHAVIOUR = _object(
    stabilizationWindowSeconds=_COUNT, policies=_list(_POLICY), selectPolicy=_enum("Max", "Min", "Disabled")
)
_SCALED_OBJECT = _object(
    ["scaleTargetRef", "triggers"],
    scaleTargetRef=_object(["name"], name=_TEXT, apiVersion=_TEXT, kind=_TEXT),
    pollingInterval=_COUNT,
    cooldownPeriod=_COUNT,
    minReplicaCount=_COUNT,
    maxReplicaCount=_COUNT,
    advanced=_object(
        restoreToOriginalReplicaCount={"type": "boolean"},
        horizontalPodAutoscalerConfig=_object(
            name=_TEXT, behavior=_object(scaleUp=_BEHAVIOUR, scaleDown=_BEHAVIOUR)
        ),
    ),
    triggers=_list(
        _object(
            ["type", "metadata"],
            type=_enum("cpu", "prometheus"),
            name=_TEXT,
            metricType=_enum("Utilization", "AverageValue", "Value"),
            # KEDA takes texts alone.
            metadata={
                "type": "object",
                "additionalProperties": {"type": "string"},
                "propertyNames": _enum(
                    "value", "serverAddress", "query", "threshold", "activationThreshold", "ignoreNullValues"
                ),
            },
            authenticationRef=_object(["name"], name=_TEXT, kind=_TEXT),
        )
    ),
)
_ENDPOINT = _object(
    ["port"],
    port=_TEXT,
    path={"type": "string", "pattern": "^/"},
    scheme=_enum("http", "https"),
    interval=_DURATION,
    scrapeTimeout=_DURATION,
    authorization=_object(
        ["credentials"], type=_TEXT, credentials=_object(["name", "key"], name=_TEXT, key=_TEXT)
    ),
)
_SERVICE_MONITOR = _object(
    ["selector", "endpoints"],
    jobLabel=_TEXT,
    selector=_object(["matchLabels"], matchLabels=_TEXTS),
    namespaceSelector=_object(matchNames=_list(_TEXT)),
    endpoints=_list(_ENDPOINT),
)
_RULE = _object(
    ["alert", "expr"], alert=_TEXT, expr=_TEXT, labels=_TEXTS, annotations=_TEXTS, **{"for": _DURATION}
)
_PROMETHEUS_RULE = _object(
    ["groups"], groups=_list(_object(["name", "rules"], name=_TEXT, rules=_list(_RULE)))
)

#: The fields that we use, and no others.
CUSTOM = {
    (group, kind): _resource(group, kind, spec)
    for group, kind, spec in (
        ("keda.sh/v1alpha1", "ScaledObject", _SCALED_OBJECT),
        ("monitoring.coreos.com/v1", "ServiceMonitor", _SERVICE_MONITOR),
        ("monitoring.coreos.com/v1", "PrometheusRule", _PROMETHEUS_RULE),
    )
}

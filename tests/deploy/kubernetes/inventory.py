"""Manifests, looked up: by kind, by name, by the pods that a selector chooses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.deploy.kubernetes.tools import Manifest

_UNITS = {
    "": 1.0,
    "m": 1e-3,
    **{unit: 1000.0**power for power, unit in enumerate("kMGTP", 1)},
    **{f"{unit}i": 1024.0**power for power, unit in enumerate("KMGTP", 1)},
}


def quantity(value: object) -> float:
    """The number that a quantity stands for: bytes, or cores.

    Raises:
        ValueError: It is none.
    """
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([a-zA-Z]*)", str(value))
    if found is None or found[2] not in _UNITS:
        raise ValueError(f"{value!r} is no quantity")
    return float(found[1]) * _UNITS[found[2]]


def chooses(labels: Mapping[str, str] | None, among: Mapping[str, str] | None) -> bool:
    """Whether `matchLabels` choose something with those labels; no labels choose everything."""
    return all((among or {}).get(name) == value for name, value in (labels or {}).items())


def title(manifest: Manifest) -> str:
    """How messages call it."""
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


@dataclass(frozen=True)
class Workload:
    """A Deployment, taken apart. It has one container."""

    manifest: Manifest

    @property
    def name(self) -> str:
        return str(self.manifest["metadata"]["name"])

    @property
    def spec(self) -> Manifest:
        found: Manifest = self.manifest["spec"]
        return found

    @property
    def labels(self) -> dict[str, str]:
        found: dict[str, str] = self.spec["template"]["metadata"].get("labels", {})
        return found

    @property
    def pod(self) -> Manifest:
        found: Manifest = self.spec["template"]["spec"]
        return found

    @property
    def container(self) -> Manifest:
        found: Manifest = self.pod["containers"][0]
        return found

    @property
    def ports(self) -> dict[str, int]:
        """Names and numbers of the container's ports."""
        return {port.get("name", ""): port["containerPort"] for port in self.container.get("ports", [])}

    def has_port(self, port: object) -> bool:
        """Whether the container has a port of that name or number."""
        return port in self.ports or port in self.ports.values()

    @property
    def volumes(self) -> dict[str, Manifest]:
        return {volume["name"]: volume for volume in self.pod.get("volumes", [])}

    def mounted(self, path: str) -> tuple[Manifest, Manifest] | None:
        """The mount and the volume below which a path lies."""
        for mount in self.container.get("volumeMounts", []):
            if path == mount["mountPath"] or path.startswith(mount["mountPath"] + "/"):
                volume = self.volumes.get(mount["name"])
                return None if volume is None else (mount, volume)
        return None

    def resource(self, kind: str, name: str) -> float | None:
        """A request or a limit; None where there is none, or it is no quantity."""
        try:
            return quantity(self.container["resources"][kind][name])
        except (KeyError, ValueError):
            return None

    @property
    def cores(self) -> float:
        """Core seconds that the service gets per second."""
        return self.resource("limits", "cpu") or 1.0

    @property
    def startup_s(self) -> int:
        """How long it may take to answer at all."""
        probe = self.container.get("startupProbe", {})
        return int(probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3))


class Inventory:
    """All manifests of one rendering."""

    def __init__(self, manifests: Iterable[Manifest], *, given: Iterable[str] = ()) -> None:
        """Take them.

        Args:
            manifests: What was rendered.
            given: Secrets, claims and accounts that the operator makes, as `Secret/NAME`.
        """
        self.manifests = list(manifests)
        self.given = frozenset(given)

    def of(self, kind: str) -> list[Manifest]:
        return [manifest for manifest in self.manifests if manifest["kind"] == kind]

    def find(self, kind: str, name: str) -> Manifest | None:
        return next((found for found in self.of(kind) if found["metadata"]["name"] == name), None)

    def has(self, kind: str, name: str) -> bool:
        """Whether it is among the manifests, or made by the operator."""
        return f"{kind}/{name}" in self.given or self.find(kind, name) is not None

    @cached_property
    def workloads(self) -> list[Workload]:
        return [Workload(manifest) for manifest in self.of("Deployment")]

    def chosen(self, labels: Mapping[str, str] | None) -> list[Workload]:
        """The workloads whose pods those labels choose."""
        return [workload for workload in self.workloads if chooses(labels, workload.labels)]

    def environment(self, workload: Workload) -> dict[str, str]:
        """The container's variables; those of Secrets that the operator makes have a stand-in."""
        found: dict[str, str] = {}
        for source in workload.container.get("envFrom", []):
            reference = source.get("configMapRef") or source.get("secretRef") or {}
            manifest = self.find(
                "ConfigMap" if "configMapRef" in source else "Secret", str(reference["name"])
            )
            found.update((manifest or {}).get("data", {}))
        for variable in workload.container.get("env", []):
            found[variable["name"]] = self._value(variable)
        return found

    def _value(self, variable: Manifest) -> str:
        source: dict[str, Any] = variable.get("valueFrom", {})
        if variable["name"] == "CRNN_OCR_REDIS_URL" and "secretKeyRef" in source:
            return "redis://redis.redis.svc:6379/0"
        return str(variable.get("value", ""))

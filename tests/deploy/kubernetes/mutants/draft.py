"""What mistakes are made of: a rendering to change, and words by which the change has to be caught."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.deploy.kubernetes.tools import Manifest

#: What a mistake is made in: a rendering of every component, or of the overlay minimal.
PRODUCTION, MINIMAL = "production", "minimal"


class Draft:
    """A rendering that mistakes are made in."""

    def __init__(self, manifests: list[Manifest]) -> None:
        self.manifests = manifests

    def get(self, kind: str, name: str | None = None) -> Manifest:
        """The first of that kind, or the one of that name."""
        return next(m for m in self.manifests if m["kind"] == kind and name in (None, m["metadata"]["name"]))

    def spec(self, kind: str, name: str | None = None) -> Manifest:
        found: Manifest = self.get(kind, name)["spec"]
        return found

    def remove(self, kind: str) -> None:
        self.manifests = [m for m in self.manifests if m["kind"] != kind]

    @property
    def deployment(self) -> Manifest:
        return self.spec("Deployment")

    @property
    def pod(self) -> Manifest:
        found: Manifest = self.deployment["template"]["spec"]
        return found

    @property
    def container(self) -> Manifest:
        found: Manifest = self.pod["containers"][0]
        return found

    @property
    def settings(self) -> dict[str, str]:
        name = self.container["envFrom"][0]["configMapRef"]["name"]
        found: dict[str, str] = self.get("ConfigMap", name)["data"]
        return found

    def volume(self, name: str) -> Manifest:
        return next(v for v in self.pod["volumes"] if v["name"] == name)

    def mount(self, name: str) -> Manifest:
        return next(v for v in self.container["volumeMounts"] if v["name"] == name)

    def variable(self, name: str) -> Manifest:
        return next(v for v in self.container["env"] if v["name"] == name)

    def trigger(self, kind: str) -> Manifest:
        return next(t for t in self.spec("ScaledObject")["triggers"] if t["type"] == kind)

    @property
    def notes(self) -> dict[str, str]:
        found: dict[str, str] = self.get("Ingress")["metadata"]["annotations"]
        return found

    @property
    def endpoint(self) -> Manifest:
        found: Manifest = self.spec("ServiceMonitor")["endpoints"][0]
        return found


@dataclass(frozen=True)
class Mutant:
    """A mistake.

    Attributes:
        name: what it is.
        caught: words of the complaint.
        make: makes it.
        base: what it is made in.
    """

    name: str
    caught: str
    make: Callable[[Draft], object]
    base: str = PRODUCTION


def rename(mapping: dict[str, Any], old: str, new: str) -> None:
    """Misspell a field."""
    mapping[new] = mapping.pop(old)


def drop(mapping: dict[str, Any], *names: str) -> dict[str, Any]:
    """Take fields away."""
    for name in names:
        del mapping[name]
    return mapping


def put(mapping: dict[str, Any], **values: Any) -> dict[str, Any]:
    """Set fields."""
    mapping.update(values)
    return mapping


def without(items: list[Manifest], name: str) -> None:
    """Forget the one of that name."""
    items[:] = [item for item in items if item["name"] != name]

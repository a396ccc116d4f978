"""What reaches the pods, and what they reach."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crnn_ocr.errors import OcrError
from crnn_ocr.settings import Settings
from tests.deploy.kubernetes.checks.settings import effective
from tests.deploy.kubernetes.inventory import Inventory, chooses, quantity, title
from tests.deploy.kubernetes.tools import Manifest

_COMMUNITY, _F5 = "nginx.ingress.kubernetes.io", "nginx.org"
_BODY = (f"{_COMMUNITY}/proxy-body-size", f"{_F5}/client-max-body-size")
_WAIT = tuple(f"{maker}/proxy-{what}-timeout" for maker in (_COMMUNITY, _F5) for what in ("read", "send"))


def _settings(inventory: Inventory) -> Iterator[Settings]:
    for workload in inventory.workloads:
        try:
            yield effective(inventory, workload)
        except OcrError:
            continue


def ingress(inventory: Inventory) -> Iterator[str]:
    """The proxy takes what the service takes, and waits as long as it works."""
    for settings in _settings(inventory):
        if bool(settings.trusted_proxies) != bool(inventory.of("Ingress")):
            yield "CRNN_OCR_TRUSTED_PROXIES does not fit: it has to be set with an Ingress and with one only"
        for manifest in inventory.of("Ingress"):
            for text in _ingress(manifest, settings):
                yield f"{title(manifest)}: {text}"


def _ingress(manifest: Manifest, settings: Settings) -> Iterator[str]:
    notes = manifest["metadata"].get("annotations", {})
    for name in _BODY:
        try:
            size = quantity(re.sub(r"([kmg])$", lambda unit: f"{unit[1].upper()}i", notes.get(name, "")))
        except ValueError:
            size = 0
        if size < settings.max_body_bytes:
            yield f"{name} refuses bodies that the service takes"
    for name in _WAIT:
        found = re.fullmatch(r"([0-9]+)s?", notes.get(name, ""))
        if found is None or int(found[1]) <= settings.request_timeout_s:
            yield f"{name} ends requests that the service answers"
    hosts = {rule.get("host") for rule in manifest["spec"]["rules"]}
    if None in hosts:
        yield "takes requests for any host"
    secured = {host for entry in manifest["spec"].get("tls", []) for host in entry.get("hosts", [])}
    if manifest["spec"].get("tls") and secured != hosts:
        yield "TLS is for other hosts than the rules"
    if "ingressClassName" not in manifest["spec"]:
        yield "no class: some controller takes it, or none"


def bounds(inventory: Inventory) -> Iterator[str]:
    """Every direction is bounded, and no rule is for everybody."""
    found = inventory.of("NetworkPolicy")
    for workload in inventory.workloads:
        mine = [p for p in found if chooses(p["spec"]["podSelector"].get("matchLabels"), workload.labels)]
        for kind in ("Ingress", "Egress"):
            if not any(kind in policy["spec"].get("policyTypes", []) for policy in mine):
                yield f"no NetworkPolicy bounds the {kind.lower()} of {title(workload.manifest)}"
    for policy in found:
        for rule in policy["spec"].get("ingress", []):
            peers = rule.get("from", [])
            if not peers or any(not peer or peer.get("namespaceSelector") == {} for peer in peers):
                yield f"{title(policy)}: lets everybody in"
            if not rule.get("ports"):
                yield f"{title(policy)}: lets in to every port"
        for rule in policy["spec"].get("egress", []):
            if not rule.get("to") or not rule.get("ports"):
                yield f"{title(policy)}: lets out to everywhere"


def ways(inventory: Inventory) -> Iterator[str]:
    """Who has to come in is let in, and out goes what settings ask for and nothing else."""
    callers = [kind for kind in ("Ingress", "ServiceMonitor") if inventory.of(kind)]
    others = [
        peer
        for policy in inventory.of("NetworkPolicy")
        for rule in policy["spec"].get("ingress", [])
        for peer in rule.get("from", [])
        if "namespaceSelector" in peer
    ]
    if len(others) != len(callers):
        yield f"NetworkPolicies let in {len(others)} other namespaces, for {callers}"
    for settings in _settings(inventory):
        yield from _outgoing(inventory, settings)


def _outgoing(inventory: Inventory, settings: Settings) -> Iterator[str]:
    open_ports = {
        port["port"]
        for policy in inventory.of("NetworkPolicy")
        for rule in policy["spec"].get("egress", [])
        for port in rule.get("ports", [])
    }
    needed: set[int] = set()
    if settings.redis_url is not None:
        needed |= {53, 6379}
    if settings.fetch_urls:
        needed |= {53, 80, 443}
    if not needed <= open_ports:
        yield f"no NetworkPolicy lets out to the ports {sorted(needed - open_ports)}"
    if not needed and open_ports:
        yield "a NetworkPolicy lets out, although no setting asks for it"


CHECKS = (ingress, bounds, ways)

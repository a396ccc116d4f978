"""Names and labels lead to what they mean."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from tests.deploy.kubernetes.inventory import Inventory, Workload, chooses, title


def one_of_each(inventory: Inventory) -> Iterator[str]:
    """No object twice, all in one namespace, names that Kubernetes takes."""
    if len(inventory.workloads) != 1:
        yield f"{len(inventory.workloads)} Deployments, not 1"
    names = Counter(title(manifest) for manifest in inventory.manifests)
    for name, count in names.items():
        if count > 1:
            yield f"{name}: is there {count} times"
    namespaces = {
        manifest["metadata"].get("namespace")
        for manifest in inventory.manifests
        if manifest["kind"] != "Namespace"
    }
    if len(namespaces) > 1:
        yield f"objects lie in different namespaces: {sorted(map(str, namespaces))}"
    for namespace in inventory.of("Namespace"):
        if {namespace["metadata"]["name"]} != namespaces:
            yield f"{title(namespace)}: nothing lies in it"
    for manifest in inventory.manifests:
        name = manifest["metadata"]["name"]
        if not re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", name):
            yield f"{title(manifest)}: no name that every kind of object can have"


def selectors(inventory: Inventory) -> Iterator[str]:
    """Selectors choose pods that there are."""
    for workload in inventory.workloads:
        if not chooses(workload.spec["selector"]["matchLabels"], workload.labels):
            yield f"{title(workload.manifest)}: its selector does not choose its own pods"
        for constraint in workload.pod.get("topologySpreadConstraints", []):
            if not chooses(constraint["labelSelector"]["matchLabels"], workload.labels):
                yield f"{title(workload.manifest)}: spread constraint does not choose its own pods"
    for kind, path in (
        ("Service", ("selector",)),
        ("PodDisruptionBudget", ("selector", "matchLabels")),
        ("NetworkPolicy", ("podSelector", "matchLabels")),
    ):
        for manifest in inventory.of(kind):
            labels = manifest["spec"]
            for name in path:
                labels = labels.get(name) or {}
            if not labels:
                yield f"{title(manifest)}: chooses every pod of the namespace"
            elif not inventory.chosen(labels):
                yield f"{title(manifest)}: chooses no pod"


def ports(inventory: Inventory) -> Iterator[str]:
    """Ports that something leads to are those of the container."""
    for service in inventory.of("Service"):
        for workload in inventory.chosen(service["spec"].get("selector")):
            for port in service["spec"]["ports"]:
                if not workload.has_port(port.get("targetPort", port["port"])):
                    yield f"{title(service)}: the container has no port {port.get('targetPort')!r}"
    for policy in inventory.of("NetworkPolicy"):
        for rule in policy["spec"].get("ingress", []):
            for port in rule.get("ports", []):
                if not all(workload.has_port(port["port"]) for workload in inventory.workloads):
                    yield f"{title(policy)}: the container has no port {port['port']!r}"


def backends(inventory: Inventory) -> Iterator[str]:
    """An Ingress leads to a port of a Service."""
    for ingress in inventory.of("Ingress"):
        paths = [path for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]]
        for backend in (path["backend"]["service"] for path in paths):
            service = inventory.find("Service", backend["name"])
            if service is None:
                yield f"{title(ingress)}: there is no Service {backend['name']!r}"
                continue
            wanted = backend["port"].get("name", backend["port"].get("number"))
            if not any(wanted in (port.get("name"), port["port"]) for port in service["spec"]["ports"]):
                yield f"{title(ingress)}: the Service has no port {wanted!r}"


def references(inventory: Inventory) -> Iterator[str]:
    """What a pod names is there."""
    for workload in inventory.workloads:
        for kind, name in _named(workload):
            if not inventory.has(kind, name):
                yield f"{title(workload.manifest)}: there is no {kind} {name!r}"
    for ingress in inventory.of("Ingress"):
        for entry in ingress["spec"].get("tls", []):
            if not inventory.has("Secret", entry["secretName"]):
                yield f"{title(ingress)}: there is no Secret {entry['secretName']!r}"


def _named(workload: Workload) -> Iterator[tuple[str, str]]:
    yield "ServiceAccount", workload.pod.get("serviceAccountName", "default")
    for source in workload.container.get("envFrom", []):
        for field, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            if field in source:
                yield kind, source[field]["name"]
    for variable in workload.container.get("env", []):
        reference = variable.get("valueFrom", {}).get("secretKeyRef")
        if reference:
            yield "Secret", reference["name"]
    for volume in workload.volumes.values():
        if "secret" in volume:
            yield "Secret", volume["secret"]["secretName"]
        if "persistentVolumeClaim" in volume:
            yield "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]


def volumes(inventory: Inventory) -> Iterator[str]:
    """Every volume is mounted, every mount has its volume and a place of its own."""
    for workload in inventory.workloads:
        mounts = workload.container.get("volumeMounts", [])
        for mount in mounts:
            if mount["name"] not in workload.volumes:
                yield f"{title(workload.manifest)}: there is no volume {mount['name']!r}"
        for name in workload.volumes.keys() - {mount["name"] for mount in mounts}:
            yield f"{title(workload.manifest)}: volume {name!r} is not mounted"
        for path, count in Counter(mount["mountPath"] for mount in mounts).items():
            if count > 1:
                yield f"{title(workload.manifest)}: {path} is mounted {count} times"


#: Fields that take few words. Schemas of recent versions of Kubernetes take any.
_WORDS = {
    "accessModes": {"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"},
    "fsGroupChangePolicy": {"Always", "OnRootMismatch"},
    "imagePullPolicy": {"Always", "IfNotPresent", "Never"},
    "medium": {"", "Memory"},
    "pathType": {"Exact", "ImplementationSpecific", "Prefix"},
    "policyTypes": {"Egress", "Ingress"},
    "protocol": {"SCTP", "TCP", "UDP"},
    "terminationMessagePolicy": {"FallbackToLogsOnError", "File"},
    "unhealthyPodEvictionPolicy": {"AlwaysAllow", "IfHealthyBudget"},
    "whenUnsatisfiable": {"DoNotSchedule", "ScheduleAnyway"},
}


def words(inventory: Inventory) -> Iterator[str]:
    """Fields that take few words have one of them."""
    for manifest in inventory.manifests:
        for field, value in _fields(manifest):
            given = value if isinstance(value, list) else [value]
            for word in given if field in _WORDS else []:
                if word not in _WORDS[field]:
                    yield f"{title(manifest)}: {field} cannot be {word!r}"


def _fields(node: object) -> Iterator[tuple[str, object]]:
    if isinstance(node, dict):
        for name, value in node.items():
            yield name, value
            yield from _fields(value)
    elif isinstance(node, list):
        for value in node:
            yield from _fields(value)


CHECKS = (one_of_each, selectors, ports, backends, references, volumes, words)

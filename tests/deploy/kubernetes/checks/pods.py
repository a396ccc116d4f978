"""What pods may do, and what they may take."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.deploy.kubernetes.inventory import Inventory, Workload, quantity, title

#: Kinds of volumes that the restricted Pod Security Standard allows.
_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
USER = 10001
MIB = 1024 * 1024


def restricted(inventory: Inventory) -> Iterator[str]:
    """The restricted Pod Security Standard, and a root that cannot be written."""
    for workload in inventory.workloads:
        for text in _restricted(workload):
            yield f"{title(workload.manifest)}: {text}"
    for namespace in inventory.of("Namespace"):
        labels = namespace["metadata"].get("labels", {})
        if labels.get("pod-security.kubernetes.io/enforce") != "restricted":
            yield f"{title(namespace)}: does not enforce the restricted Pod Security Standard"


def _restricted(workload: Workload) -> Iterator[str]:
    pod, container = workload.pod, workload.container
    both = {**pod.get("securityContext", {}), **container.get("securityContext", {})}
    kinds = [volume.keys() - {"name"} for volume in workload.volumes.values()]
    capabilities = both.get("capabilities", {})
    faults = {
        "has further containers, which no check looks at": len(pod["containers"]) > 1
        or "initContainers" in pod,
        f"runAsUser is {both.get('runAsUser')}, not {USER}": both.get("runAsUser") != USER,
        f"runAsGroup is {both.get('runAsGroup')}, not {USER}": both.get("runAsGroup") != USER,
        "fsGroup is not the user's: it cannot read its volumes": both.get("fsGroup") != USER,
        "may run as root": both.get("runAsNonRoot") is not True,
        "has no seccomp profile": both.get("seccompProfile", {}).get("type") != "RuntimeDefault",
        "may gain privileges": both.get("allowPrivilegeEscalation") is not False or "privileged" in both,
        "keeps capabilities": capabilities != {"drop": ["ALL"]},
        "its root can be written": both.get("readOnlyRootFilesystem") is not True,
        "shares a namespace with its node": bool({"hostNetwork", "hostPID", "hostIPC"} & pod.keys()),
        "takes a port of its node": any("hostPort" in port for port in container.get("ports", [])),
        "a volume is of a kind that is not allowed": not all(kind <= _VOLUMES for kind in kinds),
        "gets a token of Kubernetes, which it does not need": pod.get("automountServiceAccountToken")
        is not False,
    }
    yield from (text for text, found in faults.items() if found)


def environment(inventory: Inventory) -> Iterator[str]:
    """No variables by accident, no telemetry, an image that is named for good."""
    for workload in inventory.workloads:
        where = title(workload.manifest)
        if workload.pod.get("enableServiceLinks") is not False:
            yield f"{where}: enableServiceLinks sets variables CRNN_OCR_… for a Service crnn-ocr"
        if inventory.environment(workload).get("ORT_DISABLE_TELEMETRY") != "1":
            yield f"{where}: ONNX Runtime's telemetry is on"
        image = workload.container["image"]
        if "@" not in image and not re.search(r":(?!latest$)[^/:]+$", image):
            yield f"{where}: the image {image!r} has no version"


def resources(inventory: Inventory) -> Iterator[str]:
    """Requests and limits, which fit one another and what the service does."""
    for workload in inventory.workloads:
        where = title(workload.manifest)
        for name in ("cpu", "memory", "ephemeral-storage"):
            request, limit = workload.resource("requests", name), workload.resource("limits", name)
            if request is None or limit is None:
                yield f"{where}: no request or no limit of {name}, or one that is no quantity"
            elif request > limit:
                yield f"{where}: the request of {name} exceeds its limit"
            elif name != "ephemeral-storage" and request < limit:
                yield f"{where}: the request of {name} is less than its limit: work is let in by the limit"
        if (workload.resource("limits", "memory") or 0) < 384 * MIB:
            yield f"{where}: less memory than the service needs with its default models"


def writable(inventory: Inventory) -> Iterator[str]:
    """Folders that are written have a size, and that of the metrics lies in memory."""
    for workload in inventory.workloads:
        where = title(workload.manifest)
        sizes = {}
        for path in ("/tmp", "/dev/shm"):
            found = workload.mounted(path)
            if found is None or "emptyDir" not in found[1]:
                yield f"{where}: {path} is no emptyDir"
                continue
            directory = found[1]["emptyDir"]
            if found[0].get("readOnly"):
                yield f"{where}: {path} cannot be written"
            try:
                sizes[path] = quantity(directory["sizeLimit"])
            except (KeyError, ValueError):
                yield f"{where}: {path} has no size"
            if (path == "/dev/shm") != (directory.get("medium") == "Memory"):
                yield f"{where}: {path} lies on the wrong medium"
        memory = workload.resource("limits", "memory") or 0
        workers = int(inventory.environment(workload).get("CRNN_OCR_WORKERS") or 1)
        # Half a MiB for each worker and for the supervisor is usual.
        needed = 2 * MIB * (workers + 1)
        shared = sizes.get("/dev/shm", needed)
        if shared < needed:
            yield f"{where}: /dev/shm is too small for the metrics of {workers} worker(s)"
        if shared > memory / 8:
            yield f"{where}: /dev/shm may take more than an eighth of the memory"
        if sizes.get("/tmp", 0) > (workload.resource("limits", "ephemeral-storage") or 0):
            yield f"{where}: /tmp is larger than the limit of ephemeral storage"


CHECKS = (restricted, environment, resources, writable)

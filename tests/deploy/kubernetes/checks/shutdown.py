"""A pod that goes loses no request."""

from __future__ import annotations

from collections.abc import Iterator

from crnn_ocr.errors import OcrError
from tests.deploy.kubernetes.checks.settings import effective
from tests.deploy.kubernetes.inventory import Inventory, Workload, title

#: Until every balancer has heard that a pod goes, in seconds.
NOTICE_S = 5
#: From the end of the last request to the end of the process.
LEAVE_S = 5


def pre_stop_seconds(workload: Workload) -> float:
    """How long the container serves on after Kubernetes has decided to end it; 0 where it does not."""
    command = workload.container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", [])
    try:
        return float(command[1]) if command[0] == "sleep" and len(command) == 2 else 0.0
    except (IndexError, ValueError):
        return 0.0


def grace(inventory: Inventory) -> Iterator[str]:
    """Kubernetes waits for the hook and for the requests in flight, these for their own time-out."""
    for workload in inventory.workloads:
        where = title(workload.manifest)
        notice = pre_stop_seconds(workload)
        if notice < NOTICE_S:
            yield f"{where}: preStop waits {notice:g} s, less than balancers need"
        try:
            settings = effective(inventory, workload)
        except OcrError:
            continue
        if settings.graceful_timeout_s <= settings.request_timeout_s:
            yield f"{where}: a request may last longer than the service waits for it at its end"
        period = workload.pod.get("terminationGracePeriodSeconds", 30)
        needed = notice + settings.graceful_timeout_s + LEAVE_S
        if period < needed:
            yield f"{where}: killed after {period} s, although it may need {needed:g} s to end"


CHECKS = (grace,)

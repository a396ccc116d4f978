"""Requests, limits and folders that do not fit."""

from __future__ import annotations

from tests.deploy.kubernetes.mutants.draft import Mutant, drop, put

MUTANTS = [
    Mutant("no limits", "no limit of memory", lambda d: drop(d.container["resources"], "limits")),
    Mutant("no quantity", "no quantity", lambda d: put(d.container["resources"]["limits"], memory="512MB")),
    Mutant(
        "request above the limit",
        "request of memory exceeds",
        lambda d: put(d.container["resources"]["requests"], memory="1Gi"),
    ),
    Mutant(
        "request below the limit",
        "request of cpu is less",
        lambda d: put(d.container["resources"]["requests"], cpu="100m"),
    ),
    Mutant(
        "too little memory",
        "less memory than",
        lambda d: [put(d.container["resources"][kind], memory="256Mi") for kind in ("requests", "limits")],
    ),
    Mutant("folder without a size", "/tmp has no size", lambda d: put(d.volume("tmp"), emptyDir={})),
    Mutant("metrics on a disk", "wrong medium", lambda d: drop(d.volume("shm")["emptyDir"], "medium")),
    Mutant(
        "too little room for metrics",
        "too small for the metrics",
        lambda d: put(d.settings, CRNN_OCR_WORKERS="8"),
    ),
    Mutant(
        "too much room for metrics",
        "more than an eighth",
        lambda d: put(d.volume("shm")["emptyDir"], sizeLimit="256Mi"),
    ),
    Mutant(
        "no folder for metrics", "/dev/shm is no emptyDir", lambda d: put(d.mount("shm"), mountPath="/shm")
    ),
    Mutant(
        "/tmp larger than allowed",
        "larger than the limit",
        lambda d: put(d.volume("tmp")["emptyDir"], sizeLimit="1Gi"),
    ),
    Mutant("/tmp read-only", "cannot be written", lambda d: put(d.mount("tmp"), readOnly=True)),
]

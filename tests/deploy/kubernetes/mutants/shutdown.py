"""Requests that are lost when a pod goes."""

from __future__ import annotations

from tests.deploy.kubernetes.mutants.draft import Mutant, drop, put

MUTANTS = [
    Mutant("no notice", "preStop waits 0 s", lambda d: drop(d.container, "lifecycle")),
    Mutant("killed too early", "killed after 30 s", lambda d: put(d.pod, terminationGracePeriodSeconds=30)),
    Mutant("longer drain", "killed after 85 s", lambda d: put(d.settings, CRNN_OCR_GRACEFUL_TIMEOUT_S="120")),
    Mutant(
        "longer notice",
        "killed after 85 s",
        lambda d: put(d.container["lifecycle"]["preStop"]["exec"], command=["sleep", "60"]),
    ),
    Mutant(
        "requests longer than the drain",
        "may last longer",
        lambda d: put(d.settings, CRNN_OCR_REQUEST_TIMEOUT_S="120"),
    ),
]

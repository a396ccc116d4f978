"""Pods that may do more than they need."""

from __future__ import annotations

from tests.deploy.kubernetes.mutants.draft import Mutant, drop, put, without

MUTANTS = [
    Mutant("root", "may run as root", lambda d: drop(d.pod["securityContext"], "runAsNonRoot")),
    Mutant("another user", "runAsUser is 1000", lambda d: put(d.pod["securityContext"], runAsUser=1000)),
    Mutant("volumes of another group", "fsGroup", lambda d: drop(d.pod["securityContext"], "fsGroup")),
    Mutant(
        "no seccomp",
        "no seccomp profile",
        lambda d: put(d.pod["securityContext"], seccompProfile={"type": "Unconfined"}),
    ),
    Mutant(
        "privileged", "may gain privileges", lambda d: put(d.container["securityContext"], privileged=True)
    ),
    Mutant(
        "escalation",
        "may gain privileges",
        lambda d: drop(d.container["securityContext"], "allowPrivilegeEscalation"),
    ),
    Mutant(
        "capability added",
        "keeps capabilities",
        lambda d: put(d.container["securityContext"]["capabilities"], add=["NET_RAW"]),
    ),
    Mutant(
        "writable root",
        "root can be written",
        lambda d: drop(d.container["securityContext"], "readOnlyRootFilesystem"),
    ),
    Mutant("network of the node", "shares a namespace with its node", lambda d: put(d.pod, hostNetwork=True)),
    Mutant(
        "port of the node", "takes a port of its node", lambda d: put(d.container["ports"][0], hostPort=5000)
    ),
    Mutant(
        "folder of the node",
        "of a kind that is not allowed",
        lambda d: (
            d.volume("models").update(hostPath={"path": "/srv"})
            or drop(d.volume("models"), "persistentVolumeClaim")
        ),
    ),
    Mutant("token", "gets a token", lambda d: drop(d.pod, "automountServiceAccountToken")),
    Mutant("variables of the Service", "enableServiceLinks", lambda d: drop(d.pod, "enableServiceLinks")),
    Mutant("telemetry", "telemetry is on", lambda d: without(d.container["env"], "ORT_DISABLE_TELEMETRY")),
    Mutant("latest image", "has no version", lambda d: put(d.container, image="crnn-ocr:latest")),
    Mutant(
        "image without a tag", "has no version", lambda d: put(d.container, image="registry:5000/crnn-ocr")
    ),
    Mutant(
        "another container",
        "further containers",
        lambda d: d.pod["containers"].append({"name": "b", "image": "b:1"}),
    ),
    Mutant(
        "namespace without a standard",
        "does not enforce",
        lambda d: put(d.get("Namespace")["metadata"], labels={}),
    ),
]

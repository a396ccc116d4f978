"""Fields, kinds and values that Kubernetes does not know."""

from __future__ import annotations

from tests.deploy.kubernetes.mutants.draft import MINIMAL, Mutant, drop, put, rename

MUTANTS = [
    Mutant("containers misspelt", "containres", lambda d: rename(d.pod, "containers", "containres")),
    Mutant("probe misspelt", "livenessProb'", lambda d: rename(d.container, "livenessProbe", "livenessProb")),
    Mutant(
        "probe's field misspelt",
        "periodSecond'",
        lambda d: put(d.container["readinessProbe"], periodSecond=3),
    ),
    Mutant("replicas as text", "is not of type", lambda d: put(d.deployment, replicas="three")),
    Mutant("number as a variable", "is not of type", lambda d: put(d.settings, CRNN_OCR_WORKERS=2)),
    Mutant(
        "old autoscaler",
        "has no HorizontalPodAutoscaler",
        lambda d: put(d.get("HorizontalPodAutoscaler"), apiVersion="autoscaling/v2beta2"),
        MINIMAL,
    ),
    Mutant(
        "field of the old autoscaler",
        "targetCPUUtilizationPercentage",
        lambda d: put(d.spec("HorizontalPodAutoscaler"), targetCPUUtilizationPercentage=70),
        MINIMAL,
    ),
    Mutant(
        "pull policy that there is not", "Sometimes", lambda d: put(d.container, imagePullPolicy="Sometimes")
    ),
    Mutant("kind misspelt", "has no Servise", lambda d: put(d.get("Service"), kind="Servise")),
    Mutant("old Ingress", "has no Ingress", lambda d: put(d.get("Ingress"), apiVersion="extensions/v1beta1")),
    Mutant(
        "path without its type",
        "'pathType' is a required property",
        lambda d: drop(d.spec("Ingress")["rules"][0]["http"]["paths"][0], "pathType"),
    ),
    Mutant(
        "field of another scaler",
        "maxReplicas",
        lambda d: rename(d.spec("ScaledObject"), "maxReplicaCount", "maxReplicas"),
    ),
    Mutant(
        "threshold as a number",
        "is not of type 'string'",
        lambda d: put(d.trigger("prometheus")["metadata"], threshold=2),
    ),
    Mutant("endpoint misspelt", "intervall", lambda d: rename(d.endpoint, "interval", "intervall")),
    Mutant(
        "alert without an expression",
        "'expr' is a required property",
        lambda d: drop(d.spec("PrometheusRule")["groups"][0]["rules"][0], "expr"),
    ),
]

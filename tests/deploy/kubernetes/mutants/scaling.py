"""Pods that are too few, too many or go all at once."""

from __future__ import annotations

from tests.deploy.kubernetes.mutants.draft import MINIMAL, Mutant, drop, put

MUTANTS = [
    Mutant(
        "another target",
        "its target is not there",
        lambda d: put(d.spec("ScaledObject")["scaleTargetRef"], name="ocr"),
    ),
    Mutant(
        "another target of the HPA",
        "its target is not there",
        lambda d: put(d.spec("HorizontalPodAutoscaler")["scaleTargetRef"], name="ocr"),
        MINIMAL,
    ),
    Mutant(
        "target of another kind",
        "its target is no Deployment",
        lambda d: put(d.spec("HorizontalPodAutoscaler")["scaleTargetRef"], kind="StatefulSet"),
        MINIMAL,
    ),
    Mutant(
        "fewest above most",
        "from 20 to 10 pods",
        lambda d: put(d.spec("HorizontalPodAutoscaler"), minReplicas=20),
        MINIMAL,
    ),
    Mutant("replicas beside the autoscaler", "sets replicas", lambda d: put(d.deployment, replicas=3)),
    Mutant("no pods", "neither replicas nor an autoscaler", lambda d: d.remove("ScaledObject")),
    Mutant("all of the CPU", "between 30 and 90 %", lambda d: put(d.trigger("cpu")["metadata"], value="100")),
    Mutant(
        "CPU as a value", "between 30 and 90 %", lambda d: put(d.trigger("cpu"), metricType="AverageValue")
    ),
    Mutant(
        "memory instead of CPU",
        "between 30 and 90 %",
        lambda d: put(d.spec("HorizontalPodAutoscaler")["metrics"][0]["resource"], name="memory"),
        MINIMAL,
    ),
    Mutant(
        "no CPU request",
        "requests no CPU",
        lambda d: drop(d.container["resources"]["requests"], "cpu"),
        MINIMAL,
    ),
    Mutant(
        "query cut off",
        "cannot be parsed",
        lambda d: put(d.trigger("prometheus")["metadata"], query="sum(crnn_ocr_cores{"),
    ),
    Mutant(
        "metric that there is not",
        "a metric that there is not",
        lambda d: put(
            d.trigger("prometheus")["metadata"],
            query='sum(crnn_ocr_queue_depth{job="crnn-ocr", namespace="crnn-ocr"})',
        ),
    ),
    Mutant(
        "query of many numbers",
        "more than one number",
        lambda d: put(
            d.trigger("prometheus")["metadata"], query='crnn_ocr_cores{job="crnn-ocr", namespace="crnn-ocr"}'
        ),
    ),
    Mutant(
        "query of every namespace",
        "counts other services",
        lambda d: put(d.trigger("prometheus")["metadata"], query='sum(crnn_ocr_cores{job="crnn-ocr"})'),
    ),
    Mutant(
        "threshold out of reach",
        "a pod refuses work before",
        lambda d: put(d.trigger("prometheus")["metadata"], threshold="5"),
    ),
    Mutant(
        "queue not shared out", "not shared out", lambda d: put(d.trigger("prometheus"), metricType="Value")
    ),
    Mutant(
        "no data as no work",
        "takes pods away when",
        lambda d: drop(d.trigger("prometheus")["metadata"], "ignoreNullValues"),
    ),
    Mutant("queue of nobody", "which nothing tells to scrape", lambda d: d.remove("ServiceMonitor")),
    Mutant(
        "no node emptied",
        "no node could ever be emptied",
        lambda d: put(d.spec("PodDisruptionBudget"), maxUnavailable=0),
    ),
    Mutant(
        "no node emptied, in other words",
        "no node could ever be emptied",
        lambda d: [
            drop(d.spec("PodDisruptionBudget"), "maxUnavailable"),
            put(d.spec("PodDisruptionBudget"), minAvailable=3),
        ],
    ),
    Mutant(
        "all pods at a time",
        "all pods may go",
        lambda d: put(d.spec("PodDisruptionBudget"), maxUnavailable="100%"),
    ),
    Mutant(
        "broken pods keep nodes",
        "keeps its node",
        lambda d: drop(d.spec("PodDisruptionBudget"), "unhealthyPodEvictionPolicy"),
    ),
    Mutant(
        "roll-out with fewer pods",
        "a roll-out takes pods away",
        lambda d: put(d.deployment["strategy"]["rollingUpdate"], maxUnavailable=1),
    ),
    Mutant("roll-out given up", "given up before", lambda d: put(d.deployment, progressDeadlineSeconds=60)),
]

"""Names and labels that lead nowhere."""

from __future__ import annotations

from tests.deploy.kubernetes.mutants.draft import Mutant, drop, put, without

MUTANTS = [
    Mutant(
        "pods of another label",
        "selector does not choose its own pods",
        lambda d: put(d.deployment["template"]["metadata"]["labels"], **{"app.kubernetes.io/name": "ocr"}),
    ),
    Mutant(
        "Service of other pods",
        "Service/crnn-ocr: chooses no pod",
        lambda d: put(d.spec("Service")["selector"], **{"app.kubernetes.io/name": "ocr"}),
    ),
    Mutant(
        "Service without a selector",
        "Service/crnn-ocr: chooses every pod",
        lambda d: drop(d.spec("Service"), "selector"),
    ),
    Mutant(
        "budget of other pods",
        "PodDisruptionBudget/crnn-ocr: chooses no pod",
        lambda d: put(
            d.spec("PodDisruptionBudget")["selector"]["matchLabels"], **{"app.kubernetes.io/name": "ocr"}
        ),
    ),
    Mutant(
        "policy for the whole namespace",
        "NetworkPolicy/crnn-ocr: chooses every pod",
        lambda d: put(d.spec("NetworkPolicy", "crnn-ocr"), podSelector={}),
    ),
    Mutant(
        "policy for other pods",
        "chooses no pod",
        lambda d: put(
            d.spec("NetworkPolicy", "crnn-ocr")["podSelector"]["matchLabels"],
            **{"app.kubernetes.io/name": "ocr"},
        ),
    ),
    Mutant(
        "pods spread by another label",
        "spread constraint",
        lambda d: put(d.pod["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"], app="ocr"),
    ),
    Mutant(
        "target port of another name",
        "the container has no port 'web'",
        lambda d: put(d.spec("Service")["ports"][0], targetPort="web"),
    ),
    Mutant(
        "target port of another number",
        "the container has no port 8000",
        lambda d: put(d.spec("Service")["ports"][0], targetPort=8000),
    ),
    Mutant(
        "policy for another port",
        "NetworkPolicy/crnn-ocr: the container has no port 'web'",
        lambda d: put(d.spec("NetworkPolicy", "crnn-ocr")["ingress"][0]["ports"][0], port="web"),
    ),
    Mutant(
        "Ingress to another Service",
        "there is no Service 'ocr'",
        lambda d: put(d.spec("Ingress")["rules"][0]["http"]["paths"][0]["backend"]["service"], name="ocr"),
    ),
    Mutant(
        "Ingress to another port",
        "the Service has no port 5000",
        lambda d: put(
            d.spec("Ingress")["rules"][0]["http"]["paths"][0]["backend"]["service"], port={"number": 5000}
        ),
    ),
    Mutant(
        "settings of another name",
        "there is no ConfigMap 'settings'",
        lambda d: put(d.container["envFrom"][0]["configMapRef"], name="settings"),
    ),
    Mutant(
        "Secret of another name",
        "there is no Secret 'keys'",
        lambda d: put(d.volume("keys")["secret"], secretName="keys"),
    ),
    Mutant(
        "claim of another name",
        "there is no PersistentVolumeClaim 'packs'",
        lambda d: put(d.volume("models")["persistentVolumeClaim"], claimName="packs"),
    ),
    Mutant(
        "account of another name",
        "there is no ServiceAccount 'ocr'",
        lambda d: put(d.pod, serviceAccountName="ocr"),
    ),
    Mutant(
        "certificate of another name",
        "there is no Secret 'tls'",
        lambda d: put(d.spec("Ingress")["tls"][0], secretName="tls"),
    ),
    Mutant(
        "Redis from another Secret",
        "there is no Secret 'redis'",
        lambda d: put(d.variable("CRNN_OCR_REDIS_URL")["valueFrom"]["secretKeyRef"], name="redis"),
    ),
    Mutant("volume forgotten", "there is no volume 'tmp'", lambda d: without(d.pod["volumes"], "tmp")),
    Mutant(
        "mount forgotten",
        "volume 'tmp' is not mounted",
        lambda d: without(d.container["volumeMounts"], "tmp"),
    ),
    Mutant(
        "two mounts in one place", "is mounted 2 times", lambda d: put(d.mount("models"), mountPath="/tmp")
    ),
    Mutant("two of a name", "is there 2 times", lambda d: d.manifests.append(d.get("Service"))),
    Mutant(
        "another namespace",
        "different namespaces",
        lambda d: put(d.get("Service")["metadata"], namespace="default"),
    ),
    Mutant(
        "name too long", "no name that every kind", lambda d: put(d.get("Ingress")["metadata"], name="o" * 64)
    ),
    Mutant(
        "protocol that there is not",
        "protocol cannot be 'HTTP'",
        lambda d: put(d.spec("Service")["ports"][0], protocol="HTTP"),
    ),
    Mutant("nothing to run", "0 Deployments", lambda d: d.remove("Deployment")),
]

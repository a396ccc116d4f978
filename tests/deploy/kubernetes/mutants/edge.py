"""Proxies and policies that do not fit the service."""

from __future__ import annotations

from tests.deploy.kubernetes.mutants.draft import MINIMAL, Mutant, drop, put

MUTANTS = [
    Mutant(
        "larger bodies",
        "proxy-body-size refuses",
        lambda d: put(d.settings, CRNN_OCR_MAX_BODY_BYTES="67108864"),
    ),
    Mutant(
        "body size forgotten",
        "client-max-body-size refuses",
        lambda d: drop(d.notes, "nginx.org/client-max-body-size"),
    ),
    Mutant(
        "proxy hastier than the service",
        "proxy-read-timeout ends",
        lambda d: put(d.notes, **{"nginx.ingress.kubernetes.io/proxy-read-timeout": "60"}),
    ),
    Mutant("no class", "no class", lambda d: drop(d.spec("Ingress"), "ingressClassName")),
    Mutant("any host", "for any host", lambda d: drop(d.spec("Ingress")["rules"][0], "host")),
    Mutant(
        "TLS for another host",
        "TLS is for other hosts",
        lambda d: put(d.spec("Ingress")["tls"][0], hosts=["example.com"]),
    ),
    Mutant(
        "proxy not believed",
        "CRNN_OCR_TRUSTED_PROXIES does not fit",
        lambda d: drop(d.settings, "CRNN_OCR_TRUSTED_PROXIES"),
    ),
    Mutant(
        "proxy believed without one",
        "CRNN_OCR_TRUSTED_PROXIES does not fit",
        lambda d: put(d.settings, CRNN_OCR_TRUSTED_PROXIES="1"),
        MINIMAL,
    ),
    Mutant(
        "everybody let in",
        "lets everybody in",
        lambda d: put(d.spec("NetworkPolicy", "crnn-ocr"), ingress=[{"ports": [{"port": "http"}]}]),
    ),
    Mutant(
        "every namespace let in",
        "lets everybody in",
        lambda d: put(
            d.spec("NetworkPolicy", "crnn-ocr")["ingress"][0], **{"from": [{"namespaceSelector": {}}]}
        ),
    ),
    Mutant(
        "every port let in",
        "every port",
        lambda d: drop(d.spec("NetworkPolicy", "crnn-ocr")["ingress"][0], "ports"),
    ),
    Mutant(
        "nothing bounds what goes out",
        "bounds the egress",
        lambda d: [
            put(m["spec"], policyTypes=["Ingress"]) for m in d.manifests if m["kind"] == "NetworkPolicy"
        ],
    ),
    Mutant(
        "everything let out",
        "lets out to everywhere",
        lambda d: put(d.spec("NetworkPolicy", "crnn-ocr"), egress=[{}]),
    ),
    Mutant(
        "Redis not let out to",
        "lets out to the ports",
        lambda d: put(d.spec("NetworkPolicy", "crnn-ocr-to-redis"), egress=[]),
    ),
    Mutant(
        "fetching not let out",
        "lets out to the ports [80, 443]",
        lambda d: put(d.settings, CRNN_OCR_FETCH_URLS="true"),
    ),
    Mutant(
        "let out for nothing",
        "no setting asks for it",
        lambda d: put(
            d.spec("NetworkPolicy"), egress=[{"to": [{"podSelector": {}}], "ports": [{"port": 53}]}]
        ),
        MINIMAL,
    ),
    Mutant(
        "controller not let in",
        "let in 1 other namespaces",
        lambda d: d.manifests.remove(d.get("NetworkPolicy", "crnn-ocr-from-ingress")),
    ),
]

"""Probes that ask the wrong thing, or too hastily."""

from __future__ import annotations

from tests.deploy.kubernetes.mutants.draft import Mutant, drop, put

MUTANTS = [
    Mutant("no readiness", "no readinessProbe", lambda d: drop(d.container, "readinessProbe")),
    Mutant(
        "probe without HTTP",
        "no livenessProbe over HTTP",
        lambda d: put(d.container, livenessProbe={"tcpSocket": {"port": 5000}}),
    ),
    Mutant(
        "route that there is not",
        "asks /health,",
        lambda d: put(d.container["livenessProbe"]["httpGet"], path="/health"),
    ),
    Mutant(
        "route behind a key",
        "or for keys alone",
        lambda d: put(d.container["readinessProbe"]["httpGet"], path="/metrics"),
    ),
    Mutant(
        "restarts for a model",
        "livenessProbe asks /readyz",
        lambda d: put(d.container["livenessProbe"]["httpGet"], path="/readyz"),
    ),
    Mutant(
        "port of another name",
        "readinessProbe: the container has no port 'web'",
        lambda d: put(d.container["readinessProbe"]["httpGet"], port="web"),
    ),
    Mutant(
        "hasty start", "gives up after 6 s", lambda d: put(d.container["startupProbe"], failureThreshold=3)
    ),
    Mutant(
        "hasty restart",
        "restarts after 10 s",
        lambda d: put(d.container["livenessProbe"], failureThreshold=1),
    ),
    Mutant(
        "no time to answer",
        "waits too briefly",
        lambda d: drop(d.container["readinessProbe"], "timeoutSeconds"),
    ),
]

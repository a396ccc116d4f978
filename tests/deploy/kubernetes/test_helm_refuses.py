"""Values of the chart that are refused, before anything is sent to a cluster."""

from __future__ import annotations

import pytest

from crnn_ocr.service.middleware.api_keys import new_key
from tests.deploy.kubernetes.tools import RenderError, helm
from tests.deploy.kubernetes.values import ANONYMOUS, KEYS, Values, given

REFUSED: dict[str, tuple[Values, str]] = {
    "nobody said who may use it": ({}, "choose one of keys"),
    "keys and none": (given(KEYS, auth={"anonymous": True}), "choose one of keys"),
    "two sources of keys": (given(KEYS, auth={"existingSecret": "a"}), "choose one of keys"),
    "a key in the place of its entry": ({"auth": {"keys": [new_key("a").key]}}, "/auth/keys/0"),
    "value misspelt": (given(ANONYMOUS, replica=3), "additional properties 'replica'"),
    "part misspelt": (given(ANONYMOUS, ingress={"hosts": []}), "additional properties 'hosts'"),
    "setting misspelt": (given(ANONYMOUS, settings={"wrokers": 2}), "additional properties 'wrokers'"),
    "setting out of range": (given(ANONYMOUS, settings={"workers": 0}), "/settings/workers"),
    "setting of another kind": (given(ANONYMOUS, settings={"max_pages": "many"}), "/settings/max_pages"),
    "setting of no such choice": (given(ANONYMOUS, settings={"log_level": "loud"}), "/settings/log_level"),
    "setting that the chart makes": (given(ANONYMOUS, settings={"port": 80}), "additional properties 'port'"),
    "setting as a variable": (
        given(ANONYMOUS, extraEnv=[{"name": "CRNN_OCR_PORT", "value": "1"}]),
        "/extraEnv/0",
    ),
    "fewer than no pods": (given(ANONYMOUS, replicas=-1), "/replicas"),
    "fewest above most": (given(ANONYMOUS, autoscaling={"min": 4, "max": 2}), "min (4) is more than max (2)"),
    "queue without autoscaling": (
        given(ANONYMOUS, autoscaling={"enabled": False, "queue": {"enabled": True}}),
        "needs autoscaling.enabled",
    ),
    "queue out of reach": (
        given(ANONYMOUS, autoscaling={"queue": {"enabled": True, "seconds": 4}}),
        "has to be less than settings.queue_seconds",
    ),
    "queue without metrics": (
        given(ANONYMOUS, autoscaling={"queue": {"enabled": True}}, settings={"metrics": False}),
        "needs settings.metrics",
    ),
    "scraping without metrics": (
        given(ANONYMOUS, monitoring={"enabled": True}, settings={"metrics": False}),
        "needs settings.metrics",
    ),
    "latest image": (given(ANONYMOUS, image={"tag": "latest"}), "/image/tag"),
    "no quantity": (given(ANONYMOUS, resources={"limits": {"memory": "512MB"}}), "/resources/limits/memory"),
    "name with capitals": (given(ANONYMOUS, fullnameOverride="OCR"), "/fullnameOverride"),
    "budget that empties no node": (
        given(ANONYMOUS, disruptionBudget={"maxUnavailable": 0}),
        "/disruptionBudget",
    ),
    "labels of the selector": (
        given(ANONYMOUS, podLabels={"app.kubernetes.io/name": "a"}),
        "invalid propertyName 'app.kubernetes.io/name'",
    ),
    "way out of the volume": (
        given(ANONYMOUS, models={"existingClaim": "a", "subPath": "../b"}),
        "/models/subPath",
    ),
}


@pytest.mark.parametrize(("values", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_wrong_values_are_refused_in_words(values: Values, words: str) -> None:
    with pytest.raises(RenderError) as caught:
        helm(values)
    assert words in " ".join(str(caught.value).split())

"""What docs/kubernetes.md and docs/operations.md show is what there is."""

from __future__ import annotations

import re
import shlex

import pytest
import yaml

from crnn_ocr.settings import Settings
from tests.deploy.chart import CASES, CHART, K8S, KEYS, Rendering
from tests.deploy.docker import ROOT

KUBERNETES = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
BOTH = pytest.mark.parametrize("text", [KUBERNETES, OPERATIONS], ids=["kubernetes", "operations"])


def test_the_command_for_helm_renders() -> None:
    (command,) = re.findall(r"^helm install (?:.*\\\n)*.*", KUBERNETES, re.MULTILINE)
    words = shlex.split(command.replace("\\\n", " "))
    given = dict(words[place + 1].split("=", 1) for place, word in enumerate(words) if word == "--set")
    assert given.keys() == {"image.repository", "auth.keys"}
    found = Rendering({**KEYS, "image": {"repository": given["image.repository"]}})
    assert found.container["image"] == "registry.example.com/crnn-ocr:0.1.0"


def test_the_secrets_to_make_are_those_of_production() -> None:
    made = set(re.findall(r"create secret \w+ (\S+)", KUBERNETES))
    text = (K8S / "production.yaml").read_text(encoding="utf-8")
    asked = re.findall(r"secretName: (\S+)|credentials:\n +name: (\S+)", text)
    assert {one or other for one, other in asked} == made


def test_files_that_are_named_are_there() -> None:
    named = re.findall(r"deploy/(?:helm|k8s|compose)/[\w./-]*\w", KUBERNETES)
    assert {"deploy/k8s/minimal.yaml", "deploy/k8s/model-desk.yaml"} <= set(named)
    assert all((ROOT / path).exists() for path in named)


def test_periods_and_limits_are_those_of_the_chart() -> None:
    found = Rendering(CASES["production"])
    settings = found.settings
    assert f"`terminationGracePeriodSeconds` ({found.pod['terminationGracePeriodSeconds']})" in KUBERNETES
    assert f"`CRNN_OCR_GRACEFUL_TIMEOUT_S`, {settings.graceful_timeout_s:g}," in KUBERNETES
    assert f" {settings.request_timeout_s + 10:g} seconds" in KUBERNETES
    assert f"of the {settings.queue_seconds / 2:g} " in KUBERNETES  # of half a core
    limits = found.container["resources"]["limits"]
    assert f"{limits['cpu']} CPU and {limits['memory']} memory" in KUBERNETES


@BOTH
def test_settings_and_values_that_are_named_exist(text: str) -> None:
    variables = {f"CRNN_OCR_{name.upper()}" for name in Settings.model_fields} | {"CRNN_OCR_API_KEY"}
    assert set(re.findall(r"\bCRNN_OCR_[A-Z_]+[A-Z]\b", text)) <= variables
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    parts = "|".join(name for name, value in values.items() if isinstance(value, dict) and name != "settings")
    for part, name in re.findall(rf"`({parts})\.(\w+)", text):
        assert name in values[part]


@BOTH
def test_links_lead_somewhere(text: str) -> None:
    found = re.findall(r"\]\(([^):]+)\)", text)
    assert found
    for link in found:
        page, _, anchor = link.partition("#")
        there = (ROOT / "docs" / page).read_text(encoding="utf-8") if page else text
        titles = re.findall(r"^#+ (.+)$", there, re.MULTILINE)
        anchors = {re.sub(r"[^a-z0-9 _-]", "", title.lower()).replace(" ", "-") for title in titles}
        assert not anchor or anchor in anchors, link

"""What deploy/ holds twice is the same twice; what it says of versions and values is true."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import subprocess
import sys
import tomllib
from types import ModuleType
from typing import Any

import pytest
import yaml

from crnn_ocr.settings import Settings
from tests.deploy.kubernetes.tools import CHART, ROOT, VERSION

SCRIPT = ROOT / "scripts" / "kubernetes-files"
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def script() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("kubernetes_files", str(SCRIPT))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_made_files_are_current() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_file_that_is_not_current_is_named(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = CHART / "README.md"
    monkeypatch.setattr(script, "files", lambda: {path: "another text"})
    assert script.main(["--check"]) == 1
    assert "deploy/helm/crnn-ocr/README.md is out of date" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") != "another text"


def test_a_value_without_a_description_is_refused(script: ModuleType) -> None:
    assert script.described("# -- How\n# many.\na: 1\nb:\n  # -- A list | of texts.\n  c: []\n") == [
        ("a", "`1`", "How many."),
        ("b.c", "`[]`", "A list \\| of texts."),
    ]
    for text in ("a: 1\n", "# A remark.\na: 1\n", "b:\n  # -- One.\n  c: 1\n  d: 2\n"):
        with pytest.raises(ValueError, match="has no description"):
            script.described(text)


def test_versions_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert project["version"] == VERSION
    assert (chart["version"], chart["appVersion"]) == (VERSION, VERSION)


def test_the_schema_names_every_value_and_nothing_else() -> None:
    """Also where parts are free, such as resources: the parts above them are named."""

    def compare(values: dict[str, Any], schema: dict[str, Any], where: str) -> None:
        known = schema["properties"]
        assert values.keys() == known.keys() - {"global"}, where
        for name, value in values.items():
            if (
                isinstance(value, dict)
                and "properties" in known[name]
                and name not in ("settings", "resources")
            ):
                assert known[name]["additionalProperties"] is False, f"{where}.{name}"
                compare(value, known[name], f"{where}.{name}")

    compare(VALUES, SCHEMA, "")
    assert SCHEMA["additionalProperties"] is False


def test_the_chart_takes_every_setting_or_makes_it_itself(script: ModuleType) -> None:
    known = set(SCHEMA["properties"]["settings"]["properties"])
    assert known | script.MANAGED == set(Settings.model_fields)
    assert not known & script.MANAGED
    assert VALUES["settings"].keys() <= known


def test_the_chart_holds_nothing_else() -> None:
    found = {str(path.relative_to(CHART)) for path in CHART.rglob("*") if path.is_file()}
    assert found == {
        ".helmignore",
        "Chart.yaml",
        "README.md",
        "files/alerts.yml",
        "files/grafana-dashboard.json",
        "templates/NOTES.txt",
        "templates/_helpers.tpl",
        *(
            f"templates/{name}.yaml"
            for name in (
                "autoscaler", "deployment", "disruption-budget", "ingress", "keys", "monitoring",
                "network-policy", "service", "service-account", "settings",
            )
        ),
        "values.schema.json",
        "values.yaml",
    }  # fmt: skip

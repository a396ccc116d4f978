"""The dashboard and the alert rules: they parse, and they speak of metrics that there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from crnn_ocr.service.telemetry.metrics import Metrics

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "helm" / "crnn-ocr" / "files"
DOCS = (ROOT / "docs" / "observability.md").read_text(encoding="utf-8")
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "grafana-dashboard.json").read_text(encoding="utf-8"))
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]

#: Labels that Prometheus adds, and the one of a histogram's buckets.
ADDED = {"job", "instance"}


def tool(name: str) -> str:
    """Find a program of Prometheus, where the test tools put it or on the path."""
    beside = ROOT / ".venv" / "prometheus" / name
    found = str(beside) if beside.is_file() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (scripts/install-test-tools, or Debian's package prometheus)")
    return found


def in_prometheus(expression: str) -> str:
    """Replace an expression's variables, as Grafana does."""
    return expression.replace("$__rate_interval", "1m").replace("$job", ".*").replace("$instance", ".*")


EXPRESSIONS = {
    **{
        f"{panel['title']} {target['refId']}": in_prometheus(target["expr"])
        for panel in PANELS
        for target in panel["targets"]
    },
    **{rule["alert"]: rule["expr"] for rule in RULES},
}


def exported() -> dict[str, set[str]]:
    """Return the names of series, and the labels that each has."""
    names = {"up": set(ADDED)}
    for metric in Metrics().definitions:
        labels = set(metric.labels) | ADDED
        if metric.kind == "histogram":
            names.update({f"{metric.name}_{part}": labels for part in ("sum", "count")})
            names[f"{metric.name}_bucket"] = labels | {"le"}
        else:
            names[metric.name] = labels
    return names


def selectors(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Find the metrics in an expression, with the labels that each is chosen by."""
    found: list[tuple[str, set[str]]] = []

    def visit(node: promql_parser.Expr) -> None:
        selector = node.vector_selector if isinstance(node, promql_parser.MatrixSelector) else node
        if isinstance(selector, promql_parser.VectorSelector):
            found.append((str(selector.name), {matcher.name for matcher in selector.matchers.matchers}))

    promql_parser.walk(promql_parser.parse(expression), visit)
    yield from found


def grouped_by(expression: str) -> set[str]:
    """Find the labels in `by (…)`, `on (…)` and `ignoring (…)`."""
    lists = re.findall(r"\b(?:by|on|ignoring)\s*\(([^)]*)\)", expression)
    return {label.strip() for labels in lists for label in labels.split(",")}


# ---- expressions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS.keys())
def test_expressions_parse_and_name_real_metrics_and_labels(expression: str) -> None:
    known = exported()
    found = list(selectors(expression))
    assert found
    for name, labels in found:
        assert name in known
        assert labels <= known[name], name
    assert grouped_by(expression) <= set().union(*(known[name] for name, _ in found))


def test_a_wrong_expression_would_be_noticed() -> None:
    with pytest.raises(ValueError, match=r"unclosed|unexpected|invalid"):
        promql_parser.parse("sum(rate(crnn_ocr_pages_total[5m])")
    assert dict(selectors('rate(crnn_ocr_pages_total{nothing="x"}[5m])')) == {
        "crnn_ocr_pages_total": {"nothing"}
    }


def test_every_metric_is_shown() -> None:
    shown = {name for expression in EXPRESSIONS.values() for name, _ in selectors(expression)}
    for metric in Metrics().definitions:
        assert any(name.startswith(metric.name) for name in shown), metric.name


# ---- the dashboard ----------------------------------------------------------------------------------


def test_panels_say_what_they_show_and_in_which_unit() -> None:
    for panel in PANELS:
        title = panel["title"]
        assert len(panel["description"]) > 10, title
        assert panel["fieldConfig"]["defaults"]["unit"], title
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, title
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == "${datasource}", title
        letters = [target["refId"] for target in panel["targets"]]
        assert len(letters) == len(set(letters)), title


def test_panels_have_ids_and_places_of_their_own() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (column, row)
            for column in range(place["x"], place["x"] + place["w"])
            for row in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


def test_it_can_be_imported_anywhere() -> None:
    variables = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert set(variables) == {"datasource", "job", "instance"}
    assert DASHBOARD["uid"] == "crnn-ocr"
    assert "id" not in DASHBOARD
    text = json.dumps(DASHBOARD)
    used = set(re.findall(r"\$\{?([a-z_]+)", text))
    assert used <= {*variables, "__all", "__rate_interval"}


# ---- alerts -----------------------------------------------------------------------------------------


def anchors(markdown: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", markdown, re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_alerts_say_what_is_wrong_and_what_to_do(rule: dict[str, Any]) -> None:
    notes = rule["annotations"]
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert set(notes) == {"summary", "description", "runbook"}
    page, _, anchor = notes["runbook"].partition("#")
    assert (ROOT / page).is_file()
    assert anchor == rule["alert"].lower()
    assert anchor in anchors(DOCS)
    kept = {"instance"} | set(re.findall(r"\$labels\.(\w+)", " ".join(notes.values())))
    by = grouped_by(rule["expr"])
    assert not by or kept <= by, "an annotation names a label that the expression drops"


def test_names_of_alerts_are_unique() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(names) == len(set(names))


def test_prometheus_takes_the_rules() -> None:
    command = [tool("promtool"), "check", "rules", str(FOLDER / "alerts.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout


def test_alerts_fire_when_they_should_and_not_otherwise(tmp_path: Path) -> None:
    promtool = tool("promtool")
    cases = Path(__file__).with_name("alerts_test.yml").read_text(encoding="utf-8")
    file = tmp_path / "cases.yml"
    file.write_text(cases.replace("RULES", str(FOLDER / "alerts.yml")), encoding="utf-8")
    done = subprocess.run([promtool, "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout

"""The files of the container as they lie here: nothing is built, no Docker Engine is needed."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from crnn_ocr.jobs.messaging.configuration import KILL_AFTER_S
from crnn_ocr.jobs.messaging.redis_check import shortcomings
from crnn_ocr.settings import Settings
from tests.deploy.docker import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = ROOT / "deploy" / "compose" / "compose.yaml"
ENVIRONMENTS = sorted(ROOT.glob("deploy/**/*.env"))


def program(name: str) -> str:
    """Find a program of the extra `deploy`, or on the path."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.is_file() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (extra `deploy`)")
    return found


def script(name: str) -> ModuleType:
    """Load one of the scripts that the Dockerfile runs."""
    spec = importlib.util.spec_from_file_location(f"image_{name}", ROOT / "deploy" / "docker" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ---- the Dockerfile ---------------------------------------------------------------------------------


def test_hadolint_has_nothing_to_say() -> None:
    done = subprocess.run(
        [program("hadolint"), str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_old_and_new_builders_understand_it() -> None:
    assert not re.search(r"^# *syntax", DOCKERFILE, re.MULTILINE)
    assert "<<" not in DOCKERFILE
    assert "--link" not in DOCKERFILE
    assert "--mount" not in DOCKERFILE


def test_what_it_copies_reaches_the_builder() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = {line[1:] for line in ignored if line.startswith("!")}
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert any(source == entry or source.startswith(f"{entry}/") for entry in allowed), source


def test_its_variables_are_settings() -> None:
    names = set(re.findall(r"\b(CRNN_OCR_[A-Z_]+)=", DOCKERFILE))
    assert names
    assert {name.removeprefix("CRNN_OCR_").lower() for name in names} <= set(Settings.model_fields)


def test_its_version_is_the_products() -> None:
    from crnn_ocr import __version__

    assert f"ARG VERSION={__version__}\n" in DOCKERFILE


def test_the_lock_fits_the_project() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "image-lock", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_lock_has_hashes_and_no_training() -> None:
    for name in ("build.txt", "requirements.txt"):
        text = (ROOT / "deploy" / "docker" / name).read_text(encoding="utf-8")
        entries = re.findall(
            r"^\S+==\S+(?: ; [^\\]+)?((?: \\\n +--hash=sha256:[0-9a-f]{64})+)$", text, re.MULTILINE
        )
        assert len(entries) == len(re.findall("==", text)) > 3
    assert not re.search(r"^(torch|pytest|shapely|omegaconf)==", text, re.MULTILINE)


# ---- what it runs -----------------------------------------------------------------------------------


def test_debians_packages_are_removed_whole(tmp_path: Path) -> None:
    trim = script("trim")
    info = tmp_path / "var/lib/dpkg/info"
    info.mkdir(parents=True)
    record = "Package: {0}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n"
    status = tmp_path / "var/lib/dpkg/status"
    status.write_text("\n".join(record.format(name) for name in ("apt", "libc6", "perl-base")))
    for name in ("usr/bin/apt", "usr/bin/perl", "usr/lib/libc.so.6", "usr/share/both"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (info / "apt.list").write_text("/.\n/usr\n/usr/bin/apt\n/usr/share/both\n")
    (info / "libc6:amd64.list").write_text("/.\n/usr/lib/libc.so.6\n/usr/share/both\n")
    (info / "perl-base.list").write_text("/usr/bin/perl\n/usr/bin/already-gone\n")
    (info / "perl-base.md5sums").touch()
    assert trim.remove_packages(tmp_path) == ["apt", "perl-base"]
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == [
        "usr/lib/libc.so.6",
        "usr/share/both",
        "var/lib/dpkg/info/libc6:amd64.list",
        "var/lib/dpkg/status",
    ]
    assert re.findall("^Package: (.+)$", status.read_text(), re.MULTILINE) == ["libc6"]
    assert trim.remove_packages(tmp_path / "usr") == []


def test_the_bill_gets_models_and_missing_licences(tmp_path: Path) -> None:
    file = tmp_path / "sbom.cdx.json"
    flask = {"name": "flask", "licenses": [{"expression": "BSD-3-Clause"}]}
    file.write_text(json.dumps({"components": [flask, {"name": "pypdfium2"}]}))
    script("bill").main(file)
    rows = {row["name"]: row for row in json.loads(file.read_text())["components"]}
    assert rows["flask"] == flask
    assert "Apache-2.0" in rows["pypdfium2"]["licenses"][0]["license"]["name"]
    assert {"crnn-zh-en", "ppocrv6-small", "ppocrv6-det-small"} < rows.keys()
    assert rows["crnn-zh-en"]["type"] == "machine-learning-model"
    assert "crnn_ocr.training" in rows["crnn-zh-en"]["description"]


# ---- Compose ----------------------------------------------------------------------------------------


def composed(*profiles: str) -> dict[str, Any]:
    """Ask Compose what it makes of the file."""
    command = [program("docker-compose"), "--file", str(COMPOSE)]
    for profile in profiles:
        command += ["--profile", profile]
    done = subprocess.run([*command, "config"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr.lower()
    content: dict[str, Any] = yaml.safe_load(done.stdout)
    return content


def test_compose_takes_it() -> None:
    assert set(composed()["services"]) == {"crnn-ocr", "redis"}
    assert set(composed("monitoring")["services"]) == {"crnn-ocr", "redis", "prometheus", "grafana"}
    assert set(composed("jobs")["services"]) == {"crnn-ocr", "redis", "worker", "jobs-redis"}


def test_every_container_is_confined_and_comes_back() -> None:
    for name, service in composed("monitoring", "jobs")["services"].items():
        assert service["restart"] == "unless-stopped", name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        limits = service["deploy"]["resources"]["limits"]
        assert {"memory", "pids"} <= set(limits), name
        assert service["logging"]["options"]["max-size"], name
        assert not service["image"].endswith(":latest"), name
        for port in service.get("ports", []):
            assert port["host_ip"] == "127.0.0.1", name


@pytest.mark.parametrize("address", [None, "", "0.0.0.0", "192.0.2.7"])
def test_who_publishes_it_to_others_needs_keys(address: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRNN_OCR_PUBLISH_ADDRESS", raising=False)
    if address is not None:
        monkeypatch.setenv("CRNN_OCR_PUBLISH_ADDRESS", address)
    monkeypatch.setenv("CRNN_OCR_PUBLISH_PORT", "5001")
    service = composed()["services"]["crnn-ocr"]
    (port,) = service["ports"]
    assert (port["host_ip"], port["published"], port["target"]) == (address or "127.0.0.1", "5001", 5000)
    assert service["environment"].get("CRNN_OCR_ALLOW_ANONYMOUS") == (None if address else "true")


def test_the_table_of_variables_is_complete() -> None:
    page = (ROOT / "docs" / "docker.md").read_text(encoding="utf-8")
    asked = set(re.findall(r"\$\{(\w+)", COMPOSE.read_text(encoding="utf-8")))
    told = set(re.findall(r"`([A-Z_]+)`", "".join(re.findall(r"^\| `[A-Z].*", page, re.MULTILINE))))
    assert asked <= told


def test_it_starts_in_order() -> None:
    services = composed("monitoring", "jobs")["services"]
    order = (
        ("crnn-ocr", "redis"),
        ("worker", "jobs-redis"),
        ("prometheus", "crnn-ocr"),
        ("grafana", "prometheus"),
    )
    for name, other in order:
        assert services[name]["depends_on"][other]["condition"] == "service_healthy"
        # The image of the service brings its own.
        assert other == "crnn-ocr" or services[other]["healthcheck"]["test"]


def test_only_the_service_reaches_its_cache() -> None:
    content = composed("monitoring", "jobs")
    assert content["networks"]["cache"]["internal"] is True
    members = {name for name, service in content["services"].items() if "cache" in service["networks"]}
    assert members == {"crnn-ocr", "redis"}
    assert not content["services"]["redis"].get("ports")


def test_service_and_worker_share_jobs() -> None:
    content = composed("jobs")
    service, worker = (content["services"][name] for name in ("crnn-ocr", "worker"))
    assert content["networks"]["tasks"]["internal"] is True
    members = {name for name, each in content["services"].items() if "tasks" in each["networks"]}
    assert members == {"crnn-ocr", "worker", "jobs-redis"}
    assert service["environment"]["CRNN_OCR_JOBS"] == "embedded"
    assert worker["environment"]["CRNN_OCR_JOBS"] == "celery"
    for name in ("CRNN_OCR_JOBS_DIR", "CRNN_OCR_JOBS_REDIS_URL", "CRNN_OCR_LOG_FORMAT"):
        assert service["environment"][name] == worker["environment"][name]
    for each in (service, worker):
        assert "/jobs" in {volume["target"] for volume in each["volumes"]}
    assert not worker.get("ports")
    assert seconds(worker["stop_grace_period"]) > Settings().jobs_task_timeout_s + KILL_AFTER_S
    # A folder of the image's user, which a new volume takes over.
    assert re.search("^ && install .*--owner 10001 .* /jobs", DOCKERFILE, re.MULTILINE)


def seconds(period: str) -> int:
    """Read a period such as `20m40s`."""
    return sum(
        int(number) * {"h": 3600, "m": 60, "s": 1}[unit]
        for number, unit in re.findall(r"(\d+)([hms])", period)
    )


def test_the_redis_of_the_jobs_forgets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRNN_OCR_JOBS", "celery")
    content = composed("jobs")
    assert content["services"]["crnn-ocr"]["environment"]["CRNN_OCR_JOBS"] == "celery"
    redis = content["services"]["jobs-redis"]
    words = redis["command"]
    given = {word[2:]: words[place + 1] for place, word in enumerate(words) if word.startswith("--")}
    told = {"maxmemory_policy": given["maxmemory-policy"], "aof_enabled": given["appendonly"] == "yes"}
    assert shortcomings(told) == []
    assert [volume["target"] for volume in redis["volumes"]] == ["/data"]


def test_what_it_mounts_is_there() -> None:
    for name, service in composed("monitoring", "jobs")["services"].items():
        for volume in service.get("volumes", []):
            if volume["type"] == "bind":
                assert Path(volume["source"]).is_file(), name
                assert volume["read_only"] is True, name


def test_grafana_finds_prometheus_and_the_dashboard() -> None:
    folder = COMPOSE.parent / "grafana"
    (source,) = yaml.safe_load((folder / "datasource.yml").read_text(encoding="utf-8"))["datasources"]
    assert (source["type"], source["url"], source["isDefault"]) == (
        "prometheus",
        "http://prometheus:9090",
        True,
    )
    (provider,) = yaml.safe_load((folder / "dashboards.yml").read_text(encoding="utf-8"))["providers"]
    service = composed("monitoring")["services"]["grafana"]
    targets = {volume["target"] for volume in service["volumes"]}
    assert f"{provider['options']['path']}/grafana-dashboard.json" in targets
    home = service["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home in targets


def test_prometheus_takes_its_configuration(tmp_path: Path) -> None:
    beside = ROOT / ".venv" / "prometheus" / "promtool"
    promtool = str(beside) if beside.is_file() else shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (scripts/install-test-tools)")
    key = tmp_path / "key"
    key.touch()
    text = (COMPOSE.parent / "prometheus.yml").read_text(encoding="utf-8")
    (tmp_path / "prometheus.yml").write_text(
        text.replace("/run/secrets/scrape_key", str(key)), encoding="utf-8"
    )
    shutil.copy(ROOT / "deploy" / "helm" / "crnn-ocr" / "files" / "alerts.yml", tmp_path)
    done = subprocess.run(
        [promtool, "check", "config", "prometheus.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (job,) = yaml.safe_load(text)["scrape_configs"]
    # The alert rules and the dashboard ask for this name.
    assert job["job_name"] == "crnn-ocr"
    assert job["static_configs"] == [{"targets": ["crnn-ocr:5000"]}]


# ---- files with settings ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_of_settings_hold_settings(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")
    ]
    assert rows
    for row in rows:
        name, _, value = row.partition("=")
        assert name.startswith("CRNN_OCR_"), row
        assert name.removeprefix("CRNN_OCR_").lower() in Settings.model_fields, row
        assert value, row
        assert value == value.strip("\"' "), f"Docker takes quotes as they are: {row}"
        monkeypatch.setenv(name, value)
    Settings()


def test_a_small_machine_asks_for_less(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = Settings()
    for row in (ROOT / "deploy/edge/settings.env").read_text(encoding="utf-8").splitlines():
        if row.startswith("CRNN_OCR_"):
            monkeypatch.setenv(*row.split("=", 1))
    small = Settings()
    for name in ("max_pixels", "max_image_bytes", "max_bytes_in_flight", "cache_bytes", "worker_threads"):
        assert getattr(small, name) < getattr(usual, name), name
    assert small.max_body_bytes > small.max_image_bytes * 4 / 3
    assert small.workers == 1

"""The unit for systemd, and what it relies on."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from crnn_ocr.settings import Settings
from tests.deploy.docker import ROOT
from tests.service.wire import running_server

UNIT = ROOT / "deploy" / "systemd" / "crnn-ocr.service"
TEXT = UNIT.read_text(encoding="utf-8")
PROGRAM = "/opt/crnn-ocr/bin/crnn-ocr"


def analyze(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `systemd-analyze` on the unit, its program being one that is there."""
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd-analyze is not installed")
    unit = folder / UNIT.name
    unit.write_text(TEXT.replace(PROGRAM, sys.executable), encoding="utf-8")
    return subprocess.run([tool, *arguments, str(unit)], capture_output=True, text=True, check=False)


def option(name: str) -> str:
    found = re.findall(rf"^{name}=(.*)$", TEXT, re.MULTILINE)
    assert found, name
    return str(found[-1])


def test_systemd_understands_every_line(tmp_path: Path) -> None:
    done = analyze(tmp_path, "verify")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_wrong_line_would_be_noticed(tmp_path: Path) -> None:
    assert analyze(tmp_path, "verify").returncode == 0
    unit = tmp_path / UNIT.name
    unit.write_text(unit.read_text().replace("Type=notify", "Type=notifies"), encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert "service type" in done.stderr


def test_it_may_do_little(tmp_path: Path) -> None:
    done = analyze(tmp_path, "security", "--offline=true", "--no-pager")
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    if found is None:
        pytest.skip("this systemd-analyze cannot judge a unit by its file")
    assert float(found[1]) <= 1.5


def test_its_variables_are_settings() -> None:
    names = re.findall(r"\bCRNN_OCR_([A-Z_]+)=", TEXT)
    assert names
    assert {name.lower() for name in names} <= set(Settings.model_fields)


def test_it_waits_for_requests_to_finish() -> None:
    assert int(option("TimeoutStopSec")) > Settings().graceful_timeout_s
    assert option("KillMode") == "mixed"  # workers hear of the end from the server


def test_the_server_tells_systemd_that_it_listens(tmp_path: Path) -> None:
    assert option("Type") == "notify"
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(60)
        with running_server(wait=False, NOTIFY_SOCKET=str(path)):
            assert b"READY=1" in listener.recv(4096).splitlines()


def test_a_wrong_setting_has_the_status_that_prevents_restarts() -> None:
    environment = {"CRNN_OCR_PORT": "many", "PATH": "/usr/bin"}
    command = [sys.executable, "-m", "crnn_ocr", "serve"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == int(option("RestartPreventExitStatus"))

from __future__ import annotations

import os
from pathlib import Path

import pytest

from crnn_ocr.runtime import cores
from tests.runtime.control_groups import ControlGroups, write


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ControlGroups:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    return ControlGroups(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("text", "share", "expected"),
    [
        ("max 100000", 8, 8),
        ("200000 100000", 2, 2),
        ("50000 100000", 0.5, 1),
        ("150000 100000", 1.5, 2),
        ("9900000 100000", 8, 8),
        ("0 100000", 8, 8),
        ("", 8, 8),
        ("nonsense", 8, 8),
        ("1 0", 8, 8),
        ("a b c", 8, 8),
    ],
)
def test_a_quota_limits_the_cores(machine: ControlGroups, text: str, share: float, expected: int) -> None:
    machine.join("0::/")
    write(machine.mount("unified"), cpu__max=text)
    assert cores.core_share() == share
    assert cores.available_cores() == expected


@pytest.mark.parametrize(
    ("quota", "period", "expected"),
    [("-1", "100000", 8), ("300000", "100000", 3), ("nonsense", "100000", 8), ("300000", "0", 8)],
)
def test_the_older_cgroup_counts_too(machine: ControlGroups, quota: str, period: str, expected: int) -> None:
    machine.join("5:memory:/", "4:cpu,cpuacct:/", "0::/")
    at = machine.mount("cpu", controllers="cpu,cpuacct")
    write(at, cpu__cfs_quota_us=quota, cpu__cfs_period_us=period)
    write(
        machine.mount("memory", controllers="memory"), cpu__cfs_quota_us="100000", cpu__cfs_period_us="100000"
    )
    machine.mount("unified")
    assert cores.available_cores() == expected


@pytest.mark.parametrize(
    "at", ["", "system.slice", "system.slice/ocr.service", "system.slice/ocr.service/inner"]
)
@pytest.mark.parametrize("version", [1, 2])
def test_a_quota_counts_at_every_level(machine: ControlGroups, version: int, at: str) -> None:
    mine = "/system.slice/ocr.service/inner"
    machine.join(f"4:cpu:{mine}" if version == 1 else f"0::{mine}")
    top = machine.mount("it", controllers="cpu" if version == 1 else "")
    for level in (
        "",
        "system.slice",
        "system.slice/ocr.service",
        "system.slice/ocr.service/inner",
        "other.slice",
    ):
        quota = {at: "50000", "other.slice": "10000"}.get(level)
        if version == 2:
            write(top / level, cpu__max=f"{quota or 'max'} 100000")
        else:
            write(top / level, cpu__cfs_quota_us=quota or "-1", cpu__cfs_period_us="100000")
    assert cores.core_share() == 0.5


def test_the_least_quota_counts(machine: ControlGroups) -> None:
    machine.join("0::/a/b")
    top = machine.mount("unified")
    write(top, cpu__max="600000 100000")
    write(top / "a", cpu__max="150000 100000")
    write(top / "a/b", cpu__max="400000 100000")
    assert cores.core_share() == 1.5


@pytest.mark.parametrize(
    ("mine", "root"),
    [
        ("/docker/7f3a", "/docker/7f3a"),  # a container that sees the host's paths
        ("/", "/"),  # one with a name space of its own
        ("/../../other", "/"),  # outside of the name space's root
        ("/docker/7f3a", "/elsewhere"),
    ],
)
def test_a_containers_root_is_its_own_group(machine: ControlGroups, mine: str, root: str) -> None:
    machine.join(f"0::{mine}")
    write(machine.mount("unified", root=root), cpu__max="50000 100000")
    assert cores.core_share() == 0.5


@pytest.mark.parametrize("cgroup", ["", "nonsense", ":", "0::", "::::"])
@pytest.mark.parametrize("mountinfo", ["", "1 2", "a b c d e - cgroup2", " - cgroup cgroup cpu"])
def test_what_cannot_be_understood_is_ignored(machine: ControlGroups, cgroup: str, mountinfo: str) -> None:
    (machine.folder / "cgroup").write_text(cgroup, encoding="utf-8")
    (machine.folder / "mountinfo").write_text(mountinfo, encoding="utf-8")
    assert cores.available_cores() == 8


def test_there_is_always_a_core() -> None:
    assert cores.available_cores() >= 1

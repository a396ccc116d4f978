from __future__ import annotations

import os
from pathlib import Path

import pytest

from crnn_ocr.runtime import cores


@pytest.fixture
def cgroup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("_CGROUP_V2", "_CGROUP_V1_QUOTA", "_CGROUP_V1_PERIOD"):
        monkeypatch.setattr(cores, name, tmp_path / name)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("max 100000", 8),
        ("200000 100000", 2),
        ("50000 100000", 1),
        ("150000 100000", 2),
        ("9900000 100000", 8),
    ],
)
def test_a_quota_limits_the_cores(cgroup: Path, text: str, expected: int) -> None:
    (cgroup / "_CGROUP_V2").write_text(text + "\n", encoding="ascii")

    assert cores.available_cores() == expected


@pytest.mark.parametrize(("quota", "expected"), [("-1", 8), ("300000", 3), ("nonsense", 8)])
def test_the_older_cgroup_counts_too(cgroup: Path, quota: str, expected: int) -> None:
    (cgroup / "_CGROUP_V1_QUOTA").write_text(quota, encoding="ascii")
    (cgroup / "_CGROUP_V1_PERIOD").write_text("100000", encoding="ascii")

    assert cores.available_cores() == expected


@pytest.mark.parametrize("text", ["", "nonsense", "1 0", "a b c"])
def test_unreadable_quotas_are_ignored(cgroup: Path, text: str) -> None:
    (cgroup / "_CGROUP_V2").write_text(text, encoding="ascii")

    assert cores.available_cores() == 8


def test_there_is_always_a_core() -> None:
    assert cores.available_cores() >= 1


@pytest.mark.parametrize(("text", "share"), [("50000 100000", 0.5), ("max 100000", 8), ("0 100000", 8)])
def test_half_a_core_is_told_as_such(cgroup: Path, text: str, share: float) -> None:
    (cgroup / "_CGROUP_V2").write_text(text, encoding="ascii")

    assert cores.core_share() == share

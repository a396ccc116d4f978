from __future__ import annotations

from pathlib import Path

import pytest

from crnn_ocr.runtime import cgroups
from tests.runtime.control_groups import ControlGroups, write

MIB = 1024 * 1024


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ControlGroups:
    return ControlGroups(tmp_path, monkeypatch)


def test_without_groups_there_is_no_limit(machine: ControlGroups) -> None:
    assert cgroups.groups("memory") == ()
    assert cgroups.memory_limit() is None
    assert cgroups.memory_left() is None


@pytest.mark.parametrize("version", [1, 2])
def test_the_least_memory_limit_of_all_levels_counts(machine: ControlGroups, version: int) -> None:
    machine.join("7:memory:/a/b" if version == 1 else "0::/a/b")
    top = machine.mount("it", controllers="memory" if version == 1 else "")
    name, unlimited = (
        ("memory__limit_in_bytes", str(2**63 - 4096)) if version == 1 else ("memory__max", "max")
    )
    for level in ("", "a", "a/b"):
        write(top / level, **{name: unlimited})
    assert cgroups.memory_limit() is None
    write(top / "a", **{name: str(512 * MIB)})
    write(top / "a/b", **{name: str(900 * MIB)})
    assert cgroups.memory_limit() == 512 * MIB


def test_cached_files_do_not_count_as_taken(machine: ControlGroups) -> None:
    machine.join("0::/a")
    group = machine.mount("it") / "a"
    write(group, memory__max=str(500 * MIB), memory__current=str(450 * MIB))
    assert cgroups.memory_left() == 50 * MIB
    write(group, memory__stat=f"anon 5\nactive_file {20 * MIB}\ninactive_file {10 * MIB}")
    assert cgroups.memory_left() == 80 * MIB


def test_groups_below_count_in_the_older_statistics(machine: ControlGroups) -> None:
    machine.join("7:memory:/a")
    group = machine.mount("it", controllers="memory") / "a"
    write(group, memory__limit_in_bytes=str(500 * MIB), memory__usage_in_bytes=str(450 * MIB))
    write(group, memory__stat=f"active_file 1\ntotal_active_file {20 * MIB}\ntotal_inactive_file {5 * MIB}")
    assert cgroups.memory_left() == 75 * MIB


def test_what_is_over_its_limit_has_nothing_left(machine: ControlGroups) -> None:
    machine.join("0::/")
    write(machine.mount("it"), memory__max="1000", memory__current="5000", memory__stat="nonsense")
    assert cgroups.memory_left() == 0


@pytest.mark.parametrize("version", [1, 2])
def test_kills_are_those_of_the_own_group_else_of_the_machine(
    machine: ControlGroups, version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroups, "_VMSTAT", machine.folder / "vmstat")
    assert cgroups.memory_kills() is None
    machine.join("7:memory:/a" if version == 1 else "0::/a")
    top = machine.mount("it", controllers="memory" if version == 1 else "")
    (machine.folder / "vmstat").write_text("oom_kill 7\n", encoding="ascii")
    assert cgroups.memory_kills() == 7
    name = "memory__oom_control" if version == 1 else "memory__events"
    write(top, **{name: "oom_kill 9"})  # others' as well
    write(top / "a", **{name: "oom 5\noom_kill_disable 0\noom_kill 2\noom_group_kill 0"})
    assert cgroups.memory_kills() == 2

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from crnn_ocr.runtime import cpu

X86 = "processor\t: 0\nflags\t\t: fpu avx2 avx512_vnni\n\nprocessor\t: 1\nflags\t\t: fpu avx2 {}\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd asimddp\nCPU implementer : 0x41\n"


@pytest.fixture(autouse=True)
def forget() -> None:
    cpu.features.cache_clear()


def known_from(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str) -> None:
    (folder / "cpuinfo").write_text(text)
    monkeypatch.setattr(cpu, "_CPUINFO", folder / "cpuinfo")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (X86.format("avx512_vnni"), True),
        (X86.format("avx_vnni"), False),  # the one core has this, the other that
        (X86.format(""), False),
        (ARM, True),
        ("processor : 0\nmodel name : something with avx_vnni\n", False),
        ("", False),
    ],
)
def test_only_what_every_core_has_counts(
    text: str, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known_from(monkeypatch, tmp_path, text)
    assert cpu.has_dot_products() is expected


def test_nothing_is_assumed_of_an_unknown_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "_CPUINFO", tmp_path / "absent")
    assert cpu.features() == frozenset()
    assert not cpu.has_dot_products()
    assert not cpu.has_bfloat16()


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="the system has no /proc/cpuinfo")
def test_this_machine_has_features() -> None:
    usual = {"x86_64": "sse2", "aarch64": "asimd"}.get(platform.machine())
    if usual is None:
        pytest.skip(f"nothing is known about {platform.machine()}")
    assert usual in cpu.features()

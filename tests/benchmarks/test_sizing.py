"""The sizing benchmark against the real service, and its arithmetic."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.sizing import Look, Sizing, SizingError, Target

from benchmarks import sizing
from tests.service.rendering import png
from tests.service.wire import Server, running_server

LOOK = Look(cpu_s=10, memory=200e6, memory_limit=512e6, cores=1, workers=1, pages=5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(3):
        (tmp_path / f"{number}.PNG").write_bytes(png(f"Order {number}"))
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def test_a_running_service_is_measured(
    server: Server, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--url", server.url, "--pictures", str(folder), "--count", "6", "--clients", "2"]
    assert sizing.main([*arguments, "--want", "1000", "--name", "here"]) == 0
    header, _, row, _, advice = capsys.readouterr().out.splitlines()
    cells = dict(zip(header.split("|"), row.split("|"), strict=True))
    figures = {
        name.strip(): float(cell) for name, cell in cells.items() if name.strip() not in ("", "service")
    }
    assert row.startswith("| here |")
    assert 0 < figures["pictures/s"] <= figures["pictures per core second"] * (figures["cores used"] + 0.01)
    assert 50 < figures["MiB before"] <= figures["MiB at most"]
    assert figures["p50 s"] <= figures["p95 s"]
    assert advice.endswith("such services read 1000 pictures/s at 70% of their cores.")


def test_pictures_are_read_and_not_taken_from_the_cache(server: Server, folder: Path) -> None:
    target = Target(server.url)
    found = sizing.measure(target, [png("Order 1")], count=4, clients=1, look_s=0.01)
    assert found.statuses == {200: 4}
    assert found.after.pages - found.before.pages == 4
    assert found.cpu_s > 0


def test_what_is_not_read_is_told(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.png").write_bytes(png("Order 1"))
    (tmp_path / "b.png").write_bytes(b"no picture")
    assert sizing.main(["--url", server.url, "--pictures", str(tmp_path), "--count", "4"]) == 0
    assert "Not read: {415: 2}" in capsys.readouterr().out


def test_figures_follow_from_what_was_seen() -> None:
    after = Look(cpu_s=14, memory=220e6, memory_limit=512e6, cores=1, workers=1, pages=15)
    found = Sizing({200: 10}, [float(n) for n in range(1, 11)], 8.0, LOOK, after, 300e6)
    assert (found.cpu_s, found.per_second, found.per_core_second) == (4, 1.25, 2.5)
    assert (found.latency(0.5), found.latency(0.95)) == (6, 10)
    assert found.services_for(10) == 12  # 10 / (1.25 × 0.7) = 11.4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--url", "127.0.0.1:5000"], "is no http or https URL"),
        (["--url", "http://127.0.0.1:1"], "no answer from 127.0.0.1"),
    ],
)
def test_what_cannot_be_measured_is_told(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sizing.main(arguments) == 1
    assert words in capsys.readouterr().err


def test_a_folder_without_pictures_is_told(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sizing.main(["--url", server.url, "--pictures", str(tmp_path)]) == 1
    assert "holds no pictures" in capsys.readouterr().err


def test_metrics_of_something_else_are_told() -> None:
    with pytest.raises(SizingError, match="crnn_ocr_cpu_seconds_total"):
        Look.parse("up 1\n")


def test_a_service_without_metrics_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with running_server(CRNN_OCR_METRICS="false", CRNN_OCR_WARM_UP="false") as bare:
        assert sizing.main(["--url", bare.url]) == 1
    assert "/metrics answers 404" in capsys.readouterr().err

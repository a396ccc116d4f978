"""The worker protocol, spoken with a tiny engine made for the test."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest
from benchmarks.harness import engines
from benchmarks.harness.engines import ENGINES, OURS, Engine, EngineError, Mode, Worker

MODES: tuple[Mode, ...] = ("page", "line")

ADAPTER = """
    from benchmarks.peers.protocol import serve

    def start():
        print("engines may chatter on stdout")
        def read(path):
            if path.endswith("bad"):
                raise ValueError("cannot read")
            return [{"text": path, "polygon": [[0, 0], [1, 0], [1, 1], [0, 1]]}, {"text": "二"}]
        return "1.2", read

    serve(start)
"""


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    script = tmp_path / "adapter.py"
    script.write_text(textwrap.dedent(ADAPTER), encoding="utf-8")
    monkeypatch.setattr(
        engines, "adapter_command", lambda python, adapter: [str(python), str(script), *adapter[1:]]
    )
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    return Engine("tiny", Path(sys.executable), ("adapter",))


def test_a_worker_answers(engine: Engine) -> None:
    with Worker(engine) as worker:
        assert worker.version == "1.2"
        reading = worker.read(Path("/x/页.png"))
        assert reading.texts == ("/x/页.png", "二")
        assert [list(polygon) for polygon in reading.polygons] == [[(0, 0), (1, 0), (1, 1), (0, 1)], []]
        assert 0 <= reading.cpu_s < 5
        assert 0 < reading.wall_s < 5
        assert reading.peak_rss > 1_000_000
        assert worker.cpu_s() >= 0


def test_a_failure_on_one_file_does_not_end_the_engine(engine: Engine) -> None:
    with Worker(engine) as worker:
        with pytest.raises(EngineError, match="cannot read"):
            worker.read(Path("/x/bad"))
        assert worker.read(Path("/x/good")).texts[0] == "/x/good"


def test_an_engine_that_cannot_start_says_so(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        engines, "adapter_command", lambda python, _: [str(python), "-c", "raise SystemExit(3)"]
    )
    with pytest.raises(EngineError, match="status 3"), Worker(engine):
        pass


def test_an_engine_without_a_recogniser_of_its_own(engine: Engine) -> None:
    with pytest.raises(EngineError, match="no single lines"), Worker(engine, "line"):
        pass


def test_an_engine_that_is_not_installed(tmp_path: Path) -> None:
    absent = Engine("absent", tmp_path / "python", ("run_tesseract",))
    assert not absent.installed
    with pytest.raises(EngineError, match="make-peers"), Worker(absent):
        pass


def test_every_engine_has_its_adapter() -> None:
    folder = engines.HERE / "peers"
    for entry in ENGINES.values():
        assert (folder / f"{entry.page[0]}.py").is_file()
        assert not entry.line or (folder / f"{entry.line[0]}.py").is_file()


def test_our_engine_reads_a_page_and_a_line(tmp_path: Path) -> None:
    from PIL import Image, ImageDraw, ImageFont

    path = tmp_path / "line.png"
    image = Image.new("RGB", (420, 60), "white")
    ImageDraw.Draw(image).text((12, 10), "Invoice 12860", fill="black", font=ImageFont.load_default(36))
    image.save(path)
    ours = [ENGINES[name] for name in (OURS, f"{OURS}-fast", f"{OURS}-accurate")]
    for engine, mode in ((entry, mode) for entry in ours for mode in MODES if getattr(entry, mode)):
        with Worker(engine, mode) as worker:
            assert " ".join(worker.read(path).texts).replace(" ", "") == "Invoice12860"

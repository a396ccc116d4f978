"""The network reads drawn tables, says nothing about pictures without one, and is run as a task."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import onnx
import pytest

from crnn_ocr.errors import ModelBrokenError, RequestCancelledError
from crnn_ocr.models.registry import BUNDLED, Registry
from crnn_ocr.pixels import Pixels
from crnn_ocr.scheduling.work import Outcome, Task
from crnn_ocr.tables.network.load import PROBE, check_reads, draw_probe, load_pack
from crnn_ocr.tables.network.recognizer import TableRecognizer

T = TypeVar("T")


@pytest.fixture(scope="module")
def network() -> Iterator[TableRecognizer]:
    loaded = load_pack(Registry().find("slanet-plus", "table"))
    yield loaded
    loaded.close()


def whole(picture: Pixels) -> tuple[float, float, float, float]:
    return (0.0, 0.0, float(picture.shape[1]), float(picture.shape[0]))


def test_it_reads_its_probe(network: TableRecognizer) -> None:
    check_reads(network, Registry().find("slanet-plus"))


def test_cells_lie_where_they_are_drawn(network: TableRecognizer) -> None:
    table = draw_probe()
    page = np.full((600, 800, 3), 255, np.uint8)
    page[300 : 300 + table.shape[0], 200 : 200 + table.shape[1]] = table
    area = (200.0, 300.0, 200.0 + table.shape[1], 300.0 + table.shape[0])
    (grid,) = network.grids(page, area, ())
    assert (grid.rows, grid.cols) == PROBE
    for cell in grid.cells:
        left, top = 204 + 150 * cell.col, 304 + 44 * cell.row
        for value, wanted in zip(cell.box, (left, top, left + 150, top + 44), strict=True):
            assert abs(value - wanted) < 15


def test_a_grey_page_reads_like_a_coloured_one(network: TableRecognizer) -> None:
    table = draw_probe()
    grey = np.asarray(cv2.cvtColor(table, cv2.COLOR_BGR2GRAY), np.uint8)
    assert network.grids(grey, whole(table), ()) == network.grids(table, whole(table), ())


def test_a_spanning_head_spans(network: TableRecognizer) -> None:
    table = draw_probe()
    cv2.rectangle(table, (5, 5), (453, 47), (255, 255, 255), -1)
    cv2.putText(table, "Numbers of all", (120, 34), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2, cv2.LINE_AA)
    (grid,) = network.grids(table, whole(table), ())
    assert (grid.rows, grid.cols) == PROBE
    assert (grid.cells[0].col_span, len(grid.cells)) == (3, 10)


def test_an_area_beyond_the_page_is_cut_off_and_a_sliver_is_no_table(network: TableRecognizer) -> None:
    table = draw_probe()
    cut = network.grids(table, (-50.0, -9.0, 9999.0, 9999.0), ())
    assert cut == network.grids(table, whole(table), ())
    assert network.grids(table, (0.0, 0.0, 300.0, 5.0), ()) == []
    assert network.grids(table, (900.0, 0.0, 990.0, 50.0), ()) == []


class Queue:
    """Keeps the demands of the tasks, and runs them or refuses to."""

    def __init__(self, cancelled: bool = False) -> None:
        self.demands: list[tuple[float, int, int]] = []
        self._cancelled = cancelled

    def run(self, tasks: Sequence[Task[T]]) -> list[Outcome[T]]:
        if self._cancelled:
            raise RequestCancelledError("cancelled")
        self.demands += [(task.demand.cost, task.demand.memory, task.demand.most_cores) for task in tasks]
        return [Outcome.of(task, 1) for task in tasks]


def test_it_runs_as_one_task_on_one_core(network: TableRecognizer) -> None:
    queue = Queue()
    table = draw_probe()
    assert network.grids(table, whole(table), (), queue) == network.grids(table, whole(table), ())
    ((cost, memory, cores),) = queue.demands
    assert cost > 0
    assert 20 * 2**20 < memory < 100 * 2**20
    assert cores == 1


def test_a_cancelled_request_ends_it(network: TableRecognizer) -> None:
    with pytest.raises(RequestCancelledError):
        network.grids(draw_probe(), (0.0, 0.0, 400.0, 180.0), (), Queue(cancelled=True))


def changed_pack(folder: Path, graph: onnx.ModelProto) -> Path:
    """A copy of the pack with another graph."""
    pack = Path(shutil.copytree(BUNDLED / "slanet-plus", folder / "slanet-plus"))
    content = graph.SerializeToString()
    (pack / "net.onnx").write_bytes(content)
    manifest = json.loads((pack / "manifest.json").read_text(encoding="utf-8"))
    manifest["graph"]["sha256"] = hashlib.sha256(content).hexdigest()
    (pack / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return pack


def test_a_wrong_vocabulary_is_found_out(tmp_path: Path) -> None:
    graph = onnx.load(str(BUNDLED / "slanet-plus" / "net.onnx"))
    words = graph.metadata_props[0].value.split("\n")
    graph.metadata_props[0].value = "\n".join([*words[1:], words[0]])
    changed_pack(tmp_path, graph)
    pack = Registry(tmp_path).find("slanet-plus")
    network = load_pack(pack, cache_dir=tmp_path)
    with pytest.raises(ModelBrokenError, match="where 4 × 3 are drawn"):
        check_reads(network, pack)
    graph.metadata_props[0].value = "<tr>\n<td></td>"
    shutil.rmtree(tmp_path / "slanet-plus")
    changed_pack(tmp_path, graph)
    with pytest.raises(ModelBrokenError, match="more tokens than its vocabulary"):
        load_pack(Registry(tmp_path).find("slanet-plus"), cache_dir=tmp_path)


def test_a_graph_of_another_form_is_refused(tmp_path: Path) -> None:
    graph = onnx.load(str(BUNDLED / "slanet-plus" / "net.onnx"))
    del graph.graph.output[2]
    changed_pack(tmp_path, graph)
    with pytest.raises(ModelBrokenError, match="outputs table_tokens and table_boxes"):
        load_pack(Registry(tmp_path).find("slanet-plus"), cache_dir=tmp_path)

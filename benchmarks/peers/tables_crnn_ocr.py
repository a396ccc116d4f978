"""Reads tables with this project: with ``all`` methods, without the network, or with the network alone."""

import argparse
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

import crnn_ocr
from benchmarks.peers.protocol import Line as Given
from benchmarks.peers.protocol import TableReader, serve_tables
from benchmarks.teds import table_html
from crnn_ocr.document import Cell, Char, Line, Polygon, Table
from crnn_ocr.models.registry import Registry
from crnn_ocr.pixels import Pixels
from crnn_ocr.tables.find import find_tables
from crnn_ocr.tables.grid import Box, Grid
from crnn_ocr.tables.network.load import load_pack


def start() -> tuple[str, TableReader]:
    """Load the network if it is wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("method", choices=("all", "rules", "network"))
    method = parser.parse_args().method
    network = None if method == "rules" else load_pack(Registry().find("slanet-plus", "table"))

    def candidates(image: Pixels, area: Box, lines: Sequence[Line]) -> Sequence[Grid]:
        return () if network is None else network.grids(image, area, lines)

    def read(path: str, given: list[Given]) -> str:
        lines = [_line(one) for one in given]
        image = np.asarray(cv2.imread(path), np.uint8)
        if method == "network":
            if not lines:
                return ""
            corners = np.array([line.polygon for line in lines]).reshape(-1, 2)
            (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
            grids = candidates(image, (left, top, right, bottom), lines)
            return table_html(_filled(grids[0], lines)) if grids else ""
        blocks, _ = find_tables(image, lines, candidates)
        tables = [block.table for block in blocks if block.table is not None]
        return table_html(max(tables, key=lambda table: len(table.cells))) if tables else ""

    return crnn_ocr.__version__, read


def _line(given: Given) -> Line:
    chars = tuple(Char(char["text"], 1.0, _polygon(char["polygon"])) for char in given["chars"])
    return Line(given["text"], given["confidence"], _polygon(given["polygon"]), chars)


def _polygon(points: Sequence[Sequence[float]]) -> Polygon:
    a, b, c, d = ((float(x), float(y)) for x, y in points)
    return a, b, c, d


def _filled(grid: Grid, lines: Sequence[Line]) -> Table:
    """Return the table with the characters of the lines in the cells in which their middles lie."""
    boxes = np.array([cell.box for cell in grid.cells])
    parts: list[list[Line]] = [[] for _ in grid.cells]
    for line in lines:
        texts: dict[int, str] = {}
        for char in line.chars or (Char(line.text, 1.0, line.polygon),):
            x, y = np.mean(char.polygon, axis=0)
            outside = np.maximum(boxes[:, :2] - (x, y), (x, y) - boxes[:, 2:]).clip(0).sum(axis=1)
            index = int(outside.argmin())
            texts[index] = texts.get(index, "") + char.text
        for index, text in texts.items():
            parts[index].append(replace(line, text=text))
    cells = tuple(
        Cell(
            cell.row,
            cell.col,
            cell.row_span,
            cell.col_span,
            tuple(sorted(parts[index], key=lambda line: line.polygon[0][1])),
            ((0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0)),
        )
        for index, cell in enumerate(grid.cells)
    )
    return Table(grid.rows, grid.cols, cells)


serve_tables(start)

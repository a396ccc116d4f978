"""Reads tables with rapid_table's SLANet-plus; the text of the cells comes from the given lines."""

import importlib
from typing import Any

from benchmarks.peers.protocol import Line, TableReader, serve_tables


def start() -> tuple[str, TableReader]:
    """Load the engine with its defaults."""
    package: Any = importlib.import_module("rapid_table")
    metadata: Any = importlib.import_module("importlib.metadata")
    engine = package.RapidTable()

    def read(path: str, lines: list[Line]) -> str:
        given = [[line["polygon"], line["text"], line["confidence"]] for line in lines]
        return str(engine(path, given)[0]) if given else ""

    return str(metadata.version("rapid_table")), read


serve_tables(start)

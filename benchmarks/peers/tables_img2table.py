"""Reads tables with img2table; the text of the cells comes from the given lines."""

import importlib
from typing import Any

from benchmarks.peers.protocol import Line, TableReader, serve_tables


def start() -> tuple[str, TableReader]:
    """Load the engine."""
    document: Any = importlib.import_module("img2table.document")
    types: Any = importlib.import_module("img2table.ocr._types")
    metadata: Any = importlib.import_module("importlib.metadata")

    class Given(types.OCRInstance):  # type: ignore[misc]
        """Returns lines that were read before, word by word."""

        def __init__(self, lines: list[Line]) -> None:
            self._lines = lines

        def of(self, document: Any) -> Any:
            """Return the words of the only page."""
            records = [word for number, line in enumerate(self._lines) for word in _words(line, number)]
            return types.OCRData(records={0: records})

    def read(path: str, lines: list[Line]) -> str:
        image = document.Image(src=path)
        tables = image.extract_tables(ocr=Given(lines), borderless_tables=True)
        cells = [sum(map(len, table.content.values())) for table in tables]
        return str(tables[cells.index(max(cells))].html) if tables else ""

    return str(metadata.version("img2table")), read


def _words(line: Line, number: int) -> list[dict[str, Any]]:
    """Return the words of a line as img2table wants them; without characters, the line as one word."""
    words: list[list[Any]] = [[]]
    for char in line["chars"]:
        if char["text"].isspace():
            words.append([])
        else:
            words[-1].append(char)
    parts = [
        ("".join(char["text"] for char in word), [point for char in word for point in char["polygon"]])
        for word in words
        if word
    ] or [(line["text"], line["polygon"])]
    return [
        {
            "id": f"word_{number}_{index}",
            "parent": f"line_{number}",
            "value": text,
            "confidence": 99,
            "x1": int(min(x for x, _ in points)),
            "y1": int(min(y for _, y in points)),
            "x2": int(max(x for x, _ in points)) + 1,
            "y2": int(max(y for _, y in points)) + 1,
        }
        for index, (text, points) in enumerate(parts)
    ]


serve_tables(start)

"""Read what a workbook holds, as ECMA-376 describes it."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass

from lxml import etree

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@dataclass(frozen=True)
class Stored:
    """A cell: its text, or its number with the format of it; how it looks."""

    content: str | float | None
    form: str
    bold: bool
    filled: bool
    quoted: bool


@dataclass(frozen=True)
class StoredSheet:
    cells: dict[str, Stored]
    merged: list[str]
    frozen: int
    widths: list[float]


def read(content: bytes) -> dict[str, StoredSheet]:
    """Return all sheets by name, and check that nothing is a formula or a link."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for name, part in parts.items():
        etree.fromstring(part)
        assert "hyperlink" not in part.decode().lower() or name == "docProps/app.xml"
        assert "externalLink" not in name
        assert "vbaProject" not in name
    shared = [
        _unescaped("".join(item.itertext()))
        for item in etree.fromstring(parts.get("xl/sharedStrings.xml", b"<a/>"))
    ]
    styles = etree.fromstring(parts["xl/styles.xml"])
    names = [each.get("name") for each in etree.fromstring(parts["xl/workbook.xml"]).iter(f"{_MAIN}sheet")]
    return {
        name: _sheet(etree.fromstring(parts[f"xl/worksheets/sheet{number}.xml"]), shared, styles)
        for number, name in enumerate(names, start=1)
    }


def _sheet(root: etree._Element, shared: list[str], styles: etree._Element) -> StoredSheet:
    codes = {each.get("numFmtId"): each.get("formatCode") for each in styles.iter(f"{_MAIN}numFmt")}
    codes |= {"0": "General", "1": "0", "2": "0.00", "3": "#,##0", "4": "#,##0.00", "9": "0%", "10": "0.00%"}
    fonts = [*styles.find(f"{_MAIN}fonts")]
    looks = [*styles.find(f"{_MAIN}cellXfs")]
    cells = {}
    for cell in root.iter(f"{_MAIN}c"):
        assert cell.find(f"{_MAIN}f") is None, "a formula"
        value = cell.findtext(f"{_MAIN}v")
        look = looks[int(cell.get("s", 0))]
        content: str | float | None = None
        if value is not None:
            content = shared[int(value)] if cell.get("t") == "s" else float(value)
        cells[cell.get("r")] = Stored(
            content,
            codes[look.get("numFmtId")],
            fonts[int(look.get("fontId"))].find(f"{_MAIN}b") is not None,
            look.get("fillId") not in (None, "0"),
            look.get("quotePrefix") == "1",
        )
    pane = next(root.iter(f"{_MAIN}pane"), None)
    return StoredSheet(
        cells,
        [each.get("ref") for each in root.iter(f"{_MAIN}mergeCell")],
        0 if pane is None else int(pane.get("ySplit")),
        [float(each.get("width")) for each in root.iter(f"{_MAIN}col")],
    )


def _unescaped(text: str) -> str:
    return re.sub("_x([0-9A-Fa-f]{4})_", lambda match: chr(int(match[1], 16)), text)

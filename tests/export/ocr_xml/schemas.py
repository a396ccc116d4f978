"""Checks XML files against schemas."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

from lxml import etree

#: Attributes of ALTO and PAGE that refer to ids.
_REFERENCES = ("REF", "TAGREFS", "PROCESSINGREFS", "regionRef")


def check(root: Any, name: str) -> None:
    """Fail if a file does not fit our own schema of that name, or refers to an id that is not there."""
    schema = etree.RelaxNG(etree.parse(Path(__file__).with_name(name)))
    assert schema.validate(root), schema.error_log
    ids = [element.get("ID") or element.get("id") for element in root.iter("{*}*")]
    named = [id_ for id_ in ids if id_ is not None]
    assert len(named) == len(set(named))
    for element in root.iter("{*}*"):
        for attribute in _REFERENCES:
            assert set(element.get(attribute, "").split()) <= set(named)


def official_schema(file: str) -> Path | None:
    """Return the path of a published schema if it is on this machine.

    They are looked for in the folder CRNN_OCR_SCHEMAS, and that of PAGE in the package `ocrd` as well
    (`pip install --no-deps ocrd`; what it depends on is not needed).
    """
    folder = os.environ.get("CRNN_OCR_SCHEMAS")
    if folder and (Path(folder) / file).is_file():
        return Path(folder) / file
    package = importlib.util.find_spec("ocrd_validators")
    if package is None or package.origin is None:
        return None
    found = Path(package.origin).with_name(file)
    return found if found.is_file() else None

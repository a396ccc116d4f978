"""Extracts the ONNX recognisers of faster-paddle from its extension module, to measure them on lines.

faster-paddle offers no way to read one crop without its detector, but it carries its nets and character lists
verbatim: every net as an ONNX ``ModelProto``, every list as a JSON array. They are found by walking the
top-level protobuf fields from every place that could begin a model, and are written to ``FOLDER/tiny`` and
``FOLDER/small`` (``rec.onnx``, ``keys.txt``). They stay on this machine.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

# onnx.proto, ModelProto: ir_version 1 … opset_import 8, metadata_props 14, training_info 20, functions 25.
_MODEL_FIELDS = {1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25}
_GRAPH_FIELD = 7
_SMALLEST_NET = 500_000
_CHARACTERS = {"tiny": 6_904, "small": 18_708}  # smallest net first; without blank and space


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position += 1
        shift += 7
        if byte < 0x80:
            return value, position
        if shift > 63:
            raise ValueError("not a varint")


def _model_end(data: bytes, position: int) -> tuple[int, set[int]]:
    """Return the end of the model that begins at ``position``, and its fields."""
    fields: set[int] = set()
    while position < len(data):
        try:
            tag, after = _varint(data, position)
            number, wire = tag >> 3, tag & 7
            if number not in _MODEL_FIELDS or wire not in (0, 2) or (number == 1 and fields):
                break
            length, after = _varint(data, after)
        except (ValueError, IndexError):
            break
        if wire == 2:
            after += length
            if after > len(data):
                break
        fields.add(number)
        position = after
    return position, fields


def find_models(data: bytes) -> Iterator[bytes]:
    """Return every ONNX model inside ``data``, in order."""
    end = 0
    for match in re.finditer(rb"\x08[\x06-\x0e](?=[\x12\x1a\x3a\x42])", data):
        if match.start() < end:
            continue
        stop, fields = _model_end(data, match.start())
        if _GRAPH_FIELD in fields and stop - match.start() >= _SMALLEST_NET:
            end = stop
            yield data[match.start() : stop]


def find_keys(data: bytes) -> Iterator[list[str]]:
    """Return every long JSON array of strings inside ``data``."""
    end = 0
    for match in re.finditer(rb'\["', data):
        if match.start() < end:
            continue
        stop = data.find(b'"]', match.start() + 40_000)
        if stop < 0 or stop - match.start() > 1_000_000:
            continue
        try:
            keys = json.loads(data[match.start() : stop + 2])
        except ValueError:
            continue
        end = stop
        yield [str(key) for key in keys]


def main() -> None:
    """Write the nets into the folder that is the only argument."""
    spec = importlib.util.find_spec("faster_paddle")
    assert spec is not None
    assert spec.origin is not None
    module = next(Path(spec.origin).parent.glob("faster_paddle*.so"))
    data = module.read_bytes()
    recognisers = sorted((model for model in find_models(data) if b"linear" in model), key=len)
    lists = {len(keys): keys for keys in find_keys(data)}
    if len(recognisers) != len(_CHARACTERS):
        sys.exit(f"{module.name}: found {len(recognisers)} recognisers instead of {len(_CHARACTERS)}")
    for (name, characters), model in zip(_CHARACTERS.items(), recognisers, strict=True):
        folder = Path(sys.argv[1]) / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "rec.onnx").write_bytes(model)
        (folder / "keys.txt").write_text("".join(f"{key}\n" for key in lists[characters]), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Turns what the caller gives, sources and options, into what is sent."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import urlencode

from crnn_ocr.client.uploads import Upload
from crnn_ocr.options import ReadOptions, parse_options

Source = str | Path | bytes | bytearray | memoryview | BinaryIO

#: Limits of one request of a batch; servers accept more by default.
_MOST_ITEMS = 32
_MOST_BYTES = 16 * 1024 * 1024


def query(options: ReadOptions | None, values: dict[str, Any]) -> str:
    """Return the options as a query string, with its question mark."""
    given = _given(options, values)
    return f"?{urlencode(given)}" if given else ""


def _given(options: ReadOptions | None, values: dict[str, Any]) -> dict[str, Any]:
    if options is None:
        options = parse_options(values)
    elif values:
        raise TypeError("give either an options object or single options, not both")
    return options.model_dump(exclude_unset=True, exclude_none=True)


def fields(options: ReadOptions | None, values: dict[str, Any]) -> dict[str, str]:
    """Return the options as fields of a form."""
    given = _given(options, values)
    return {"options": json.dumps(given)} if given else {}


def uploads(sources: Source | Sequence[Source] | Mapping[str, Source]) -> list[Upload]:
    """Return the files of a job.

    Raises:
        OSError: A path cannot be opened.
    """
    if isinstance(sources, Mapping):
        return [replace(_upload(source), name=name) for name, source in sources.items()]
    if isinstance(sources, Sequence) and not isinstance(sources, str | bytes | bytearray | memoryview):
        return [_upload(source) for source in sources]
    return [_upload(cast(Source, sources))]


def _upload(source: Source) -> Upload:
    if isinstance(source, str | Path):
        return Upload.of_path(Path(source))
    data = read(source)
    return Upload("document", data, len(data))


def read(source: Source) -> bytes:
    """Return the bytes of a source.

    Raises:
        OSError: The path cannot be opened.
    """
    if isinstance(source, str | Path):
        return Path(source).read_bytes()
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    data = source.read()
    if not isinstance(data, bytes):
        raise TypeError("the file object gives text, not bytes: open it with mode 'rb'")
    return data


def chunks(sources: Sequence[Source]) -> Iterator[dict[int, bytes]]:
    """Yield the pictures of one request after the other, by index; each picture is read only when needed."""
    chunk: dict[int, bytes] = {}
    size = 0
    for place, source in enumerate(sources):
        data = read(source)
        if chunk and (len(chunk) == _MOST_ITEMS or size + len(data) > _MOST_BYTES):
            yield chunk
            chunk, size = {}, 0
        chunk[place] = data
        size += len(data)
    if chunk:
        yield chunk


def form(pictures: Sequence[bytes]) -> tuple[str, bytes]:
    """Return the media type and the body of a multipart form (RFC 7578)."""
    boundary = secrets.token_hex(16)
    parts: list[bytes] = []
    for number, data in enumerate(pictures):
        head = (
            f"--{boundary}\r\n"
            f'Content-Disposition: form-data; name="image"; filename="{number}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        parts += [head.encode(), data, b"\r\n"]
    parts.append(f"--{boundary}--\r\n".encode())
    return f"multipart/form-data; boundary={boundary}", b"".join(parts)

"""Sends the page's own files gzipped to clients that accept it, which is a third of the bytes."""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path

from flask import Response, request

#: Media types that get smaller; the samples are WebP, which does not.
_MEDIA_TYPES = frozenset({"text/html", "text/css", "text/javascript", "image/svg+xml"})
#: More than there are files, because the old form of a changed file stays for a while.
_MOST_KEPT = 256


def packed(response: Response, path: Path) -> Response:
    """Return the answer with one of the page's files, gzipped where that helps and the client allows it.

    The validator becomes a weak one, since the bytes differ; `If-None-Match` compares weakly anyway
    (RFC 9110, sections 8.8.3 and 13.1.2).

    Args:
        response: The answer with the file, or the one sent instead, such as 304.
        path: Path of the file.
    """
    if response.status_code not in (200, 304) or response.mimetype not in _MEDIA_TYPES:
        return response
    response.vary.add("Accept-Encoding")
    etag, _ = response.get_etag()
    if response.status_code == 304 or etag is None or request.accept_encodings["gzip"] <= 0:
        return response
    response.close()
    result = Response(_gzip(path, etag), mimetype=response.mimetype)
    for name in ("Cache-Control", "Last-Modified", "Vary"):
        result.headers[name] = response.headers[name]
    result.headers["Content-Encoding"] = "gzip"
    result.set_etag(etag, weak=True)
    return result


@lru_cache(maxsize=_MOST_KEPT)
def _gzip(path: Path, _etag: str) -> bytes:
    return gzip.compress(path.read_bytes(), mtime=0)

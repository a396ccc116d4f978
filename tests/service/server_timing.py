"""Takes a `Server-Timing` header apart by the grammar of the standard (https://www.w3.org/TR/server-timing/)."""

from __future__ import annotations

import re

TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
QUOTED = r'"(?:[^"\\]|\\.)*"'
PARAMETER = rf"[ \t]*;[ \t]*({TOKEN})[ \t]*=[ \t]*({TOKEN}|{QUOTED})"


def parse(header: str) -> dict[str, dict[str, str]]:
    """Metrics with their parameters, in order; fails where the header breaks the grammar."""
    metrics: dict[str, dict[str, str]] = {}
    rest = header
    while True:
        name = re.match(TOKEN, rest)
        assert name, f"no metric at {rest!r} in {header!r}"
        assert name[0] not in metrics, f"{name[0]} comes twice in {header!r}"
        rest = rest[name.end() :]
        parameters = metrics[name[0]] = {}
        while parameter := re.match(PARAMETER, rest):
            parameters[parameter[1].lower()] = parameter[2]
            rest = rest[parameter.end() :]
        if not rest:
            return metrics
        comma = re.match(r"[ \t]*,[ \t]*", rest)
        assert comma, f"no comma at {rest!r} in {header!r}"
        rest = rest[comma.end() :]

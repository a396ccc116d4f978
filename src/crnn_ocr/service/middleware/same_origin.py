"""Whose pages may use a service that asks for no keys: its own, and those of origins that are named.

Such a service is protected by where it listens: on this machine alone. A browser on this machine is a way in
all the same. A page of another site may send it forms, and a page whose name its owner points to 127.0.0.1
once it is loaded (DNS rebinding) counts as the service's own and reads the answers too. The first kind tells
its `Origin`, the second kind names the wrong `Host`.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from flask import Flask, request
from werkzeug.datastructures import Headers

from crnn_ocr.errors import HostNotAllowedError, OriginNotAllowedError
from crnn_ocr.service.middleware.auth import OPEN_ENDPOINTS, OPEN_PATHS
from crnn_ocr.service.middleware.cors import check_origins
from crnn_ocr.settings import Settings

_PORTS = {"http": 80, "https": 443}
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
#: What proxies add to a request.
_FORWARDED = ("Forwarded", "Via", "X-Forwarded-For", "X-Real-IP")


@dataclass(frozen=True, slots=True)
class Site:
    """What belongs to the service: pure.

    Attributes:
        host: The address or name that it listens on.
        origins: Origins of other pages that may use it.
        trusted_proxies: How many proxies in front of it tell the truth about the client.
    """

    host: str
    origins: frozenset[str] = frozenset()
    trusted_proxies: int = 0

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Return the service of these settings."""
        return cls(settings.host, check_origins(settings.cors_origins), settings.trusted_proxies)

    def is_named(self, headers: Headers) -> bool:
        """Return whether the `Host` of the request is this machine, or the host that the service listens on.

        Browsers always name one; a program that names none is no page.
        """
        if (given := headers.get("Host")) is None:
            return True
        name = _place(given, "http")[0]
        return is_loopback(name) or name in (self.host.lower(), "localhost") or name.endswith(".localhost")

    def is_foreign(self, headers: Headers) -> bool:
        """Return whether the request comes from the page of another site, which is not named either.

        Extensions and the like, whose origins are neither http nor https, have been installed by the user.
        """
        origin = headers.get("Origin")
        if origin is None or origin in self.origins:
            return False
        # The browser's own word, which holds behind proxies too that change the host (Fetch Metadata).
        if headers.get("Sec-Fetch-Site") in ("same-origin", "none"):
            return False
        scheme, _, rest = origin.partition("://")
        if origin != "null" and scheme not in _PORTS:
            return False
        return origin == "null" or _place(rest, scheme) != _place(headers.get("Host", ""), scheme)

    def came_through_proxy(self, headers: Headers) -> bool:
        """Return whether a proxy handed it on whose word on the client counts for nothing."""
        return not self.trusted_proxies and any(name in headers for name in _FORWARDED)


def is_loopback(address: str) -> bool:
    """Return whether it is an address of this machine that no other machine reaches; a name is none."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def _place(netloc: str, scheme: str) -> tuple[str, int]:
    """Host in lower case and port; an empty host where it is malformed."""
    try:
        parts = urlsplit(f"//{netloc}")
        if parts.netloc != netloc or parts.username is not None:
            return "", 0
        return (parts.hostname or "").rstrip("."), parts.port or _PORTS[scheme]
    except ValueError:
        return "", 0


def install(app: Flask, settings: Settings, *, keys: bool) -> None:
    """Refuse other sites' pages where the service has no keys and is not said to be for everybody.

    Args:
        app: The application.
        settings: The service's.
        keys: Whether it asks for keys: then no page gets in that has none.
    """
    if keys or settings.allow_anonymous:
        return
    site = Site.from_settings(settings)

    def check() -> None:
        open_to_all = request.path in OPEN_PATHS or request.endpoint in OPEN_ENDPOINTS
        if open_to_all or request.routing_exception is not None:
            return
        if not site.is_named(request.headers):
            raise HostNotAllowedError("The request names another host than this machine.")
        if request.method not in _READING and site.is_foreign(request.headers):
            raise OriginNotAllowedError("The request comes from a page of another site.")

    app.before_request(check)

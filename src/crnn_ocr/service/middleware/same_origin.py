"""Refuses requests from pages of other sites, if the service needs no API keys.

Such a service is protected only by listening on this machine, and a browser on this machine can reach it. A
page of another site can send it forms (cross-site request forgery); it is recognised by its `Origin`. A page
whose owner points its host name to 127.0.0.1 after it was loaded (DNS rebinding) counts as same-origin and
can read the answers, too; it is recognised by a wrong `Host`.
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
#: Headers that proxies add to a request, and the beginning of the names of others; all in lower case.
_FORWARDED = ("forwarded", "via", "x-real-ip")
_FORWARDED_PREFIX = "x-forwarded-"


@dataclass(frozen=True, slots=True)
class Site:
    """The hosts and origins that belong to the service. It knows nothing of HTTP.

    Attributes:
        host: Address or name that the service listens on.
        origins: Other origins whose pages may use it.
    """

    host: str
    origins: frozenset[str] = frozenset()

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Return the site of a service with these settings."""
        return cls(settings.host, check_origins(settings.cors_origins))

    def is_named(self, headers: Headers) -> bool:
        """Return whether the `Host` of the request is this machine, or the host that the service listens on.

        Browsers always send a `Host`; a client without one is not a browser.
        """
        if (given := headers.get("Host")) is None:
            return True
        name = _place(given, "http")[0]
        return is_loopback(name) or name in (self.host.lower(), "localhost") or name.endswith(".localhost")

    def is_foreign(self, headers: Headers) -> bool:
        """Return whether the request comes from a page of another origin that is not allowed.

        Origins other than http and https belong to extensions that the user has installed; they are allowed.
        """
        origin = headers.get("Origin")
        if origin is None or origin in self.origins:
            return False
        # Set by the browser itself, so it is right even behind proxies that change the host (Fetch Metadata).
        if headers.get("Sec-Fetch-Site") in ("same-origin", "none"):
            return False
        scheme, _, rest = origin.partition("://")
        if origin != "null" and scheme not in _PORTS:
            return False
        return origin == "null" or _place(rest, scheme) != _place(headers.get("Host", ""), scheme)


def came_through_proxy(headers: Headers) -> bool:
    """Return whether the request came through a proxy, or claims to.

    Trusted proxies are no exception: whoever reaches the service directly can claim what they would say.
    """
    names = [name.lower() for name, _ in headers]
    return any(name in _FORWARDED or name.startswith(_FORWARDED_PREFIX) for name in names)


def is_loopback(address: str) -> bool:
    """Return whether this is a loopback address; a host name is not."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def _place(netloc: str, scheme: str) -> tuple[str, int]:
    """Return the host in lower case, and the port; an empty host if it is malformed."""
    try:
        parts = urlsplit(f"//{netloc}")
        if parts.netloc != netloc or parts.username is not None:
            return "", 0
        return (parts.hostname or "").rstrip("."), parts.port or _PORTS[scheme]
    except ValueError:
        return "", 0


def install(app: Flask, settings: Settings, *, keys: bool) -> None:
    """Refuse pages of other sites if the service has no API keys and does not allow anonymous use.

    Args:
        app: The application.
        settings: Settings of the service.
        keys: Whether the service has API keys; then nothing is refused here.
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

"""Fetches pictures that requests name by URL, without giving access to the operator's network.

A server that fetches any URL can be made to connect to whatever it can reach: databases, the cloud's metadata
service, itself (server-side request forgery). So a host is looked up once, all of its addresses are checked,
and the connection goes to a checked address; there is no second look-up, which could give another answer.
Every redirect passes the same checks.
"""

from __future__ import annotations

import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, urljoin, urlsplit

import crnn_ocr
from crnn_ocr.errors import ImageTooLargeError, SettingsError, UrlFetchError, UrlNotAllowedError
from crnn_ocr.service.requests.dns import Lookups, Resolve, resolve
from crnn_ocr.service.server.socket_watch import SocketWatcher, socket_watcher
from crnn_ocr.settings import Settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_PORTS = {"http": 80, "https": 443}
_MOST_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LONGEST_URL = 2048
_PIECE = 64 * 1024
_FORBIDDEN_CHARACTERS = re.compile(r"[\x00-\x20\x7f\\]")
_HOST = re.compile(r"\.?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?(:[0-9]{1,5})?|\[[0-9a-f:.]+\](:[0-9]{1,5})?")

# IPv6 networks whose addresses contain an IPv4 address that packets may be forwarded to: NAT64 (RFC 6052,
# 8215) in the last 32 bits. Mapped, 6to4 and Teredo addresses are known to the standard library.
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))

# Not public, whatever the version of Python says: protocol assignments (a cloud had its metadata service
# there), 6to4 relays, and later special-purpose addresses (RFC 6890, 7526, 8215, 9602, 9637).
_SPECIAL: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in ("192.0.0.0/24", "192.88.99.0/24", "64:ff9b:1::/48", "100::/64", "3fff::/20", "5f00::/16")
)


def is_public(address: Address) -> bool:
    """Return whether an address, and every address embedded in it, belongs to the public internet."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = _embedded(address)
        if inner:
            return all(is_public(entry) for entry in inner)
        if address.is_site_local:
            return False
    if any(address in network for network in _SPECIAL):
        return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback
    )


def _embedded(address: ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if any(address in network for network in _NAT64) or int(address) >> 32 == 0:  # or IPv4-compatible
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [entry for entry in found if entry is not None]


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules that say from where pictures may be fetched; they do no I/O.

    Attributes:
        hosts: Allowed hosts, as `host`, `host:port` or `.domain`; all hosts when empty.
        networks: Allowed networks that are not public.
    """

    hosts: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Return the rules in the settings.

        Raises:
            SettingsError: A host or a network is malformed.
        """
        hosts = tuple(host.lower() for host in settings.fetch_hosts)
        for host in hosts:
            if not _HOST.fullmatch(host):
                raise SettingsError(f"CRNN_OCR_FETCH_HOSTS: {host!r} is not HOST, HOST:PORT or .DOMAIN.")
        networks = []
        for text in settings.fetch_networks:
            try:
                networks.append(ipaddress.ip_network(text))
            except ValueError as error:
                raise SettingsError(f"CRNN_OCR_FETCH_NETWORKS: {error}.") from None
        return cls(hosts, tuple(networks))

    def check_url(self, url: str) -> SplitResult:
        """Check a URL and return its parts.

        Raises:
            UrlNotAllowedError: Scheme, host, port or form are not allowed.
        """
        if len(url) > _LONGEST_URL or _FORBIDDEN_CHARACTERS.search(url):
            raise UrlNotAllowedError("The URL is too long, or has blanks, backslashes or control characters.")
        try:
            parts = urlsplit(url)
            _ = parts.port  # raises if it is not a number
            host = (parts.hostname or "").encode("idna").decode()
        except ValueError:
            raise UrlNotAllowedError("The URL is malformed.") from None
        if parts.scheme not in _PORTS:
            raise UrlNotAllowedError("The URL is neither http nor https.")
        if not host or parts.username is not None or parts.password is not None:
            raise UrlNotAllowedError("The URL has no host, or a user name.")
        if not self._allows(host.lower().rstrip("."), _port(parts), parts.scheme):
            raise UrlNotAllowedError("This service does not fetch from that host and port.")
        return parts

    def _allows(self, host: str, port: int, scheme: str) -> bool:
        written = f"[{host}]" if ":" in host else host
        if f"{written}:{port}" in self.hosts:
            return True
        if port != _PORTS[scheme]:
            return False
        if not self.hosts or written in self.hosts:
            return True
        return any(entry.startswith(".") and host.endswith(entry) for entry in self.hosts)

    def check_addresses(self, addresses: Iterable[str]) -> list[str]:
        """Return the addresses of a host, if all of them may be connected to.

        Raises:
            UrlNotAllowedError: One is neither public nor in an allowed network.
        """
        checked = []
        for text in addresses:
            address = ipaddress.ip_address(text.partition("%")[0])
            mapped = getattr(address, "ipv4_mapped", None)
            listed = any((mapped or address) in network for network in self.networks)
            if "%" in text or not (listed or is_public(address)):
                raise UrlNotAllowedError("The URL leads to an address that is not public.")
            checked.append(text)
        return checked


class Fetcher:
    """Fetches pictures. It is safe to use from several threads."""

    def __init__(
        self,
        rules: Rules,
        *,
        max_bytes: int,
        timeout_s: float,
        lookup: Resolve = resolve,
        watch: SocketWatcher = socket_watcher,
    ) -> None:
        """Set rules and limits.

        Args:
            rules: From where pictures may be fetched.
            max_bytes: The largest answer that is accepted, in bytes.
            timeout_s: The longest time for everything, redirects included, in seconds.
            lookup: Returns the addresses of a host.
            watch: Ends connections whose time is up.
        """
        self._rules = rules
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._lookups = Lookups(lookup)
        self._watch = watch
        self._lock = threading.Lock()
        self._trust: ssl.SSLContext | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        """Return the fetcher for these settings; None if nothing may be fetched."""
        if not settings.fetch_urls:
            return None
        return cls(
            Rules.from_settings(settings),
            max_bytes=settings.max_image_bytes,
            timeout_s=settings.fetch_timeout_s,
        )

    def fetch(self, url: str, reserve: Callable[[int], None] = lambda _size: None) -> bytes:
        """Return the bytes behind a URL, whatever they are.

        Args:
            url: The URL.
            reserve: Called with the number of bytes that have arrived so far, before they are kept; an
                exception from it ends the fetching.

        Raises:
            UrlNotAllowedError: The URL, or one that it redirects to, is not allowed.
            UrlFetchError: There is no such host, no answer in time, or a status other than 200.
            ImageTooLargeError: It has too many bytes.
        """
        deadline = time.monotonic() + self._timeout_s
        for _ in range(_MOST_REDIRECTS + 1):
            found = self._ask(self._rules.check_url(url), deadline, reserve)
            if isinstance(found, bytes):
                return found
            url = urljoin(url, found)
        raise UrlFetchError(f"The URL redirects more than {_MOST_REDIRECTS} times.")

    def _ask(self, parts: SplitResult, deadline: float, reserve: Callable[[int], None]) -> bytes | str:
        """Send one request; return the body, or the URL to which it redirects."""
        host = (parts.hostname or "").encode("idna").decode()
        port = _port(parts)
        try:
            addresses = self._rules.check_addresses(self._lookups.find(host, port, deadline))
            connection = self._connect(addresses, port, deadline)
            if parts.scheme == "https":
                connection = self._context().wrap_socket(
                    connection, server_hostname=host, do_handshake_on_connect=False
                )
            with connection, self._watch.limited(connection, deadline - time.monotonic()) as limit:
                try:
                    if isinstance(connection, ssl.SSLSocket):
                        connection.do_handshake()
                    found = self._exchange(connection, parts, host, reserve)
                except (OSError, http.client.HTTPException):
                    if limit.expired:
                        raise TimeoutError from None
                    raise
                if limit.expired:  # an answer that was cut off at the deadline may look complete
                    raise TimeoutError
                return found
        except TimeoutError:
            raise UrlFetchError(f"The URL did not answer within {self._timeout_s:g} seconds.") from None
        except ssl.SSLCertVerificationError:
            raise UrlFetchError("The host of the URL has no valid certificate.") from None
        except ssl.SSLError:
            raise UrlFetchError("The host of the URL does not speak TLS as it should.") from None
        except (OSError, http.client.HTTPException):
            raise UrlFetchError("The host of the URL cannot be reached, or does not speak HTTP.") from None

    def _context(self) -> ssl.SSLContext:
        """Return a context with the system's authorities, or those in SSL_CERT_FILE and SSL_CERT_DIR."""
        with self._lock:
            if self._trust is None:  # loading hundreds of certificates takes longer than fetching
                self._trust = ssl.create_default_context()
            return self._trust

    def _connect(self, addresses: list[str], port: int, deadline: float) -> socket.socket:
        failure: OSError = OSError("no address")
        for address in addresses:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            try:
                return socket.create_connection((address, port), timeout=left)  # an address needs no look-up
            except OSError as error:
                failure = error
        raise failure

    def _exchange(
        self, connection: socket.socket, parts: SplitResult, host: str, reserve: Callable[[int], None]
    ) -> bytes | str:
        asked = http.client.HTTPConnection(host, _port(parts))
        asked.sock = connection
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        asked.putrequest("GET", _ascii(target), skip_accept_encoding=True)
        asked.putheader("Accept", "image/*, application/pdf;q=0.9, */*;q=0.1")
        asked.putheader("Accept-Encoding", "identity")
        asked.putheader("User-Agent", f"crnn-ocr/{crnn_ocr.__version__}")
        asked.putheader("Connection", "close")
        asked.endheaders()
        with asked.getresponse() as response:
            if response.status in _REDIRECTS and (location := response.headers.get("Location")):
                return location
            if response.status != 200:
                raise UrlFetchError(f"The URL answers with status {response.status}.")
            if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                raise UrlFetchError("The URL answers with compressed content, which was not requested.")
            return self._body(response, reserve)

    def _body(self, response: http.client.HTTPResponse, reserve: Callable[[int], None]) -> bytes:
        announced = response.length
        if announced is not None and announced > self._max_bytes:
            raise self._too_large()
        body = bytearray()
        while piece := response.read(_PIECE):
            reserve(len(body) + len(piece))  # what has come: what is only announced takes nothing
            body += piece
            if len(body) > self._max_bytes:
                raise self._too_large()
        if announced is not None and len(body) < announced:
            raise http.client.IncompleteRead(bytes(body))
        return bytes(body)

    def _too_large(self) -> ImageTooLargeError:
        return ImageTooLargeError(f"The picture at the URL has more than {self._max_bytes} bytes.")


def _port(parts: SplitResult) -> int:
    return _PORTS[parts.scheme] if parts.port is None else parts.port


def _ascii(target: str) -> str:
    """Return a path and query with everything but ASCII percent-encoded."""
    return "".join(c if c.isascii() else "".join(f"%{b:02X}" for b in c.encode()) for c in target)

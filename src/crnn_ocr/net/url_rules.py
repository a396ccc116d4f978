"""Says which URLs and addresses may be connected to, when somebody else names them.

A server that connects to any URL can be made to reach whatever it can: databases, the cloud's metadata
service, itself (server-side request forgery).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, urlsplit

from crnn_ocr.errors import SettingsError, UrlNotAllowedError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_PORTS = {"http": 80, "https": 443}
_LONGEST_URL = 2048
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
    """Rules that say to which hosts connections may go; they do no I/O.

    Attributes:
        hosts: Allowed hosts, as `host`, `host:port` or `.domain`; all hosts when empty.
        networks: Allowed networks that are not public.
    """

    hosts: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, hosts: Sequence[str], networks: Sequence[str], *, setting: str) -> Self:
        """Return the rules of a pair of settings.

        Args:
            hosts: Allowed hosts.
            networks: Allowed networks that are not public, as `10.0.0.0/8`.
            setting: What the names of the two settings begin with, before `_HOSTS` and `_NETWORKS`.

        Raises:
            SettingsError: A host or a network is malformed.
        """
        lowered = tuple(host.lower() for host in hosts)
        for host in lowered:
            if not _HOST.fullmatch(host):
                raise SettingsError(f"{setting}_HOSTS: {host!r} is not HOST, HOST:PORT or .DOMAIN.")
        parsed = []
        for text in networks:
            try:
                parsed.append(ipaddress.ip_network(text))
            except ValueError as error:
                raise SettingsError(f"{setting}_NETWORKS: {error}.") from None
        return cls(lowered, tuple(parsed))

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
        if not self._allows(host.lower().rstrip("."), port_of(parts), parts.scheme):
            raise UrlNotAllowedError("This service does not connect to that host and port.")
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


def port_of(parts: SplitResult) -> int:
    """Return the port of a URL that has been checked."""
    return _PORTS[parts.scheme] if parts.port is None else parts.port


def host_of(parts: SplitResult) -> str:
    """Return the host of a URL that has been checked, in ASCII (IDNA)."""
    return (parts.hostname or "").encode("idna").decode()


def target_of(parts: SplitResult) -> str:
    """Return the path and query of a URL with everything but ASCII percent-encoded."""
    target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    return "".join(c if c.isascii() else "".join(f"%{b:02X}" for b in c.encode()) for c in target)

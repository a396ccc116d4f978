"""Names clients, for limits that each of them has."""

from __future__ import annotations

import ipaddress


def client_name(key_name: str | None, address: str | None) -> str:
    """Return the client: the key's name, or the address; of IPv6 the /64, which one customer gets."""
    if key_name is not None:
        return f"key:{key_name}"
    try:
        parsed = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return "address:unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return f"address:{parsed.ipv4_mapped}"
        return f"address:{ipaddress.ip_network((parsed, 64), strict=False)}"
    return f"address:{parsed}"

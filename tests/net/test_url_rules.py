"""Which addresses and hosts may be connected to."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.errors import UrlNotAllowedError
from crnn_ocr.net.url_rules import Rules, is_public

# ---- addresses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700::6810:84e5", "64:ff9b::808:808"])
def test_public_addresses(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",  # metadata of most clouds
        "100.64.0.1",
        "100.100.100.200",  # metadata of Alibaba Cloud
        "192.88.99.1",
        "3fff::1",
        "5f00::1",
        "192.0.0.192",  # metadata of Oracle Cloud, formerly
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "2001:0:a00:1::",
        "fe80::1",
        "fec0::1",
        "fc00::1",
        "fd00:ec2::254",  # metadata of AWS
        "ff02::1",
        "2001:db8::1",
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@given(st.ip_addresses(v=4))
def test_a_hidden_ipv4_address_is_never_more_public_than_it_is(address: ipaddress.IPv4Address) -> None:
    hidden = [
        ipaddress.IPv6Address((0xFFFF << 32) | int(address)),
        ipaddress.IPv6Address((0x2002 << 112) | (int(address) << 80)),
        ipaddress.IPv6Address((0x0064FF9B << 96) | int(address)),
    ]
    for form in hidden:
        assert is_public(form) <= is_public(address), form


# ---- hosts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hosts", "url", "allowed"),
    [
        (("img.example.com",), "https://img.example.com/a", True),
        (("img.example.com",), "https://IMG.example.com./a", True),
        (("img.example.com",), "https://other.example.com/a", False),
        (("img.example.com",), "https://img.example.com.evil.example/a", False),
        (("img.example.com",), "http://img.example.com:8080/a", False),
        (("img.example.com:8080",), "http://img.example.com:8080/a", True),
        (("img.example.com:8080",), "http://img.example.com/a", False),
        ((".example.com",), "https://a.b.example.com/", True),
        ((".example.com",), "https://example.com/", False),
        ((".example.com",), "https://notexample.com/", False),
        (("[2001:db8::1]:8080",), "http://[2001:db8::1]:8080/", True),
    ],
)
def test_the_list_of_hosts_is_exact(hosts: tuple[str, ...], url: str, allowed: bool) -> None:
    rules = Rules(hosts)
    if allowed:
        rules.check_url(url)
    else:
        with pytest.raises(UrlNotAllowedError):
            rules.check_url(url)


def test_one_private_address_among_public_ones_is_enough() -> None:
    with pytest.raises(UrlNotAllowedError):
        Rules().check_addresses(["93.184.216.34", "10.0.0.1"])

"""HOST:PORT as people write it."""

from __future__ import annotations

import socket

import pytest

from waybill.addresses import Address, claim, parse_address, refuse_duplicates
from waybill.errors import BadArgument, PortUnavailable


@pytest.mark.parametrize(
    ("text", "address", "url"),
    [
        ("127.0.0.1:8080", Address("127.0.0.1", 8080), "http://127.0.0.1:8080"),
        ("localhost:0", Address("localhost", 0), "http://localhost:0"),
        ("[::1]:8080", Address("::1", 8080), "http://[::1]:8080"),
        (":8080", Address("0.0.0.0", 8080), "http://127.0.0.1:8080"),
        ("0.0.0.0:80", Address("0.0.0.0", 80), "http://127.0.0.1:80"),
        ("[::]:80", Address("::", 80), "http://[::1]:80"),
    ],
)
def test_an_address_is_read_and_has_a_url_that_works_here(text: str, address: Address, url: str) -> None:
    assert parse_address(text, "--proxy") == address
    assert address.url == url


@pytest.mark.parametrize("text", ["", "8080", "host:", "host:port", "host:65536", "::1:8080", "host:-1", "host:٣"])
def test_what_is_no_address_is_refused_by_the_name_of_its_flag(text: str) -> None:
    with pytest.raises(BadArgument, match=r"^--api "):
        parse_address(text, "--api")


def test_two_flags_cannot_share_a_port() -> None:
    same = Address("127.0.0.1", 8080)
    with pytest.raises(BadArgument, match=r"--api .* the same address as --proxy"):
        refuse_duplicates({"--proxy": same, "--api": same})
    refuse_duplicates({"--proxy": Address("h", 0), "--api": Address("h", 0)})


def test_a_port_in_use_is_said_before_anything_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Address("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(PortUnavailable, match="already in use"):
            claim(address, "--proxy")


def test_a_host_that_is_none_of_ours_is_refused() -> None:
    with pytest.raises(PortUnavailable, match="cannot listen there"):
        claim(Address("192.0.2.1", 8080), "--proxy")


def test_port_0_becomes_a_free_port_that_can_be_bound() -> None:
    address = claim(Address("127.0.0.1", 0), "--proxy")
    with socket.create_server(address):
        assert address.port > 0

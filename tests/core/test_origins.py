"""Origins of addresses in their one written form."""

from __future__ import annotations

import pytest

from core.origins import origin_of


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("http://example.com", "http://example.com"),
        ("http://example.com:80/v1", "http://example.com"),
        ("https://example.com:443", "https://example.com"),
        ("http://example.com:443", "http://example.com:443"),
        ("https://example.com:80", "https://example.com:80"),
        ("http://example.com:79", "http://example.com:79"),
        ("https://example.com:442", "https://example.com:442"),
        ("HTTPS://Example.COM:8443/V1", "https://example.com:8443"),
        ("http://[::1]:8080/v1", "http://[::1]:8080"),
        ("http://[::1]", "http://[::1]"),
        ("http://example.com:1", "http://example.com:1"),
    ],
)
def test_a_default_port_is_left_out_and_every_other_kept(address: str, origin: str) -> None:
    assert origin_of(address) == origin


@pytest.mark.parametrize(
    "address",
    [
        "", "example.com", "ftp://example.com", "http://", "http://example.com:0", "http://example.com:x", "http://a b",
        "http://exämple.com", "http://user@example.com", "http://:secret@example.com", "http://example.com?q", "http://example.com#f",
        "http://example.com\n", "http://[::1",
    ],
)  # fmt: skip
def test_anything_but_a_plain_address_is_refused_without_quoting_it(address: str) -> None:
    with pytest.raises(ValueError, match=r"^must ") as caught:
        origin_of(address)
    assert "secret" not in str(caught.value)

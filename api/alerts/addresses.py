"""Where a webhook may be posted to: every address of its host is looked at, and the connection goes to one that was.

A name is resolved once for each attempt and never again, so that a name server which answers otherwise the second time
changes nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import TypeAlias

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
# Addresses that carry an IPv4 one inside: what counts is where the translator would send us.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class AddressRefused(Exception):
    """The host has no address, or one that must not be posted to."""


async def checked_addresses(host: str, port: int, *, private: bool) -> list[str]:
    """The addresses of a host; only public ones unless `private`. Raises AddressRefused if a single one is not."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise AddressRefused(f"{host} cannot be resolved: {error.strerror or error}") from None
    addresses = list(dict.fromkeys(str(address[0]) for _, _, _, _, address in found))
    if not private:
        for address in addresses:
            if not is_public(address):
                reason = "set `allow_private_address` if that is meant"
                raise AddressRefused(f"{host} has the address {address}, which is not a public one: {reason}")
    return addresses


def is_public(text: str) -> bool:
    """Whether an address can be that of somebody else on the Internet: not loopback, private, link-local, multicast."""
    address = _embedded(ipaddress.ip_address(text.partition("%")[0]))
    return address.is_global and not address.is_multicast and not address.is_reserved


def _embedded(address: _Address) -> _Address:
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address

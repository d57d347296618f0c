"""HOST:PORT as people write it, and whether it can be listened on."""

from __future__ import annotations

import socket
from typing import NamedTuple

from waybill.errors import BadArgument, PortUnavailable


class Address(NamedTuple):
    """Where a port listens; port 0 asks for any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        """As it is written on the command line."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """Where a program on this machine reaches it: an address that means "everywhere" is reached by loopback."""
        reachable = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host)  # noqa: S104  # recognised, not bound
        return f"http://{Address(reachable, self.port)}"


def parse_address(text: str, flag: str) -> Address:
    """`127.0.0.1:8080`, `[::1]:8080` or `:8080` (every interface). Raises BadArgument naming the flag."""
    host, separator, port = text.strip().rpartition(":")
    if not separator or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise BadArgument(f"{flag} {text}: not HOST:PORT, for example 127.0.0.1:8080")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise BadArgument(f"{flag} {text}: an IPv6 address stands in brackets, for example [::1]:8080")
    return Address(host or "0.0.0.0", int(port))  # noqa: S104  # asked for by leaving the host out


def claim(address: Address, flag: str) -> Address:
    """The address, with a free port where it asked for any. Raises PortUnavailable when it cannot be listened on.

    Nothing is kept open: a process started afterwards binds it. Asking first turns the usual mistake (it already runs) into
    one clear line before anything else was started.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
            probe.listen(1)
        except OSError as error:
            raise PortUnavailable(f"{flag} {address}: cannot listen there: {_reason(error)}") from None
        return Address(address.host, probe.getsockname()[1])


def _reason(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "no such host"
    return (error.strerror or str(error)).lower()


def refuse_duplicates(addresses: dict[str, Address]) -> None:
    """Raise BadArgument when two flags name the same address: both processes would fight for it."""
    seen: dict[Address, str] = {}
    for flag, address in addresses.items():
        if address.port and address in seen:
            raise BadArgument(f"{flag} {address}: the same address as {seen[address]}")
        seen[address] = flag

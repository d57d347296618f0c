"""The flags that `serve`, `proxy` and `api` share, from the command line or from the environment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from waybill.addresses import Address, parse_address, refuse_duplicates


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Options:
    """As they were given: addresses are still text."""

    data: Annotated[Path, Parameter(env_var="WAYBILL_DATA", help="The data folder: repository, database, journal, keys.")] = (
        Path("data")
    )
    proxy: Annotated[str, Parameter(env_var="WAYBILL_PROXY", help="HOST:PORT of the proxy.")] = "127.0.0.1:8080"
    api: Annotated[str, Parameter(env_var="WAYBILL_API", help="HOST:PORT of the GraphQL API.")] = "127.0.0.1:8081"
    proxy_ops: Annotated[str, Parameter(env_var="WAYBILL_PROXY_OPS", help="HOST:PORT of the proxy's health and metrics.")] = (
        "127.0.0.1:9080"
    )
    api_ops: Annotated[str, Parameter(env_var="WAYBILL_API_OPS", help="HOST:PORT of the API's health and metrics.")] = (
        "127.0.0.1:9081"
    )
    fsync: Annotated[
        bool, Parameter(env_var="WAYBILL_FSYNC", help="Whether a commit is on disk before it is said to be made.")
    ] = True

    def addresses(self) -> Addresses:
        """Raises BadArgument for an address that is none, or that two flags share."""
        parsed = {
            flag: parse_address(text, flag)
            for flag, text in (
                ("--proxy", self.proxy),
                ("--api", self.api),
                ("--proxy-ops", self.proxy_ops),
                ("--api-ops", self.api_ops),
            )
        }
        refuse_duplicates(parsed)
        return Addresses(*parsed.values())


@dataclass(frozen=True)
class Addresses:
    """The four ports."""

    proxy: Address
    api: Address
    proxy_ops: Address
    api_ops: Address

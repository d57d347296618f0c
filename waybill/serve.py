"""`waybill serve`: check what can be checked, make the first start, then supervise the two planes."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from core.layout import Layout
from waybill import credentials, first_start, screen
from waybill.addresses import claim
from waybill.data_folder import prepare
from waybill.git_version import require_git
from waybill.locks import only_one
from waybill.logs import supervisor_log
from waybill.options import Addresses, Options
from waybill.readiness import wait_until_ready
from waybill.supervisor import Supervisor

READY_WITHIN_S = 30.0


def serve(options: Options) -> None:
    """Return after a signal, when both children have ended. Raises CommandError when it cannot start."""
    require_git()
    wanted = options.addresses()
    data = prepare(options.data)
    with only_one(data, "serve"):
        addresses = Addresses(
            proxy=claim(wanted.proxy, "--proxy"),
            api=claim(wanted.api, "--api"),
            proxy_ops=claim(wanted.proxy_ops, "--proxy-ops"),
            api_ops=claim(wanted.api_ops, "--api-ops"),
        )
        lines = _prepare_screen(data, addresses)
        asyncio.run(_supervise(data, addresses, lines, fsync=options.fsync))


def _prepare_screen(data: Path, addresses: Addresses) -> list[str]:
    """Make the first start if it is due, and return what to show once everything runs."""
    layout = Layout(data)
    if first_start.is_due(layout):
        return screen.first_start_lines(first_start.complete(layout, addresses), str(layout.initial_credentials))
    credentials.follow_addresses(layout.initial_credentials, addresses)
    return screen.later_start_lines(addresses, str(layout.repository))


async def _supervise(data: Path, addresses: Addresses, lines: list[str], *, fsync: bool) -> None:
    log = supervisor_log()

    async def announce() -> None:
        late = await wait_until_ready({"proxy": addresses.proxy_ops, "api": addresses.api_ops}, READY_WITHIN_S)
        if late:
            log.warning("not ready yet", children=late, after_s=READY_WITHIN_S)
            await wait_until_ready({"proxy": addresses.proxy_ops, "api": addresses.api_ops}, float("inf"))
        screen.show(lines)

    commands = {plane: child_command(plane, data, addresses, fsync=fsync) for plane in ("proxy", "api")}
    await Supervisor(commands, log).run(announce)


def child_command(plane: str, data: Path, addresses: Addresses, *, fsync: bool) -> list[str]:
    """The same program, one plane of it, with every flag said."""
    flags = {
        "--data": data,
        "--proxy": addresses.proxy,
        "--api": addresses.api,
        "--proxy-ops": addresses.proxy_ops,
        "--api-ops": addresses.api_ops,
    }
    given = [str(part) for flag in flags.items() for part in flag]
    return [sys.executable, "-m", "waybill", plane, *given, "--fsync" if fsync else "--no-fsync"]

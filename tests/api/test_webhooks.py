"""Alerts posted to a real receiver: signed, retried, kept over a restart, not redirected, not to a private address unasked."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import trustme

from api.alerts.addresses import AddressRefused, checked_addresses, is_public
from api.alerts.webhooks import RETRY_S, Webhooks
from api.database import alerts
from api.database.alerts import Alert
from api.database.engine import open_engine
from api.database.recording import Raised, SqliteRecords
from core.config import AlertWebhook
from core.fields import Credential
from tests.api.journalled import database

NOW = 1_795_424_460_123  # 2026-11-23T09:01:00.123Z
SECRET = "a webhook's signing secret"


def alert(number: int, **changes) -> Alert:
    values = {
        "event": f"share:{number}",
        "kind": "share",
        "at_ms": NOW,
        "project": "a",
        "token": "t",
        "model": "",
        "metric": "cost",
        "window": "daily",
        "start_ms": NOW - NOW % 86_400_000,
        "reset_ms": NOW - NOW % 86_400_000 + 86_400_000,
        "value": 1_500_000_000,
        "used": 1_200_000_001,
    }
    return Alert(**{**values, **changes})


class Receiver:
    """An HTTP server that answers with the statuses it was given, 204 after them, and keeps what it got."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.port = 0

    @asynccontextmanager
    async def listening(self, context: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = (line.partition(": ") for line in head.split("\r\n")[1:] if line)
        headers = {name.lower(): value for name, _, value in lines}
        self.got.append((headers, await reader.readexactly(int(headers["content-length"]))))
        status = self.statuses.pop(0) if self.statuses else 204
        location = f"location: http://127.0.0.1:{self.port}/elsewhere\r\n" if 300 <= status < 400 else ""
        writer.write(f"HTTP/1.1 {status} X\r\n{location}content-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()


class Place:
    """A database with deliveries, and the time."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.url = database(folder)
        self.engine = open_engine(self.url)
        self.now_ms = NOW
        self.hooks: tuple[AlertWebhook, ...] = ()

    def to(self, url: str, **changes) -> None:
        values = {"url": url, "secret": Credential(env="WAYBILL_SECRET_HOOK"), "allow_private_address": True}
        self.hooks = (AlertWebhook(**{**values, **changes}),)

    def raise_alerts(self, *found: Alert) -> list[Alert]:
        records = SqliteRecords(self.url)
        written = records.write_alerts(Raised(found, [hook.url for hook in self.hooks]))
        records.close()
        return written

    def webhooks(self, **changes) -> Webhooks:
        """As if the process had just started."""
        environment = {"WAYBILL_SECRET_HOOK": SECRET}
        values = {"environment": environment, **changes}
        return Webhooks(self.engine, lambda: self.hooks, self.folder / "secrets", lambda: self.now_ms, **values)

    async def deliver(self, **changes) -> float:
        async with httpx.AsyncClient(trust_env=False, verify=changes.pop("verify", True)) as client:
            return await self.webhooks(**changes).deliver_due(client)

    async def states(self) -> list[tuple]:
        async with self.engine.connect() as connection:
            found = await connection.exec_driver_sql(
                "SELECT attempts, due_ms, delivered_ms, error FROM alert_deliveries ORDER BY alert"
            )
            return [tuple(row) for row in found]


@pytest.fixture
async def place(tmp_path):
    place = Place(tmp_path)
    yield place
    await place.engine.dispose()


async def test_an_alert_is_posted_signed_and_with_an_id_of_its_own(place):
    async with Receiver().listening() as receiver:
        place.to(f"http://127.0.0.1:{receiver.port}/hook?key=1")
        written = place.raise_alerts(alert(1), alert(2, metric="calls", window="7200000", reset_ms=None, value=10, used=8))
        await place.deliver()
    bodies = [json.loads(payload) for _, payload in receiver.got]
    assert sorted(body["id"].split("-")[0] for body in bodies) == [str(each.id) for each in written] == ["1", "2"]
    for headers, payload in receiver.got:
        signed = headers["x-waybill-timestamp"].encode() + b"." + payload
        expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
        assert headers["x-waybill-signature"] == f"v1={expected}"
        assert headers["x-waybill-timestamp"] == str(NOW // 1000)
        assert headers["x-waybill-alert-id"] == json.loads(payload)["id"]
        assert headers["host"] == f"127.0.0.1:{receiver.port}"
    first, second = sorted(bodies, key=lambda body: body["id"])
    assert (first["limit"], first["used"], first["window"], first["owner"]) == (
        "1.5",
        "1.200000001",
        "daily",
        "token t of project a",
    )
    assert (first["window_start"], first["resets_at"]) == ("2026-11-23T00:00:00.000Z", "2026-11-24T00:00:00.000Z")
    assert (second["limit"], second["used"], second["window"], second["resets_at"]) == (10, 8, "2-hour", None)
    assert await place.states() == [(1, None, NOW, None)] * 2


@pytest.mark.parametrize("status", [500, 404, 429, 302, 308])
async def test_a_receiver_that_does_not_take_it_is_asked_again_later_and_never_followed(place, status):
    async with Receiver(status).listening() as receiver:
        place.to(f"http://127.0.0.1:{receiver.port}/")
        place.raise_alerts(alert(1))
        assert await place.deliver() == pytest.approx(RETRY_S[0])
        assert await place.states() == [(1, NOW + RETRY_S[0] * 1000, None, f"answered {status}")]
        await place.deliver()
        assert len(receiver.got) == 1, "it is not due yet"
        place.now_ms += RETRY_S[0] * 1000
        await place.deliver()
    assert await place.states() == [(2, None, place.now_ms, None)]
    ids = [headers["x-waybill-alert-id"] for headers, _ in receiver.got]
    assert len(ids) == 2
    assert len(set(ids)) == 1, "the same alert has the same id"


async def test_it_is_given_up_after_a_day(place):
    async with Receiver(*[503] * 50).listening() as receiver:
        place.to(f"http://127.0.0.1:{receiver.port}/")
        place.raise_alerts(alert(1))
        for wait_s in (0, *RETRY_S):
            place.now_ms += wait_s * 1000
            await place.deliver()
        assert await place.states() == [(len(RETRY_S) + 1, None, None, "answered 503")]
    assert len(receiver.got) == len(RETRY_S) + 1
    assert 86_000 <= sum(RETRY_S) <= 90_000


async def test_one_that_is_away_holds_up_no_other_and_nothing_is_lost_over_a_restart(place):
    async with Receiver().listening() as receiver:
        place.to(f"http://127.0.0.1:{receiver.port}/")
        away = AlertWebhook(url="http://127.0.0.1:9/", secret=place.hooks[0].secret, allow_private_address=True)
        place.hooks = (away, *place.hooks)
        place.raise_alerts(alert(1))
        await place.deliver()
    assert len(receiver.got) == 1
    assert sorted(error or "" for *_, error in await place.states()) == ["", "ConnectError"]


async def test_the_running_deliverer_is_woken_by_news(place):
    async with Receiver().listening() as receiver:
        place.to(f"http://127.0.0.1:{receiver.port}/")
        webhooks = place.webhooks()
        task = asyncio.create_task(webhooks.run())
        place.raise_alerts(alert(1))
        webhooks.news()
        async with asyncio.timeout(10):
            while not receiver.got:  # noqa: ASYNC110  # a list has nothing to wait on
                await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.wait([task])


async def test_a_private_address_is_refused_unless_the_configuration_allows_it(place):
    async with Receiver().listening() as receiver:
        place.to(f"http://localhost:{receiver.port}/", allow_private_address=False)
        place.raise_alerts(alert(1))
        await place.deliver()
    assert receiver.got == []
    ((_, _, _, error),) = await place.states()
    assert "which is not a public one" in error


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::10.0.0.1", False),
        ("2002:a00:1::", False),
    ],
)
def test_which_addresses_are_public(address, public):
    assert is_public(address) is public


async def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch):
    """A name server of the attacker's gives both, in the hope that only the first is looked at."""
    asked = []

    async def both(host, port, **_):
        asked.append(host)
        return [(2, 1, 6, "", (address, port)) for address in ("93.184.216.34", "127.0.0.1")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", both, raising=False)
    with pytest.raises(AddressRefused, match="127\\.0\\.0\\.1"):
        await checked_addresses("rebinding.example", 443, private=False)
    assert await checked_addresses("rebinding.example", 443, private=True) == ["93.184.216.34", "127.0.0.1"]
    assert asked == ["rebinding.example"] * 2


async def test_the_certificate_has_to_be_that_of_the_name_although_an_address_is_dialled(place):
    authority = trustme.CA()
    for name, taken in (("localhost", True), ("somebody-else.example", False)):
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(server)
        client = ssl.create_default_context()
        authority.configure_trust(client)
        async with Receiver().listening(server) as receiver:
            place.to(f"https://localhost:{receiver.port}/")
            place.raise_alerts(alert(1, event=name))
            await place.deliver(verify=client)
        assert bool(receiver.got) is taken


async def test_a_secret_comes_from_the_environment_or_the_secrets_folder_and_its_want_is_said(place):
    async with Receiver().listening() as receiver:
        place.to(f"http://127.0.0.1:{receiver.port}/", secret=Credential(file="hook"))
        place.raise_alerts(alert(1))
        await place.deliver()
        assert (await place.states())[0][3] == "the secrets folder has no readable file hook"
        (place.folder / "secrets").mkdir()
        (place.folder / "secrets" / "hook").write_text(f"{SECRET}\n")
        place.now_ms += 10_000
        await place.deliver()
    headers, payload = receiver.got[0]
    signed = headers["x-waybill-timestamp"].encode() + b"." + payload
    assert headers["x-waybill-signature"] == "v1=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()


async def test_a_webhook_that_is_configured_no_more_gets_nothing(place):
    async with Receiver().listening() as receiver:
        place.to(f"http://127.0.0.1:{receiver.port}/")
        place.raise_alerts(alert(1))
        place.hooks = ()
        await place.deliver()
    assert receiver.got == []
    assert await place.states() == [(1, None, None, "it is configured no more")]


async def test_old_alerts_go_with_their_deliveries(place):
    place.to("http://127.0.0.1:9/")
    place.raise_alerts(alert(1, at_ms=NOW - 10), alert(2))
    assert await alerts.remove_before(place.engine, NOW) == 1
    assert await alerts.bounds(place.engine) == (2, 2)
    assert len(await place.states()) == 1

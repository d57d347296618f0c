"""Posts alerts to the receivers that `waybill.yaml` names, until each has taken them or a day has passed.

What is to be delivered lies in a table that the recorder writes together with the alert, so a crash loses none; an attempt
whose answer was lost is made again, with the same id. Redirects are not followed, private addresses are not posted to unless
the configuration says so, and the environment's proxies are not used.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx
import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from api.alerts import posts
from api.alerts.addresses import AddressRefused, checked_addresses
from api.database import alerts
from api.database.alerts import Delivery
from core.config import AlertWebhook
from core.fields import Credential
from core.origins import DEFAULT_PORTS, origin_of

TIMEOUT_S = 10.0
RETRY_S = (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 30_000)  # then it is given up: a day after the first attempt
_MOST_AT_ONCE = 50
_IDLE_S = 60.0
_AFTER_FAILURE_S = 5.0

_log = structlog.get_logger("webhooks")


class NotDelivered(Exception):
    """The receiver did not take an alert; the message says why, without the secret and without what was answered."""


class Webhooks:
    """One a process. `configured` gives the webhooks that are in force, `secrets` is the folder of `file:` secrets."""

    def __init__(
        self,
        engine: AsyncEngine,
        configured: Callable[[], Sequence[AlertWebhook]],
        secrets: Path,
        now_ms: Callable[[], int],
        *,
        environment: Mapping[str, str] = os.environ,
        trusted: ssl.SSLContext | None = None,
    ) -> None:
        self.delivered_total = 0
        self.failed_total = 0  # attempts
        self._engine = engine
        self._configured = configured
        self._secrets = secrets
        self._now_ms = now_ms
        self._environment = environment
        self._trusted = trusted
        self._news = asyncio.Event()

    def news(self) -> None:
        """There are new alerts. Of the event loop."""
        self._news.set()

    async def run(self) -> None:
        """Deliver what is due until cancelled."""
        trusted = self._trusted
        if trusted is None:
            trusted = await asyncio.to_thread(ssl.create_default_context)
        # Connections are not kept: a kept one is known by its address, and names that share one must not share it.
        limits = httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(
            verify=trusted, trust_env=False, follow_redirects=False, timeout=TIMEOUT_S, limits=limits
        ) as client:
            while True:
                self._news.clear()
                try:
                    wait_s = await self.deliver_due(client)
                except DBAPIError as error:
                    _log.error("alerts cannot be delivered; it is tried again", error=type(error).__name__)
                    wait_s = _AFTER_FAILURE_S
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), wait_s)

    async def deliver_due(self, client: httpx.AsyncClient) -> float:
        """Try everything that is due now; returns in how many seconds something will be. Raises DBAPIError."""
        while waiting := await alerts.due(self._engine, self._now_ms(), _MOST_AT_ONCE):
            await asyncio.gather(*(self._deliver(client, delivery) for delivery in waiting))
        next_ms = await alerts.next_due_ms(self._engine)
        return _IDLE_S if next_ms is None else max(0.0, min(_IDLE_S, (next_ms - self._now_ms()) / 1000))

    async def _deliver(self, client: httpx.AsyncClient, delivery: Delivery) -> None:
        webhook = next((webhook for webhook in self._configured() if webhook.url == delivery.url), None)
        if webhook is None:
            await alerts.settle(self._engine, delivery, due_ms=None, delivered_ms=None, error="it is configured no more")
            return
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await self._post(client, webhook, delivery)
        except (NotDelivered, AddressRefused, httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            await self._failed(delivery, _reason(error))
            return
        self.delivered_total += 1
        await alerts.settle(self._engine, delivery, due_ms=None, delivered_ms=self._now_ms(), error="")

    async def _post(self, client: httpx.AsyncClient, webhook: AlertWebhook, delivery: Delivery) -> None:
        """One attempt. Raises what says why it failed."""
        url = httpx.URL(webhook.url)
        port = url.port or DEFAULT_PORTS[url.scheme]
        payload = posts.body(delivery.alert)
        signed = posts.headers(delivery.alert, payload, await asyncio.to_thread(self._secret, webhook), self._now_ms())
        named = {**signed, "host": url.netloc.decode("ascii")}
        failure: httpx.HTTPError | None = None
        for address in await checked_addresses(url.host, port, private=webhook.allow_private_address):
            request = client.build_request("POST", url.copy_with(host=address), content=payload, headers=named)
            # The certificate has to be that of the name, whatever address we dial.
            request.extensions["sni_hostname"] = url.host
            try:
                answer = await client.send(request, stream=True)
            except httpx.ConnectError as error:
                failure = error
                continue
            await answer.aclose()  # its body is nothing to us, however long
            if not answer.is_success:
                raise NotDelivered(f"answered {answer.status_code}")
            return
        raise failure or NotDelivered("the host has no address")

    async def _failed(self, delivery: Delivery, reason: str) -> None:
        self.failed_total += 1
        last = delivery.attempts >= len(RETRY_S)
        due_ms = None if last else self._now_ms() + RETRY_S[delivery.attempts] * 1000
        log = _log.error if last else _log.warning
        origin = origin_of(delivery.url.partition("?")[0])
        log("an alert was not delivered", alert=delivery.alert.id, to=origin, reason=reason, given_up=last)
        await alerts.settle(self._engine, delivery, due_ms=due_ms, delivered_ms=None, error=reason)

    def _secret(self, webhook: AlertWebhook) -> str:
        """The signing secret, read anew each time so that it can be changed. Raises NotDelivered."""
        reference: Credential = webhook.secret
        if reference.env is not None:
            value = self._environment.get(reference.env, "").strip()
            missing = f"the environment variable {reference.env} of the API is not set"
        else:
            missing = f"the secrets folder has no readable file {reference.file}"
            try:
                value = (self._secrets / str(reference.file)).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError):
                value = ""
        if not value:
            raise NotDelivered(missing)
        return value


def _reason(error: Exception) -> str:
    """Why an attempt failed, in words: none of them quotes the address, which may hold a key in its path."""
    if isinstance(error, (NotDelivered, AddressRefused)):
        return str(error)
    return "no answer in time" if isinstance(error, (TimeoutError, httpx.TimeoutException)) else type(error).__name__

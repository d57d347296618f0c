"""The operations port and the process's end."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.api.conftest import running
from tests.api.journalled import finished


async def test_a_process_is_alive_ready_and_says_its_figures(tmp_path: Path) -> None:
    async with running(tmp_path / "data") as api:
        assert (await api.ops.get("/healthz")).json() == {"status": "alive"}
        ready = await api.ops.get("/readyz")
        assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
        await api.record(finished(1), finished(2))
        await api.post("{ __typename }", None)
        figures = (await api.ops.get("/metrics")).text
        assert "waybill_recorder_rows 2.0" in figures
        assert "waybill_recorder_lag_bytes 0.0" in figures
        assert f'waybill_published_revision_info{{revision="{api.head()}"}} 1.0' in figures
        assert 'waybill_graphql_operations_total{kind="subscription",outcome="ok"} 1.0' in figures
        assert "waybill_graphql_unauthenticated_total 1.0" in figures
        assert "waybill_proxies_behind 0.0" in figures
        assert (await api.ops.get("/graphql")).status_code == 404


async def test_readiness_says_what_is_missing(tmp_path: Path) -> None:
    async with running(tmp_path / "data") as api:
        shutil.move(api.layout.repository, tmp_path / "elsewhere")
        answer = await api.ops.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["missing"][0] == "repository: it is away"
        assert (await api.ops.get("/healthz")).status_code == 200
        wish = {"slug": "demo", "expectedRevision": "1" * 40, "reason": "r", "name": "Elsewhere"}
        change = "mutation($wish: ProjectUpdateInput!) { projectUpdate(input: $wish) { __typename } }"
        (error,) = (await api.post(change, wish=wish)).json()["errors"]
        assert (error["extensions"]["code"], error["message"].endswith("try again later")) == ("UNAVAILABLE", True)
        shutil.move(tmp_path / "elsewhere", api.layout.repository)


async def test_the_end_completes_streams_and_closes_both_ports(tmp_path: Path) -> None:
    async with running(tmp_path / "data") as api:
        stream = api.stream('subscription { requestLogFeed(after: "0") { cursor } }')
        first = asyncio.ensure_future(anext(stream, None))
        await api.record(finished(1))
        assert (await first) is not None
        rest = asyncio.ensure_future(anext(stream, None))
        await asyncio.sleep(0)
        api.task.cancel()
        async with asyncio.timeout(30):
            assert await rest is None
            await asyncio.wait({api.task})
        with pytest.raises(OSError, match=r"refused|Connect"):
            await asyncio.open_connection("127.0.0.1", api.ops_port)

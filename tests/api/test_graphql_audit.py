"""All audits of the GraphQL over HTTP suite (npm `graphql-http`), in Node; `make test` installs it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path

import pytest

from tests.api.conftest import ADMIN_KEY, Api

AUDIT = Path(__file__).with_name("audit")
INSTALLED = (AUDIT / "node_modules" / "graphql-http").is_dir()


@pytest.mark.skipif(not shutil.which("node") or not INSTALLED, reason="needs Node, and `npm ci` in tests/api/audit")
@pytest.mark.asyncio(loop_scope="module")
async def test_every_audit_of_graphql_over_http_passes(api: Api) -> None:
    process = await asyncio.create_subprocess_exec(
        "node",
        "audit.mjs",
        cwd=AUDIT,
        env={**os.environ, "AUDIT_URL": api.url, "AUDIT_KEY": ADMIN_KEY},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    audits = [json.loads(line) for line in output.splitlines()]
    assert len(audits) == 61
    assert [audit for audit in audits if audit["status"] != "ok"] == []

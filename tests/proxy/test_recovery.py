"""What a start takes over from a process that was killed before it wrote a checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

from core.events import RequestAdmitted
from proxy.balances import Openings
from proxy.journal import Journal
from proxy.ledger import MemoryLedger
from tests.proxy.product import (
    HELLO,
    Asked,
    Publisher,
    configuration,
    journalled,
    provider,
    subprocess_proxy,
    well,
    whole,
)


async def judging(asked: Asked) -> None:
    points = json.dumps({"routing": [{"model": "b", "point": 1.0}]})
    await asked.answer(whole(asked.json["model"], points))


async def test_calls_to_a_model_that_only_a_policy_asks_are_counted_again(tmp_path: Path) -> None:
    async with provider() as up:
        up.default = well
        up.on("j", judging)
        files = configuration(up.port, policies="[{kind: llm, model: j, cache_ttl_seconds: 0}]")
        limit = b"limits: {rules: [{metric: calls, window: yearly, value: 2}]}\n"
        files["models/j.yaml"] = b"provider: up\nupstream_name: up-j\nprices: {input: 1, output: 2}\n" + limit
        Publisher(tmp_path).publish(files)
        chosen = []
        for _ in range(2):  # the second after the death of the first, which wrote no checkpoint
            async with subprocess_proxy(tmp_path) as proxy:
                for _ in range(2):
                    answer = await proxy.sdk().chat.completions.create(model="x", messages=HELLO, max_tokens=100)
                    chosen.append(answer.model)
                proxy.process.kill()
    assert chosen == ["b", "b", "a", "a"]  # the judge prefers b, and may be asked twice
    asked = [event for event in journalled(tmp_path) if isinstance(event, RequestAdmitted) and event.call_type == "routing"]
    assert len(asked) == 2


async def test_a_question_of_the_process_before_is_withdrawn(tmp_path: Path) -> None:
    layout = Publisher(tmp_path).layout
    layout.balances.mkdir()
    question = layout.pending_counts("proxy-1")
    question.write_bytes(b'{"asked": 1, "counts": []}')
    openings = Openings(layout, "proxy-1", MemoryLedger(new=True), Journal.open(layout.journal), lambda: 0)
    openings.begin()
    await openings.step()
    assert not question.exists()

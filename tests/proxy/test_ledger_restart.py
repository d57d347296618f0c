"""A ledger after a restart: checkpoint and journal give the very figures that the dead process had."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from core.events import JournalEvent, RequestAdmitted
from proxy.ledger.memory import MemoryLedger
from proxy.ledger.reservations import Grant
from tests.proxy.ledgers import World, admitted, attempt, crashed, finished, limits, rule, used


def granted(answer: object) -> Grant:
    assert isinstance(answer, Grant), answer
    return answer


def decode(line: bytes) -> JournalEvent:
    return msgspec.json.decode(line, type=JournalEvent)


def plain(ledger: MemoryLedger) -> dict[str, Any]:
    """The state of a ledger as a checkpoint has it."""
    state: dict[str, Any] = json.loads(msgspec.json.encode(ledger.state()))
    return state


def restarted(world: World, journal: list[bytes], checkpoint: str | None) -> World:
    """Another process over the same configuration: checkpoint, then what the journal says after it."""
    again = World(MemoryLedger.restore(json.loads(checkpoint)) if checkpoint else MemoryLedger())
    again.__dict__.update({key: value for key, value in world.__dict__.items() if key not in ("ledger", "book")})
    again.book = again.ledger.book(world._settings, world._models)
    again.terms()
    for line in journal:
        again.ledger.fold(decode(line))
    return again


def test_a_restart_knows_every_count_and_books_what_died_at_its_reserve() -> None:
    world = World(
        project=limits(rule("cost", "daily", 1), rule("calls", 3_600, 9)), own=limits(rule("total_tokens", "weekly", 10**6))
    )
    journal: list[bytes] = []
    checkpoint = None
    for number in range(6):
        grant = granted(world.reserve(str(number), tokens=100 + number))
        journal.append(msgspec.json.encode(admitted(str(number), grant)))
        if number % 2:
            end = finished(str(number), attempt("a", usage=used(50)))
            world.ledger.settle(end)
            journal.append(msgspec.json.encode(end))
        if number == 3:
            checkpoint, after = msgspec.json.encode(world.ledger.state()).decode(), len(journal)
    assert checkpoint is not None
    moved = granted(world.ledger.move("0", "b", world.now_ms, attempt("a", "error", used(40))))
    journal.append(msgspec.json.encode(admitted("0", moved)))
    again = restarted(world, journal[after:], checkpoint)
    assert again.held() == world.held() == restarted(world, journal, None).held()
    assert plain(again.ledger)["open"] == plain(world.ledger)["open"]
    still_open = {event.id: event for event in map(decode, journal) if isinstance(event, RequestAdmitted)}
    reserves = sum(kept["amounts"][0] for kept in plain(world.ledger)["open"].values()) + 40_000
    for request in ("0", "2", "4"):
        again.ledger.fold(crashed(still_open[request]))
    assert again.held()[0] == ("project", "cost", 3 * 50_000 + reserves, 0)
    assert again.held()[1] == ("project", "calls", 6, 0)


def test_what_was_open_at_the_checkpoint_ends_by_its_event() -> None:
    world = World(project=limits(rule("calls", "daily", 9)))
    granted(world.reserve("r"))
    again = MemoryLedger.restore(plain(world.ledger))
    again.fold(finished("r", attempt("a", usage=used(1))))
    assert plain(again)["open"] == {}

"""The worked examples of limits: each row of `cases/limits-*.yaml` is its rule with its arithmetic, written from product.md."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from core.bounds import demand, model_bounds, shrunk
from core.config import ModelEntry, Token
from core.facts import Facts
from core.fields import LimitRule, Limits, RollingWindow
from core.limits import effective_per_model, effective_totals, model_scopes, total_scopes, window_of
from core.limits.windows import reset_ms, start_ms
from core.money import PriceTable, RateCard
from core.routing.candidates import Candidate

CASES = Path(__file__).parent / "cases"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rows(name: str) -> list[Any]:
    document = yaml.load(
        (CASES / f"{name}.yaml").read_text(), Loader=yaml.CBaseLoader if "windows" in name else yaml.CSafeLoader
    )
    shared = {key: value for key, value in document.items() if key != "rows"}
    return [pytest.param({**shared, **row}, id=row["rule"]) for row in document["rows"]]


def unix_ms(written: str) -> int:
    return (datetime.fromisoformat(written) - EPOCH) // timedelta(milliseconds=1)


def value(arithmetic: object) -> int:
    return int(eval(str(arithmetic), {"__builtins__": {}}))


# --- windows ---


@pytest.mark.parametrize("row", rows("limits-windows"))
def test_a_window_starts_and_resets_as_its_rule_says(row: dict[str, Any]) -> None:
    written = row["window"]
    if isinstance(written, dict):
        written = RollingWindow(rolling=int(written["rolling"]), unit=written["unit"])
    window, now_ms = window_of(written), unix_ms(row["now"])
    assert start_ms(window, now_ms) == unix_ms(row["start"])
    assert reset_ms(window, now_ms) == (unix_ms(row["reset"]) if "reset" in row else None)


@pytest.mark.parametrize("row", [row for row in rows("limits-windows") if "reset" in row.values[0]])
def test_every_instant_of_a_calendar_window_has_the_same_one(row: dict[str, Any]) -> None:
    first, following = unix_ms(row["start"]), unix_ms(row["reset"])
    for now_ms in (first, first + 1, (first + following) // 2, following - 1):
        assert (start_ms(row["window"], now_ms), reset_ms(row["window"], now_ms)) == (first, following)
    assert start_ms(row["window"], following) == following
    assert reset_ms(row["window"], first - 1) == first


def test_the_same_length_is_the_same_window() -> None:
    assert window_of(RollingWindow(rolling=60, unit="seconds")) == window_of(RollingWindow(rolling=1, unit="minutes"))


# --- chains ---


def limits(level: Any) -> Limits:
    if level is None:
        return Limits()
    mode, values = (level["mode"], level["rules"]) if isinstance(level, dict) else ("replace", level)
    return Limits(mode=mode, rules=tuple(LimitRule(metric="calls", window="daily", value=Decimal(most)) for most in values))


@pytest.mark.parametrize("row", rows("limits-chains"))
def test_what_is_left_of_both_chains(row: dict[str, Any]) -> None:
    entries = (ModelEntry(id="m", limits=limits(row["own"])),) if "own" in row else ()
    others = (ModelEntry(id="other", limits=limits([7])),)
    token = Token(name="t", sha256="0" * 64, prefix="sk", limits=limits(row.get("token")), models=(*others, *entries))
    platform, project = limits(row.get("platform")), limits(row.get("project"))
    totals = effective_totals(platform, project, token.limits, total_scopes("p", "t"))
    own = effective_per_model(limits(row.get("model")), limits(row.get("entry")), token, "m", model_scopes("p", "t", "m"))
    assert [f"{held.scope.kind} {held.amount}" for held in (*totals, *own)] == row["hold"]


def test_a_scope_counts_exactly_its_own() -> None:
    assert total_scopes("p", "t") == (("", "", ""), ("p", "", ""), ("p", "t", ""))
    assert model_scopes("p", "t", "m") == (("", "", "m"), ("p", "", "m"), ("p", "t", "m"))


def test_the_token_of_another_project_is_another_scope() -> None:
    assert total_scopes("p", "t")[2] != total_scopes("q", "t")[2]


# --- bounds ---


def rate_card(given: dict[str, int]) -> RateCard:
    full = {
        **dict.fromkeys(("cached_input", "cache_write_5m", "cache_write_1h", "audio_input"), given["input"]),
        **dict.fromkeys(("reasoning", "audio_output"), given["output"]),
        **given,
    }
    return RateCard(**full)


@pytest.mark.parametrize("row", rows("limits-bounds"))
def test_what_is_reserved(row: dict[str, Any]) -> None:
    facts = msgspec.convert(row["facts"], Facts)
    prices = row["prices"]
    tiers = tuple((above, rate_card(card)) for above, card in row.get("tiers", ()))
    table = None if prices is None else PriceTable(base=rate_card(prices), tiers=tiers)
    candidate = Candidate(id="m", provider="p", upstream_name="m", prices=table, max_output_tokens=row.get("model"))
    wanted = demand(facts, model_bounds(candidate), row.get("default"), row.get("exact"))
    assert wanted.input_tokens == value(row.get("input", facts.input_tokens_bound))
    assert wanted.output_tokens == value(row["output"])
    assert wanted.cost_nano_usd == (None if row["cost"] is None else value(row["cost"]))
    assert (wanted.sent_cap if wanted.own_cap else None) == row.get("cap")
    into, out = wanted.input_tokens, wanted.output_tokens
    assert wanted.amounts == (wanted.cost_nano_usd or 0, 1, into, out, into + out)
    if "rooms" in row:
        cost, output, total = (None if room is None else value(room) for room in row["rooms"])
        smaller = shrunk(wanted, cost, output, total)
        if row["shrunk"] is None:
            assert smaller is None
        else:
            assert smaller is not None
            assert smaller.output_tokens == value(row["shrunk"])
            assert smaller.sent_cap == smaller.cap == smaller.output_tokens // facts.answers
            assert smaller.own_cap

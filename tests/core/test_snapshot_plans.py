"""A project's plan: its candidates, prices with every fallback, timeouts; compiled once and kept while nothing changed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core import files
from core.config import Config, Prices, PriceTier, Timeouts
from core.money import RateCard
from core.plans import ResolvedTimeouts, price_table, resolve_timeouts
from core.snapshot import ProjectPlan, Snapshot, difference, full_delta
from tests.core.configurations import SOUND, sample, token

MODEL = b"provider: sim\nupstream_name: up\n"
ROUTING = "projects/a/routing.yaml"


@pytest.fixture(scope="module")
def sound() -> Config:
    return files.load(SOUND)


def plan(changes: dict[str, bytes | None], slug: str = "a") -> ProjectPlan:
    found = Snapshot.build(full_delta(files.apply(files.load(SOUND), changes), "r")).plan(slug)
    assert found is not None
    return found


CANDIDATES: list[tuple[str, dict[str, bytes | None], list[str]]] = [
    ("in the project's order", {}, ["fast", "team/smart"]),
    ("the other way round", {ROUTING: b"models: [{id: team/smart}, {id: fast}]"}, ["team/smart", "fast"]),
    ("without a disabled model", {"models/fast.yaml": MODEL + b"enabled: false"}, ["team/smart"]),
    ("without those of a disabled provider", {"providers/sim.yaml": b"kind: simulated\nenabled: false"}, []),
    (
        "with those of the project's own provider",
        {"providers/sim.yaml": b"kind: simulated\nproject: a"},
        ["fast", "team/smart"],
    ),
    ("without those of another project's provider", {"providers/sim.yaml": b"kind: simulated\nproject: b"}, []),
    ("none without a routing", {ROUTING: None}, []),
]


@pytest.mark.parametrize(("changes", "expected"), [row[1:] for row in CANDIDATES], ids=[row[0] for row in CANDIDATES])
def test_candidates_are_what_the_project_may_use_now(changes: dict[str, bytes | None], expected: list[str]) -> None:
    made = plan(changes)
    assert [candidate.id for candidate in made.candidates] == expected == list(made.listed)


def test_a_candidate_carries_what_policies_read() -> None:
    model = MODEL + b"context_window: 9\nmax_output_tokens: 8\nunpriced: allow\ncapabilities: {vision: false}"
    [made] = plan({"models/fast.yaml": model, ROUTING: b"models: [{id: fast, guidance: be quick}]"}).candidates
    assert (made.provider, made.upstream_name, made.guidance, made.unpriced_allowed) == ("sim", "up", "be quick", True)
    assert (made.context_window, made.max_output_tokens, made.capabilities.vision, made.prices) == (9, 8, False, None)


def test_a_model_is_not_sent_what_it_declares_it_is_not_made_for() -> None:
    made = plan(
        {
            "models/fast.yaml": MODEL + b"capabilities: {chat: false, embeddings: true}",
            "models/team/smart.yaml": MODEL + b"capabilities: {embeddings: false}",
        }
    )
    assert made.listed == ("fast", "team/smart")
    found = {dialect: ([each.id for each in able.candidates], able.unable) for dialect, able in made.able.items()}
    chat = (["team/smart"], {"fast": "it declares `chat: false`"})
    assert found == {
        "openai_chat": chat,
        "anthropic": chat,
        "openai_embeddings": (["fast"], {"team/smart": "it declares `embeddings: false`"}),
    }


def test_a_plan_has_the_projects_own_limits_on_its_models() -> None:
    limits = "{rules: [{metric: calls, window: daily, value: 3}]}"
    made = plan({ROUTING: f"models: [{{id: fast, limits: {limits}}}, {{id: team/smart}}]".encode()})
    assert list(made.entry_limits) == ["fast"]
    assert made.entry_limits["fast"].rules[0].value == 3


def test_only_enabled_policies_weigh() -> None:
    text = b"policies: [{kind: health}, {kind: cheapest, enabled: false}, {kind: performance}]"
    assert [type(policy).__name__ for policy in plan({ROUTING: text}).policies] == ["Health", "Performance"]


TIMEOUTS = [
    ("the defaults", Timeouts(), Timeouts(), ResolvedTimeouts()),
    ("the installation's", Timeouts(), Timeouts(timeout_ms=7), ResolvedTimeouts(timeout_ms=7)),
    ("the project's before them", Timeouts(timeout_ms=5), Timeouts(timeout_ms=7), ResolvedTimeouts(timeout_ms=5)),
    (
        "one for attempts rules both sorts", Timeouts(attempt_timeout_ms=5), Timeouts(idle_timeout_ms=6, connect_timeout_ms=4),
        ResolvedTimeouts(attempt_timeout_ms=5, attempt_timeout_streamed_ms=5, idle_timeout_ms=6, connect_timeout_ms=4),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("project", "settings", "expected"), [row[1:] for row in TIMEOUTS], ids=[row[0] for row in TIMEOUTS])
def test_timeouts_are_the_projects_then_the_installations_then_the_defaults(
    project: Timeouts, settings: Timeouts, expected: ResolvedTimeouts
) -> None:
    assert resolve_timeouts(project, settings) == expected


def test_the_default_timeouts_are_those_of_the_product() -> None:
    defaults = ResolvedTimeouts()
    assert (defaults.timeout_ms, defaults.idle_timeout_ms, defaults.connect_timeout_ms) == (600_000, 60_000, 5_000)
    assert (defaults.attempt_timeout_streamed_ms, defaults.attempt_timeout_ms) == (30_000, 120_000)


def card(**prices: int) -> RateCard:
    fallbacks = {"cached_input": "input", "cache_write_5m": "input", "cache_write_1h": "input", "audio_input": "input",
                 "reasoning": "output", "audio_output": "output"}  # fmt: skip
    return RateCard(**prices, **{name: prices[source] for name, source in fallbacks.items() if name not in prices})


def usd(**prices: str) -> dict[str, Decimal]:
    return {name: Decimal(price) for name, price in prices.items()}


def test_prices_become_whole_pico_usd_a_token() -> None:
    table = price_table(Prices(**usd(input="0.000001", output="2.5", cached_input="0", reasoning="3.10")))
    assert table.base == card(input=1, output=2_500_000, cached_input=0, reasoning=3_100_000)
    assert table.tiers == ()


TIERS = [
    ("what a tier leaves out is the base's", usd(output="9"), card(input=1_000_000, output=9_000_000, cached_input=100_000)),
    ("a cache price of the base holds in a dearer tier", usd(input="5"),
     card(input=5_000_000, output=2_000_000, cached_input=100_000)),
    ("a cache price that neither gives is the tier's input", usd(input="5", cached_input="4"),
     card(input=5_000_000, output=2_000_000, cached_input=4_000_000)),
]  # fmt: skip


@pytest.mark.parametrize(("tier", "expected"), [row[1:] for row in TIERS], ids=[row[0] for row in TIERS])
def test_a_tier_falls_back_to_the_base_before_it_falls_back_to_its_input(tier: dict[str, Decimal], expected: RateCard) -> None:
    prices = Prices(**usd(input="1", output="2", cached_input="0.1"), tiers=(PriceTier(above_input_tokens=9, **tier),))
    assert price_table(prices).tiers == ((9, expected),)


KEPT: list[tuple[str, dict[str, bytes | None], bool]] = [
    ("a token", {"projects/a/tokens/t2.yaml": token("2x")}, True),
    ("another project", {"projects/b/project.yaml": b"id: id-b\nname: B\n"}, True),
    ("a role", {"roles.yaml": SOUND["roles.yaml"] + b"  other: {permissions: []}\n"}, True),
    ("its own file", {"projects/a/project.yaml": b"id: id-a\nname: A\n"}, False),
    ("its routing", {ROUTING: None}, False),
    ("a model", {"models/fast.yaml": MODEL}, False),
    ("a provider", {"providers/sim.yaml": b"kind: simulated\nenabled: false"}, False),
    ("the settings", {"waybill.yaml": b"format: 1\ntimeouts: {timeout_ms: 5}"}, False),
]


@pytest.mark.parametrize(("changes", "kept"), [case[1:] for case in KEPT], ids=[case[0] for case in KEPT])
def test_a_plan_is_kept_while_nothing_that_it_depends_on_changed(
    sound: Config, changes: dict[str, bytes | None], kept: bool
) -> None:
    before = Snapshot.build(full_delta(sound, "r1"))
    first = before.plan("a")
    after = before.apply(difference(sound, "r1", files.apply(sound, changes), "r2"))
    assert (after.plan("a") is first) is kept
    assert before.plan("a") is first


def test_the_sample_has_three_simulated_models_that_need_no_key() -> None:
    snapshot = Snapshot.build(full_delta(files.load(sample()), "r"))
    demo, bot = snapshot.plan("demo"), snapshot.plan("support-bot")
    assert demo is not None
    assert bot is not None
    assert demo.listed == ("sim-fast", "sim-smart", "sim-cheap")
    assert set(bot.listed) <= set(demo.listed)
    assert len({candidate.prices for candidate in demo.candidates}) == 3
    assert {snapshot.providers[candidate.provider].kind for candidate in demo.candidates} == {"simulated"}
    assert not snapshot.providers["openai"].enabled
    assert not snapshot.providers["local"].enabled

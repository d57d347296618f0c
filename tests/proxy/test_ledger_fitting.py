"""What fits, what stands in the way where it does not, falling back, and what is told of it: product.md, sections 2 to 4."""

from __future__ import annotations

from decimal import Decimal

from core.facts import Facts
from core.fields import Prices
from core.limits import deciding, reasons
from proxy.ledger.reservations import Grant
from tests.proxy.ledgers import NOW_MS, World, attempt, finished, limits, rule, used

DAY_MS = 86_400_000


def granted(answer: object) -> Grant:
    assert isinstance(answer, Grant), answer
    return answer


def causes(answer: object) -> list[str]:
    assert isinstance(answer, tuple), answer
    return [block.cause for block in answer]


# --- caps ---


def test_an_output_bound_of_nobodys_is_sent_as_the_cap_where_a_limit_counts_on_it() -> None:
    for metric, cap in (("cost", 700), ("output_tokens", 700), ("total_tokens", 700), ("calls", None), ("input_tokens", None)):
        world = World(project=limits(rule(metric, "daily", 10**6)), default=700)
        assert granted(world.reserve("r", tokens=1)).cap == cap
    assert granted(World(default=700).reserve("r", tokens=1)).cap is None
    world = World(own=limits(rule("cost", "daily", 10**6)), default=None)
    assert granted(world.reserve("r", tokens=1)).cap == 4096
    assert granted(world.reserve("s", "b", tokens=1)).cap is None
    assert granted(world.reserve("u", tokens=1, output_tokens_cap=9)).cap is None


def test_it_shrinks_to_what_fits_beside_what_others_hold() -> None:
    world = World(project=limits(rule("output_tokens", "daily", 1_000), rule("cost", "daily", "0.00095")), default=700)
    assert granted(world.reserve("1")).cap == 700
    [money] = world.reserve("2")
    assert (money.cause, money.metric, money.needed) == ("reserved", "cost", 256_000)
    world.reload(project=limits(rule("output_tokens", "daily", 1_000)), default=700)
    assert granted(world.reserve("3")).cap == 300
    assert causes(world.reserve("4")) == ["reserved"]
    assert causes(world.reserve("5", tokens=0, output_tokens_cap=1_001)) == ["too_little"]


# --- why not ---


def test_each_cause_and_when_it_ends() -> None:
    world = World(project=limits(rule("cost", "daily", 1)), own=limits(rule("calls", 60, 1)))
    granted(world.reserve("r", tokens=600_000, output_tokens_cap=0))
    [money, calls] = world.reserve("x", tokens=600_000, output_tokens_cap=0)
    assert (money.cause, calls.cause) == ("reserved", "reserved")
    assert money.retry_after_s(world.now_ms) == 1
    world.ledger.settle(finished("r", attempt("a", usage=used(600_000))))
    [money, calls] = world.reserve("x", tokens=600_000, output_tokens_cap=0)
    assert (money.cause, money.ends_ms) == ("too_little", NOW_MS - NOW_MS % DAY_MS + DAY_MS)
    assert (calls.cause, calls.ends_ms) == ("exhausted", NOW_MS + 60_001)
    assert calls.retry_after_s(world.now_ms) == 61
    assert str(money) == (
        "the daily cost limit of project p has too little left: 0.6 USD of 1 USD used, this request may need 0.6 USD, "
        "until 2026-11-24T00:00:00Z"
    )
    assert str(calls) == (
        "the 1-minute call limit of model a for token t of project p is used up: 1 of 1 used, until 2026-11-23T09:02:00Z"
    )
    assert deciding({"a": (money, calls)}) is calls
    assert reasons({"a": (calls,)}) == {"a": str(calls)}


def test_the_limit_that_ends_first_decides_and_one_that_never_ends_is_the_last() -> None:
    world = World(
        project=limits(rule("calls", "monthly", 0), rule("total_tokens", "daily", 10)),
        model=limits(rule("total_tokens", "hourly", 10)),
    )
    world.terms()
    world.ledger.settle(finished("r", attempt("a", usage=used(10))))
    blocks = world.blocked()
    assert {model: [block.ends_ms is None for block in found] for model, found in blocks.items()} == {
        "a": [True, False, False], "b": [True, False], "c": [True, False]
    }  # fmt: skip
    for model, decisive in (("a", "hourly"), ("b", "daily")):
        block = deciding({model: blocks[model]})
        assert block is not None
        assert block.effective.rule.window == decisive
    never = deciding({"b": blocks["b"][:1]})
    assert never is not None
    assert (never.ends_ms, never.retry_after_s(NOW_MS)) == (None, None)


def test_a_need_above_the_whole_limit_and_a_limit_of_0_never_end() -> None:
    world = World(project=limits(rule("total_tokens", "daily", 100)), own=limits(rule("calls", 60, 0)))
    [tokens, calls] = world.reserve("x", tokens=101, output_tokens_cap=0)
    assert (tokens.cause, tokens.ends_ms, calls.cause, calls.ends_ms) == ("too_little", None, "exhausted", None)
    assert tokens.retry_after_s(world.now_ms) is None
    assert "whenever it is asked" in str(calls)
    assert world.blocked().keys() == {"a"}


def test_a_candidate_that_only_waits_for_others_makes_the_refusal_retryable() -> None:
    world = World(model=limits(rule("calls", "daily", 0)), project=limits(rule("calls", "hourly", 1)))
    granted(world.reserve("r", "b"))
    blocks = {model: world.reserve("x", model) for model in ("a", "b")}
    assert {model: causes(found) for model, found in blocks.items()} == {"a": ["reserved", "exhausted"], "b": ["reserved"]}
    decisive = deciding(blocks)  # type: ignore[arg-type]  # both are refused, as asserted
    assert decisive is not None
    assert (decisive.cause, decisive.effective.scope.kind) == ("reserved", "project")


def test_an_exhausted_limit_drops_its_candidates_before_routing_and_a_full_one_does_not() -> None:
    world = World(model=limits(rule("calls", "daily", 1)))
    granted(world.reserve("r"))
    assert world.blocked() == {}
    world.ledger.settle(finished("r", attempt("a", usage=used(1))))
    assert world.blocked().keys() == {"a"}
    world.reload(model=limits(rule("calls", "daily", 1)), platform=limits(rule("total_tokens", "daily", 1)))
    world.terms()
    world.ledger.settle(finished("s", attempt("b", usage=used(1))))
    assert {model: len(found) for model, found in world.blocked().items()} == {"a": 2, "b": 1, "c": 1}


def test_a_free_request_passes_a_cost_limit_that_is_only_reserved_and_not_one_that_is_used_up() -> None:
    free = {"b": {"prices": Prices(input=Decimal(0), output=Decimal(0))}}
    world = World(project=limits(rule("cost", "daily", "0.00001")), models=free)
    granted(world.reserve("r", tokens=10, output_tokens_cap=0))
    granted(world.reserve("s", "b", tokens=10, output_tokens_cap=0))
    world.ledger.settle(finished("r", attempt("a", usage=used(10))))
    assert causes(world.reserve("t", "b", tokens=10, output_tokens_cap=0)) == ["exhausted"]


# --- fallback ---


def test_falling_back_releases_the_failed_attempt_less_what_it_cost_and_reserves_for_the_next() -> None:
    world = World(
        project=limits(rule("cost", "daily", 1), rule("calls", "daily", 9)),
        model=limits(rule("calls", "daily", 9), rule("cost", "daily", 1)),
    )
    granted(world.reserve("r", tokens=100, output_tokens_cap=100))
    grant = granted(world.ledger.move("r", "b", world.now_ms, attempt("a", "error", used(100, 3))))
    assert grant.model == "b"
    assert grant.spent == {"a": {"cost": 103_000, "calls": 0, "input_tokens": 100, "output_tokens": 3}}
    assert world.held() == [
        ("project", "cost", 0, 303_000), ("project", "calls", 0, 1), ("model", "calls", 0, 0), ("model", "cost", 0, 103_000)
    ]  # fmt: skip
    world.ledger.settle(finished("r", attempt("a", "error", used(100, 3)), attempt("b", usage=used(90))))
    assert world.held() == [
        ("project", "cost", 193_000, 0), ("project", "calls", 1, 0), ("model", "calls", 0, 0), ("model", "cost", 103_000, 0)
    ]  # fmt: skip


def test_the_last_call_of_a_limit_is_enough_for_a_request_that_falls_back() -> None:
    world = World(project=limits(rule("calls", "daily", 1)))
    granted(world.reserve("r"))
    granted(world.ledger.move("r", "b", world.now_ms, attempt("a", "error")))
    granted(world.ledger.move("r", "c", world.now_ms, attempt("b", "timeout")))
    assert world.held() == [("project", "calls", 0, 1)]
    world.ledger.settle(finished("r", attempt("a", "error"), attempt("b", "timeout"), attempt("c", usage=used(1))))
    assert world.held() == [("project", "calls", 1, 0)]


def test_without_room_for_the_next_it_is_skipped_and_the_one_after_it_may_do() -> None:
    dear = {"b": {"prices": None}, "c": {}}
    world = World(project=limits(rule("cost", "daily", "0.0005")), models=dear)
    granted(world.reserve("r", tokens=100, output_tokens_cap=300))
    assert causes(world.ledger.move("r", "b", world.now_ms, attempt("a", "error", used(100)))) == ["unpriced"]
    assert world.held() == [("project", "cost", 0, 100_000)]
    granted(world.ledger.move("r", "c", world.now_ms, None))
    assert world.held() == [("project", "cost", 0, 500_000)]
    world.ledger.settle(
        finished("r", attempt("a", "error", used(100)), attempt("b", "skipped"), attempt("c", "error"), status="error")
    )
    assert world.held() == [("project", "cost", 100_000, 0)]


def test_a_fallback_after_the_window_has_turned_stays_in_the_window_of_the_admission() -> None:
    world = World(project=limits(rule("total_tokens", "hourly", 500)), own=limits(rule("total_tokens", 60, 500)))
    granted(world.reserve("old", "b", tokens=300, output_tokens_cap=0))
    granted(world.reserve("r", tokens=100, output_tokens_cap=0))
    world.now_ms += 3_600_000
    granted(world.reserve("new", "b", tokens=450, output_tokens_cap=0))
    granted(world.ledger.move("r", "c", world.now_ms, attempt("a", "error")))
    assert world.held()[0] == ("project", "total_tokens", 0, 450)
    world.now_ms -= 3_600_000
    assert world.held()[0] == ("project", "total_tokens", 0, 400)


def test_a_fallback_counts_those_who_came_after_its_admission_too() -> None:
    world = World(project=limits(rule("total_tokens", 60, 500)))
    granted(world.reserve("r", tokens=100, output_tokens_cap=0))
    world.now_ms += 30_000
    granted(world.reserve("s", tokens=400, output_tokens_cap=0))
    granted(world.ledger.move("r", "b", world.now_ms, attempt("a", "error")))
    assert causes(world.ledger.move("r", "c", world.now_ms, attempt("b", "error", used(100), 1))) == ["reserved"]


# --- figures for policies ---


def test_what_remains_is_the_smallest_share_over_both_chains() -> None:
    world = World(
        project=limits(rule("calls", "daily", 10), rule("cost", "daily", 1)),
        model=limits(rule("calls", "daily", 4)),
        models={"c": {"prices": None, "unpriced": "allow"}},
    )
    for number in range(2):
        granted(world.reserve(str(number), tokens=100_000, output_tokens_cap=0))
    world.ledger.settle(finished("0", attempt("a", usage=used(100_000))))
    shares = world.ledger.remaining(world.terms(), world.plan().candidates, world.now_ms)
    assert shares == {"a": 2 / 4, "b": 8 / 10, "c": 8 / 10}
    world.reload(model=limits(rule("calls", "daily", 0)), own=limits(rule("cost", 60, 1), mode="extend"))
    assert world.ledger.remaining(world.terms(), world.plan().candidates, world.now_ms) == {"a": 0.0, "b": 1.0, "c": 1.0}


def test_an_exact_count_of_the_input_takes_the_place_of_its_bound() -> None:
    world = World(project=limits(rule("input_tokens", "daily", 100)))
    facts = Facts(input_tokens_bound=400)
    assert causes(world.ledger.reserve("r", world.terms(), "a", facts, world.now_ms)) == ["too_little"]
    assert (
        granted(world.ledger.reserve("r", world.terms(), "a", facts, world.now_ms, exact_input=90)).reserved["input_tokens"]
        == 90
    )

"""What eight policies and four limits with reservation cost a request more than three policies and no limit.

Two projects of one product, in turns: the three-policy one that every scenario uses, and one with limits on the project, the
token and each model. Then decisions and reservations alone, in this process: over candidates, history, tokens and use.
"""

from __future__ import annotations

import hashlib

from bench.configuration import MODELS, PROJECT, Sizes, configuration, request_body
from bench.decisions import admitting, deciding, least_us, line
from bench.programs import wrk
from bench.report import Figure, Outcome, at_most, middle, none, within
from bench.stand import Spent, Stand, spending
from bench.unary import CONNECTIONS

LIMITED = "bench-limited"
CANDIDATES = (1, 2, 5, 10, 20, 50)
MOST_US = 60
_TOKEN = "sk-lr-" + hashlib.sha256(LIMITED.encode()).hexdigest()[:43]
_KINDS = ("cheapest", "health", "performance", "capability", "context", "rate-limit", "fairness", "budget-remaining")


def limited(tokens: int = 1) -> dict[str, bytes]:
    """A project of five models at the same upstream, with eight policies and four limits that are never reached."""
    files = {
        f"projects/{LIMITED}/project.yaml": _lines(
            f"id: id-{LIMITED}", "name: Limited",
            *_limits("{metric: cost, window: daily, value: 1000000}",
                     "{metric: total_tokens, window: {rolling: 1, unit: hours}, value: 1000000000000}"),
        ),
        f"projects/{LIMITED}/routing.yaml": _lines(
            "models:", *(f"  - id: limited-{number}" for number in range(MODELS)),
            "policies:", *(f"  - kind: {kind}" for kind in _KINDS),
        ),
    }  # fmt: skip
    for number in range(MODELS):
        files[f"models/limited-{number}.yaml"] = _lines(
            "provider: bench", f"upstream_name: limited-{number}", f"prices: {{input: {number + 1}, output: {2 * number + 2}}}",
            "context_window: 128000", *_limits("{metric: output_tokens, window: monthly, value: 1000000000000}"),
        )  # fmt: skip
    for number in range(tokens):
        value = _TOKEN if number == 0 else f"{_TOKEN}/{number}"
        files[f"projects/{LIMITED}/tokens/t{number}.yaml"] = _lines(
            "name: Load", f"sha256: {hashlib.sha256(value.encode()).hexdigest()}", f"prefix: {value[:10]}",
            # Else the token's own limits would take the place of the project's.
            "limits:", "  mode: extend", *_limits("{metric: calls, window: hourly, value: 1000000000}")[1:],
        )  # fmt: skip
    return files


def _limits(*rules: str) -> list[str]:
    return ["limits:", "  rules:", *(f"    - {rule}" for rule in rules)]


def _lines(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def measure(stand: Stand) -> Outcome:
    """CPU a request of both projects; CPU a decision by candidates and history; CPU a reservation by tokens and use."""
    seconds, rounds = (8.0, 11) if stand.full else (3.0, 7)
    product = stand.make_product("policies", Sizes())
    product.push_files(limited(), "A project with limits")
    body, pid = request_body(), product.pid("proxy")

    def load(token: str, for_s: float) -> Spent:
        cores = stand.cores.load
        spent = spending(pid, lambda: wrk(product.url, token, body, connections=CONNECTIONS, seconds=for_s, cores=cores))
        product.settle()
        return spent

    plain = product.configuration.tokens[0]
    load(plain, 1.0)
    load(_TOKEN, 1.0)
    runs = stand.interleaved(rounds, {PROJECT: lambda: load(plain, seconds), LIMITED: lambda: load(_TOKEN, seconds)})
    inside = _inside(stand)
    start, step, off = line([(number, inside[f"{number} candidates"]) for number in CANDIDATES])
    few, many = middle(runs[PROJECT], "cpu_us"), middle(runs[LIMITED], "cpu_us")
    return Outcome(
        figures=[
            Figure(name="CPU a request, three policies and no limit", value=few, unit="µs"),
            Figure(name="CPU a request, eight policies and four limits", value=many, unit="µs"),
            at_most("the difference", many - few, MOST_US, "µs"),
            none("failed requests", sum(run.failed for run in (*runs[PROJECT], *runs[LIMITED]))),
            Figure(name="share of the time that others kept it from its core", value=middle(runs[LIMITED], "waited")),
            Figure(name="a decision of eight policies over five candidates", value=inside["5 candidates"], unit="µs"),
            Figure(name="of that, whatever the number of candidates", value=start, unit="µs"),
            Figure(name="a candidate more", value=step, unit="µs"),
            at_most("1 to 50 candidates: farthest from a straight line", off, 0.25),
            within("a decision after 100,000 records / after 1,000", inside["100,000 records"] / inside["1,000 records"], 0.15),
            Figure(name="what limits cost a request inside the ledger", value=inside["1 token"], unit="µs"),
            within("the same with 10,000 tokens / with one", inside["10,000 tokens"] / inside["1 token"], 0.15),
            within("the same after 100,000 requests / after none", inside["100,000 used"] / inside["1 token"], 0.15),
        ],
        rounds={"requests": runs, "inside": inside},
    )


def _inside(stand: Stand) -> dict[str, float]:
    """CPU microseconds of each thing that is measured in this process, by name."""
    rounds = 400 if stand.full else 120
    found = least_us({f"{number} candidates": deciding(number, 1_000) for number in CANDIDATES}, rounds)
    found |= least_us({f"{records:,} records": deciding(MODELS, records) for records in (1_000, 100_000)}, rounds)
    files = {"waybill.yaml": b"format: 1\n", **configuration(1, Sizes()).files}
    few, many = {**files, **limited()}, {**files, **limited(10_000)}
    acts = {
        "1 token": admitting(few, LIMITED, 0),
        "10,000 tokens": admitting(many, LIMITED, 0),
        "100,000 used": admitting(few, LIMITED, 100_000),
    }
    return found | least_us(acts, rounds)

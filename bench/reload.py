"""100 commits in a row under full load, with 1,000 projects and 10,000 tokens: nobody notices, and every row says which it was.

Commits are `projectUpdate` mutations, each sent as soon as the last one returned; with --full, pushes too.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections import Counter
from collections.abc import Callable

import msgspec

from bench.configuration import PROJECT
from bench.processes import waited_s
from bench.product import Product
from bench.programs import Client, Load
from bench.report import Figure, Outcome, at_least, at_most, none
from bench.stand import Stand, elapsed_since
from bench.unary import CONNECTIONS

COMMITS = 100
_HEAD = "{ revision { commit } }"
_UPDATE = """mutation Update($input: ProjectUpdateInput!) { projectUpdate(input: $input) {
  __typename ... on ProjectUpdated { change { revision pendingProxies } }
  ... on Conflict { message } ... on ValidationFailed { message }
} }"""
_numbers = itertools.count(1)


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One series of commits: the load before, with and after them, the commits, and how many rows name each."""

    before: Load
    during: Load
    after: Load
    waited: float  # share of the time with commits that others had the proxy's core
    commits: list[str]
    commits_s: float
    pending: int  # commits that a proxy did not run yet when the mutation returned
    rows: dict[str, int]  # revision -> rows
    unsuccessful: int


def measure(stand: Stand) -> Outcome:
    """Failures, the tail of latencies with and without commits, and the revisions of the rows."""
    product = stand.large
    before = str(product.graphql(_HEAD)["revision"]["commit"])
    runs = {"mutations": _run(stand, product, _mutate)}
    if stand.full:
        runs["pushes"] = _run(stand, product, _push)
    figures = []
    for name, run in runs.items():
        figures += _figures(name, run, before)
        before = run.commits[-1]
    return Outcome(figures=figures, rounds=runs)


def _figures(name: str, run: Run, before: str) -> list[Figure]:
    known = {before, *run.commits}
    loads = (run.before, run.during, run.after)
    without_ms = (run.before.p99_us + run.after.p99_us) / 2000
    return [
        Figure(name=f"{name}: commits a second", value=COMMITS / run.commits_s),
        Figure(name=f"{name}: returned before every proxy ran them", value=run.pending),
        none(f"{name}: failed requests", sum(load.trouble for load in loads) + run.unsuccessful),
        at_most(f"{name}: p99 higher by", run.during.p99_us / 1000 - without_ms, 20, "ms"),
        Figure(name=f"{name}: p99 without commits", value=without_ms, unit="ms"),
        Figure(name=f"{name}: slowest request with commits", value=run.during.max_us / 1000, unit="ms"),
        Figure(name=f"{name}: share of the time that others kept the proxy from its core", value=run.waited),
        Figure(name=f"{name}: requests a second with commits", value=run.during.per_second),
        none(f"{name}: rows more or fewer than answers", abs(sum(run.rows.values()) - sum(load.succeeded for load in loads))),
        none(f"{name}: rows that name no known revision", sum(n for revision, n in run.rows.items() if revision not in known)),
        at_least(f"{name}: rows of the revision before all commits", run.rows.get(before, 0), 1),
        at_least(f"{name}: rows of the last commit", run.rows.get(run.commits[-1], 0), 1),
        Figure(name=f"{name}: revisions that rows name", value=len(run.rows)),
    ]


def _run(stand: Stand, product: Product, commit: Callable[[Product], tuple[list[str], int]]) -> Run:
    tokens = stand.tokens(product)

    def load(*arguments: object) -> Client:
        return stand.client(product.ports["proxy"], tokens, "-c", CONNECTIONS, *arguments, lasts_s=600)

    load("-d", 3000).wait()
    product.settle()
    first = _newest(product)
    alone_ms = 10_000 if stand.full else 4_000
    before = load("-d", alone_ms).wait()
    product.settle()
    pid = product.pid("proxy")
    waited_before = waited_s(pid)
    client = load("-d", 600_000)
    elapsed = elapsed_since()
    try:
        commits, pending = commit(product)
    finally:
        commits_s = elapsed()
        during = client.stop()
    waited = (waited_s(pid) - waited_before) / during.seconds
    product.settle()
    after = load("-d", alone_ms).wait()
    product.settle()
    rows, unsuccessful = _rows_after(product, first)
    return Run(
        before=before,
        during=during,
        after=after,
        waited=waited,
        commits=commits,
        commits_s=commits_s,
        pending=pending,
        rows=rows,
        unsuccessful=unsuccessful,
    )


def _mutate(product: Product) -> tuple[list[str], int]:
    """Rename projects that are under load, one commit each."""
    head = str(product.graphql(_HEAD)["revision"]["commit"])
    commits, pending = [], 0
    for _ in range(COMMITS):
        number = next(_numbers)
        slug = f"{PROJECT}-{number % 900 + 1:05d}"
        wish = {
            "slug": slug,
            "expectedRevision": head,
            "reason": f"Rename {slug}",
            "name": f"Project {slug}, under load {number}",
        }
        answer = product.graphql(_UPDATE, input=wish)["projectUpdate"]
        if answer["__typename"] != "ProjectUpdated":
            raise RuntimeError(f"not committed: {answer}")
        head = answer["change"]["revision"]
        pending += bool(answer["change"]["pendingProxies"])
        commits.append(head)
    return commits, pending


def _push(product: Product) -> tuple[list[str], int]:
    """The same by `git push`."""
    commits = []
    with product.clone() as clone:
        for _ in range(COMMITS):
            number = next(_numbers)
            slug = f"{PROJECT}-{number % 900 + 1:05d}"
            content = f"id: id-{slug}\nname: Project {slug}, pushed {number}\n".encode()
            commits.append(clone.push({f"projects/{slug}/project.yaml": content}, f"Rename {slug}"))
    return commits, 0


def _newest(product: Product) -> int:
    with sqlite3.connect(f"file:{product.layout.database}?mode=ro", uri=True) as database:
        return int(database.execute("SELECT coalesce(max(position), 0) FROM request_logs").fetchone()[0])


def _rows_after(product: Product, position: int) -> tuple[dict[str, int], int]:
    """Rows by revision, and how many of them are no success."""
    with sqlite3.connect(f"file:{product.layout.database}?mode=ro", uri=True) as database:
        found = database.execute(
            "SELECT revision, status, count(*) FROM request_logs WHERE position > ? GROUP BY revision, status", (position,)
        ).fetchall()
    rows: Counter[str] = Counter()
    for revision, _, count in found:
        rows[revision] += count
    return dict(rows), sum(count for _, status, count in found if status != "success")

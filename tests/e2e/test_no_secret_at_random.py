"""After any use, kills and mistakes included: what was issued lies nowhere in the data folder and in no answer but the one that
shows it once. Every file is looked at, objects of Git and pages of SQLite as they are; ten times as long in `make soak`."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.product import Product
from tests.e2e.secret_run import SecretRun
from tests.e2e.test_no_secret import files, objects
from tests.e2e.upstream import QuotingProvider

CREDENTIALS = "initial-credentials.yaml"  # where the first start says its own secrets, to whoever owns the machine


def everywhere(product: Product) -> Iterator[tuple[str, bytes]]:
    yield "Git", objects(product)
    yield from files(product)


def forms(secret: str) -> tuple[bytes, ...]:
    """As it is, and as base64 has it wherever it begins in what was encoded."""
    shifted = [base64.b64encode(b"\0" * lead + secret.encode())[4 if lead else 0 : -4] for lead in range(3)]
    return secret.encode(), *shifted


@pytest.mark.parametrize(
    ("deeds", "kills"), [(40, 2), pytest.param(1_500, 40, marks=(pytest.mark.soak, pytest.mark.timeout(3_600)))]
)
def test_no_secret_is_left_by_any_use(make_waybill: Callable[[], Product], deeds: int, kills: int) -> None:
    product = make_waybill().start(WAYBILL_FSYNC="false")
    with QuotingProvider() as provider:
        run = SecretRun(product, provider, seed=deeds)
        asyncio.run(run.run(deeds, kills))
    output = "".join(product.output)
    assert product.stop() == 0
    assert (run.kills, len(set(run.shown))) == (kills, len(run.shown))
    assert min(len(run.shown), len(run.kept), run.requests) > 5
    assert len(provider.keys) > 1

    made = product.made
    first = [made.admin.password, made.admin.api_key, *(project.token for project in made.projects)]
    issued = [*run.shown, *run.kept, *first]
    found = [
        (place, issued.index(secret))
        for place, content in everywhere(product)
        for secret in issued
        for form in forms(secret)
        if form in content and not (place == CREDENTIALS and secret in first)
    ]
    assert found == []
    assert [secret for secret in [*run.shown, *run.kept] if secret in output] == []
    answers = "\n".join(run.answers)
    assert {answers.count(secret) for secret in run.shown} == {1}
    assert [secret for secret in [*run.kept, *first] if secret in answers] == []

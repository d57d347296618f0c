"""Where a key of the installation may go is not for everybody to say who writes a provider."""

from __future__ import annotations

import pytest

from api.edits.permissions import Need, needed
from core.files import load
from tests.repositories import SMALL

EVIL, OPENAI = "http://127.0.0.1:39998", "https://api.openai.com"
SHARED = f"kind: openai\ncredential: {{file: openai, origin: {OPENAI}}}\n".encode()
OWN = f"kind: openai\nproject: blog\ncredential: {{env: WAYBILL_SECRET_BLOG, origin: {OPENAI}}}\n".encode()
CONFIG = load({**SMALL, "providers/openai.yaml": SHARED, "providers/blogs.yaml": OWN})


def provider(credential: str, origin: str = OPENAI, project: str = "") -> bytes:
    owner = f"project: {project}\n" if project else ""
    return f"kind: openai-compatible\nbase_url: {origin}/v1\n{owner}credential: {{{credential}, origin: {origin}}}\n".encode()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, provider("file: openai", EVIL, "blog"), {("model:write", "blog"), ("settings:write", None)}),
        (None, provider("file: openai", EVIL), {("model:write", None), ("settings:write", None)}),
        (None, provider("file: unused", OPENAI, "blog"), {("model:write", "blog"), ("settings:write", None)}),
        (None, provider("env: openai", OPENAI), {("model:write", None), ("settings:write", None)}),
        (None, provider("file: openai", OPENAI, "blog"), {("model:write", "blog"), ("model:write", None)}),
        (None, provider("file: openai"), {("model:write", None)}),
        (None, provider("env: WAYBILL_SECRET_BLOG", OPENAI, "blog"), {("model:write", "blog")}),
        (None, provider("env: WAYBILL_SECRET_BLOG", OPENAI, "shop"), {("model:write", "shop"), ("model:write", None)}),
        (OWN, provider("env: WAYBILL_SECRET_BLOG", EVIL, "blog"), {("model:write", "blog"), ("settings:write", None)}),
        (OWN, OWN + b"max_connections: 3\n", {("model:write", "blog")}),
        (OWN, provider("sealed: box", EVIL, "blog"), {("model:write", "blog")}),
        (OWN, None, {("model:write", "blog")}),
    ],
)  # fmt: skip
def test_what_naming_a_reference_takes(before: bytes | None, after: bytes | None, expected: set[Need]) -> None:
    path = "providers/new.yaml"
    assert set(needed(CONFIG, {path: before} if before else {}, {path: after})) == expected

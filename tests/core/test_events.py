"""What an event says where it was not told: a field that an older journal does not hold means this."""

from __future__ import annotations

import msgspec

from core.events import AttemptFinished, RequestAdmitted, RequestFinished


def defaults(kind: type[msgspec.Struct]) -> dict[str, object]:
    fields = msgspec.structs.fields(kind)
    return {
        field.name: field.default_factory() if field.default is msgspec.NODEFAULT else field.default
        for field in fields
        if not field.required
    }


def test_an_admission_is_of_a_chat_completion_at_its_arrival() -> None:
    assert defaults(RequestAdmitted) == {
        "call_type": "completion", "cause": "", "dialect": "openai_chat", "path": "", "stream": False, "admitted_ms": 0,
        "model": "", "reserved": {}, "spent": {},
    }  # fmt: skip


def test_an_attempt_began_with_its_request_and_is_of_unknown_cost() -> None:
    assert defaults(AttemptFinished) == {
        "started_ms": 0.0, "first_byte_ms": None, "first_content_ms": None, "ended_ms": 0.0, "http_status": None,
        "retry_after_ms": None, "error": "", "usage": None, "cost_nano_usd": None,
    }  # fmt: skip


def test_an_end_is_of_an_attempt_by_nobody_at_its_arrival() -> None:
    assert defaults(RequestFinished) == {
        "call_type": "completion", "cause": "", "dialect": "openai_chat", "path": "", "stream": False, "model": None,
        "provider": None, "error_code": "", "error": "", "admitted_ms": 0, "usage": None, "cost_nano_usd": None,
        "reserved_cost_nano_usd": None, "latency_ms": 0.0, "first_byte_ms": None, "labels": {}, "facts": None,
        "decision": None, "attempts": (), "content": None,
    }  # fmt: skip

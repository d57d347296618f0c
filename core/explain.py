"""A routing decision without sending anything: the pure function behind `waybill explain FILE` and its JSON file.

The file holds `routing` (as `routing.yaml`), `models` (by id, as their files; `provider` and `upstream_name` may be left out),
`facts` or `path` and `body`, and, where they matter, `events` (as the journal has them), `project` (whose request it is; else
the one that all events name), `now` and `given`: by a policy's position in `routing.policies`, what it said, as
{points, excludes} or "failed"; required for policies that would have to call a model.

    ExplainError    the document cannot be explained; each fault names its field
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar, cast

import msgspec

from core.config import Model, RoutedModel, Routing
from core.conversion import Misfit, convert, written
from core.events import RequestFinished
from core.facts import BodyError, Facts, facts_from_chat
from core.plans import candidate
from core.routing.candidates import Candidate
from core.routing.decision import PolicyOutcome
from core.routing.engine import Given, decide
from core.routing.policies import ASKED, KINDS
from core.routing.stats import Statistics

T = TypeVar("T")

_KEYS = frozenset({"routing", "models", "facts", "path", "body", "events", "limits", "usage", "project", "now", "given"})
_MODEL_DEFAULTS = {"provider": "offline"}
_EVENT_DEFAULTS = {
    "id": "", "at_ms": 0, "project": "", "token": "", "revision": "", "status": "success", "http_status": 200,
}  # fmt: skip
_CHAT_PATH = "/v1/chat/completions"


class ExplainError(ValueError):
    """The document is wrong: one line per fault, each with its field, the reason and how to mend it."""

    def __init__(self, faults: Iterable[tuple[str, str]]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(f"{field}: {reason}" if field else reason for field, reason in self.faults))


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision is made from."""

    routing: Routing
    models: Mapping[str, Model]
    facts: Facts
    now_ms: int = 0
    events: tuple[RequestFinished, ...] = ()
    given: Mapping[int, Given] = {}
    project: str = ""


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """The decision with everything that led to it."""

    now_ms: int
    facts: dict[str, Any]  # every field of `Facts`, defaults too
    limits: tuple[dict[str, Any], ...]
    candidates: tuple[str, ...]
    dropped: dict[str, str]
    policies: tuple[PolicyOutcome, ...]
    totals: dict[str, float]
    order: tuple[str, ...]


def explain(document: Explanation) -> Explained:
    """Decide as the proxy would have, at `now_ms`, after the events before it. Raises ExplainError for an unknown model."""
    statistics = Statistics()
    for event in document.events:
        statistics.fold(event, as_of_ms=document.now_ms)
    decision = decide(
        document.facts,
        _candidates(document),
        document.routing.policies,
        statistics,
        document.now_ms,
        given=document.given,
        project=document.project,
    )
    return Explained(
        now_ms=document.now_ms,
        facts=msgspec.structs.asdict(document.facts),
        limits=(),
        candidates=decision.candidates,
        dropped=decision.dropped,
        policies=decision.policies,
        totals=decision.totals,
        order=decision.order,
    )


def _candidates(document: Explanation) -> list[Candidate]:
    """The enabled models of the routing, in its order."""
    unknown = [
        (f"routing.models[{position}].id", f"no model `{routed.id}` is given under `models`")
        for position, routed in enumerate(document.routing.models)
        if routed.id not in document.models
    ]
    if unknown:
        raise ExplainError(unknown)
    return [
        candidate(routed.id, document.models[routed.id], routed.guidance)
        for routed in document.routing.models
        if document.models[routed.id].enabled
    ]


def explain_file(text: bytes) -> bytes:
    """The JSON document of a file explained, as indented JSON with a final newline. Raises ExplainError."""
    return msgspec.json.format(msgspec.json.encode(explain(read(text))), indent=2) + b"\n"


def read(text: bytes) -> Explanation:
    """The document in a JSON file. Raises ExplainError."""
    try:
        # Prices are decimals: a float between file and price would lose digits that count.
        value = msgspec.json.Decoder(float_hook=Decimal).decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ExplainError([("", f"the file is not JSON: {error}")]) from None
    if not isinstance(value, dict):
        raise ExplainError([("", "the file must hold one JSON object")])
    _refuse_unknown(value)
    routing = _typed("routing", value.get("routing", {}), Routing)
    models = _models(_mapping("models", value.get("models", {})))
    _refuse_limits(routing, models)
    events = _events(value.get("events", []))
    return Explanation(
        routing=routing,
        models=models,
        facts=_facts(value),
        now_ms=_instant("now", value["now"]) if "now" in value else _last_end(events),
        events=events,
        given=_given(_mapping("given", value.get("given", {})), routing),
        project=_typed("project", value["project"], str) if "project" in value else _only_project(events),
    )


def _refuse_unknown(value: Mapping[str, Any]) -> None:
    faults = [(key, f"is not known here; known are {', '.join(sorted(_KEYS))}") for key in value if key not in _KEYS]
    faults += [(key, "is not supported; remove it") for key in ("limits", "usage") if value.get(key)]
    if faults:
        raise ExplainError(faults)


def _refuse_limits(routing: Routing, models: Mapping[str, Model]) -> None:
    """A limit that is not counted would make the answer wrong without a word."""
    owners: list[tuple[str, Model | RoutedModel]] = [(f"models.{name}", model) for name, model in models.items()]
    owners += [(f"routing.models[{position}]", routed) for position, routed in enumerate(routing.models)]
    faults = [(f"{place}.limits", "is not supported; remove it") for place, owner in owners if owner.limits.rules]
    if faults:
        raise ExplainError(faults)


def _models(value: Mapping[str, Any]) -> dict[str, Model]:
    return {
        name: _typed(f"models.{name}", {**_MODEL_DEFAULTS, "upstream_name": name, **_mapping(f"models.{name}", model)}, Model)
        for name, model in value.items()
    }


def _facts(value: Mapping[str, Any]) -> Facts:
    """The facts as given, or those of the body; exactly one of the two."""
    if ("facts" in value) == ("body" in value):
        raise ExplainError([("facts", "give either `facts`, or `path` and `body`")])
    if "facts" in value:
        known = Facts.__struct_fields__
        unknown = [name for name in _mapping("facts", value["facts"]) if name not in known]
        if unknown:
            raise ExplainError([(f"facts.{name}", f"is no fact; known are {', '.join(known)}") for name in unknown])
        return _typed("facts", value["facts"], Facts)
    path = value.get("path", _CHAT_PATH)
    if not (isinstance(path, str) and path.endswith(_CHAT_PATH)):
        raise ExplainError([("path", f"no facts are read from requests to {path}; known is {_CHAT_PATH}")])
    body = value["body"]
    encoded = body.encode() if isinstance(body, str) else msgspec.json.Encoder(decimal_format="number").encode(body)
    try:
        return facts_from_chat(encoded)
    except BodyError as error:
        raise ExplainError([(f"body.{error.field}" if error.field else "body", error.reason)]) from None


def _events(value: object) -> tuple[RequestFinished, ...]:
    """The ends of requests; that one was admitted says nothing about an attempt."""
    if not isinstance(value, list):
        raise ExplainError([("events", "must be a list")])
    found: list[RequestFinished] = []
    for position, item in enumerate(value):
        field = f"events[{position}]"
        event = {**_EVENT_DEFAULTS, **_mapping(field, item)}
        kind = event.pop("event", "finished")
        if kind not in ("finished", "admitted"):
            raise ExplainError([(f"{field}.event", f"must be `finished` or `admitted`, not {kind!r}")])
        if "at" in event:
            event["at_ms"] = _instant(f"{field}.at", event.pop("at"))
        if kind == "finished":
            found.append(_typed(field, {"event": kind, **event}, RequestFinished))
    return tuple(found)


def _last_end(events: tuple[RequestFinished, ...]) -> int:
    """Without a `now`, things are as they were when the last attempt had ended."""
    ends = [event.at_ms + round(attempt.ended_ms) for event in events for attempt in event.attempts]
    return max(ends, default=max((event.at_ms for event in events), default=0))


def _only_project(events: Iterable[RequestFinished]) -> str:
    """The project that all events name; none where they name several."""
    named = {event.project for event in events}
    return named.pop() if len(named) == 1 else ""


def _given(value: Mapping[str, Any], routing: Routing) -> dict[int, Given]:
    given: dict[int, Given] = {}
    for key, answer in value.items():
        field = f"given.{key}"
        if not (key.isdecimal() and int(key) < len(routing.policies)):
            raise ExplainError([(field, f"must be the position of a policy, below {len(routing.policies)}")])
        if answer == "failed":
            given[int(key)] = Given(failed="failed")
            continue
        said = dict(_mapping(field, answer))
        unknown = [name for name in said if name not in Given.__struct_fields__]
        if unknown:
            raise ExplainError([(f"{field}.{name}", "is not known; known are points, excludes, failed") for name in unknown])
        if said.get("failed") in (True, False):
            said["failed"] = "failed" if said["failed"] else ""
        if isinstance(said.get("excludes"), list):
            said["excludes"] = dict.fromkeys(said["excludes"], "given")
        said["points"] = {model: _point(point) for model, point in _mapping(f"{field}.points", said.get("points", {})).items()}
        given[int(key)] = _typed(field, said, Given)
    missing = [
        (f"given.{position}", f"is required: `{KINDS[type(policy)]}` would call a model, and nothing is called here")
        for position, policy in enumerate(routing.policies)
        if policy.enabled and KINDS[type(policy)] in ASKED and position not in given
    ]
    if missing:
        raise ExplainError(missing)
    return given


def _point(value: object) -> object:
    """What is not a number scores 0 (product.md, section 3)."""
    return value if isinstance(value, int | Decimal) and not isinstance(value, bool) else 0.0


def _instant(field: str, value: object) -> int:
    """Unix milliseconds, or an ISO 8601 date and time with its zone."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        instant = datetime.fromisoformat(cast("str", value))
        if instant.tzinfo is not None:
            return round(instant.astimezone(UTC).timestamp() * 1000)
    except (TypeError, ValueError):
        pass
    raise ExplainError([(field, "must be Unix milliseconds or a date and time with its zone, such as 2026-11-23T09:00:00Z")])


def _mapping(field: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ExplainError([(field, "must be an object")])
    return value


def _typed(field: str, value: object, kind: type[T]) -> T:
    try:
        return convert(value, kind)
    except Misfit as misfit:
        faults = [(written((field, *fault.place)), fault.reason) for fault in misfit.faults]
        raise ExplainError(faults) from None

"""The JSON file that `waybill explain` takes, and what it prints.

It holds `routing` (as `routing.yaml`), `models` (by id, as their files; `provider` and `upstream_name` may be left out) and
`facts`, or `path` and `body`. Where they matter:

    providers    the kind of each provider by its id: a model whose provider does not speak the request's dialect is left out
    events       ends of requests, as the journal has them: what policies read
    limits       {platform, project, token: as `limits` in their files; token_models: {id: limits}}; a model's own limits stand
                 in its file, the project's on a model in the routing
    usage        records {at, project, token, model, cost (USD), calls (1), input_tokens, output_tokens, reserved (false)}: what
                 is used of limits; `reserved` ones are in flight. Left out, project and token are those of the request
    project, token    whose request it is; else the one that all records and events name
    now          the instant; else the end of the last event or the last record
    given        by a policy's position in `routing.policies`, what it said: {points, excludes} or "failed"; required for
                 policies that would have to call a model
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar, cast

import msgspec
from msgspec import Meta

from core.config import Model, Routing
from core.conversion import Misfit, convert, written
from core.events import RequestFinished
from core.explain.deciding import Explanation, explain
from core.explain.faults import ExplainError
from core.explain.limiting import Levels, held_by
from core.facts import (
    BodyError,
    Facts,
    decode_embeddings,
    decode_messages,
    embeddings_facts,
    facts_from_chat,
    messages_facts,
)
from core.limits import Effective, Record, used_by
from core.providers import ProviderKind
from core.routing.engine import Given
from core.routing.policies import ASKED, KINDS

T = TypeVar("T")

_KEYS = frozenset({
    "routing", "models", "providers", "facts", "path", "body", "events", "limits", "usage", "project", "token", "now", "given",
})  # fmt: skip
_MODEL_DEFAULTS = {"provider": "offline"}
_EVENT_DEFAULTS = {
    "id": "", "at_ms": 0, "project": "", "token": "", "revision": "", "status": "success", "http_status": 200,
}  # fmt: skip
_CHAT_PATH = "/v1/chat/completions"
_READERS: Mapping[str, Callable[[bytes], Facts]] = {
    _CHAT_PATH: facts_from_chat,
    "/v1/messages": lambda body: messages_facts(decode_messages(body)),
    "/v1/embeddings": lambda body: embeddings_facts(decode_embeddings(body)),
}


class _Used(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A record of use as the file has it."""

    at_ms: int
    project: str = ""
    token: str = ""
    model: str = ""
    cost: Decimal = Decimal(0)
    calls: Annotated[int, Meta(ge=0)] = 1
    input_tokens: Annotated[int, Meta(ge=0)] = 0
    output_tokens: Annotated[int, Meta(ge=0)] = 0
    reserved: bool = False

    def record(self, project: str, token: str) -> Record:
        """The same in nano-USD; left out, the owner is the request's."""
        return Record(
            at_ms=self.at_ms,
            project=self.project or project,
            token=self.token or token,
            model=self.model,
            cost=int(self.cost.scaleb(9)),
            calls=self.calls,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
        )


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
    events = _events(value.get("events", []))
    usage = _usage(value.get("usage", []))
    owners = [(event.project, event.token) for event in events] + [(item.project, item.token) for item in usage]
    project = _named("project", value) or _only(project for project, _ in owners)
    token = _named("token", value) or _only(token for _, token in owners)
    now_ms = _instant("now", value["now"]) if "now" in value else max([_last_end(events), *(item.at_ms for item in usage)])
    limits = _typed("limits", value.get("limits", {}), Levels)
    return Explanation(
        routing=routing,
        models=models,
        providers=_typed("providers", value.get("providers", {}), dict[str, ProviderKind]),
        facts=_facts(value),
        now_ms=now_ms,
        events=events,
        limits=held_by(
            limits, routing, models, project or "project", token or "token", _counting(usage, project, token, now_ms)
        ),
        given=_given(_mapping("given", value.get("given", {})), routing),
        project=project,
    )


def _refuse_unknown(value: Mapping[str, Any]) -> None:
    faults = [(key, f"is not known here; known are {', '.join(sorted(_KEYS))}") for key in value if key not in _KEYS]
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
    body = value["body"]
    encoded = body.encode() if isinstance(body, str) else msgspec.json.Encoder(decimal_format="number").encode(body)
    return facts_of(value.get("path", _CHAT_PATH), encoded)


def facts_of(path: object, body: bytes) -> Facts:
    """The facts of a request to a path. Raises ExplainError."""
    reads = next((reads for end, reads in _READERS.items() if isinstance(path, str) and path.endswith(end)), None)
    if reads is None:
        raise ExplainError([("path", f"no facts are read from requests to {path}; known are {', '.join(_READERS)}")])
    try:
        return reads(body)
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


def _named(field: str, value: Mapping[str, Any]) -> str:
    return _typed(field, value[field], str) if field in value else ""


def _only(names: Iterable[str]) -> str:
    """The one that all name; none where they name several."""
    named = set(names) - {""}
    return named.pop() if len(named) == 1 else ""


def _usage(value: object) -> tuple[_Used, ...]:
    if not isinstance(value, list):
        raise ExplainError([("usage", "must be a list")])
    found = []
    for position, item in enumerate(value):
        field = f"usage[{position}]"
        record = dict(_mapping(field, item))
        if "at" in record:
            record["at_ms"] = _instant(f"{field}.at", record.pop("at"))
        found.append(_typed(field, record, _Used))
    return tuple(found)


def _counting(usage: Iterable[_Used], project: str, token: str, now_ms: int) -> Callable[[Effective], tuple[int, int]]:
    """What is used and what is reserved of a limit, by these records."""
    records = [(item.reserved, item.record(project or "project", token or "token")) for item in usage]
    used = [record for reserved, record in records if not reserved]
    in_flight = [record for reserved, record in records if reserved]
    return lambda effective: (used_by(used, effective, now_ms), used_by(in_flight, effective, now_ms))


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

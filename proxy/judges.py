"""The policies that ask: what a routing model thinks of the candidates, which intent a request is likest to.

What is asked and what an answer means is `core.routing.judging` and `core.routing.intents`; the calls are `inquiries`. Here is
the order of asking, its time, and what is remembered: judgements for as long as the policy says, centroids for as long as the
examples and their embedding model stay the same.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from core.facts import said, said_last
from core.routing import intents, judging
from core.routing.candidates import Candidate
from core.routing.engine import Given, Ranking
from core.routing.policies import Policy
from core.routing.policies.llm import Llm
from core.routing.policies.semantic_intent import SemanticIntent
from proxy.booking import Booking
from proxy.call import Call
from proxy.inquiries import Inquiries, NoAnswer
from proxy.running import Running

EMBEDDED_CHARS = 8_000  # of a request; embedding models take no more, and an intent shows early
EMBEDDING_S = 10.0
FAILED_S = 10.0  # how long nobody asks again for centroids that could not be had
REMEMBERED = 4_096

_NOBODY: Mapping[int, Given] = {}
T = TypeVar("T")


class Remembered(Generic[T]):
    """The newest `REMEMBERED` values that have not run out."""

    def __init__(self) -> None:
        self._values: OrderedDict[str, tuple[float, T]] = OrderedDict()

    def get(self, key: str, now: float) -> T | None:
        """A value that holds at that instant (loop time)."""
        found = self._values.get(key)
        return found[1] if found is not None and now < found[0] else None

    def put(self, key: str, value: T, until: float) -> None:
        """Keep a value until then."""
        self._values[key] = (until, value)
        self._values.move_to_end(key)
        if len(self._values) > REMEMBERED:
            self._values.popitem(last=False)


class Judges:
    """Asks, and remembers, for one proxy process."""

    def __init__(self, booking: Booking) -> None:
        self._inquiries = Inquiries(booking)
        self._loop = asyncio.get_running_loop()
        self._points: Remembered[dict[str, float]] = Remembered()
        self._centroids: Remembered[dict[str, list[float]]] = Remembered()
        self._failures: Remembered[str] = Remembered()  # why centroids could not be had a moment ago
        self._making: dict[str, asyncio.Lock] = {}

    async def given(self, call: Call, running: Running, ranking: Ranking, asked: Any) -> Mapping[int, Given]:
        """What the policies that ask say of the candidates that limits left, by their position."""
        candidates = [candidate for candidate in ranking.pool.candidates if candidate.id not in call.blocks]
        if not candidates:
            return _NOBODY
        answers = await asyncio.gather(
            *[self._one(call, running, policy, asked.typed, candidates) for _, policy in ranking.asked]
        )
        return {position: answer for (position, _), answer in zip(ranking.asked, answers, strict=True)}

    async def _one(self, call: Call, running: Running, policy: Policy, typed: Any, candidates: Sequence[Candidate]) -> Given:
        if isinstance(policy, Llm):
            return await self._judged(call, running, policy, said(typed), candidates)
        assert isinstance(policy, SemanticIntent), "there are no others that ask"
        return await self._matched(call, running, policy, said_last(typed)[:EMBEDDED_CHARS], candidates)

    # --- a routing model's judgement ---

    async def _judged(self, call: Call, running: Running, policy: Llm, text: str, candidates: Sequence[Candidate]) -> Given:
        facts = call.facts
        assert facts is not None
        asked = judging.question(policy, facts, text, candidates)
        key = judging.question_key(policy, asked)
        now = self._loop.time()
        known = self._points.get(key, now)
        if known is not None:
            return Given(points=known, note="remembered")
        by = min(now + policy.timeout_ms / 1_000, self._request_by(call))
        reasons = []
        for model_id in (policy.model, *policy.fallback_models):
            if self._loop.time() >= by:
                reasons.append(f"{model_id}: no time is left")
                break
            try:
                points = await self._points_of(call, running, policy, model_id, asked, candidates, by)
            except NoAnswer as error:
                reasons.append(str(error))
                continue
            if policy.cache_ttl_seconds:
                self._points.put(key, points, now + policy.cache_ttl_seconds)
            return Given(points=points, note=f"by {model_id}")
        return Given(failed="; ".join(reasons))

    async def _points_of(
        self, call: Call, running: Running, policy: Llm, model_id: str, asked: judging.Messages,
        candidates: Sequence[Candidate], by: float,
    ) -> dict[str, float]:  # fmt: skip
        """One model's points, with one chance to mend an answer that cannot be read. Raises NoAnswer."""
        most = policy.max_completion_tokens
        answer = await self._inquiries.text(call, running, model_id, asked, most, by)
        try:
            return judging.points(answer, candidates)
        except judging.Unreadable:
            answer = await self._inquiries.text(call, running, model_id, judging.repair(asked, answer), most, by)
        try:
            return judging.points(answer, candidates)
        except judging.Unreadable as error:
            raise NoAnswer(f"{model_id}: {error}") from None

    # --- likeness to intents ---

    async def _matched(
        self, call: Call, running: Running, policy: SemanticIntent, text: str, candidates: Sequence[Candidate]
    ) -> Given:
        ids = [candidate.id for candidate in candidates]
        if not text.strip():
            return Given(points=dict.fromkeys(ids, 1.0), note="the request says nothing")
        by = min(self._loop.time() + EMBEDDING_S, self._request_by(call))
        try:
            known = await self._centroids_of(call, running, policy, by)
            [vector] = await self._inquiries.vectors(call, running, policy.embedding_model, [text], by)
            return intents.given(policy, intents.match(policy, vector, known), ids)
        except (NoAnswer, intents.BadVector) as error:
            return Given(points=dict.fromkeys(ids, 1.0), note=f"not embedded: {error}")

    async def _centroids_of(self, call: Call, running: Running, policy: SemanticIntent, by: float) -> dict[str, list[float]]:
        """The centroids of a policy's intents, made once for all requests. Raises NoAnswer, BadVector."""
        key = _examples_key(policy, running)
        async with self._making.setdefault(key, asyncio.Lock()):
            now = self._loop.time()
            if (known := self._centroids.get(key, now)) is not None:
                return known
            if (failed := self._failures.get(key, now)) is not None:
                raise NoAnswer(failed)
            try:
                vectors = await self._inquiries.vectors(call, running, policy.embedding_model, intents.texts(policy), by)
                made = intents.centroids(policy, vectors)
            except (NoAnswer, intents.BadVector) as error:
                self._failures.put(key, str(error), now + FAILED_S)
                raise
            finally:
                self._making.pop(key, None)
            self._centroids.put(key, made, float("inf"))
            return made

    def _request_by(self, call: Call) -> float:
        return call.started + call.known_plan.timeouts.timeout_ms / 1_000


def _examples_key(policy: SemanticIntent, running: Running) -> str:
    """What centroids are kept under: the examples, and the model as the provider knows it."""
    model = running.snapshot.models.get(policy.embedding_model)
    at = None if model is None else running.snapshot.providers[model.provider].address
    return hashlib.sha256(msgspec.json.encode([at, model and model.upstream_name, policy.intents])).hexdigest()

"""What the bodies of all dialects have in common: top-level members kept as they came, and how a wrong one is refused."""

from __future__ import annotations

from collections.abc import Mapping, Set

import msgspec
from msgspec import Raw

from core.facts import BodyError
from proxy.refusals import InvalidRequest

_members = msgspec.json.Decoder(dict[str, Raw])


def members_of(body: bytes) -> Mapping[str, Raw]:
    """The members of an object that is known to be one; of a repeated name the last counts. Raises InvalidRequest."""
    try:
        return _members.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # a member's name that is no text
        raise InvalidRequest("Invalid request: the body has a member that cannot be read.") from None


def invalid(error: BodyError) -> InvalidRequest:
    """The refusal of a body that is no request of its dialect."""
    said = f"`{error.field}`: {error.reason}" if error.field else error.reason
    return InvalidRequest(f"Invalid request: {said}.", param=error.field or None)


def refuse_lookalikes(members: Mapping[str, Raw], governed: Set[str]) -> None:
    """Refuse `Model` or `N`: some servers match names ignoring case, and would obey what no limit was held to."""
    for name in members:
        lower = name.lower()
        if lower in governed and name != lower:
            raise InvalidRequest(f"`{name}` is not a field of this request: it is written `{lower}`.", param=name)

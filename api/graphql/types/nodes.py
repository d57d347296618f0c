"""What every list and every identified thing has in common: Relay's nodes, cursors and pages."""

from __future__ import annotations

import strawberry

from api.graphql.errors import BadInput
from api.graphql.limits import DEFAULT_PAGE, MAX_PAGE


@strawberry.interface(description="Something with an id that stays the same whatever happens to its names.")
class Node:
    """Relay's Node."""

    id: strawberry.ID = strawberry.field(description="Opaque; give it to `node` to fetch the thing again.")


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    """Relay's PageInfo."""

    has_next_page: bool = strawberry.field(description="Whether there is more after this page.")
    has_previous_page: bool = strawberry.field(description="Whether the page began after a cursor.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first edge; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last edge: the next page's `after`.")


@strawberry.type(description="A label: a key that an application or a person attached, and its value.")
class Label:
    """One entry of a labels map."""

    key: str = strawberry.field(description="The label's name.")
    value: str = strawberry.field(description="The label's value.")


def labels(found: dict[str, str]) -> list[Label]:
    """A map of labels as a list, in order of their names."""
    return [Label(key=key, value=found[key]) for key in sorted(found)]


def page_size(first: int | None) -> int:
    """How many edges a page has. Raises BadInput outside 1..MAX_PAGE."""
    size = DEFAULT_PAGE if first is None else first
    if not 1 <= size <= MAX_PAGE:
        raise BadInput(f"`first` must be between 1 and {MAX_PAGE}, not {size}")
    return size

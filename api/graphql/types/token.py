"""A project's token: everything but its value, which is nowhere."""

from __future__ import annotations

import strawberry

from api.graphql.ids import node_id
from api.graphql.scalars import Instant
from api.graphql.types.nodes import Label, Node, labels
from core import config
from core.config import Config
from core.paths import id_of, slug_of, token_path


@strawberry.type(description="A token of a project. Its value was shown once, when it was made.")
class Token(Node):
    """`projects/<slug>/tokens/<id>.yaml`."""

    token: str = strawberry.field(description="The id by which mutations know it: the name of its file.")
    project_slug: str = strawberry.field(description="The project's slug.")
    name: str = strawberry.field(description="What it is called.")
    prefix: str = strawberry.field(description="The first characters of its value, to know it by.")
    expires_at: Instant | None = strawberry.field(description="When it stops working by itself; null: never.")
    former_valid_until: Instant | None = strawberry.field(
        description="Until when the value that it had before is accepted beside the new one; null: there is none."
    )
    labels: list[Label] = strawberry.field(description="Copied to the log rows of its requests.")

    @classmethod
    def at(cls, config_: Config, slug: str, token: str) -> Token | None:
        """The token with this id, if the project has it."""
        path = token_path(slug, token)
        file = config_.files.get(path)
        return cls.of(path, file) if isinstance(file, config.Token) else None

    @classmethod
    def of(cls, path: str, file: config.Token) -> Token:
        """A token's file."""
        slug, token = slug_of(path) or "", id_of(path)
        return cls(
            id=node_id("Token", f"{slug}/{token}"),
            token=token,
            project_slug=slug,
            name=file.name,
            prefix=file.prefix,
            expires_at=_instant(file.expires_at),
            former_valid_until=_instant(file.former.valid_until) if file.former is not None else None,
            labels=labels(file.labels),
        )


def _instant(moment: object) -> Instant | None:
    return Instant(round(moment.timestamp() * 1000)) if hasattr(moment, "timestamp") else None

"""A project's token: everything but its value, which is nowhere."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

import strawberry

from api.access import signed_in
from api.catalogue import Catalogue
from api.graphql.context import Info
from api.graphql.ids import node_id
from api.graphql.scalars import Instant
from api.graphql.types.limit_use import NO_REPORTS, LimitUse, seen
from api.graphql.types.limits import Limits
from api.graphql.types.nodes import Label, Node, PageInfo, labels
from core import config
from core.config import Config
from core.limits import Scope
from core.paths import id_of, slug_of, token_path


@strawberry.type(description="A token's own limits on one model.")
class TokenModel:
    """`core.config.ModelEntry`."""

    id: str = strawberry.field(description="The model's id.")
    limits: Limits = strawberry.field(description="The limits.")


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
    limits: Limits = strawberry.field(description="Its own limits, as its file has them.")
    models: list[TokenModel] = strawberry.field(description="Its limits on single models.")
    labels: list[Label] = strawberry.field(description="Copied to the log rows of its requests.")

    @strawberry.field(description="When it came with a request last; null where it never did.")
    async def last_used_at(self, info: Info) -> Instant | None:
        """Through a loader: one query for a page of tokens."""
        at_ms = await info.context.loaders.last_used.load((self.project_slug, self.token))
        return Instant(at_ms) if at_ms is not None else None

    @strawberry.field(
        description="The limits that its requests are held to, with their present use; those of all projects together only for "
        f"whoever may see all projects; {NO_REPORTS}."
    )
    async def limit_use(self, info: Info) -> list[LimitUse] | None:
        """Through a loader."""
        uses = await info.context.loaders.limit_uses.load(Scope(self.project_slug, self.token))
        return seen(signed_in(info.context.viewer), uses)

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
            limits=Limits.of(file.limits),
            models=[TokenModel(id=entry.id, limits=Limits.of(entry.limits)) for entry in file.models],
            labels=labels(file.labels),
        )


def _instant(moment: object) -> Instant | None:
    return Instant(round(moment.timestamp() * 1000)) if hasattr(moment, "timestamp") else None


@strawberry.type(description="A token in its list.")
class TokenEdge:
    """Relay's edge."""

    cursor: str = strawberry.field(description="The token's position.")
    node: Token = strawberry.field(description="The token.")


@strawberry.type(description="A page of a project's tokens, by id, which is by when they were made.")
class TokenConnection:
    """Relay's connection."""

    edges: list[TokenEdge] = strawberry.field(description="The tokens with their cursors.")
    nodes: list[Token] = strawberry.field(description="The tokens alone.")
    page_info: PageInfo = strawberry.field(description="Where this page lies.")
    total_count: int = strawberry.field(description="How many tokens match.")


def tokens_of(catalogue: Catalogue, slug: str, first: int, after: str | None, search: str | None) -> TokenConnection:
    """The page of a project's tokens that follows the id `after`, of those whose name, prefix or id contains `search`."""
    wanted = (search or "").strip().casefold()
    found = [token for path in catalogue.tokens(slug) if (token := Token.at(catalogue.config, slug, id_of(path))) is not None]
    matching = [token for token in found if wanted in f"{token.token} {token.name} {token.prefix}".casefold()]
    rest = [token for token in matching if after is None or token.token > after]
    shown = rest[:first]
    return TokenConnection(
        edges=[TokenEdge(cursor=token.token, node=token) for token in shown],
        nodes=shown,
        page_info=PageInfo(
            has_next_page=len(rest) > first,
            has_previous_page=after is not None,
            start_cursor=shown[0].token if shown else None,
            end_cursor=shown[-1].token if shown else None,
        ),
        total_count=len(matching),
    )

"""Relay node ids: opaque outside, `Type:key` in base64url inside. A project's key is the id in its file, so a node id
survives anything that happens to names."""

from __future__ import annotations

import base64
import binascii

import strawberry


class BadNodeId(ValueError):
    """The text is not an id that this API gave out."""


def node_id(type_name: str, key: str) -> strawberry.ID:
    """The opaque id of the `type_name` that `key` identifies."""
    return strawberry.ID(base64.urlsafe_b64encode(f"{type_name}:{key}".encode()).decode().rstrip("="))


def read_node_id(text: str) -> tuple[str, str]:
    """(type name, key) of an id. Raises BadNodeId."""
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise BadNodeId("this is no id that this API gave out") from error
    type_name, colon, key = decoded.partition(":")
    if not (type_name and colon and key):
        raise BadNodeId("this is no id that this API gave out")
    return type_name, key

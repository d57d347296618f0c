"""Which file of the repository holds what: the only place that knows the paths of product.md, section 1."""

from __future__ import annotations

import re

from core.config import File, Model, Project, Provider, Roles, Routing, Settings, Token
from core.fields import MODEL_ID_PATTERN, SLUG_PATTERN

SETTINGS_PATH = "waybill.yaml"
ROLES_PATH = "roles.yaml"
ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z"

_SLUG = re.compile(SLUG_PATTERN)
_MODEL_ID = re.compile(MODEL_ID_PATTERN)
_ID = re.compile(ID_PATTERN)


def provider_path(provider: str) -> str:
    """Return the file of a provider."""
    return f"providers/{provider}.yaml"


def model_path(model: str) -> str:
    """Return the file of a model; a `/` in its id makes a folder."""
    return f"models/{model}.yaml"


def project_path(slug: str) -> str:
    """Return the file of a project's settings."""
    return f"projects/{slug}/project.yaml"


def routing_path(slug: str) -> str:
    """Return the file of a project's models and policies."""
    return f"projects/{slug}/routing.yaml"


def token_path(slug: str, token: str) -> str:
    """Return the file of a token."""
    return f"projects/{slug}/tokens/{token}.yaml"


def id_of(path: str) -> str:
    """Return the id in the path of a provider, model or token; the slug in that of a project or its routing."""
    parts = path.split("/")
    if parts[0] == "projects" and len(parts) == 3:
        return parts[1]
    return path.removeprefix("models/").removesuffix(".yaml") if parts[0] == "models" else parts[-1].removesuffix(".yaml")


def slug_of(path: str) -> str | None:
    """Return the slug of the project that a path belongs to; None outside `projects/`."""
    parts = path.split("/", 2)
    return parts[1] if len(parts) == 3 and parts[0] == "projects" else None


def kind_of(path: str) -> type[File] | None:
    """Return the type of the configuration file at `path`; None where no configuration lives (README.md, a wrong name)."""
    if path == SETTINGS_PATH:
        return Settings
    if path == ROLES_PATH:
        return Roles
    if not path.endswith(".yaml"):
        return None
    match path.removesuffix(".yaml").split("/"):
        case ["providers", provider] if _is_slug(provider):
            return Provider
        case ["models", *parts] if _is_model_id(parts):
            return Model
        case ["projects", slug, "project"] if _is_slug(slug):
            return Project
        case ["projects", slug, "routing"] if _is_slug(slug):
            return Routing
        case ["projects", slug, "tokens", token] if _is_slug(slug) and _ID.match(token):
            return Token
    return None


def is_stray(path: str) -> bool:
    """Tell whether `path` looks like configuration and is none: a YAML file where nothing reads it.

    Top-level names that begin with a dot belong to Git and its forges (`.github/workflows/…`).
    """
    return path.lower().endswith((".yaml", ".yml")) and not path.startswith(".") and kind_of(path) is None


def _is_slug(text: str) -> bool:
    return len(text) <= 63 and _SLUG.match(text) is not None


def _is_model_id(parts: list[str]) -> bool:
    # Git stores no empty, `.`, `..` or `.git` component, and a folder cannot have the name of another model's file.
    if any(not part or part.startswith(".") for part in parts) or any(part.endswith(".yaml") for part in parts[:-1]):
        return False
    return _MODEL_ID.match("/".join(parts)) is not None

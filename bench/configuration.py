"""The configuration that is pushed before a measurement: files as a person would write them. Pure.

Five models at the local upstream, three policies, and projects with tokens whose values only the load clients know.
"""

from __future__ import annotations

import hashlib

import msgspec

PROJECT = "bench"
PACED = "bench-paced"
MODELS = 5
PACE_MS = 100

_POLICIES = "policies:\n  - kind: health\n  - kind: cheapest\n  - kind: performance\n"


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """How many projects, and how many tokens each."""

    projects: int = 1
    tokens: int = 10


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """Files by path, and every token's value, the first one of the first project."""

    files: dict[str, bytes]
    tokens: list[str]
    paced_token: str


def configuration(upstream_port: int, sizes: Sizes) -> Configuration:
    """The files for an upstream on this port of the loopback address."""
    files = _provider("bench", f"http://127.0.0.1:{upstream_port}/v1")
    files |= _provider("paced", f"http://127.0.0.1:{upstream_port}/paced/{PACE_MS}/v1", "max_connections: 8000\n")
    for number in range(MODELS):
        files |= _model(f"bench-{number}", "bench", number + 1)
        files |= _model(f"paced-{number}", "paced", number + 1)
    tokens = []
    for number in range(sizes.projects):
        slug = PROJECT if number == 0 else f"{PROJECT}-{number:05d}"
        files |= _project(slug, "bench")
        for token in range(sizes.tokens):
            value = _value(f"{slug}/{token}")
            tokens.append(value)
            files[f"projects/{slug}/tokens/t{token}.yaml"] = _token(value)
    files |= _project(PACED, "paced")
    files[f"projects/{PACED}/tokens/t0.yaml"] = _token(_value(PACED))
    return Configuration(files=files, tokens=tokens, paced_token=_value(PACED))


def _provider(name: str, base_url: str, more: str = "") -> dict[str, bytes]:
    return {f"providers/{name}.yaml": f"kind: openai-compatible\nbase_url: {base_url}\n{more}".encode()}


def _model(name: str, provider: str, price: int) -> dict[str, bytes]:
    prices = f"prices:\n  input: {price}\n  output: {2 * price}\n"
    return {f"models/{name}.yaml": f"provider: {provider}\nupstream_name: {name}\n{prices}context_window: 128000\n".encode()}


def _project(slug: str, models: str) -> dict[str, bytes]:
    listed = "".join(f"  - id: {models}-{number}\n" for number in range(MODELS))
    return {
        f"projects/{slug}/project.yaml": f"id: id-{slug}\nname: Project {slug}\n".encode(),
        f"projects/{slug}/routing.yaml": f"models:\n{listed}{_POLICIES}".encode(),
    }


def _value(seed: str) -> str:
    """The same token at each run: it protects nothing but a benchmark."""
    return "sk-lr-" + hashlib.sha256(seed.encode()).hexdigest()[:43]


def _token(value: str) -> bytes:
    return f"name: Load\nsha256: {hashlib.sha256(value.encode()).hexdigest()}\nprefix: {value[:10]}\n".encode()


def request_body(*, stream: bool = False, size: int = 1024) -> bytes:
    """A chat request of exactly this many bytes."""
    body = {
        "model": "auto",
        "messages": [
            {"role": "system", "content": "You are a helpful assistant. Answer briefly and to the point."},
            {"role": "user", "content": ""},
        ],
        "max_tokens": 64,
        "temperature": 0.5,
        **({"stream": True} if stream else {}),
    }
    room = size - len(msgspec.json.encode(body))
    body["messages"][1]["content"] = ("word " * size)[:room]  # type: ignore[index]  # a list, as it stands above
    return msgspec.json.encode(body)

"""Small configurations for the tests of `core`: a sound one to change, and the sample that is shipped."""

from __future__ import annotations

import hashlib
from pathlib import Path

SAMPLE = Path(__file__).parents[2] / "config-repo"

SOUND: dict[str, bytes] = {
    "waybill.yaml": b"format: 1\n",
    "roles.yaml": b"roles:\n  auditor:\n    permissions: ['report:read']\n",
    "providers/sim.yaml": b"kind: simulated\n",
    "providers/oai.yaml": b"kind: openai\ncredential:\n  env: WAYBILL_SECRET_OAI\n  origin: https://api.openai.com\n",
    "models/fast.yaml": b"provider: sim\nupstream_name: fast\nprices:\n  input: 1\n  output: 2.5\n",
    "models/team/smart.yaml": b"provider: sim\nupstream_name: smart\n",
    "models/gpt.yaml": b"provider: oai\nupstream_name: gpt\n",
    "projects/a/project.yaml": b"id: id-a\nname: Alpha\nmembers:\n- user: x@example.com\n  role: auditor\n",
    "projects/a/routing.yaml": b"models:\n- id: fast\n- id: team/smart\npolicies:\n- kind: health\n",
    "projects/a/tokens/t1.yaml": b"name: one\nsha256: %s\nprefix: sk-lr-AAAA\n" % (b"1" * 63 + b"a"),
    "projects/b/project.yaml": b"id: id-b\nname: Beta\n",
    "README.md": b"# not configuration\n",
}


def sample() -> dict[str, bytes]:
    return {str(path.relative_to(SAMPLE)): path.read_bytes() for path in sorted(SAMPLE.rglob("*")) if path.is_file()}


def token(value: str, more: str = "") -> bytes:
    return f"name: {value}\nsha256: {sha256(value)}\nprefix: sk-lr-AAAA\n{more}".encode()


def sha256(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()

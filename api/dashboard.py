"""The dashboard's built files, read once at start: which one a path means, and under which headers it goes out. No sockets.

A file under `assets/` has a hash in its name and never changes; every path that is no file is a page of the application, and
gets `index.html`. Its style elements carry a nonce, new in each answer, so the content security policy allows nothing inline.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

STATIC: Final = Path(__file__).parent / "static"
NONCE_PLACE: Final = b"WAYBILL-NONCE"
# Not built is said in words: an application of its own may well be all that is wanted.
NOT_BUILT: Final = b"The dashboard was not built. `make dashboard` builds it; GraphQL is at /graphql.\n"

MEDIA: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".html": "text/html; charset=utf-8",
    ".png": "image/png",
    ".woff2": "font/woff2",
}
ENCODINGS: Final = ((".br", "br"), (".gz", "gzip"))
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
GUARD: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Answer(msgspec.Struct, frozen=True):
    """What goes out for one path."""

    status: int
    body: bytes
    headers: dict[str, str]


class _File(msgspec.Struct, frozen=True):
    """One built file with its compressed forms, best first."""

    media: str
    etag: str
    plain: bytes
    encoded: tuple[tuple[str, bytes], ...]


class Dashboard:
    """Answers GET for everything that no other handler has."""

    def __init__(self, folder: Path = STATIC) -> None:
        self._files = {name: _read(path) for name, path in _served(folder)}
        self._index = (folder / "index.html").read_bytes() if (folder / "index.html").is_file() else None

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer:
        """The file at `path`, or the application's page."""
        name = path.lstrip("/")
        if name in self._files:
            return _file_answer(name, self._files[name], headers)
        # A missing asset is of a former build: the page would only confuse who asked for a script.
        if self._index is None or name.startswith("assets/"):
            body = NOT_BUILT if self._index is None else b"no such file\n"
            return Answer(404, body, {**GUARD, "content-type": "text/plain; charset=utf-8", "cache-control": "no-store"})
        return self._page(self._index)

    def _page(self, index: bytes) -> Answer:
        nonce = secrets.token_urlsafe(16)
        headers = {
            **GUARD,
            "content-type": MEDIA[".html"],
            "content-security-policy": POLICY.format(nonce=nonce),
            # With a nonce of its own no answer is like another.
            "cache-control": "no-store",
        }
        return Answer(200, index.replace(NONCE_PLACE, nonce.encode()), headers)


def _file_answer(name: str, file: _File, headers: Mapping[str, str]) -> Answer:
    unchanging = "public, max-age=31536000, immutable" if name.startswith("assets/") else "public, max-age=0, must-revalidate"
    common = {**GUARD, "etag": file.etag, "cache-control": unchanging, "vary": "accept-encoding"}
    if file.etag in (tag.strip().removeprefix("W/") for tag in headers.get("if-none-match", "").split(",")):
        return Answer(304, b"", common)
    encoding, body = _chosen(file, headers.get("accept-encoding", ""))
    sent = {"content-encoding": encoding} if encoding else {}
    return Answer(200, body, {**common, **sent, "content-type": file.media})


def _chosen(file: _File, accepted: str) -> tuple[str | None, bytes]:
    """The smallest form that the client takes."""
    offers = {
        name.strip(): weight.replace(" ", "") for name, _, weight in (each.partition(";") for each in accepted.split(","))
    }
    for encoding, body in file.encoded:
        if encoding in offers and offers[encoding] not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
            return encoding, body
    return None, file.plain


def _served(folder: Path) -> list[tuple[str, Path]]:
    """The files that are asked for by name: all that was built but the page, the manifest and the compressed forms."""
    if not folder.is_dir():
        return []
    named = [(path.relative_to(folder).as_posix(), path) for path in sorted(folder.rglob("*")) if path.suffix in MEDIA]
    return [(name, path) for name, path in named if name not in ("index.html", "manifest.json")]


def _read(path: Path) -> _File:
    plain = path.read_bytes()
    forms = [(encoding, path.with_name(path.name + suffix)) for suffix, encoding in ENCODINGS]
    encoded = tuple((encoding, form.read_bytes()) for encoding, form in forms if form.is_file())
    return _File(MEDIA[path.suffix], f'"{sha256(plain).hexdigest()[:32]}"', plain, encoded)

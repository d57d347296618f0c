"""The dashboard's files: which one a path means, what goes out beside it, and what a browser is forbidden."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from api.dashboard import Dashboard
from tests.api.conftest import Api

SCRIPT = b"export const waybill = 1\n" * 200


@pytest.fixture
def dashboard(tmp_path: Path) -> Dashboard:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text('<meta property="csp-nonce" nonce="WAYBILL-NONCE"><div id="root"></div>')
    (tmp_path / "favicon.svg").write_text("<svg/>")
    (tmp_path / "manifest.json").write_text("{}")
    script = tmp_path / "assets" / "index-4f3a.js"
    script.write_bytes(SCRIPT)
    script.with_name(script.name + ".gz").write_bytes(gzip.compress(SCRIPT))
    script.with_name(script.name + ".br").write_bytes(b"brotli")
    return Dashboard(tmp_path)


@pytest.mark.parametrize("path", ["/", "/projects", "/projects/demo/logs", "/models/a/b", "/manifest.json"])
def test_a_path_that_is_no_file_is_a_page_of_the_application(dashboard: Dashboard, path: str) -> None:
    answer = dashboard.answer(path, {})
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b'id="root"' in answer.body


def test_each_page_has_a_nonce_of_its_own_and_the_policy_names_it(dashboard: Dashboard) -> None:
    pages = [dashboard.answer("/", {}) for _ in range(2)]
    nonces = [re.findall(rb'nonce="([\w-]{22})"', page.body)[0].decode() for page in pages]
    assert nonces[0] != nonces[1]
    policy = pages[0].headers["content-security-policy"]
    assert f"style-src 'self' 'nonce-{nonces[0]}'" in policy
    assert "unsafe" not in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert pages[0].headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/assets/index-4f3a.js", "/assets/gone.js", "/favicon.svg"])
def test_every_answer_forbids_guessing_its_type_and_telling_where_one_came_from(dashboard: Dashboard, path: str) -> None:
    headers = dashboard.answer(path, {}).headers
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("identity", None),
        ("", None),
    ],
)
def test_a_file_goes_out_in_the_smallest_form_that_the_client_takes(
    dashboard: Dashboard, accepted: str, encoding: str | None
) -> None:
    answer = dashboard.answer("/assets/index-4f3a.js", {"accept-encoding": accepted})
    assert answer.headers.get("content-encoding") == encoding
    assert answer.body == {"br": b"brotli", "gzip": gzip.compress(SCRIPT), None: SCRIPT}[encoding]
    assert answer.headers["vary"] == "accept-encoding"


def test_a_file_with_a_hash_in_its_name_is_kept_for_ever_and_others_are_asked_about(dashboard: Dashboard) -> None:
    script, icon = (dashboard.answer(path, {}) for path in ("/assets/index-4f3a.js", "/favicon.svg"))
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert icon.headers["cache-control"] == "public, max-age=0, must-revalidate"
    known = dashboard.answer("/favicon.svg", {"if-none-match": f'"other", W/{icon.headers["etag"]}'})
    assert (known.status, known.body) == (304, b"")
    assert dashboard.answer("/favicon.svg", {"if-none-match": '"other"'}).status == 200


@pytest.mark.parametrize("path", ["/assets/gone.js", "/assets/../index.html", "/assets/index-4f3a.js.br"])
def test_an_asset_that_is_not_there_is_no_page(dashboard: Dashboard, path: str) -> None:
    assert dashboard.answer(path, {}).status == 404


@pytest.mark.parametrize("path", ["/../secret.svg", "//etc/passwd", "/%2e%2e/secret.svg"])
def test_nothing_beside_the_folder_is_reached(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret.svg").write_text("secret")
    (tmp_path / "built").mkdir()
    (tmp_path / "built" / "index.html").write_text("page")
    assert dashboard_body(tmp_path / "built", path) == b"page"


def dashboard_body(folder: Path, path: str) -> bytes:
    return Dashboard(folder).answer(path, {}).body


def test_a_dashboard_that_was_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    answer = Dashboard(tmp_path / "none").answer("/", {})
    assert answer.status == 404
    assert b"make dashboard" in answer.body


@pytest.mark.asyncio(loop_scope="module")
async def test_the_api_serves_it_beside_graphql(api: Api) -> None:
    page = await api.client.get("/projects/demo")
    assert page.status_code in (200, 404)  # as it was built or not
    assert page.headers["x-content-type-options"] == "nosniff"
    assert (await api.client.get("/graphql")).status_code == 400

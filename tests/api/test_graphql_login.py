"""Who is known, by what, and what nobody else may do."""

from __future__ import annotations

import asyncio
import re

import pytest

from tests.api.conftest import ADMIN, ADMIN_KEY, PASSWORD, VIEWER, Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

LOGIN = """mutation($input: LoginInput!) { login(input: $input) {
  __typename ... on LoggedIn { viewer { email } } ... on LoginRefused { code message retryAfterSeconds } } }"""


async def cookie_of(api: Api, email: str = VIEWER) -> str:
    answer = await api.post(LOGIN, None, input={"email": email, "password": PASSWORD})
    assert answer.json()["data"]["login"] == {"__typename": "LoggedIn", "viewer": {"email": email}}
    api.client.cookies.clear()
    return answer.headers["set-cookie"]


async def test_a_login_sets_a_cookie_that_no_script_and_no_other_site_gets(api: Api) -> None:
    cookie = await cookie_of(api)
    value = re.fullmatch(r"waybill_session=([\w-]{43}); Path=/; Max-Age=604800; HttpOnly; SameSite=Strict", cookie)
    assert value is not None
    answer = await api.post("{ viewer { email } }", None, {"cookie": cookie.split(";")[0], "x-waybill-client": "test"})
    assert answer.json()["data"] == {"viewer": {"email": VIEWER}}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"x-waybill-client": "dashboard"}, 200),
        ({"origin": "SAME"}, 200),
    ],
)
async def test_a_cookie_counts_only_from_our_own_pages(api: Api, headers: dict[str, str], status: int) -> None:
    cookie = (await cookie_of(api)).split(";")[0]
    headers = {name: f"http://127.0.0.1:{api.port}" if value == "SAME" else value for name, value in headers.items()}
    answer = await api.post("{ viewer { email } }", None, {**headers, "cookie": cookie})
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["errors"][0]["extensions"]["code"] == "CROSS_ORIGIN"


async def test_a_page_may_say_whose_it_is_and_is_not_answered_in_another_name(api: Api) -> None:
    mine = {"cookie": (await cookie_of(api)).split(";")[0], "x-waybill-client": "test"}
    viewer = (await api.post("{ viewer { id } }", None, mine)).json()["data"]["viewer"]["id"]
    assert (await api.post("{ viewer { id } }", None, {**mine, "x-waybill-viewer": viewer})).status_code == 200
    other = {**mine, "cookie": (await cookie_of(api, ADMIN)).split(";")[0], "x-waybill-viewer": viewer}
    answer = await api.post("{ viewer { id } }", None, other)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")


async def test_a_logout_ends_the_session_and_deletes_the_cookie(api: Api) -> None:
    headers = {"cookie": (await cookie_of(api)).split(";")[0], "x-waybill-client": "test"}
    answer = await api.post("mutation { logout { ended } }", None, headers)
    assert answer.json()["data"] == {"logout": {"ended": True}}
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert (await api.post("{ viewer { email } }", None, headers)).status_code == 401


async def test_an_old_cookie_does_not_stand_in_the_way_of_a_login(api: Api) -> None:
    headers = {"cookie": "waybill_session=" + "x" * 43, "x-waybill-client": "test"}
    answer = await api.post(LOGIN, None, headers, input={"email": ADMIN, "password": PASSWORD})
    assert answer.json()["data"]["login"]["__typename"] == "LoggedIn"
    api.client.cookies.clear()


async def test_a_wrong_password_is_an_answer_and_not_an_error(api: Api) -> None:
    answer = await api.post(LOGIN, None, input={"email": VIEWER, "password": "not this one"})
    refused = answer.json()["data"]["login"]
    assert (refused["__typename"], refused["code"], refused["retryAfterSeconds"]) == ("LoginRefused", "LOGIN_REFUSED", None)
    assert "set-cookie" not in answer.headers
    assert "not this one" not in answer.text


@pytest.mark.parametrize(
    "document",
    [
        "{ __typename }",
        "{ viewer { email } }",
        "{ __schema { types { name } } }",
        "mutation { logout { ended } }",
        "mutation { " + 'login(input: {email: "a", password: "b"}) { __typename } ' * 2 + "}",
        "mutation { ...F } fragment F on Mutation { login(input: {email: \"a\", password: \"b\"}) { __typename } }",
        "subscription { requestLogFeed { cursor } }",
        "{ not even valid",
    ],
)  # fmt: skip
async def test_nobody_may_do_anything_but_one_login(api: Api, document: str) -> None:
    answer = await api.post(document, None)
    if "not even" in document:
        assert answer.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_PARSE_FAILED"
        return
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize("header", ["Bearer wb-wrong", "Bearer", "Basic YTpi", "wb-admin", "Bearer " + "x" * 5000])
async def test_a_wrong_key_is_401_and_is_not_repeated(api: Api, header: str) -> None:
    answer = await api.post("{ __typename }", None, {"authorization": header})
    assert answer.status_code == 401
    assert header.split()[-1] not in answer.text or header == "Bearer"


async def test_a_key_that_is_wrong_is_refused_even_for_a_login(api: Api) -> None:
    answer = await api.post(LOGIN, "wb-wrong", input={"email": ADMIN, "password": PASSWORD})
    assert answer.status_code == 401


async def test_guesses_at_the_same_moment_do_not_share_a_count(api: Api) -> None:
    guess = {"email": "eve@example.org", "password": "guess"}
    answers = await asyncio.gather(*(api.post(LOGIN, None, input=guess) for _ in range(13)))
    refused = [answer.json()["data"]["login"] for answer in answers]
    throttled = [login for login in refused if login["code"] == "TOO_MANY_ATTEMPTS"]
    assert len(throttled) == 3
    assert all(0 < login["retryAfterSeconds"] <= 600 for login in throttled)
    assert (await api.post("{ __typename }", ADMIN_KEY)).status_code == 200


async def test_a_request_holds_one_login_for_everybody(api: Api) -> None:
    guess = 'login(input: {email: "mallory@example.org", password: "guess"}) { __typename }'
    document = "mutation { " + " ".join(f"a{number}: {guess}" for number in range(12)) + " }"
    answer = (await api.post(document)).json()
    assert [error["message"] for error in answer["errors"]] == ["one login in a request: send another for the next"]
    again = await api.post(LOGIN, None, input={"email": "mallory@example.org", "password": "guess"})
    assert again.json()["data"]["login"]["code"] == "LOGIN_REFUSED"

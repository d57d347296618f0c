"""Users, sessions and keys through GraphQL: what is shown once, what ends what, and who may change whom."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from api.graphql.ids import node_id
from tests.api.changes import change
from tests.api.conftest import ADMIN, ADMIN_KEY, PASSWORD, Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

LOGIN = "mutation($input: LoginInput!) { login(input: $input) { __typename } }"
FAILURES = """__typename
  ... on ValidationFailed { problems { field reason } } ... on NotAllowed { permission } ... on NotFound { message }"""


def mutation(name: str, answer: str) -> str:
    """A mutation's document: its payload's success, which is called like its input, and every failure."""
    return f"mutation($input: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $input) {{ {FAILURES} ... on {answer} }} }}"


CREATE = mutation("userCreate", "UserCreated { password user { id email role memberships { projectSlug } } }")
UPDATE = mutation("userUpdate", "UserUpdated { user { role name } }")
DELETE = mutation("userDelete", "UserDeleted { id memberships { projectSlug role } }")
RESET = mutation("userPasswordReset", "UserPasswordReset { password }")
REVOKE_ALL = mutation("userKeysRevoke", "UserKeysRevoked { revoked }")
KEY = mutation("apiKeyCreate", "ApiKeyCreated { value apiKey { id prefix expiresAt } }")
REVOKE = mutation("apiKeyRevoke", "ApiKeyRevoked { id }")
CHANGE = mutation("passwordChange", "PasswordChanged { endedSessions } ... on LoginRefused { code }")
END = mutation("sessionEnd", "SessionsEnded { count }")
END_ALL = mutation("sessionsEnd", "SessionsEnded { count }")


async def done(api: Api, document: str, key: str | None = ADMIN_KEY, headers: dict[str, str] | None = None, **wish: Any) -> Any:
    answer = (await api.post(document, key, headers, input=wish)).json()
    assert "errors" not in answer, answer
    return next(iter(answer["data"].values()))


async def session(api: Api, email: str, password: str = PASSWORD) -> dict[str, str]:
    """Headers that come with a new session of this user."""
    answer = await api.post(LOGIN, None, input={"email": email, "password": password})
    assert answer.json()["data"]["login"]["__typename"] == "LoggedIn"
    api.client.cookies.clear()
    return {"cookie": answer.headers["set-cookie"].split(";")[0], "x-waybill-client": "test"}


async def made(api: Api, email: str, role: str = "viewer", **more: Any) -> str:
    """The node id of a new user with PASSWORD."""
    created = await done(api, CREATE, email=email, role=role, password=PASSWORD, reason="A test", **more)
    return str(created["user"]["id"])


async def key_of(api: Api, email: str) -> str:
    created = await done(api, KEY, None, await session(api, email), name="test")
    return str(created["value"])


async def test_a_user_gets_a_password_that_is_shown_once_and_a_retry_makes_no_second_user(api: Api) -> None:
    wish = {"email": "Grace@Example.org", "role": "operator", "reason": "Joined", "idempotencyKey": "grace"}
    first, second = await done(api, CREATE, **wish), await done(api, CREATE, **wish)
    assert first["user"] == second["user"]
    assert (first["user"]["email"], len(first["password"]) >= 12, second["password"]) == ("grace@example.org", True, None)
    await session(api, "grace@example.org", first["password"])
    other = await done(api, CREATE, **wish | {"role": "viewer"})
    assert other["problems"][0]["field"] == "idempotencyKey"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "no e-mail"}, "email"),
        ({"email": ADMIN + ".org", "password": "elevenchars"}, "password"),
        ({"role": "editor"}, "role"),
        ({"role": "no-such-role"}, "role"),
        ({"reason": " "}, "reason"),
        ({"reason": "sk-lr-" + secrets.token_urlsafe(32)}, "reason"),
        ({"name": "a\nb"}, "name"),
        ({"email": "VIEWER@example.org"}, "email"),
    ],
)
async def test_what_cannot_be_is_said_with_its_field(api: Api, change: dict[str, str], field: str) -> None:
    wish = {"email": "new@example.org", "role": "viewer", "password": PASSWORD, "reason": "A test"} | change
    assert (await done(api, CREATE, **wish))["problems"][0]["field"] == field


async def test_the_last_admin_stays(api: Api) -> None:
    (only,) = (await api.data(f'{{ users(search: "{ADMIN}") {{ nodes {{ id }} }} }}'))["users"]["nodes"]
    for document, wish in ((UPDATE, {"role": "operator"}), (UPDATE, {"disabled": True}), (DELETE, {})):
        refused = await done(api, document, id=only["id"], reason="A test", **wish)
        assert "the last admin" in refused["problems"][0]["reason"]
    second = await made(api, "second@example.org", "admin")
    assert (await done(api, UPDATE, id=second, role="viewer", reason="A test"))["user"]["role"] == "viewer"


async def test_nobody_grants_what_they_lack_or_changes_somebody_who_may_more(api: Api) -> None:
    head = api.head()
    roles = api.repository.read(head, "roles.yaml")[0].decode()
    revision = api.commit("roles.yaml", (roles + '  helpdesk:\n    permissions: ["user:read", "user:write"]\n').encode())
    while (await api.data("{ revision { commit } }"))["revision"]["commit"] != revision:
        pass
    await made(api, "desk@example.org", "helpdesk")
    desk = await key_of(api, "desk@example.org")
    (admin,) = (await api.data(f'{{ users(search: "{ADMIN}") {{ nodes {{ id }} }} }}', desk))["users"]["nodes"]
    for document, wish in (
        (CREATE, {"email": "up@example.org", "role": "admin"}),
        (CREATE, {"email": "up@example.org", "role": "viewer"}),
        (UPDATE, {"id": admin["id"], "disabled": True}),
        (RESET, {"id": admin["id"]}),
        (DELETE, {"id": admin["id"]}),
    ):
        assert (await done(api, document, desk, reason="A try", **wish))["__typename"] == "NotAllowed", document
    assert (await done(api, CREATE, desk, email="peer@example.org", role="helpdesk", reason="Joined"))["user"][
        "role"
    ] == "helpdesk"


async def test_a_key_is_shown_once_and_ends_when_it_is_revoked(api: Api) -> None:
    await made(api, "keys@example.org")
    headers = await session(api, "keys@example.org")
    wish = {"name": "deploy", "expiresAt": "2099-01-01T00:00:00Z", "idempotencyKey": "deploy", "reason": "For the pipeline"}
    first, again = await done(api, KEY, None, headers, **wish), await done(api, KEY, None, headers, **wish)
    assert (first["value"].startswith(first["apiKey"]["prefix"]), again["value"]) == (True, None)
    assert first["apiKey"]["id"] == again["apiKey"]["id"]
    listed = await api.data("{ viewer { email apiKeys { name current prefix } } }", first["value"])
    assert listed["viewer"]["apiKeys"] == [{"name": "deploy", "current": True, "prefix": first["value"][:10]}]
    assert (await done(api, REVOKE, ADMIN_KEY, id=first["apiKey"]["id"]))["__typename"] == "NotFound"
    assert (await done(api, REVOKE, first["value"], id=first["apiKey"]["id"]))["id"] == first["apiKey"]["id"]
    assert (await api.post("{ __typename }", first["value"])).status_code == 401
    past = await done(api, KEY, None, headers, name="late", expiresAt="2020-01-01T00:00:00Z")
    assert past["problems"][0]["field"] == "expiresAt"


async def test_a_key_that_ends_makes_none_that_outlives_it(api: Api) -> None:
    await made(api, "lent@example.org")
    headers = await session(api, "lent@example.org")
    lent = (await done(api, KEY, None, headers, name="lent", expiresAt="2099-01-01T00:00:00Z"))["value"]
    for later in ({}, {"expiresAt": "2099-01-01T00:00:00.001Z"}):
        refused = await done(api, KEY, lent, name="for ever", **later)
        assert refused["problems"][0]["field"] == "expiresAt"
        assert "2099-01-01T00:00:00.000Z" in refused["problems"][0]["reason"]
    shorter = await done(api, KEY, lent, name="shorter", expiresAt="2099-01-01T00:00:00Z")
    assert shorter["apiKey"]["expiresAt"] == "2099-01-01T00:00:00.000Z"
    assert (await done(api, KEY, await key_of(api, "lent@example.org"), name="for ever"))["apiKey"]["expiresAt"] is None


async def test_sessions_are_listed_and_ended_one_by_one_or_all(api: Api) -> None:
    await made(api, "many@example.org")
    first, second, third = [await session(api, "many@example.org") for _ in range(3)]
    query = "{ viewer { sessions { id current client } } }"
    listed = (await api.post(query, None, first)).json()["data"]["viewer"]["sessions"]
    assert [each["current"] for each in listed].count(True) == 1
    assert {each["client"] for each in listed} == {"127.0.0.1"}
    own = next(
        each["id"] for each in (await api.post(query, None, second)).json()["data"]["viewer"]["sessions"] if each["current"]
    )
    assert (await done(api, END, ADMIN_KEY, id=own))["__typename"] == "NotFound"
    assert (await done(api, END, None, first, id=own))["count"] == 1
    assert (await api.post("{ __typename }", None, second)).status_code == 401
    assert (await done(api, END_ALL, None, first))["count"] == 1
    assert (await api.post("{ __typename }", None, third)).status_code == 401
    ended = await api.post(END_ALL, None, first, input={"keepCurrent": False})
    assert ended.json()["data"]["sessionsEnd"]["count"] == 1
    assert "Max-Age=0" in ended.headers["set-cookie"]
    api.client.cookies.clear()


async def test_a_password_change_needs_the_present_one_and_ends_other_sessions(api: Api) -> None:
    await made(api, "change@example.org")
    mine, other = await session(api, "change@example.org"), await session(api, "change@example.org")
    wrong = await done(api, CHANGE, None, mine, presentPassword="not this one", newPassword="another long password")
    assert wrong["problems"][0]["field"] == "presentPassword"
    weak = await done(api, CHANGE, None, mine, presentPassword=PASSWORD, newPassword="short")
    assert weak["problems"][0]["field"] == "newPassword"
    changed = await done(api, CHANGE, None, mine, presentPassword=PASSWORD, newPassword="another long password")
    assert changed["endedSessions"] == 1
    assert (await api.post("{ __typename }", None, mine)).status_code == 200
    assert (await api.post("{ __typename }", None, other)).status_code == 401
    await session(api, "change@example.org", "another long password")


async def test_a_reset_ends_the_sessions_and_a_deletion_everything(api: Api) -> None:
    user = await made(api, "gone@example.org")
    headers, key = await session(api, "gone@example.org"), await key_of(api, "gone@example.org")
    password = (await done(api, RESET, id=user, reason="Forgotten"))["password"]
    assert (await api.post("{ __typename }", None, headers)).status_code == 401
    await session(api, "gone@example.org", password)
    wish = {"id": user, "reason": "Left", "idempotencyKey": "gone"}
    assert (await done(api, DELETE, **wish))["id"] == user
    assert (await done(api, DELETE, **wish))["id"] == user
    assert (await api.post("{ __typename }", key)).status_code == 401
    assert (await done(api, UPDATE, id=user, name="x", reason="A test"))["__typename"] == "NotFound"


async def test_every_change_is_in_the_audit_with_its_reason_and_no_secret(api: Api) -> None:
    user = await made(api, "audited@example.org")
    await done(api, UPDATE, id=user, role="operator", reason="Promoted")
    key = (await done(api, KEY, None, await session(api, "audited@example.org"), name="k"))["value"]
    query = "query($f: AuditLogFilter) { auditLog(filter: $f) { nodes { action outcome subject detail } } }"
    rows = (await api.data(query, f={"subject": "audited@example.org"}))["auditLog"]["nodes"]
    assert [(each["action"], each["outcome"]) for each in rows] == [("login", "OK"), ("userUpdate", "OK"), ("userCreate", "OK")]
    assert rows[1]["detail"]["reason"] == "Promoted"
    assert rows[1]["detail"]["role"] == {"from": "viewer", "to": "operator"}
    everything = (await api.post("{ auditLog(first: 200) { nodes { subject detail } } }")).text
    assert key not in everything
    assert PASSWORD not in everything
    mine = (await api.data(query, f={"user": user, "action": "apiKeyCreate"}))["auditLog"]["nodes"]
    assert [each["detail"]["shown"] for each in mine] == [True]


async def test_users_are_paged_by_email_and_found_by_id(api: Api) -> None:
    page = await api.data("{ users(first: 2) { nodes { email } pageInfo { hasNextPage endCursor } } }")
    cursor = page["users"]["pageInfo"]["endCursor"]
    rest = await api.data("query($a: String) { users(first: 1, after: $a) { nodes { id email } } }", a=cursor)
    assert rest["users"]["nodes"][0]["email"] > cursor
    found = await api.data("query($id: ID!) { node(id: $id) { ... on User { email } } }", id=rest["users"]["nodes"][0]["id"])
    assert found["node"]["email"] == rest["users"]["nodes"][0]["email"]
    assert await api.data("query($id: ID!) { node(id: $id) { id } }", id=node_id("User", "nobody")) == {"node": None}


async def test_over_tls_the_cookie_is_bound_to_the_host(api: Api) -> None:
    secure = {"x-forwarded-proto": "https"}
    answer = await api.post(LOGIN, None, secure, input={"email": ADMIN, "password": PASSWORD})
    api.client.cookies.clear()
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-waybill_session=")
    assert cookie.endswith("; Path=/; Max-Age=604800; HttpOnly; SameSite=Strict; Secure")
    sent = {"cookie": cookie.split(";")[0], "origin": f"https://127.0.0.1:{api.port}"}
    assert (await api.post("{ __typename }", None, sent | secure)).status_code == 200
    assert (await api.post("{ __typename }", None, sent)).status_code == 401  # in clear the cookie has another name
    in_clear = sent | secure | {"origin": f"http://127.0.0.1:{api.port}"}
    assert (await api.post("{ __typename }", None, in_clear)).status_code == 403


async def test_a_login_from_another_site_s_page_is_refused(api: Api) -> None:
    answer = await api.post(LOGIN, None, {"origin": "https://evil.example"}, input={"email": ADMIN, "password": PASSWORD})
    assert answer.json()["errors"][0]["extensions"]["code"] == "CROSS_ORIGIN"
    assert "set-cookie" not in answer.headers


async def test_whoever_manages_users_can_end_the_keys_of_somebody_for_good(api: Api) -> None:
    user = await made(api, "lost-a-key@example.org")
    keys = [await key_of(api, "lost-a-key@example.org") for _ in range(2)]
    disabled = {"id": user, "disabled": True, "reason": "A key was lost"}
    await done(api, UPDATE, **disabled)
    await done(api, UPDATE, **{**disabled, "disabled": False})
    assert (await api.post("{ viewer { email } }", keys[0])).status_code == 200
    wish = {"id": user, "reason": "A key was lost", "idempotencyKey": "lost"}
    assert (await done(api, REVOKE_ALL, **wish))["revoked"] == 2
    assert [(await api.post("{ viewer { email } }", key)).status_code for key in keys] == [401, 401]
    mended = await key_of(api, "lost-a-key@example.org")
    assert (await done(api, REVOKE_ALL, **wish))["revoked"] == 0
    assert (await api.post("{ viewer { email } }", mended)).status_code == 200
    query = "query($f: AuditLogFilter) { auditLog(filter: $f) { nodes { subject detail } } }"
    (row,) = (await api.data(query, f={"action": "userKeysRevoke"}))["auditLog"]["nodes"]
    assert (row["subject"], row["detail"]["revoked"]) == ("lost-a-key@example.org", 2)


async def test_keys_of_somebody_who_may_do_more_are_not_theirs_to_end(api: Api) -> None:
    admin = (await api.data(f'{{ users(search: "{ADMIN}") {{ nodes {{ id }} }} }}'))["users"]["nodes"][0]["id"]
    assert (await done(api, REVOKE_ALL, api.viewer_key, id=admin, reason="x"))["__typename"] == "NotAllowed"
    assert (await api.post("{ viewer { email } }")).status_code == 200


async def test_what_projects_say_of_somebody_outlives_them_and_is_told(api: Api) -> None:
    user = await made(api, "passing@example.org")
    for project in ("demo", "support-bot"):
        await change(api, "memberSet", project=project, user="passing@example.org", role="editor")
    wish = {"id": user, "reason": "Left", "idempotencyKey": "passing"}
    left = (await done(api, DELETE, **wish))["memberships"]
    assert [each["projectSlug"] for each in left] == ["demo", "support-bot"]
    assert (await done(api, DELETE, **wish))["memberships"] is None  # nobody has the e-mail any more
    await change(api, "memberRemove", project="demo", user="passing@example.org")
    again = await done(api, CREATE, email="passing@example.org", role="viewer", reason="Another one")
    assert [each["projectSlug"] for each in again["user"]["memberships"]] == ["support-bot"]


async def test_who_sees_less_by_becoming_a_member_is_said_to_whoever_may_see_users(api: Api) -> None:
    wish = {"project": "demo", "role": "viewer"}
    for role, restricted in (("viewer", True), ("operator", False)):
        await made(api, f"new-{role}@example.org", role)
        member = {**wish, "user": f"New-{role}@Example.org"}
        assert (await change(api, "memberSet", "restricted", **member, dryRun=True))["restricted"] is restricted
        assert (await change(api, "memberSet", "restricted", **member))["restricted"] is restricted
    await made(api, "head@example.org")
    await change(api, "memberSet", project="demo", user="head@example.org", role="admin")
    head = await key_of(api, "head@example.org")
    assert (await change(api, "memberSet", "restricted", key=head, user="new-viewer@example.org", **wish))["restricted"] is None

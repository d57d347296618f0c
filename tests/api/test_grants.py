"""What roles grant, everywhere and in a project, and that a change of some files is told from no other."""

from __future__ import annotations

import random

import msgspec
import pytest

from api.access import ALL_PERMISSIONS, Forbidden, Grant, NotVisible, Viewer, require
from api.grants import Grants
from core.config import Config, Member, Project, Role, Roles

READ = {"project:read", "model:read", "report:read"}
ROLES = Roles(
    roles={
        "keeper": Role(permissions=("project:read", "token:write")),
        "builder": Role(permissions=("project:read", "project:write")),
        "blind": Role(permissions=("project:write", "token:write", "report:read", "content:read", "model:write")),
    }
)


def project(*members: tuple[str, str]) -> Project:
    return Project(id="i", name="n", members=tuple(Member(user=user, role=role) for user, role in members))


def config(roles: Roles = ROLES, **projects: Project) -> Config:
    return Config(files={"roles.yaml": roles, **{f"projects/{slug}/project.yaml": each for slug, each in projects.items()}})


def viewer(grants: Grants, role: str, email: str = "ada@x.org") -> Viewer:
    return grants.viewer(Viewer(user_id=email, email=email, role=role))


@pytest.mark.parametrize(
    ("role", "permissions"),
    [
        ("viewer", READ),
        ("editor", READ | {"project:write"}),
        ("admin", READ | {"project:write", "project:delete", "token:write", "member:write", "limit:write"}),
        ("keeper", {"project:read", "token:write"}),
        ("builder", {"project:read", "project:write", "project:delete"}),
        ("operator", set()),  # no project role
        ("no-longer-there", set()),
        ("blind", set()),  # a project that one may not see does not exist
    ],
)
def test_a_project_role_grants_exactly_this_and_nothing_elsewhere(role: str, permissions: set[str]) -> None:
    ada = viewer(Grants(config(a=project(("Ada@X.org", role)), b=project())), "no-global-role")
    for rule in ALL_PERMISSIONS | {"project:delete"}:
        assert ada.may(rule, "a") is (rule in permissions), rule  # type: ignore[arg-type]  # all of them
        assert not ada.may(rule, "b"), rule  # type: ignore[arg-type]
        # What is of the whole installation is shown to whoever sees a project.
        shared = rule in {"project:read", "model:read"} and rule in permissions
        assert ada.may(rule) is shared, rule  # type: ignore[arg-type]
        assert ada.lacks({rule}) == {rule}


@pytest.mark.parametrize(
    ("role", "restricted"), [("admin", False), ("operator", False), ("builder", False), ("viewer", True), ("keeper", True)]
)
def test_a_member_is_restricted_unless_the_global_role_has_project_write(role: str, restricted: bool) -> None:
    ada = viewer(Grants(config(a=project(("ada@x.org", "viewer")), b=project())), role)
    assert ada.restricted is restricted
    assert ada.visible_projects() == ({"a"} if restricted else None)
    assert ada.may("project:read", "b") is not restricted


def test_a_restricted_member_keeps_the_global_role_inside_their_projects() -> None:
    ada = viewer(Grants(config(a=project(("ada@x.org", "keeper")))), "viewer")
    assert ada.may("report:read", "a")
    assert ada.may("token:write", "a")
    assert ada.projects("token:write") == {"a"}


EVERYTHING = Role(permissions=tuple(sorted(ALL_PERMISSIONS - {"project:write"})))  # type: ignore[arg-type]  # all of them


def test_what_is_of_no_project_stays_with_a_member_who_sees_only_their_projects() -> None:
    ada = viewer(Grants(config(Roles(roles={"much": EVERYTHING}), a=project(("ada@x.org", "viewer")))), "much")
    assert ada.restricted
    held = {rule for rule in ALL_PERMISSIONS if ada.may(rule)}  # type: ignore[arg-type]  # all of them
    assert held == {"user:read", "user:write", "model:read", "model:write", "settings:write", "project:read"}
    assert all(ada.may(rule, "a") for rule in ALL_PERMISSIONS - {"project:write"})  # type: ignore[arg-type]
    assert not any(ada.may(rule, "b") for rule in ALL_PERMISSIONS)  # type: ignore[arg-type]
    # To grant by a role is to grant in every project.
    assert ada.lacks(ALL_PERMISSIONS) == ALL_PERMISSIONS - {"user:read", "user:write", "settings:write"}


@pytest.mark.parametrize(
    ("permissions", "rule", "missing"),
    [
        ({"user:write"}, "user:write", "user:read"),
        ({"model:write"}, "model:write", "model:read"),
        ({"settings:write"}, "settings:write", "project:read"),
        ({"report:read"}, "report:read", "project:read"),
        ({"user:read"}, "user:write", "user:write"),
    ],
)
def test_to_change_something_takes_to_see_it_and_what_is_missing_is_named(
    permissions: set[str], rule: str, missing: str
) -> None:
    ada = Viewer(user_id="u", email="ada@x.org", role="r", permissions=frozenset(permissions))
    with pytest.raises(Forbidden) as refused:
        require(ada, rule)  # type: ignore[arg-type]
    assert refused.value.permission == missing
    require(msgspec.structs.replace(ada, permissions=frozenset({*permissions, rule, missing})), rule)  # type: ignore[arg-type]


def test_a_member_is_told_that_a_permission_of_theirs_would_have_to_hold_in_every_project() -> None:
    ada = viewer(Grants(config(a=project(("ada@x.org", "viewer")))), "keeper")
    for rule in ("token:write", Grant("project:read")):
        with pytest.raises(Forbidden, match="in every project"):
            require(ada, rule)  # type: ignore[arg-type]


def test_a_role_of_roles_yaml_cannot_shadow_a_built_in_one() -> None:
    # The check refuses such a file; a value made otherwise must not grant more either.
    every = Role(permissions=tuple(sorted(ALL_PERMISSIONS)))  # type: ignore[arg-type]  # all of them
    sly = Roles()
    sly.roles.update({"viewer": every, "editor": every, "operator": every})
    grants = Grants(config(sly, a=project(("ada@x.org", "viewer"))))
    assert grants.of_global_role("viewer") == READ
    assert grants.of_global_role("editor") == frozenset()
    assert grants.of_project_role("viewer") == READ
    assert grants.of_project_role("operator") == frozenset()


def test_what_is_missing_is_said_only_of_what_is_visible() -> None:
    ada = viewer(Grants(config(a=project(("ada@x.org", "viewer")), b=project())), "viewer")
    with pytest.raises(Forbidden):
        require(ada, "project:write", "a")
    for slug in ("b", "no-such-project"):
        with pytest.raises(NotVisible, match=f"there is no project '{slug}'"):
            require(ada, "project:write", slug)


@pytest.mark.parametrize(
    ("actor", "other", "missing"),
    [
        ("admin", "operator", set()),
        ("operator", "admin", {"user:write", "settings:write"}),
        ("viewer", "viewer", set()),
        ("viewer", "keeper", {"token:write"}),
    ],
)
def test_nobody_grants_what_they_lack(actor: str, other: str, missing: set[str]) -> None:
    grants = Grants(config())
    assert viewer(grants, actor).lacks_of(viewer(grants, other, "eve@x.org")) == missing


def test_a_restricted_actor_grants_nothing_beyond_their_projects() -> None:
    grants = Grants(config(a=project(("ada@x.org", "admin"), ("bob@x.org", "editor")), b=project(("eve@x.org", "viewer"))))
    ada = viewer(grants, "viewer")
    assert ada.lacks_of(viewer(grants, "viewer", "bob@x.org")) == set()
    assert ada.lacks_of(viewer(grants, "viewer", "eve@x.org")) == READ  # in a project that does not exist for ada
    assert ada.lacks_of(viewer(grants, "viewer", "new@x.org")) == READ  # sees every project
    assert ada.lacks({"token:write"}, "a") == set()
    # Nor in a project where somebody may do by the global role what the project's role does not grant.
    eve = viewer(Grants(config(c=project(("eve@x.org", "no-longer-there")))), "viewer", "eve@x.org")
    assert ada.lacks_of(eve) == READ
    assert ada.lacks({"settings:write", "token:write"}, "b") == {"settings:write", "token:write"}


def test_whoever_lacks_nothing_of_somebody_may_do_all_that_they_may() -> None:
    dice = random.Random(23)
    rules = sorted(ALL_PERMISSIONS)
    compared = 0
    for _ in range(400):
        # Mostly large roles: of small ones hardly any covers another.
        roles = Roles()
        roles.roles.update(
            {f"r{number}": Role(permissions=tuple(dice.sample(rules, dice.choice((2, 9, 11, 12))))) for number in range(4)}  # type: ignore[arg-type]
        )
        named = ["viewer", "editor", "admin", "gone", *roles.roles]
        projects = {
            slug: project(*((f"{user}@x.org", dice.choice(named)) for user in "ab" if dice.random() < 0.5)) for slug in "pq"
        }
        grants = Grants(config(roles, **projects))
        actor, other = (viewer(grants, dice.choice(["viewer", "operator", *roles.roles]), f"{user}@x.org") for user in "ab")
        if actor.lacks_of(other):
            continue
        compared += 1
        for rule in (*rules, "project:delete"):
            for where in (None, "p", "q", "to-come"):
                assert actor.may(rule, where) or not other.may(rule, where), (rule, where, actor, other)  # type: ignore[arg-type]
            theirs, mine = other.projects(rule), actor.projects(rule)  # type: ignore[arg-type]
            assert mine is None or (theirs is not None and theirs <= mine)
    assert compared > 50


def test_grants_made_from_the_former_ones_are_those_made_anew() -> None:
    dice = random.Random(4)
    users, roles = [f"u{number}@x.org" for number in range(6)], ["viewer", "editor", "admin", "keeper"]
    current = config()
    grants = Grants(current)
    for _ in range(200):
        files = dict(current.files)
        path = f"projects/p{dice.randrange(5)}/project.yaml"
        if dice.random() < 0.2:
            files.pop(path, None)
        else:
            files[path] = project(*((user, dice.choice(roles)) for user in dice.sample(users, dice.randrange(4))))
        if dice.random() < 0.2:
            files["roles.yaml"] = ROLES if dice.random() < 0.5 else Roles()
        current = Config(files=files)
        grants = Grants(current) if dice.random() < 0.05 else grants.updated(current, {path, "roles.yaml"})
        fresh = Grants(current)
        for user in users:
            assert viewer(grants, "viewer", user) == viewer(fresh, "viewer", user)


def test_a_change_that_concerns_nobody_keeps_the_grants() -> None:
    before = config(a=project(("ada@x.org", "viewer")))
    grants = Grants(before)
    assert grants.updated(before, {"projects/a/project.yaml", "projects/a/tokens/t.yaml", "models/m.yaml"}) is grants

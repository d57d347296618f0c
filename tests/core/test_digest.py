"""A revision's digest: 64 hexadecimal digits, the same by whatever way its files came to be there."""

from __future__ import annotations

from hashlib import sha256

from core.config import File, Role, Roles
from core.digest import content_sum, replaced, written

ROLES = Roles(roles={"auditor": Role(permissions=("report:read",))})
TERM = sha256(b'roles.yaml\0{"roles":{"auditor":{"permissions":["report:read"]}}}').hexdigest()
MODULUS = 2**256


def test_the_sum_of_one_file_is_the_hash_of_its_path_and_value() -> None:
    assert written(content_sum({"roles.yaml": ROLES})) == TERM
    assert written(content_sum({})) == "0" * 64


def test_sums_are_of_256_bits_whatever_is_added_or_taken() -> None:
    term = int(TERM, 16)
    assert replaced(0, "roles.yaml", ROLES, None) == MODULUS - term
    assert replaced(MODULUS - 1, "roles.yaml", None, ROLES) == term - 1
    many = {f"projects/p{number}/project.yaml": ROLES for number in range(9)}
    assert content_sum(many) == sum(content_sum({path: file}) for path, file in many.items()) % MODULUS < MODULUS


def test_a_change_back_leads_back() -> None:
    files: dict[str, File] = {"roles.yaml": ROLES}
    total = content_sum(files)
    changed = replaced(total, "roles.yaml", ROLES, Roles())
    assert changed != total
    assert replaced(changed, "roles.yaml", Roles(), ROLES) == total

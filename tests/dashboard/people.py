"""Who sits before the browser, and how they sign in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.e2e.console import Console
from tests.e2e.product import Product

if TYPE_CHECKING:
    from playwright.sync_api import Page


@dataclass(frozen=True)
class Person:
    """An account."""

    email: str
    password: str


class Admin:
    """The person of the first start."""

    @staticmethod
    def of(product: Product) -> Person:
        return Person(product.made.admin.email, product.made.admin.password)


def sign_in(page: Page, person: Person) -> None:
    """Through the form."""
    page.goto("/")
    page.get_by_label("E-mail").fill(person.email)
    page.get_by_role("textbox", name="Password").fill(person.password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("navigation", name="Main").wait_for()


USER_CREATE = """mutation($input: UserCreateInput!) { userCreate(input: $input) { __typename } }"""


def hire(console: Console, email: str, role: str) -> Person:
    """Make an account."""
    person = Person(email, f"a long password of {email}")
    made = console.ask(USER_CREATE, input={"email": email, "role": role, "password": person.password, "reason": "Hired"})
    assert made["userCreate"]["__typename"] == "UserCreated", made
    return person

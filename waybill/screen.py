"""What a person sees once everything runs: on the first start, all it takes to send a request; later, one line."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from waybill.credentials import Credentials
from waybill.options import Addresses

if TYPE_CHECKING:
    from rich.console import Console


def first_start_lines(credentials: Credentials, credentials_file: str) -> list[str]:
    """At most 24 lines; what is to be pasted starts in the first column, so that it works as printed."""
    token = credentials.projects[0]
    return [
        "Waybill is running.",
        "",
        f"  proxy      {credentials.proxy_url}   speaks OpenAI and Anthropic; the token names the project",
        f"  dashboard  {credentials.api_url}",
        f"  API        {credentials.api_url}/graphql",
        f"  admin      {credentials.admin.email}  {credentials.admin.password}",
        f"  token      {token.token}  (project {token.slug})",
        "",
        f"curl {credentials.proxy_url}/v1/chat/completions \\",
        "  -H 'content-type: application/json' \\",
        f"  -H 'authorization: Bearer {token.token}' \\",
        """  -d '{"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}'""",
        "",
        "from openai import OpenAI  # pip install openai",
        f'client = OpenAI(base_url="{credentials.proxy_url}/v1",',
        f'                api_key="{token.token}")',
        'hello = [{"role": "user", "content": "Hello"}]',
        'print(client.chat.completions.create(model="auto", messages=hello).choices[0].message.content)',
        "",
        "The configuration is a Git repository: clone it, edit it, push it, and the proxy runs it.",
        f"git clone {quote(credentials.config_repository)}",
        "",
        f"Kept in {credentials_file} and not shown again. Ctrl-C stops.",
    ]


def later_start_lines(addresses: Addresses, config_repository: str) -> list[str]:
    """No secret is shown again."""
    return [
        f"Waybill is running: proxy {addresses.proxy.url}, dashboard {addresses.api.url}, API {addresses.api.url}/graphql, "
        f"configuration {config_repository}. Ctrl-C stops."
    ]


def show(lines: list[str], console: Console | None = None) -> None:
    """Print the lines unbroken, the title in bold where the terminal can."""
    from rich.console import Console  # only here: the planes and the other commands start without it
    from rich.text import Text

    out = console or Console(soft_wrap=True, highlight=False)
    for number, line in enumerate(lines):
        out.print(Text(line, style="bold" if number == 0 else ""))

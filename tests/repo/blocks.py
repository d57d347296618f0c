"""The commands and programs in a document."""

from __future__ import annotations

import re

from tests.e2e.product import Product


def blocks(page: str) -> list[tuple[str, str]]:
    """The fenced blocks of a page: their language and text."""
    return re.findall(r"^```(\w+)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def on_ports_of(product: Product, code: str) -> str:
    """The same for an instance that is not on the ports that documents name."""
    for name, port in (("proxy", 8080), ("api", 8081)):
        code = code.replace(f"127.0.0.1:{port}", f"127.0.0.1:{product.ports[name]}")
    return code

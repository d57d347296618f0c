"""A running Waybill for the commands that documents show."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.product import ROOT, Product


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """What `make run` starts, on free ports and with a data folder of its own."""
    data = tmp_path_factory.mktemp("documented") / "data"
    product = Product(data)
    addresses = [f"{name.upper()}=127.0.0.1:{product.ports[name]}" for name in ("proxy", "api", "proxy_ops", "api_ops")]
    product.command = ("make", "run", f"DATA={data}", *addresses)
    try:
        yield product.start()
        product.stop()
    finally:
        product.close()


@pytest.fixture
def checkout(product: Product, tmp_path: Path) -> Path:
    """A folder that looks like the root of a checkout to the commands of a page."""
    (tmp_path / "data").symlink_to(product.data)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    return tmp_path

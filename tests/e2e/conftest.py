"""The whole product: one instance for tests that only use it, and as many of one's own as a test that breaks it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.product import Product


@pytest.fixture(scope="session")
def waybill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A running instance that all tests share: send requests, read, and leave its processes and configuration alone."""
    product = Product(tmp_path_factory.mktemp("waybill") / "my data")  # people have spaces in their paths
    try:
        yield product.start()
    finally:
        product.close()


@pytest.fixture
def make_waybill(tmp_path: Path) -> Iterator[Callable[[], Product]]:
    """Make instances of one's own, not started yet, each with a data folder of its own."""
    made: list[Product] = []

    def make() -> Product:
        made.append(Product(tmp_path / f"data-{len(made)}"))
        return made[-1]

    yield make
    for product in made:
        product.close()

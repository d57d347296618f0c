"""What the scalars take: nothing that only a part of the way would take."""

from __future__ import annotations

import pytest

from api.graphql.scalars import iso_instant, parse_instant, parse_usd, usd


@pytest.mark.parametrize(
    ("text", "nano"),
    [("1.25", 1_250_000_000), ("-0.000000001", -1), ("0", 0), ("9" * 18 + ".999999999", 10**27 - 1), ("007", 7_000_000_000)],
)
def test_a_decimal_is_exact(text: str, nano: int) -> None:
    assert parse_usd(text) == nano


@pytest.mark.parametrize(
    "text",
    ["", "1e3", "1e999999999", "٣", "NaN", "sNaN", "Infinity", "0.0000000001", "1" * 19,
     "1_0", " 1", "1\n", ".5", "1.", 1, 1.5, None, True],
)  # fmt: skip
def test_what_is_no_decimal_is_a_value_error(text: object) -> None:
    with pytest.raises(ValueError, match=r"such as 1\.25"):
        parse_usd(text)


@pytest.mark.parametrize("nano", [0, 1, -1, 1_500_000_000, 10**27 - 1])
def test_money_comes_back_as_it_went(nano: int) -> None:
    assert parse_usd(usd(nano)) == nano


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00+14:00",
        "0001-01-01T00:00:00Z",
        "1899-12-31T23:59:59Z",
        "9000-01-01T00:00:00Z",
        "2026-01-01",
        "soon",
        5,
    ],
)
def test_what_is_no_instant_is_a_value_error(text: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_instant(text)


@pytest.mark.parametrize("text", ["1900-01-01T00:00:00.000Z", "8999-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"])
def test_an_instant_comes_back_as_it_went(text: str) -> None:
    assert iso_instant(parse_instant(text)) == text


def test_a_year_has_four_digits() -> None:
    assert iso_instant(-62_135_596_800_000) == "0001-01-01T00:00:00.000Z"

"""What a misfit shows of a value: short ones as they are, long ones not."""

from __future__ import annotations

import pytest

from core.config import Model
from core.conversion import Misfit, convert


@pytest.mark.parametrize(("length", "shown"), [(60, f'"{"x" * 60}"'), (61, "this text")])
def test_a_text_of_60_characters_is_shown_and_a_longer_one_is_not(length: int, shown: str) -> None:
    with pytest.raises(Misfit) as caught:
        convert({"provider": "p", "upstream_name": "m", "context_window": "x" * length}, Model)
    [fault] = caught.value.faults
    assert shown in fault.reason

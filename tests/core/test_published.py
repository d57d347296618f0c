"""What lies in `published/`: where a reader starts, which deltas follow, and which files nobody needs any more."""

from __future__ import annotations

import pytest

from core.config import File, RoutedModel, Routing
from core.published import Chain, chains, delta_name, folded, full_name, newest, superseded
from core.snapshot import Delta, DeltaMismatch


def names(fulls: list[int], deltas: list[int]) -> list[str]:
    return [*map(full_name, fulls), *map(delta_name, deltas), "full-000000000009.json.part", "notes.txt", "full-9.json"]


def test_names_sort_as_their_numbers() -> None:
    assert (full_name(7), delta_name(120)) == ("full-000000000007.json", "delta-000000000120.json")


CHAINS = [
    ("nothing", [], [], []),
    ("deltas alone lead nowhere", [], [1, 2], []),
    ("a full one alone", [3], [], [(3, ())]),
    ("the delta of a full one's own number is in it", [3], [2, 3], [(3, ())]),
    ("those after it, up to the first that lacks", [3], [4, 5, 7], [(3, (4, 5))]),
    ("the newest full one first", [1, 4], [1, 2, 3, 4, 5], [(4, (5,)), (1, (2, 3, 4, 5))]),
]


@pytest.mark.parametrize(("fulls", "deltas", "expected"), [row[1:] for row in CHAINS], ids=[row[0] for row in CHAINS])
def test_a_reader_starts_at_a_full_one_and_goes_on_without_a_gap(
    fulls: list[int], deltas: list[int], expected: list[tuple[int, tuple[int, ...]]]
) -> None:
    assert chains(names(fulls, deltas)) == [Chain(full, run) for full, run in expected]


def test_a_chain_names_its_files_in_their_order() -> None:
    assert Chain(2, (3, 4)).names == (full_name(2), delta_name(3), delta_name(4))


@pytest.mark.parametrize(
    ("fulls", "deltas", "expected"), [([], [], 0), ([5], [], 5), ([], [6], 6), ([5], [4, 5, 6], 6), ([7], [6], 7)]
)
def test_the_newest_is_the_highest_number_of_both_sorts(fulls: list[int], deltas: list[int], expected: int) -> None:
    assert newest(names(fulls, deltas)) == expected


SUPERSEDED = [
    ("without a full one all may still be needed", [], [1, 2], []),
    ("of one full one, the deltas up to it", [2], [1, 2, 3], [delta_name(1), delta_name(2)]),
    ("two are kept, and the deltas after the older", [2, 4], [1, 2, 3, 4, 5], [delta_name(1), delta_name(2)]),
    ("a third goes", [2, 4, 6], [3, 4, 5, 6, 7], [full_name(2), delta_name(3), delta_name(4)]),
    ("and a fourth, oldest first", [6, 4, 2, 8], [6, 7], [full_name(2), full_name(4), delta_name(6)]),
]


@pytest.mark.parametrize(("fulls", "deltas", "expected"), [row[1:] for row in SUPERSEDED], ids=[row[0] for row in SUPERSEDED])
def test_what_nobody_will_start_from_is_superseded(fulls: list[int], deltas: list[int], expected: list[str]) -> None:
    assert superseded(names(fulls, deltas)) == expected


def delta(revision: str, base: str | None, changed: dict[str, File], removed: tuple[str, ...] = ()) -> Delta:
    return Delta(revision=revision, base=base, digest=f"of {revision}", changed=changed, removed=removed)


def test_deltas_fold_into_one_full_publication() -> None:
    old, new = Routing(), Routing(models=(RoutedModel(id="m"),))
    first = delta("r1", None, {"a": old, "b": old})
    then = delta("r2", "r1", {"a": new, "c": new}, ("b",))
    assert folded(first, []) == first
    assert folded(first, [then]) == delta("r2", None, {"a": new, "c": new})
    with pytest.raises(DeltaMismatch, match="r2 is a change to r1, not to r0"):
        folded(delta("r0", None, {}), [then])

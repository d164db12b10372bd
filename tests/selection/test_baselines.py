"""Random, longest, first."""

from pathlib import Path
from typing import Any

import pytest

from align.errors import Shortfall
from align.records import Example
from align.selection.baselines import Take
from toy_records import Made, example, inputs, run

POOL = [
    example(f"stack_exchange/{site}/{number}", response="x" * number)
    for site, size in [("unix", 9), ("cooking", 6), ("law", 3)]
    for number in range(1, size + 1)
]


def taken(tmp_path: Path, train_set: list[Example] | None = None, **fields: Any) -> Made:
    out = tmp_path / f"out{len(list(tmp_path.glob('out*')))}"
    read = inputs(tmp_path, POOL) if train_set is None else inputs(tmp_path, POOL, without=train_set)
    return run(Take(**fields), read, out)


def test_a_grid_over_quantity_is_nested_and_stays_so_when_the_pool_loses_examples(tmp_path: Path) -> None:
    sets = [set(taken(tmp_path, count=count).ids) for count in (2, 4, 8, 16)]
    assert all(small < large for small, large in zip(sets, sets[1:], strict=False))
    gone = next(iter(sets[3] - sets[2]))
    fewer = run(Take(count=8), inputs(tmp_path, [item for item in POOL if item.id != gone]), tmp_path / "fewer")
    assert set(fewer.ids) == sets[2]


def test_longest_goes_by_the_response(tmp_path: Path) -> None:
    # responses have as many characters as the number says: 9, 8, 7, 6 (unix) and 6 (cooking, first by id)
    assert sorted(taken(tmp_path, count=4, order="longest").ids) == [
        "stack_exchange/cooking/6",
        *(f"stack_exchange/unix/{n}" for n in (7, 8, 9)),
    ]


def test_few_exchanges_or_all_with_the_same_count_is_what_a_diversity_grid_needs(tmp_path: Path) -> None:
    narrow = taken(tmp_path, count=9, sites=1)
    assert {item.split("/")[1] for item in narrow.ids} == {"unix"}  # the one with the most examples
    assert narrow.rejections["stack_exchange/law/1"] == ("take", "other site", "law")
    assert {item.split("/")[1] for item in taken(tmp_path, count=15, sites=2).ids} == {"unix", "cooking"}
    assert {item.split("/")[1] for item in taken(tmp_path, count=3, sites=("law",)).ids} == {"law"}
    assert {item.split("/")[1] for item in taken(tmp_path, count=18).ids} == {"unix", "cooking", "law"}


def test_a_held_out_set_stays_clear_of_the_training_set(tmp_path: Path) -> None:
    made = taken(tmp_path, POOL[:16], count=2, order="first", without=("train",))
    assert made.ids == [POOL[16].id, POOL[17].id]
    assert made.rejections[POOL[0].id] == ("take", "in a set it must stay out of", "")


def test_too_few_is_an_error_unless_the_recipe_says_otherwise(tmp_path: Path) -> None:
    with pytest.raises(Shortfall, match="wanted 5 examples, found 3 of 18 that are eligible"):
        taken(tmp_path, count=5, sites=("law",))
    assert taken(tmp_path, count=5, sites=("law",), shortfall="report").counts.noted == {"missing": 2}

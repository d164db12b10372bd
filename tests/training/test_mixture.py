import math

import pytest

from align.errors import EmptyResult, Shortfall
from align.training.mixture import DataSource, Draw, apportioned, check_lengths, drawn_at, draws_of


def shares(**parts: float) -> dict[str, DataSource]:
    return {name: DataSource(stage=name, share=share) for name, share in parts.items()}


def test_what_is_left_goes_to_the_largest_remainders():
    # 10 x (0.45, 0.35, 0.2) = 4.5, 3.5, 2.0: one is left, and of the two equal remainders the first gets it
    assert apportioned(10, [0.45, 0.35, 0.2]) == [5, 3, 2]
    # 7 x (0.4, 0.2, 0.4) = 2.8, 1.4, 2.8
    assert apportioned(7, [0.4, 0.2, 0.4]) == [3, 1, 3]
    # 73,242,624 blocks of 2,048 tokens are 150B tokens: 80 % and 20 % of them (phi-1.5)
    assert apportioned(73_242_624, [0.8, 0.2]) == [58_594_099, 14_648_525]


def test_eighty_and_twenty_come_as_two_one_two():
    # times of the eight: 1/16, 3/16 ... 15/16; of the two: 1/4 and 3/4
    #   0 0 | 1 | 0 0 0 0 | 1 | 0 0
    assert [drawn_at(place, [8, 2]) for place in range(10)] == [
        (0, 0), (0, 1), (1, 0), (0, 2), (0, 3), (0, 4), (0, 5), (1, 1), (0, 6), (0, 7),
    ]  # fmt: skip


def test_equal_times_go_by_the_order_of_the_sources():
    assert [drawn_at(place, [2, 2, 2])[0] for place in range(6)] == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize(
    "taken", [[5], [1, 1], [8, 2], [40, 20, 40], [333, 1, 666], [7, 11, 13, 17], [1, 1, 1, 97], [500, 300, 120, 50, 30]]
)
def test_each_block_is_drawn_once_and_every_beginning_has_the_shares_of_the_whole(taken):
    total, counts = sum(taken), [0] * len(taken)
    for place in range(total):
        source, number = drawn_at(place, taken)
        assert number == counts[source]  # in order, none left out, none twice
        counts[source] += 1
        for count, share in zip(counts, taken, strict=True):
            assert abs(count - (place + 1) * share / total) < 1.5
    assert counts == taken


def test_at_the_size_of_phi_a_place_is_found_without_walking_there():
    taken = apportioned(73_242_624, [0.4, 0.2, 0.4])
    halfway = 73_242_624 // 2
    source, number = drawn_at(halfway, taken)
    assert number == pytest.approx(taken[source] / 2, abs=2)


def test_shares_decide_how_often_a_small_source_is_read():
    draws = draws_of(shares(synthetic=0.8, code=0.2), {"synthetic": 50, "code": 4}, total=100)
    assert draws == [Draw("synthetic", 50, 80), Draw("code", 4, 20)]
    assert [draw.epochs for draw in draws] == [1.6, 5.0]


def test_epochs_decide_how_long_the_run_is():
    sources = {"a": DataSource(stage="a", epochs=3), "b": DataSource(stage="b", epochs=0.5)}
    assert draws_of(sources, {"a": 10, "b": 21}, None) == [Draw("a", 10, 30), Draw("b", 21, 10)]


def test_a_source_is_not_read_more_often_than_it_may():
    sources = {"code": DataSource(stage="code", share=1, max_epochs=4)}
    assert draws_of(sources, {"code": 25}, total=100)[0].epochs == 4
    with pytest.raises(Shortfall, match=r"sources\.code: would be read 4\.17 times, max_epochs: 4\. Give it more documents"):
        draws_of(sources, {"code": 24}, total=100)


def test_a_source_of_less_than_a_block_is_named():
    with pytest.raises(EmptyResult, match=r"sources\.code: its documents have less than one block"):
        draws_of(shares(web=0.5, code=0.5), {"web": 3, "code": 0}, total=4)


@pytest.mark.parametrize(
    ("sources", "has_tokens", "said"),
    [
        ({}, True, "is empty"),
        (shares(web=0.5, code=0.4), True, "must add up to 1, not 0.9"),
        (
            {"web": {"epochs": 2}},
            True,
            "sources.web: `tokens` says how long the run is, so each source has `share` and no `epochs`",
        ),
        ({"web": {"share": 1.0}}, False, "without `tokens` the sources say how long the run is, so each source has `epochs`"),
        ({"web": {"share": 1.0, "epochs": 1}}, True, "no `epochs`"),
    ],
)
def test_lengths_that_contradict_each_other_are_refused(sources, has_tokens, said):
    read = {name: item if isinstance(item, DataSource) else DataSource(stage=name, **item) for name, item in sources.items()}
    with pytest.raises(ValueError, match=said):
        check_lengths(read, has_tokens)


def test_thirds_add_up():
    check_lengths(shares(a=1 / 3, b=1 / 3, c=1 / 3), has_tokens=True)
    assert math.isclose(sum(apportioned(100, [1 / 3] * 3)), 100)

from collections import Counter

import pytest

from align.training.shuffling import shuffled


@pytest.mark.parametrize("size", [*range(1, 66), 100, 255, 256, 257, 1000, 4097, 30_000])
def test_each_index_stands_in_exactly_one_place(size):
    assert sorted(shuffled(place, size, key=7) for place in range(size)) == list(range(size))


def test_another_key_gives_another_order_and_the_same_key_the_same():
    def order(key):
        return [shuffled(place, 1000, key) for place in range(1000)]

    assert order(1) == order(1)
    # two random orders of n things agree in one place on average
    assert sum(one == two for one, two in zip(order(1), order(2), strict=True)) < 8


def test_over_many_keys_a_place_gets_each_index_as_often():
    counts = Counter(shuffled(3, 10, key) for key in range(20_000))
    # 2,000 each; the standard deviation of a binomial count is sqrt(20,000 x 0.1 x 0.9) = 42
    assert max(abs(counts[index] - 2000) for index in range(10)) < 5 * 42


def test_neighbours_do_not_stay_neighbours():
    order = [shuffled(place, 10_000, key=3) for place in range(10_000)]
    steps = [abs(after - before) for before, after in zip(order, order[1:], strict=False)]
    assert sum(step == 1 for step in steps) < 12  # two of a random order's 9,999 pairs on average
    assert sum(steps) / len(steps) == pytest.approx(10_000 / 3, rel=0.03)  # the mean distance of two random numbers below n


def test_a_place_that_is_none_is_refused():
    for place in (-1, 5):
        with pytest.raises(IndexError):
            shuffled(place, 5, key=1)


def test_a_billion_blocks_take_no_memory_to_order():
    seen = {shuffled(place, 10**9, key=1) for place in range(0, 10**9, 10**6)}
    assert len(seen) == 1000
    assert max(seen) < 10**9

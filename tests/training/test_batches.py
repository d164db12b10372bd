from hypothesis import given
from hypothesis import strategies as st

from align.training.batches import Cut, ShuffledBatches, cuts_of

LENGTHS = [30, 10, 20, 10, 40, 5]


def length(index: int) -> int:
    return LENGTHS[index]


def test_examples_of_like_length_go_through_together_within_the_budget():
    # longest first: 40 alone (80 > 60 with the next), 30 and 20 padded to 60, 10 and 10 and 5 padded to 30
    cuts = cuts_of(range(6), length, budget=60)
    assert [cut.examples for cut in cuts] == [(4,), (0, 2), (1, 3, 5)]
    assert all(cut.counts for cut in cuts)


def test_an_example_longer_than_the_budget_goes_alone():
    assert cuts_of([4, 5], length, budget=8) == [Cut((4,)), Cut((5,))]


def test_processes_get_about_equal_tokens_and_keep_step():
    # 40 | 30, then 20 to the one with 30, 10 to the one with 40, 10 to 50 and 50: the first; 5 to the other
    first = cuts_of(range(6), length, budget=40, world=2, rank=0)
    second = cuts_of(range(6), length, budget=40, world=2, rank=1)
    assert [cut.examples for cut in first] == [(4,), (1, 3)]
    assert [cut.examples for cut in second] == [(0,), (2, 5)]


def test_a_process_without_work_goes_through_the_motions_with_an_example_that_does_not_count():
    first, second = (cuts_of([0, 5], length, budget=10, world=3, rank=rank) for rank in (0, 2))
    assert first == [Cut((0,))]
    assert second == [Cut((5,), counts=False)]


def test_packed_examples_fill_the_room_that_they_leave_least_of():
    # room for 60: 40 leaves 20, 30 leaves 30, 20 fits the first exactly, 10, 10 and 5 go to the second, which has 30
    cuts = cuts_of(range(6), length, budget=60, layout="packed")
    assert [cut.examples for cut in cuts] == [(4, 2), (0, 1, 3, 5)]


@given(st.lists(st.integers(1, 50), min_size=1, max_size=40), st.integers(1, 200), st.integers(1, 5))
def test_every_example_counts_exactly_once_and_all_processes_have_as_many_cuts(lengths, budget, world):
    each = [cuts_of(range(len(lengths)), lengths.__getitem__, budget, world, rank) for rank in range(world)]
    counted = [index for cuts in each for cut in cuts if cut.counts for index in cut.examples]
    assert sorted(counted) == list(range(len(lengths)))
    assert len({len(cuts) for cuts in each}) == 1
    for cuts in each:
        for cut in cuts:
            assert len(cut.examples) == 1 or len(cut.examples) * max(lengths[index] for index in cut.examples) <= budget


def test_each_epoch_has_every_example_once_in_another_order_and_only_its_last_batch_is_smaller():
    batches = ShuffledBatches(10, batch_size=4, seed=1)
    orders = []
    for batches.epoch in (0, 1):
        listed = list(batches)
        assert [len(batch) for batch in listed] == [4, 4, 2]
        orders.append([index for batch in listed for index in batch])
        assert sorted(orders[-1]) == list(range(10))
    assert orders[0] != orders[1]
    assert len(batches) == 3

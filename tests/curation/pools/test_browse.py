"""Finding examples in a pool by what is known of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from align.curation.pools.browse import LABELS, ORDERS, STATES, Browse, Filters, as_query, from_query
from align.curation.pools.pool import Pool
from align.curation.pools.search import TextIndex
from toy_records import artifact, example

BREAD = example(
    "stack_exchange/cooking/1", "How do I bake bread?", "Knead the dough, let it rise and bake the bread.", ("oven",), score=3
)
ROLLS = example("stack_exchange/cooking/2", "How do I bake rolls?", "Knead the dough and bake the rolls.", ("oven", "rolls"))
TIDES = example("stack_exchange/ocean/1", "Why are there tides?", "The moon pulls at the sea.", score=7, age=2)
STORY = example("wikihow/9", "How to tell a story?", "Begin with someone who wants something.")
ALL = [BREAD, ROLLS, TIDES, STORY]
UNDECIDED, ACCEPTED = STATES.index("undecided"), STATES.index("accepted")
STANDS = np.array([ACCEPTED, UNDECIDED, UNDECIDED, UNDECIDED], dtype=np.int8)


@pytest.fixture
def browse(tmp_path: Path) -> Browse:
    pool = Pool.open(artifact(tmp_path, "above", ALL), tmp_path / "store")
    return Browse(pool, TextIndex.open(tmp_path / "store", pool.folder, pool.examples()))


@pytest.mark.parametrize(
    ("filters", "rows"),
    [
        (Filters(), [0, 1, 2, 3]),
        (Filters(words="bake"), [1, 0]),  # as often in the prompt, in a shorter response
        (Filters(chosen={"site": ("cooking",)}), [0, 1]),
        (Filters(chosen={"site": ("cooking", "ocean")}), [0, 1, 2]),
        (Filters(chosen={"site": ("cooking",), "state": ("undecided",)}), [1]),
        (Filters(chosen={"tag": ("rolls",)}), [1]),
        (Filters(chosen={"tag": ("nothing has it",)}), []),
        (Filters(at_least={"score": 3}), [0, 2]),  # the others have no score
        (Filters(at_least={"score": 3}, at_most={"score": 6}), [0]),
        (Filters(at_least={"unknown signal": 0}), []),
        (Filters(at_most={"chars": 35}), [1, 2]),  # 48, 35, 26 and 39 characters
        (Filters(order="longest"), [0, 3, 1, 2]),
        (Filters(order="shortest", chosen={"source": ("stack_exchange",)}), [2, 1, 0]),
        (Filters(words="bake", order="pool"), [0, 1]),
    ],
)
def test_what_is_found_is_what_all_filters_leave(browse: Browse, filters: Filters, rows: list[int]) -> None:
    assert browse.find(filters, STANDS).rows.tolist() == rows


def test_examples_like_one_come_in_the_order_of_their_likeness_without_it(browse: Browse) -> None:
    found = browse.find(Filters(like=BREAD.id), STANDS)
    assert found.rows[0] == 1
    assert 0 not in found.rows
    assert found.likeness[1] == pytest.approx(float(browse.pool.vectors[0] @ browse.pool.vectors[1]))


def test_a_facet_counts_what_another_choice_of_it_would_bring(browse: Browse) -> None:
    """cooking is chosen; ocean is still offered with what it would bring, but only examples that nobody decided about."""
    facets = browse.find(Filters(chosen={"site": ("cooking",), "state": ("undecided",)}), STANDS).facets
    assert facets["site"] == {"cooking": 1, "ocean": 1, "wikihow": 1}
    assert facets["state"] == {"accepted": 1, "undecided": 1}
    assert facets["source"] == {"stack_exchange": 1}


def test_tags_come_with_the_most_frequent_first(browse: Browse) -> None:
    assert browse.tags() == ["oven", "rolls"]


TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
NUMBERS = st.dictionaries(st.sampled_from(["score", "chars", "a.b"]), st.integers(-1000, 1000).map(float), max_size=2)
FILTERS = st.builds(
    Filters,
    words=TEXTS | st.just(""),
    like=TEXTS | st.just(""),
    chosen=st.dictionaries(
        st.sampled_from([label for label in LABELS if label != "state"]),
        st.lists(TEXTS, min_size=1, max_size=3).map(tuple),
        max_size=3,
    ),
    at_least=NUMBERS,
    at_most=NUMBERS,
    order=st.sampled_from(ORDERS),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(FILTERS)
def test_a_view_is_a_link_and_the_link_is_the_view(filters: Filters) -> None:
    assert from_query(as_query(filters)) == (filters, [])


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"min.score": ["many"]}, "min.score: a number is wanted (got ['many'])"),
        ({"order": ["longst"]}, "order: did you mean 'longest'? (got 'longst')"),
        ({"state": ["acceptd"]}, "state: did you mean 'accepted'? (got 'acceptd')"),
    ],
)
def test_a_link_that_cannot_be_read_says_so_and_shows_the_rest(query: Any, said: str) -> None:
    filters, problems = from_query({"words": ["tide"], **query})
    assert filters.words == "tide"
    assert problems == [said]

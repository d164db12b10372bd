import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align import self_contained
from align.plain_arrays import texts_of
from align.self_contained import are_self_contained, is_self_contained

WORDS = (
    "this these_x my this's cont'd continued cont . ... \u2026 here here's pt 2 pt. pt2 part 3 update: Edit: see in from title"
)
WORDS += " says is too long comments following's - , ? \u017fee THIS Below fur otters picture"


@pytest.mark.parametrize(
    "title",
    [
        "How do bees find their way home?",
        "Why does bread rise when it is warm",
        "If two trains meet at noon, which one is late?",
        "Cheap ways to keep a garden shed dry in winter?",
        "How do I edit a file that is locked?",
        "What is the origin of the word here's?",
    ],
)
def test_a_question_that_stands_alone_is_self_contained(title: str) -> None:
    assert is_self_contained(title)


@pytest.mark.parametrize(
    ("title", "why"),
    [
        ("Why does this fail?", "points at what only the body shows"),
        ("What is wrong with my code in the loop?", "the code is in the body"),
        ("Which of the following is true of whales?", "the list is in the body"),
        ("Garden shed, damp floor, and a wet roof", "asks nothing"),
        ("Why me?", "two words"),
        ("How do I get from A to ...", "is cut off"),
        ("What do the symbols mean in the picture?", "needs the picture"),
        ("What is the bird shown here?", "needs the picture"),
    ],
)
def test_a_title_that_needs_its_body_is_not(title: str, why: str) -> None:
    assert not is_self_contained(title), why


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.sampled_from(WORDS.split()), min_size=1, max_size=7), st.sampled_from([" ", "", ", "]), st.sampled_from(["", "?"])
)
def test_the_short_cut_for_titles_without_pointing_words_misses_none(words: list[str], between: str, end: str) -> None:
    title = "How do wild otters " + between.join(words) + end
    assert is_self_contained(title) == (self_contained._POINTS_ELSEWHERE.search(title) is None)


@settings(max_examples=1000, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["How", "DO", "if", "does", "_", "howl", "2", "what_is", "What's", "bees", "this", "fly", "ſo", "“Why", "(is"]
        ),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from([" ", "\t", ", ", "-", "\x1c"]),
    st.sampled_from(["", "?", "...", " ?!", "\n"]),
)
def test_titles_of_plain_letters_are_judged_as_all_others(words: list[str], between: str, end: str) -> None:
    title = between.join(words) + end
    text = title.strip()
    enough = len(self_contained._WORD.findall(text)) >= self_contained.LEAST_WORDS
    asks = self_contained._ASKS.match(text) is not None
    assert is_self_contained(title) == (enough and asks and self_contained._POINTS_ELSEWHERE.search(text) is None)


@settings(max_examples=500, deadline=None)
@given(
    st.lists(
        st.lists(
            st.sampled_from(
                [*WORDS.split(), "How", "DO", "if", "What's", "a'b", "'", "''", "_", "?", "2", "\n", "(is", "pt.2", "my code"]
            ),
            max_size=9,
        ),
        max_size=6,
    ),
    st.sampled_from([" ", "", ", ", "'"]),
)
def test_many_titles_are_judged_as_each_is(titles: list[list[str]], between: str) -> None:
    texts = [between.join(words).strip() for words in titles]
    assert are_self_contained(texts_of(texts)).tolist() == list(map(is_self_contained, texts))

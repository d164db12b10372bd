import pytest

from align.self_contained import is_self_contained


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

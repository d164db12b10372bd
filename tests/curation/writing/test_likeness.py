"""Whether a text is there already, however it was changed."""

import random

from align.curation.writing.likeness import Known, KnownTexts, leaks
from align.records import Turn

COPIED = "Set the kettle on the back burner, wait until it sings, and pour slowly over the leaves in the warmed pot"
KNOWN = [
    Known("p1", "pool", "How do I brew green tea without making it bitter?", ""),
    Known("a1", "accepted", "Why does bread rise?", f"Yeast eats sugar. {COPIED}."),
    Known("w1", "authored", "Write a limerick about a lighthouse keeper", "There once was a keeper of light"),
]


def found(prompt: str, response: str = "", without: str = "") -> list[tuple[str, str]]:
    turns = [Turn("user", prompt), *([Turn("assistant", response)] if response else [])]
    return [(item.known.id, item.how) for item in KnownTexts(KNOWN).find(turns, without=without)]


def test_a_prompt_that_differs_in_a_letter_is_the_same() -> None:
    assert found("how do i brew  Green tea without making it biter?") == [("p1", "same prompt")]


def test_words_that_were_copied_are_found_in_any_prompt() -> None:
    # 20 words in a row stand in both; the answer's other words are new
    hits = KnownTexts(KNOWN).find(
        [Turn("user", "Tell me of tea ceremonies"), Turn("assistant", f"With pleasure: {COPIED.upper()} and drink")]
    )
    assert [(item.known.id, item.how, item.share) for item in hits] == [("a1", "shared words", 21.0)]
    assert hits[0].words == "set the kettle on the back burner wait until it sings and pour"


def test_twelve_words_in_a_row_are_no_copy() -> None:
    assert found("Tell me of tea ceremonies", " ".join(COPIED.split()[:12])) == []


def test_other_words_in_another_order_are_alike_and_no_duplicate() -> None:
    hits = KnownTexts(KNOWN).find([Turn("user", "Brew green tea without bitter taste: how do I")])
    assert [(item.known.id, item.how, item.is_duplicate) for item in hits] == [("p1", "alike", False)]


def test_a_piece_is_no_duplicate_of_itself() -> None:
    assert found("Write a limerick about a lighthouse keeper") == [("w1", "same prompt")]
    assert found("Write a limerick about a lighthouse keeper", without="w1") == []


def test_nothing_is_like_nothing() -> None:
    assert KnownTexts([]).find([Turn("user", "Anything at all?")]) == []
    assert KnownTexts(KNOWN).find([Turn("user", "")]) == []
    assert KnownTexts(KNOWN).find([]) == []


def test_leaks_between_groups_are_found_and_nothing_else() -> None:
    tests = [
        Known("b1", "other group", "Write a limerick about a lighthouse-keeper", ""),
        Known("b2", "other group", "Name three rivers of Peru", ""),
        Known("b3", "other group", f"Is this right: {COPIED}", ""),
    ]
    assert [(item.id, likeness.known.id, likeness.how) for item, likeness in leaks(KNOWN, tests)] == [
        ("b1", "w1", "same prompt"),
        ("b3", "a1", "shared words"),
    ]


def test_shared_words_are_those_a_naive_search_finds() -> None:
    draw = random.Random(5)
    texts = [" ".join(draw.choice("abcd") for _ in range(40)) for _ in range(12)]
    index = KnownTexts([Known(str(number), "pool", f"prompt number {number}", text) for number, text in enumerate(texts[:6])])
    for asked in texts[6:]:
        spliced = asked[:21] + texts[2][:31] + asked[52:]
        naive = {
            str(number)
            for number, text in enumerate(texts[:6])
            if any(
                f" {' '.join(spliced.split()[start : start + 13])} " in f" {text} " for start in range(len(spliced.split()) - 12)
            )
        }
        assert {item.known.id for item in index.find([Turn("user", spliced)]) if item.how == "shared words"} == naive
        assert "2" in naive

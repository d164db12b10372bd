"""The two judges that need no model."""

import pytest

from align.judges.longest import Longest
from align.judges.word_overlap import WordOverlap, overlap
from align.records import Turn

PROMPT = (Turn("user", "How do I brew green tea?"),)


def test_overlap_is_twice_the_shared_content_words_over_all() -> None:
    # content words: brew green tea (how, do, i are stop words) and steep green leaves: 1 shared of 3 and 3
    assert overlap("How do I brew green tea?", "Steep green leaves.") == pytest.approx(2 / 6)
    assert overlap("How do I?", "Steep.") == 0.0


def test_the_response_that_stays_on_the_subject_is_preferred() -> None:
    verdict = WordOverlap().compare(PROMPT, "Buy shares in copper.", "Brew green tea at 80 degrees.")
    assert verdict.verdict == "second"
    # 3 of 3 and 5 words (at is a stop word): 2 * 3 / (3 + 5)
    assert verdict.explanation == "overlap with the prompt 0.000 and 0.750"


def test_empty_responses_and_a_difference_within_the_margin_are_ties() -> None:
    assert WordOverlap().compare(PROMPT, "", "").verdict == "tie"
    # 2 / (3 + 1) against 2 / (3 + 2): a difference of 0.1
    assert WordOverlap(margin=0.1001).compare(PROMPT, "tea", "tea pot").verdict == "tie"
    assert WordOverlap(margin=0.0999).compare(PROMPT, "tea", "tea pot").verdict == "first"


def test_only_what_the_user_says_is_the_subject() -> None:
    dialogue = (Turn("system", "Speak of copper."), Turn("user", "Tea?"), Turn("assistant", "Copper."), Turn("user", "Green?"))
    assert WordOverlap().compare(dialogue, "copper", "green tea").verdict == "second"


def test_the_longer_response_wins_and_white_space_is_no_length() -> None:
    assert Longest().compare(PROMPT, "short", "longer").verdict == "second"
    assert Longest().compare(PROMPT, "same   \n", "four").verdict == "tie"
    # 90 and 100: 10 characters are a tenth of the longer one
    assert Longest(margin=0.1).compare(PROMPT, "x" * 90, "y" * 100).verdict == "tie"

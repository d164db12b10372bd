"""Texts that are no prose: code, capitals, symbols, bullets."""

import pytest

from align.filters.capitals import Capitals
from align.filters.code_share import CodeShare
from align.filters.filter import Drop, Filter
from align.filters.symbols import Symbols
from align.text import code_chars
from toy_records import example

PROSE = "Knead the dough for ten minutes and let it rest until it has doubled, which takes an hour in a warm kitchen. "


def judged(part: Filter, text: str) -> Drop | None:
    return part.reason_to_drop(example("a/1", "?", text))


def test_code_is_counted_in_blocks_and_in_lines() -> None:
    # `a b` with its ticks: 4 visible characters; the block: 3 + 3 + 3 ("x=1")
    assert code_chars("Run `a b` now.") == 4
    assert code_chars("Run\n```\nx = 1\n```\nnow.") == 9
    assert code_chars("> quoted, not code") == 0


def test_the_share_of_code_is_bounded() -> None:
    # 9 of 15 visible characters are code: 60 %
    text = "Run\n```\nx = 1\n```\nnow"
    assert judged(CodeShare(max=0.5), text) == Drop("more than 50% code", "60%")
    assert judged(CodeShare(max=0.6), text) is None
    assert judged(CodeShare(min=0.1), "no code") == Drop("less than 10% code", "0%")
    with pytest.raises(ValueError, match="write a min or a max that drops something"):
        CodeShare()


def test_shouting_is_dropped_and_code_may_shout() -> None:
    assert judged(Capitals(), "PLEASE DO NOT PUT " * 5 + "the dough away") is not None
    assert judged(Capitals(), PROSE + "\n```\n" + "SELECT FROM WHERE " * 20 + "\n```") is None
    assert judged(Capitals(), "HTML AND CSS") is None  # too few words to say


def test_the_share_of_capitals_is_taken_of_words_with_two_letters() -> None:
    # 6 of 20: 30 % are allowed, 7 of 20 are 35 %
    assert judged(Capitals(), "AB " * 6 + "ab " * 14 + "I I I I") is None
    assert judged(Capitals(), "AB " * 7 + "ab " * 13) == Drop("in capitals", "35% of 20 words")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("#bread #dough #yeast are what we bake", "too many hash signs"),
        ("well … so … and … then … more words here", "too many ellipses"),
        ("\n".join(["- flour and water"] * 12), "nothing but bullets"),
        ("\n".join([PROSE + "and so on and on and then ...", "It rises."] * 3), "torn lines"),
        ("1 2 3 4 5 6 7 of the 9", "few words with letters"),
        ("a b c d e f g", "short words"),
        ("donaudampfschifffahrtsgesellschaft " * 5, "long words"),
    ],
)
def test_each_rule_of_gopher_has_its_reason(text: str, reason: str) -> None:
    drop = judged(Symbols(), text)
    assert drop is not None
    assert drop.reason == reason


@pytest.mark.parametrize(
    "text",
    [
        PROSE,
        "# Bread\n\n" + PROSE + "\n\n## Dough\n\n- flour\n- water\n\n" + PROSE,
        "我的家乡有着美丽的自然风景和悠久的历史文化。",
        "**Flour** is first.\n**Water** is second.",
        "```\n#define X\n#define Y\n```",
        "",
    ],
)
def test_ordinary_text_breaks_none(text: str) -> None:
    assert judged(Symbols(), text) is None


def test_a_limit_is_taken_in() -> None:
    # one hash sign in ten words is 0.1, as Gopher allows
    words = "C#x " + "bread " * 9
    assert judged(Symbols(), words) is None
    assert judged(Symbols(max_symbols_a_word=0.09), words) == Drop("too many hash signs", "1 in 10 words")

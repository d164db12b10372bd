from hypothesis import given
from hypothesis import strategies as st

from align.text import normalize, prose, words


def test_words_are_lower_case_of_any_script_and_keep_their_apostrophe() -> None:
    assert words("Don't stop — l’été, 3D_x Москва 北京!") == ["don't", "stop", "l’été", "3d", "x", "москва", "北京"]


def test_normal_form_ignores_case_space_and_coding() -> None:
    # full-width A, a ligature, a decomposed é and ß
    assert normalize("\uff21  ﬁn\n e\u0301t\u00e9 Stra\u00dfe ") == "a fin été strasse"


def outside(markdown: str) -> str:
    return " ".join(prose(markdown).split())


def test_prose_leaves_out_code_quotations_and_formulas() -> None:
    text = (
        "One `two` and ``three ` four``.\n\n```py\nfive\n```\n\n> six\n> seven\n\n- eight\n\n  ````\n  nine\n  ```\n  ten\n  ````\n\n"
        'He said "eleven twelve" of “thirteen” and $x_1 + y$, $$\nfourteen\n$$ fifteen.'
    )
    assert outside(text) == "One and . - eight He said of and , fifteen."


def test_prose_keeps_every_position() -> None:
    text = "say `I` or\n```\nI\n```\nend"
    assert len(prose(text)) == len(text)
    assert prose(text).index("end") == text.index("end")


def test_money_inches_and_apostrophes_open_nothing() -> None:
    text = "It costs $5, I paid $10. A 5\" pipe, I cut it, and a 6\" one. Don't, I say, can't."
    assert prose(text) == text


def test_a_fence_that_never_closes_hides_the_rest() -> None:
    assert outside("a\n```\nb\nc") == "a"


def test_a_quoted_fence_is_no_prose() -> None:
    assert outside("> ```\n> code\n> ```\nafter\n- > quoted\n1. > quoted") == "after"


@given(st.text(alphabet="ab `$\n>\"'-~.“”\\", max_size=60))
def test_prose_only_ever_blanks(text: str) -> None:
    assert all(new in (old, " ") for old, new in zip(text, prose(text), strict=True))
    assert prose(text).count("\n") == text.count("\n")

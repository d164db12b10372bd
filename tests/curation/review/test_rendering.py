"""Markdown as a tree: its form is kept, and nothing in it can run, load or lead anywhere."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.curation.review.rendering import ELEMENTS, MOST_CHARS, plain, rendered


def names(nodes: list[Any]) -> set[str]:
    elements = [node for node in nodes if isinstance(node, list)]
    return {element[0] for element in elements} | {name for element in elements for name in names(element[1:])}


def test_tags_of_html_are_words() -> None:
    assert rendered("Hi <script>alert(1)</script>\n\n<img src=x onerror=alert(1)>") == [
        ["p", "Hi <script>alert(1)</script>"],
        ["p", "<img src=x onerror=alert(1)>"],
    ]


def test_a_link_is_its_words_and_its_address_as_words() -> None:
    assert rendered("[press](javascript:alert(1)) me") == [["p", "press", ["address", " (javascript:alert(1))"], " me"]]


def test_a_link_that_says_its_address_says_it_once() -> None:
    assert rendered("<https://example.org>") == [["p", "https://example.org"]]


def test_an_image_is_its_description() -> None:
    assert rendered("![a cat](http://example.org/cat.png)") == [
        ["p", "[image: a cat]", ["address", " (http://example.org/cat.png)"]]
    ]


def test_a_formula_stays_as_it_is_written() -> None:
    assert rendered("Take $a_1 * b_2 * c_3$, it costs $5 or $6.") == [
        ["p", "Take ", ["formula", "$a_1 * b_2 * c_3$"], ", it costs $5 or $6."]
    ]


def test_directives_of_streamlit_are_words() -> None:
    assert rendered(":red[stop] :material/delete: :smile: a <- b -- c") == [
        ["p", ":red[stop] :material/delete: :smile: a <- b -- c"]
    ]


def test_lists_code_quotations_and_tables_keep_their_form() -> None:
    tree = rendered("3. one\n4. two\n\n```html\n<b>\n```\n\n> said\n\n| a |\n|---|\n| 1 |")
    assert tree[0] == ["ol", {"start": 3}, ["li", "one"], ["li", "two"]]
    assert tree[1] == ["pre", ["code", "<b>"]]
    assert tree[2] == ["blockquote", ["p", "said"]]
    assert tree[3] == ["table", ["thead", ["tr", ["th", "a"]]], ["tbody", ["tr", ["td", "1"]]]]


def test_a_marked_place_is_marked_through_bold_text_and_beyond() -> None:
    text = "Then **I think** so"
    assert rendered(text, ((5, 14),)) == [["p", "Then ", ["strong", ["mark", "I think"]], " so"]]
    assert rendered("as *mentioned* above", ((0, 14),)) == [["p", ["mark", "as "], ["em", ["mark", "mentioned"]], " above"]]


def test_a_mark_at_the_start_leaves_a_heading_a_heading() -> None:
    assert rendered("# Edit: more", ((0, 7),)) == [["h1", ["mark", "Edit:"], " more"]]


def test_what_marks_a_place_cannot_be_written_in_a_post() -> None:
    assert rendered("a\ufdd0b\ufdd1c") == [["p", "a\ufffdb\ufffdc"]]


def test_a_huge_text_is_shown_as_it_is() -> None:
    text = "*a* " * MOST_CHARS
    assert rendered(text) == [["pre", ["code", text]]]


@pytest.mark.parametrize(
    "text", ["[" * 50_000, "*a _b " * 9_000, "> " * 5_000 + "x", "`" * 20_001 + " `a" * 9_000, "$a " * 20_000]
)
def test_a_hostile_text_is_read_to_its_end(text: str) -> None:
    assert plain(rendered(text)).strip() != ""


@given(st.text(alphabet="a*_`[]()!<>#-> \n|$\\&:1.~", max_size=60))
def test_whatever_is_written_only_harmless_elements_come_out(text: str) -> None:
    assert names(rendered(text)) <= ELEMENTS

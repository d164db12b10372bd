"""What is measured of a response, worked out by hand."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align.style.ends import CLOSINGS, OPENINGS
from align.style.features import ENGLISH, measure, mtld, rate

GERMAN = "Der Teig muss eine ganze Nacht ruhen, damit die Hefe langsam arbeitet und das Brot seinen Geschmack bekommt. " * 3


def test_sentences_are_counted_and_measured() -> None:
    # sentences of 3, 5 and 4 words: mean 4, variance ((1+1+0)/2) = 1
    found = measure("Knead the dough. Is it warm and soft? Then bake it now!").values
    assert (found["sentences"], found["sentence_words"], found["sentence_spread"]) == (3, 4, 1)
    assert found["questions"] == found["exclamations"] == pytest.approx(1 / 3)


def test_persons_are_counted_in_a_hundred_words_of_fifty_at_least() -> None:
    # 2 of 9 words are the first person; 9 words count as 50: 4 in 100
    found = measure("I baked it in my oven and you ate.").values
    assert found["first_person"] == 4
    assert found["second_person"] == 2
    assert rate(2, 100) == 2


def test_code_and_quotations_are_not_the_authors_voice() -> None:
    found = measure("Bake it.\n\n> I said I would.\n\n```\nI = my\n```\n").values
    assert found["first_person"] == 0
    assert found["code"] > 0


def test_lists_and_headings_are_shares_and_counts_of_lines() -> None:
    # four lines that are not empty: a heading, two items, a sentence
    found = measure("# Bread\n\n- flour\n- water\n\nMix them.").values
    assert (found["list_lines"], found["headings"], found["paragraphs"]) == (0.5, 1, 3)


def test_mtld_is_the_length_of_runs_without_repeats() -> None:
    # "a b" repeated: types/tokens falls to 2/3 <= 0.72 at the third word, so a factor every three words
    assert mtld(["a", "b"] * 30) == pytest.approx(60 / 20)
    assert math.isnan(mtld(["a", "b"] * 10))


def test_flesch_by_hand() -> None:
    # one sentence, 5 words, 6 syllables (wa-ter): 206.835 - 1.015 * 5 - 84.6 * 6 / 5
    assert measure("The warm dough needs water.").values["flesch"] == pytest.approx(206.835 - 5.075 - 101.52)


def test_the_first_sentence_takes_up_the_question() -> None:
    # long words of the question: bake, bread, warm; two of them come back
    assert measure("To bake bread, wait.", "How to bake bread warm?").values["acknowledgement"] == pytest.approx(2 / 3)
    assert math.isnan(measure("To bake bread, wait.").values["acknowledgement"])


def test_another_language_is_measured_without_its_words() -> None:
    found = measure(GERMAN, "Wie backe ich Brot?")
    assert not found.is_english
    assert all(math.isnan(found.values[name]) for name in ENGLISH)
    assert found.values["sentences"] == 3
    assert found.opening == "plain"


@pytest.mark.parametrize(
    ("text", "opening"),
    [
        ("That's a great question! Bake it.", "acknowledgement"),
        ("Sure, here it is.", "acknowledgement"),
        ("Surely it is warm.", "plain"),
        ("Hereafter it is baked.", "plain"),
        ("- flour", "list"),
        ("1. Knead it.", "list"),
        ("# Bread", "heading"),
        ("```\nbake()\n```", "code"),
        ("She opened the oven and the bread was gone.", "story"),
        ("“Is it done?” asked the baker.", "story"),
        ("Bread needs time.", "plain"),
    ],
)
def test_openings(text: str, opening: str) -> None:
    assert measure(text).opening == opening


@pytest.mark.parametrize(
    ("text", "closing"),
    [
        ("Bake it. Hope this helps!", "offer"),
        ("Is it done?", "question"),
        ("It is done!", "exclamation"),
        ("Mix:\n\n- flour\n- water", "list"),
        ("Run:\n```\nbake()\n```", "code"),
        ("It is *done.*", "plain"),
        ("and then it", "open"),
    ],
)
def test_closings(text: str, closing: str) -> None:
    assert measure(text).closing == closing


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=60), prompt=st.text(max_size=10))
@settings(deadline=None, max_examples=150)
def test_any_text_can_be_measured(text: str, prompt: str) -> None:
    found = measure(text, prompt)
    assert found.opening in OPENINGS
    assert found.closing in CLOSINGS
    assert all(value >= 0 or math.isnan(value) or name == "flesch" for name, value in found.values.items())


@pytest.mark.slow
@pytest.mark.parametrize("piece", ["a", "a ", "a. ", "@a", "I was ", "- \n", "*", "' ", "“a", "hope ", "#", "."])
def test_a_megabyte_is_measured_in_proportion_to_its_length(piece: str) -> None:
    import time

    text = (piece * (1_000_000 // len(piece) + 1))[:1_000_000]
    started = time.process_time()
    measure(text, text[:10_000])
    assert time.process_time() - started < 30

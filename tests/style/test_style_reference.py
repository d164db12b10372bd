"""What is usual, and what is unusual about one response, in words."""

import time
from pathlib import Path

import pytest
from two_voices import answers

from align.errors import InputError
from align.style.features import measure
from align.style.reference import StyleReference, learn_reference


@pytest.fixture(scope="module")
def reference() -> StyleReference:
    rows = [*answers("plain", 60), *answers("chat", 40)]
    return learn_reference((row.origin.source, measure(row.response, row.prompt)) for row in rows)


I_TEXT = "I think my dough rests because my oven of my kitchen is warm enough. " * 3


def test_a_response_like_its_kind_has_nothing_unusual(reference: StyleReference) -> None:
    assert all(reference.reasons(row.response, "plain", row.prompt) == [] for row in answers("plain", 20, seed=2))


def test_reasons_say_what_is_unusual_and_what_is_usual(reference: StyleReference) -> None:
    # 4 of "I" and "my" a sentence, three sentences; nobody says "I" in plain answers
    reasons = reference.reasons(I_TEXT, "plain")
    assert "says I, me or my 12 times; its kind 0 times in as many words" in reasons
    assert len(reasons) <= 3


def test_what_is_usual_depends_on_the_kind(reference: StyleReference) -> None:
    chat = answers("chat", 1, seed=5)[0].response
    assert any("says I" in reason for reason in reference.reasons(chat, "plain", most=9))
    assert not any("says I" in reason for reason in reference.reasons(chat, "chat", most=9))


def test_an_unknown_kind_is_measured_against_the_whole_set(reference: StyleReference) -> None:
    reasons = reference.reasons("👍 " * 30, "letters", most=9)
    assert reasons
    assert all("the set" in reason for reason in reasons)


def test_a_rare_opening_is_a_reason(reference: StyleReference) -> None:
    # none of the 60 plain answers opens with a list
    plain = answers("plain", 1, seed=3)[0].response
    assert "opens with a list, as hardly any of its kind do" in reference.reasons("- " + plain, "plain", most=9)


def test_a_few_strange_ones_do_not_widen_what_is_usual() -> None:
    rows = [("plain", measure(row.response)) for row in answers("plain", 60)]
    spoilt = learn_reference([*rows, *[("plain", measure(I_TEXT * 5))] * 2])
    assert any("says I" in reason for reason in spoilt.reasons(I_TEXT, "plain"))


def test_burrows_delta_is_the_mean_of_absolute_z(reference: StyleReference) -> None:
    kind = reference.kinds["plain"]
    found = measure(answers("plain", 1, seed=9)[0].response)
    per_thousand = [1000 * found.word_counts[word] / found.word_total for word in reference.words]
    away = [abs(x - mean) / spread for x, mean, spread in zip(per_thousand, kind.word_means, kind.word_spreads, strict=True)]
    assert reference.judge(found, "plain").delta == pytest.approx(sum(away) / len(away))
    # a chatty answer is further away from plain ones than a plain one is
    assert reference.judge(measure(answers("chat", 1, seed=9)[0].response), "plain").delta > 2 * sum(away) / len(away)


def test_a_reference_is_read_as_it_was_written(reference: StyleReference, tmp_path: Path) -> None:
    reference.write(tmp_path / "reference.json")
    again = StyleReference.read(tmp_path / "reference.json")
    assert again == reference
    (tmp_path / "torn.json").write_text('{"words": []')
    with pytest.raises(InputError, match="no reference of style"):
        StyleReference.read(tmp_path / "torn.json")


def test_feedback_while_typing_takes_little_time(reference: StyleReference) -> None:
    text = "The dough of the loaf rests because the oven is warm, and you need flour. " * 54  # 4,000 characters
    reference.reasons(text, "plain", "How do I bake bread?")
    started = time.process_time()
    for _ in range(20):
        reference.reasons(text, "plain", "How do I bake bread?")
    # 20 ms each are wanted, about 4 are taken; a slow machine may take twice that
    assert (time.process_time() - started) / 20 < 0.04


def test_an_empty_set_has_nothing_unusual() -> None:
    assert learn_reference([]).reasons("I am here.") == []

"""No text, however odd or long, makes a filter fail or take its time; and every example is kept or has its reason."""

import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align.errors import EmptyResult
from align.filters.capitals import Capitals
from align.filters.code_share import CodeShare
from align.filters.cross_reference import CrossReference
from align.filters.filter import Filter, FilterStage
from align.filters.first_person import FirstPerson
from align.filters.language import InLanguage
from align.filters.length import Length
from align.filters.private_data import PrivateData
from align.filters.private_patterns import find_private
from align.filters.repetition import Repetition
from align.filters.symbols import Symbols
from align.records import Example, Origin, Turn
from record_strategies import turns
from toy_records import example, inputs, run

FILTERS: tuple[Filter, ...] = (
    Length(min_chars=1, max_chars=10_000), FirstPerson(strict=True), CrossReference(), Repetition(), InLanguage(), CodeShare(max=0.9),
    PrivateData(), PrivateData(action="redact"), Capitals(), Symbols(),
)  # fmt: skip

# Pieces that patterns look for, so that near misses come up often.
PIECES = st.sampled_from(
    ["`", "```\n", "$", '"', "“", "I ", "my ", "As I ", "@a", "a@b.de", "+49 30 901820", "4539 1488 0343 6467", "DE89 3704", "1.2.3.4",
     "\n", "> ", "- ", "...", "#", "A1", "-----BEGIN PRIVATE KEY-----", "中", "é", "\u0301", "\u202e", "🧁", "ﬁ", "\x00", "word "]
)  # fmt: skip
TEXTS = st.lists(PIECES | st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=30).map("".join)


@given(text=TEXTS)
@settings(deadline=None, max_examples=80)
def test_no_text_makes_a_filter_fail(text: str) -> None:
    row = Example("e", (Turn("user", text), Turn("assistant", text)), Origin("test", "e"))
    for part in FILTERS:
        outcome = part.apply(row)
        assert outcome.drop is None or outcome.drop.reason
        assert outcome.example.id == "e"


@given(turns=turns)
@settings(deadline=None, max_examples=50)
def test_no_dialogue_makes_a_filter_fail(turns: tuple[Turn, ...]) -> None:
    for part in FILTERS:
        part.apply(Example("e", turns, Origin("test", "e")))


@given(text=TEXTS)
@settings(deadline=None, max_examples=100)
def test_nothing_private_is_left_by_redaction(text: str) -> None:
    row = Example("e", (Turn("user", text),), Origin("test", "e"))
    redacted = PrivateData(action="redact").apply(row).example
    found = find_private(text)
    assert all(one.end <= other.start for one, other in zip(found, found[1:], strict=False))
    assert (redacted == row) == (not found)


@given(texts=st.lists(TEXTS, min_size=1, max_size=8))
@settings(deadline=None, max_examples=12)
def test_counts_balance_whatever_comes_in(texts: list[str]) -> None:
    rows = [example(f"a/{number}", "?", text) for number, text in enumerate([*texts, "Bread needs time."])]
    keeping = (InLanguage(min_confidence=0, keep=("en",)), PrivateData(action="redact"), Symbols(), Length(max_chars=60))
    with tempfile.TemporaryDirectory() as folder:
        try:
            made = run(FilterStage(filters=keeping), inputs(Path(folder), rows), Path(folder) / "out")
        except EmptyResult:
            pytest.fail("the plain sentence at the end is kept by all of them")
        assert made.counts.read == len(rows)
        assert sorted([*made.ids, *made.rejections]) == sorted(row.id for row in rows)


MEGABYTE = 1_000_000
ADVERSARIAL = {
    "letters": "a", "backticks that nothing closes": "`a ``b ```c ````d `````e ", "quotation marks": ' "a', "addresses": "a@b.", "numbers": "1-",
    "groups of digits": "+1 11", "octets": "1.1.", "keys": "-----BEGIN PRIVATE KEY-----", "tokens": "eyJaaaaaaaaaaaa.", "capitals": "As A ",
    "dollars": "$a ", "accents": "\u0301",
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("piece", ADVERSARIAL.values(), ids=ADVERSARIAL.keys())
def test_a_megabyte_takes_time_in_proportion_to_its_length(piece: str) -> None:
    text = (piece * (MEGABYTE // len(piece) + 1))[:MEGABYTE]
    row = Example("e", (Turn("user", "?"), Turn("assistant", text)), Origin("test", "e"))
    for part in FILTERS:
        started = time.process_time()
        part.apply(row)
        # a pattern that is quadratic takes hours here; each of ours takes less than 3 s of the processor
        assert time.process_time() - started < 20, part.kind

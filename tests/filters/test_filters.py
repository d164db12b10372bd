"""LIMA's rules, each with the traps it must not fall into."""

import json
from pathlib import Path

import pytest

from align.artifact import Artifact
from align.errors import EmptyResult, InputError
from align.files import write_records
from align.filters.cross_reference import CrossReference
from align.filters.filter import Drop, Filter, FilterStage
from align.filters.first_person import FirstPerson
from align.filters.length import Length
from align.filters.repetition import Repetition
from align.filters.score import Score
from align.filters.spans import Span
from align.filters.tags import Tags
from align.records import Example, Origin, Turn
from align.stage import Inputs


def example(response: str, tags: tuple[str, ...] = (), **signals: float) -> Example:
    return Example("e", (Turn("user", "Why?"), Turn("assistant", response)), Origin("test", "e"), tags, signals)


def reason(part: Filter, response: str) -> str | None:
    drop = part.reason_to_drop(example(response))
    return None if drop is None else drop.reason


@pytest.mark.parametrize(
    "response",
    ["I think so.", "Yes.\n\nI do", "That is my oven.", "My oven is hot.", "So do I, as it happens.", "- I bake", "you and I"],
)
def test_the_first_person_is_found(response: str) -> None:
    assert reason(FirstPerson(), response) in {"says I", "says My"}


@pytest.mark.parametrize(
    "response",
    [
        "The I/O is slow.",
        "I.e. it waits; also i.e. it sleeps.",
        "World War I ended in 1918.",
        "Type I errors and Part I of the book.",
        "I. Mix the dough.\nII. Wait.",
        "Volumes I and II, and parts I to III.",
        "The current is I = V / R.",
        "Run `echo I` or:\n\n```\nint I = my;\n```",
        'She said "I would not" and left.',
        "> I never said that\n\nSomebody did.",
        "The formula $I = my$ holds.",
        "MySQL, myopia and Iris.",
        "Edward I's castle",
        "I'm, I've, I'd and I'll are for the strict rule, as are me, mine and myself.",
    ],
)
def test_what_only_looks_like_the_first_person_is_kept(response: str) -> None:
    assert reason(FirstPerson(), response) is None


@pytest.mark.parametrize("word", ["I'm", "I’ve", "I'd", "I'll", "me", "mine", "myself", "Me"])
def test_the_strict_rule_finds_contractions_and_objects(word: str) -> None:
    assert reason(FirstPerson(), f"Well, {word} here.") is None
    assert reason(FirstPerson(strict=True), f"Well, {word} here.") is not None


def test_a_drop_shows_the_words_around_the_span() -> None:
    drop = FirstPerson().reason_to_drop(
        example("The dough must rest for a whole night, and I mean it, in a cool place that is dark.")
    )
    # 30 characters to either side, cut marks where the text goes on
    assert drop == Drop("says I", "…t rest for a whole night, and [I] mean it, in a cool place that…", Span(1, 43, 44))


@pytest.mark.parametrize(
    ("response", "found"),
    [
        ("As mentioned above, knead it.", "as mentioned"),
        ("As Maria has pointed out, knead it.", "as mentioned"),
        ("The other answers are right.", "other answers"),
        ("As Maria's answer says, wait.", "someone's answer"),
        ("See the answer below.", "answer above"),
        ("What the OP wants is salt.", "the asker"),
        ("Ask on another Stack Exchange site.", "stack exchange"),
        ("This is off-topic here.", "site talk"),
        ("Bake it.\n\n**EDIT 2:** or fry it.", "edit note"),
        ("@walter is right.", "addressed user"),
    ],
)
def test_references_to_other_posts_are_found_by_name(response: str, found: str) -> None:
    assert reason(CrossReference(), response) == found


@pytest.mark.parametrize(
    "response",
    [
        "The answer is to wait.",
        "Both answers to the riddle are three.",
        "Write to baker@example.org.",
        "Use `@decorator` and the stack.",
        "As noted in the manual, it takes an hour.",
        "Edit the file: add a line.",
        "An operation (op) costs little.",
    ],
)
def test_what_only_looks_like_a_reference_is_kept(response: str) -> None:
    assert reason(CrossReference(), response) is None


def test_length_takes_its_limits_in() -> None:
    part = Length(min_chars=3, max_chars=5)
    assert [reason(part, "x" * size) for size in (2, 3, 5, 6)] == ["below 3 characters", None, None, "above 5 characters"]


def test_length_can_judge_the_raw_body() -> None:
    assert Length(min_chars=3, of="raw").reason_to_drop(example("long enough", raw_chars=2)) == Drop("below 3 characters", "2")
    with pytest.raises(InputError, match="example e: length: it has no signal 'raw_chars'"):
        Length(of="raw").reason_to_drop(example("x"))


def test_score_names_the_signal_it_misses() -> None:
    assert Score(min=10).reason_to_drop(example("x", answer_score=9)) == Drop("answer_score below 10", "9")
    assert Score(min=10).reason_to_drop(example("x", answer_score=10)) is None
    with pytest.raises(InputError, match="no signal 'answer_score'; did you mean 'answers_score'"):
        Score(min=10).reason_to_drop(example("x", answers_score=1))


def test_repetition_counts_repeats_of_earlier_n_grams() -> None:
    # "a b" five times: words a b a b a b a b a b, 9 bigrams of which 2 differ, so 7/9 repeat
    drop = Repetition(size=2, max_share=0.7).reason_to_drop(example("a b " * 5))
    assert drop == Drop("repeats itself", "78% of 2-grams; 'a b' 5 times")
    assert Repetition(size=2, max_share=0.78).reason_to_drop(example("a b " * 5)) is None


def test_tags_drop_and_require() -> None:
    assert Tags(drop=("support",)).reason_to_drop(example("x", ("bread", "support"))) == Drop("tagged support", "bread, support")
    assert Tags(require=("bread",)).reason_to_drop(example("x", ("cake",))) == Drop("has no wanted tag", "cake")
    assert Tags(require=("bread",)).reason_to_drop(example("x", ("bread",))) is None


def test_the_empty_result_names_the_filter_that_took_the_last(tmp_path: Path) -> None:
    source = tmp_path / "source"
    write_records(source, Example, [example("I", answer_score=12), example("My", answer_score=3)])
    stage = FilterStage(filters=(Score(min=10), FirstPerson()))
    with pytest.raises(EmptyResult, match="0 examples left after first_person: 1 dropped, 0 kept \\(of 2 that entered"):
        stage.run(Inputs((Artifact("source", "k", "c", source, {}),)), tmp_path / "work")


@pytest.mark.parametrize(
    "response",
    [
        "**I think** it rises.",
        "(I tried it.)",
        "*I* did.",
        "(as do I)",
        "Neither Bob nor I. But who?",
        "In part I agree.",
        "World War I am reading about.",
    ],
)
def test_the_first_person_is_found_beside_signs_and_after_nouns(response: str) -> None:
    assert reason(FirstPerson(), response) == "says I"


@pytest.mark.parametrize(
    "response",
    [
        "By V. I. Arnold.",
        "An I-beam on the I-95.",
        "Press ⌘+I now.",
        "Elizabeth I was queen.",
        "Use A.I. here.",
        "In My Documents and my.cnf.",
    ],
)
def test_letters_names_and_keys_are_no_first_person(response: str) -> None:
    assert reason(FirstPerson(), response) is None


def test_every_turn_of_the_assistant_is_judged_and_none_of_the_user() -> None:
    turns = (Turn("user", "I ask"), Turn("assistant", "I say"), Turn("user", "My!"), Turn("assistant", "Yes."))
    assert FirstPerson().reason_to_drop(Example("e", turns, Origin("test", "e"))) == Drop("says I", "[I] say", Span(1, 0, 1))
    assert FirstPerson().reason_to_drop(Example("e", turns[2:], Origin("test", "e"))) is None


@pytest.mark.parametrize(
    ("response", "found"),
    [
        ("As dtl12 pointed out, it rises.", "as mentioned"),
        ("as noted above, it rises.", "as mentioned"),
        ("See my answer on yeast.", "my answer"),
        ("Chris explains it in the comments.", "comments"),
        ("There is a post on Cooking.SE about it.", "stack exchange"),
        ("Ask on StackOverflow.", "stack exchange"),
        ("See also the related question.", "another question"),
        ("To the downvoters: upvotes are welcome.", "site talk"),
        ("It rises.\n\n---\n\n## Edit\n\nIt falls.", "edit note"),
        ("His answer is right.", "someone's answer"),
    ],
)
def test_more_references_are_found_by_name(response: str, found: str) -> None:
    assert reason(CrossReference(), response) == found


@pytest.mark.parametrize(
    "response",
    [
        "As the name suggests, it is round.",
        "A stack overflow ends the program with a StackOverflowError.",
        "As described above, beat the eggs.",
        "Let's answer that first. Here's a comment: stir.",
        "The student's answer earns a mark.",
        "Use another comment character.",
        "That is another question entirely.",
        "Update the file - then restart.",
        "An op-amp has high gain.",
    ],
)
def test_more_that_only_looks_like_a_reference_is_kept(response: str) -> None:
    assert reason(CrossReference(), response) is None


def test_a_reference_can_be_allowed_and_a_slip_in_its_name_is_told() -> None:
    assert reason(CrossReference(allow=("edit note",)), "EDIT: more salt.") is None
    with pytest.raises(ValueError, match="no reason is called 'edit notes'; did you mean 'edit note'"):
        CrossReference(allow=("edit notes",))


@pytest.mark.parametrize(
    ("part", "fields", "message"),
    [
        (Score, {}, "write min, max or both"),
        (Score, {"min": 2, "max": 1}, "max 1 is below min 2"),
        (Length, {"min_chars": 2, "max_chars": 1}, "max_chars 1 is below min_chars 2"),
        (Tags, {}, "write drop, require or both"),
    ],
)
def test_bounds_that_keep_or_drop_nothing_are_refused(part: type[Filter], fields: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        part(**fields)


def test_lima_itself_mostly_passes_the_rules(real_data: Path) -> None:
    # Rows 0 to 399 are its Stack Exchange answers: the paper's rules let through what ours must let through too.
    rows = json.loads((real_data / "lima" / "lima.json").read_text(encoding="utf-8"))[:400]
    kept = [[reason(part, row["output"]) is None for row in rows].count(True) for part in (FirstPerson(), CrossReference())]
    assert kept[0] >= 385
    assert kept[1] >= 365

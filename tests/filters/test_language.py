"""The language of a text, and what rules of English words do with the others."""

from pathlib import Path

import pytest

from align.filters.cross_reference import CrossReference
from align.filters.filter import Drop, FilterStage
from align.filters.first_person import FirstPerson
from align.filters.language import InLanguage
from align.languages import is_english, known_languages, language_of
from toy_records import document, example, inputs, run

GERMAN = (
    "Der Teig muss eine ganze Nacht an einem kühlen Ort ruhen, damit die Hefe langsam arbeitet und das Brot Geschmack bekommt. "
    "Man kann ihn auch am Morgen kneten, aber dann wird die Kruste nicht so knusprig. My ist ein griechischer Buchstabe."
)
ENGLISH = "The dough must rest for a whole night in a cool place, so that the yeast works slowly and the bread gets its taste."


def reason(part: InLanguage, text: str) -> str | None:
    drop = part.reason_to_drop(example("a/1", "?", text))
    return None if drop is None else drop.reason


def test_a_response_in_another_language_is_dropped() -> None:
    assert reason(InLanguage(), ENGLISH) is None
    assert reason(InLanguage(), GERMAN) == "written in de"
    assert reason(InLanguage(keep=("de", "fr")), GERMAN) is None


def test_code_and_quotations_do_not_decide_the_language() -> None:
    assert reason(InLanguage(), f"{ENGLISH}\n\n> {GERMAN}\n\n```\n{GERMAN}\n```\n") is None


def test_a_document_is_judged_too() -> None:
    assert InLanguage().reason_to_drop(document("d", GERMAN)) is not None
    assert InLanguage().reason_to_drop(document("d", ENGLISH)) is None


def test_what_is_too_short_to_tell_is_kept_and_counted_or_dropped(tmp_path: Path) -> None:
    # "x = 2" has one letter; 30 are wanted
    rows = [example("a/1", "?", "x = 2"), example("a/2", "?", ENGLISH), example("a/3", "?", GERMAN)]
    made = run(FilterStage(filters=(InLanguage(),)), inputs(tmp_path, rows), tmp_path / "out")
    assert made.ids == ["a/1", "a/2"]
    assert made.counts.noted == {"language: too short to tell": 1}
    assert InLanguage(unclear="drop").reason_to_drop(rows[0]) == Drop("too short to tell", "1 letters outside code")


def test_chinese_says_as_much_in_a_third_of_the_letters() -> None:
    assert reason(InLanguage(), "我的家乡有着美丽的自然风景和悠久的历史文化。") == "written in zh"


def test_an_unknown_code_is_told_when_the_recipe_is_read() -> None:
    assert {"en", "de", "zh", "pt"} <= known_languages()
    with pytest.raises(ValueError, match="no language is called 'english'"):
        InLanguage(keep=("english",))


def test_half_of_a_surrogate_pair_is_no_reason_to_stop() -> None:
    assert language_of("The dough must rest \ud800 for a whole night.").code == "en"


def test_english_is_told_from_other_languages() -> None:
    assert is_english(ENGLISH)
    assert not is_english(GERMAN)
    assert is_english("Ja, gern.")  # a few words alone: the rules may judge them
    # a list without one of the common words is asked of the model
    assert is_english("Flour, sugar, butter, eggs, baking powder, vanilla, salt, milk, " * 4)


@pytest.mark.parametrize("part", [FirstPerson, CrossReference])
def test_rules_of_english_words_do_not_judge_other_languages_and_say_so(
    part: type[FirstPerson | CrossReference], tmp_path: Path
) -> None:
    # "My" (the letter) would be a first person; "OP" the asker
    rows = [example("a/1", "?", f"{GERMAN} Die OP dauert lange."), example("a/2", "?", ENGLISH)]
    made = run(FilterStage(filters=(part(),)), inputs(tmp_path, rows), tmp_path / "out")
    assert made.ids == ["a/1", "a/2"]
    assert made.counts.noted == {f"{part().kind}: not English: not judged": 1}
    strict = run(FilterStage(filters=(part(other_languages="drop"),)), inputs(tmp_path, rows), tmp_path / "strict")
    assert strict.rejections == {"a/1": (part().kind, "not English", "")}


def test_every_answer_of_lima_is_told_right(real_data: Path) -> None:
    import json

    rows = json.loads((real_data / "lima" / "lima.json").read_text(encoding="utf-8"))[:1000]
    drops = {number: InLanguage().reason_to_drop(example("a/1", "?", row["output"])) for number, row in enumerate(rows)}
    other = {number: drop.reason for number, drop in drops.items() if drop is not None}
    # read by eye: each of them is in that language, and no other response is in another than English
    assert {number: reason.removeprefix("written in ") for number, reason in other.items()} == {
        245: "pt", 254: "es", 260: "pt", 263: "pt", 273: "pt", 292: "pt", 335: "pt", 394: "es", 399: "de",
        807: "fr", 818: "de", 822: "zh", 832: "zh", 847: "zh", 941: "de",
    }  # fmt: skip

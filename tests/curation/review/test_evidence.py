"""What rules say of an example, where they found it, and what the page shows of it."""

from dataclasses import replace

import pytest

from align.curation.review.card import Alike, Look, card_of, live_of, web_address
from align.curation.review.evidence import seen_by, style_reasons
from align.filters.cross_reference import CrossReference
from align.filters.filter import Filter
from align.filters.first_person import FirstPerson
from align.filters.length import Length
from align.filters.private_data import PrivateData
from align.filters.score import Score
from align.records import Author, Turn
from align.style.features import measure
from align.style.reference import learn_reference
from toy_records import example

PLAIN = "Heat the pan until a drop of water dances on it, then add the oil and turn the heat down at once."


def test_a_rule_that_passes_says_what_it_measured() -> None:
    seen = seen_by([Score(min=10), Length(min_chars=5, max_chars=1200)], example("cooking/1", "How?", PLAIN, answer_score=23))
    assert [(item.rule, item.asked, item.status, item.said) for item in seen] == [
        ("score", "min 10", "passed", "answer_score 23"),
        ("length", "min_chars 5, max_chars 1,200", "passed", f"{len(PLAIN)} characters"),
    ]


@pytest.mark.parametrize(
    ("rule", "response", "found"),
    [
        (FirstPerson(), f"{PLAIN} That is what I do with my pan.", "I"),
        (CrossReference(), f"{PLAIN} As mentioned, this works.", "As mentioned"),
        (PrivateData(), f"{PLAIN} Write to ada@lovelace.net for more.", "ada@lovelace.net"),
    ],
)
def test_a_rule_that_objects_says_where(rule: Filter, response: str, found: str) -> None:
    [seen] = seen_by([rule], example("cooking/1", "How?", response))
    assert seen.status == "failed"
    assert seen.turn == 1
    assert response[seen.start : seen.end] == found


def test_all_rules_are_asked_also_after_one_has_objected() -> None:
    seen = seen_by([Length(min_chars=5000), FirstPerson()], example("cooking/1", "How?", f"{PLAIN} I do that."))
    assert [item.status for item in seen] == ["failed", "failed"]


def test_an_example_without_what_a_rule_needs_is_not_judged_by_it() -> None:
    [seen] = seen_by([Score(min=10)], example("authored/1", "How?", PLAIN))
    assert seen.status == "not judged"
    assert "no signal 'answer_score'" in seen.said


def test_a_text_in_another_language_is_said_not_to_be_judged() -> None:
    german = "Die Pfanne ist erst dann heiß genug, wenn ein Tropfen Wasser darin tanzt; dann kommt das Öl hinein und die Hitze herunter."
    [seen] = seen_by([FirstPerson()], example("cooking/1", "Wie?", german))
    assert (seen.status, seen.said) == ("not judged", "not English: not judged")


def test_the_place_is_marked_in_the_text_and_shown_with_its_neighbourhood() -> None:
    text = f"{PLAIN} That is what I do."
    card = card_of(Look(example("cooking/1", "How?", text)), [FirstPerson()], None)
    assert ["mark", "I"] in card["live"]["trees"][1][0]
    assert card["live"]["rules"][0]["around"][1:] == ["I", " do."]


def test_an_edit_is_judged_as_it_stands_and_shown_beside_the_original() -> None:
    before = example("cooking/1", "How?", f"{PLAIN} I do that.")
    live = live_of(before, (before.turns[0], Turn("assistant", PLAIN)), [FirstPerson()], None)
    assert [rule["status"] for rule in live["rules"]] == ["passed"]
    assert live["differences"] == [[], [("same", PLAIN), ("gone", " I do that.")]]


def test_two_rules_that_object_to_one_place_mark_it_once() -> None:
    text = f"{PLAIN} This is my answer."
    card = card_of(Look(example("cooking/1", "How?", text)), [FirstPerson(), CrossReference()], None)
    assert [rule["status"] for rule in card["live"]["rules"]] == ["failed", "failed"]
    marks = [node for node in card["live"]["trees"][1][0] if isinstance(node, list)]
    assert marks == [["mark", "my"]] or marks == [["mark", "my answer"]]


def test_an_unusual_response_is_told_in_words() -> None:
    usual = [
        ("cooking", measure(f"{PLAIN} {PLAIN.replace('oil', word)}")) for word in ("salt", "wine", "rice", "milk", "stock") * 5
    ]
    shouting = example("cooking/1", "How?", "Wow! Great! Yes! Do it! Now! Really! So hot! So good! Go! Go! Go! " * 3)
    assert any("exclam" in reason for reason in style_reasons(learn_reference(usual), shouting))
    assert style_reasons(None, shouting) == []


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "data:text/html,x", "//example.org", "http://", "https://a b", "ftp://a.org", "http://[", ""],
)
def test_only_an_address_of_the_web_becomes_a_link(address: str) -> None:
    assert web_address(address) == ""


def test_origin_says_who_wrote_it_under_which_license() -> None:
    item = example("stack_exchange/cooking/1", "How?", PLAIN, ("pan", "heat"), answer_score=12, question_score=-1)
    authors = (
        Author("Ada", "https://a.example/1", "question", "CC BY-SA 4.0"),
        Author("Bo", "javascript:x", "answer", "CC BY-SA 4.0"),
    )
    item = replace(item, origin=replace(item.origin, authors=authors, url="https://a.example/q/1", date="2020-05-06T07:08:09"))
    origin = card_of(Look(item), [], None)["origin"]
    assert (origin["place"], origin["date"], origin["license"]) == ("cooking", "2020-05-06", "CC BY-SA 4.0")
    assert origin["votes"] == ["answer +12", "question -1"]
    assert [author["url"] for author in origin["authors"]] == ["https://a.example/1", ""]


def test_a_question_taken_by_its_body_may_take_its_title() -> None:
    item = example("stack_exchange/cooking/1", "My pan sticks. What do I do?", PLAIN)
    titled = replace(item, origin=replace(item.origin, title="Why does food stick?"))
    assert card_of(Look(titled), [], None)["prompts"] == {"body": "My pan sticks. What do I do?", "title": "Why does food stick?"}
    by_title = replace(titled, turns=(Turn("user", "Why does food stick?"), titled.turns[1]))
    assert card_of(Look(by_title), [], None)["prompts"] == {}


def test_a_neighbour_is_shown_with_its_likeness() -> None:
    near = Alike(example("cooking/2", "How hot?\nVery " + "hot " * 99, PLAIN), 0.87654)
    [shown] = card_of(Look(example("cooking/1", "How?", PLAIN), alike=(near,)), [], None)["alike"]
    assert (shown["id"], shown["similarity"]) == ("cooking/2", 0.877)
    assert "\n" not in shown["prompt"]

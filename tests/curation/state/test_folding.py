"""One decision a text, out of what several people said of it."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align.curation.decisions import Verdict, fold, verdict_on
from align.curation.state.events import Event
from align.curation.state.folding import fold_events, fold_example
from align.records import Decision, Example, Origin, Turn, content_of

TEXTS = [(Turn("user", "Why is the sea salty?"), Turn("assistant", said)) for said in ("Rivers.", "Rivers bring it.", "Rain.")]
POOL = Example("x/1", TEXTS[0], Origin("toy", "1"))
RAW, BETTER, OTHER = (content_of(text) for text in TEXTS)


def event(seq: int, curator: str, action: Any, content: str = RAW, turns: tuple[Turn, ...] = (), **fields: Any) -> Event:
    at = f"2026-01-02T03:04:05.{seq:06d}+00:00"
    return Event(seq, f"r{seq}", fields.pop("example_id", "x/1"), content, action, curator, at, turns, **fields)


def edit(seq: int, curator: str, text: int = 1, content: str = RAW) -> Event:
    return event(seq, curator, "edit", content, TEXTS[text])


def judged(*events: Event) -> Verdict:
    return verdict_on(POOL, fold_example(list(events)))


def told(decisions: Sequence[Decision]) -> list[tuple[str, str, str]]:
    return [(item.example_content, item.action, item.curator) for item in decisions]


def test_people_who_say_the_same_agree_and_the_last_of_them_is_named() -> None:
    assert told(fold_example([event(1, "ada", "accept"), event(2, "ben", "accept")])) == [(RAW, "accept", "ben")]


def test_an_edit_is_an_acceptance_and_is_taken() -> None:
    verdict = judged(edit(1, "ada"), event(2, "ben", "accept"))
    assert (verdict.action, verdict.turns(POOL), verdict.stale) == ("edit", TEXTS[1], [])


def test_people_who_differ_leave_a_flag_that_names_them_and_what_they_said() -> None:
    (flag,) = fold_example([event(1, "ada", "accept"), event(2, "ben", "reject", reason="too short"), event(3, "cem", "skip")])
    assert (flag.action, flag.curator, flag.reason) == ("flag", "ada, ben", "curators disagree")
    assert flag.note == "ada accept; ben reject: too short"
    assert flag.at == event(2, "ben", "reject").at


def test_two_different_edits_are_a_disagreement_and_two_equal_ones_are_not() -> None:
    (flag,) = fold_example([edit(1, "ada", 1), edit(2, "ben", 2)])
    assert (flag.action, flag.reason) == ("flag", "curators edited differently")
    assert judged(edit(1, "ada", 1), edit(2, "ben", 1)).turns(POOL) == TEXTS[1]


def test_who_edits_and_then_rejects_their_own_text_has_rejected() -> None:
    events = [edit(1, "ada"), event(2, "ada", "reject", BETTER), event(3, "ben", "accept")]
    assert judged(*events[:2]).action == "reject"
    assert told(fold_example(events))[0] == (RAW, "flag", "ada, ben")


def test_who_writes_a_text_disagrees_with_who_rejects_it() -> None:
    assert told(fold_example([edit(1, "ada"), event(2, "ben", "reject", BETTER)])) == [
        (RAW, "edit", "ada"),
        (BETTER, "flag", "ada, ben"),
    ]


def test_a_lead_who_settles_an_edited_text_keeps_the_edit_that_made_it() -> None:
    lead = event(4, "lea", "adjudicate", BETTER, decides="accept")
    verdict = judged(edit(1, "ada"), event(2, "ben", "reject"), event(3, "ben", "reject", BETTER), lead)
    assert told(verdict.applied) == [(RAW, "edit", "ada"), (BETTER, "accept", "lea")]
    assert verdict.turns(POOL) == TEXTS[1]


def test_nothing_that_curators_say_after_an_adjudication_changes_it() -> None:
    lead = event(2, "lea", "adjudicate", RAW, TEXTS[2], decides="edit")
    verdict = judged(event(1, "ada", "reject"), lead, event(3, "ada", "reject", OTHER), event(4, "ben", "accept"))
    assert (verdict.action, verdict.turns(POOL)) == ("edit", TEXTS[2])


def test_what_was_said_of_a_former_text_stays_and_is_stale() -> None:
    verdict = judged(event(1, "ada", "reject", "former"), event(2, "ben", "accept"))
    assert (verdict.action, told(verdict.stale)) == ("accept", [("former", "reject", "ada")])


def test_a_text_that_is_also_somebodys_edit_of_a_former_one_loses_nothing() -> None:
    # the pool's text is now what ada once made of it, before she went back
    events = [edit(1, "ada"), event(2, "ada", "reject"), event(3, "ben", "accept", BETTER)]
    now = Example("x/1", TEXTS[1], Origin("toy", "1"))
    assert verdict_on(now, fold_example(events)).action == "accept"


def test_a_skip_stands_only_where_nobody_said_anything() -> None:
    assert told(fold_example([event(1, "ada", "skip"), event(2, "ben", "skip")])) == [(RAW, "skip", "ben")]
    assert told(fold_example([event(1, "ada", "accept"), event(2, "ada", "skip")])) == [(RAW, "accept", "ada")]


def test_the_fold_is_sorted_by_example() -> None:
    events = [event(1, "ada", "accept", example_id="x/2"), event(2, "ada", "accept", example_id="x/10")]
    assert [item.example_id for item in fold_events(events)] == ["x/10", "x/2"]


CURATORS = ("ada", "ben", "cem")
steps = st.lists(
    st.tuples(st.sampled_from(CURATORS), st.sampled_from(["accept", "reject", "edit", "flag", "skip"]), st.integers(0, 2), st.booleans()),
    max_size=12,
)  # fmt: skip


def as_pages_send(steps: Sequence[tuple[str, Any, int, bool]]) -> list[Event]:
    """Each decides about the pool's text, or about what their own edits have made of it."""
    events: list[Event] = []
    for seq, (curator, action, text, on_edited) in enumerate(steps, 1):
        own = verdict_on(POOL, fold(as_decisions(events, curator)))
        content = content_of(own.turns(POOL)) if on_edited else RAW
        events.append(edit(seq, curator, text, content) if action == "edit" else event(seq, curator, action, content))
    return events


def as_decisions(events: Sequence[Event], curator: str) -> list[Decision]:
    return [
        Decision(item.example_id, item.content, item.action, item.curator, item.at, item.turns)  # type: ignore[arg-type]
        for item in events
        if item.curator == curator
    ]


@settings(max_examples=400, deadline=None)
@given(steps)
def test_the_fold_of_one_curator_is_what_a_file_of_the_same_decisions_gives(steps: list[tuple[str, Any, int, bool]]) -> None:
    events = as_pages_send([("ada", *rest) for _, *rest in steps])
    wanted = verdict_on(POOL, fold(as_decisions(events, "ada")))
    assert told(judged(*events).applied) == told(wanted.applied)


@settings(max_examples=400, deadline=None)
@given(steps)
def test_several_curators_give_what_each_says_alone_or_a_flag(steps: list[tuple[str, Any, int, bool]]) -> None:
    events = as_pages_send(steps)
    alone = {name: verdict_on(POOL, fold(as_decisions(events, name))) for name in CURATORS}
    ends = {
        ("accept" if verdict.action == "edit" else verdict.action, verdict.turns(POOL) if verdict.action != "reject" else ())
        for verdict in alone.values()
        if verdict.action not in (None, "skip")
    }
    actions = {action for action, _ in ends}
    texts = {text for action, text in ends if action == "accept" and text != TEXTS[0]}
    verdict = judged(*events)
    if len(actions) > 1 or len(texts) > 1:
        assert verdict.action == "flag"
        return
    if not actions:
        assert verdict.action in (None, "skip")
        return
    assert ("accept" if verdict.action == "edit" else verdict.action) == actions.pop()
    if texts:
        assert verdict.turns(POOL) == texts.pop()


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_sent_every_text_gets_at_most_one_decision(seed: int) -> None:
    import random

    rng = random.Random(seed)
    for _ in range(300):
        events = []
        for seq in range(1, rng.randint(1, 12)):
            content, action = (
                rng.choice([RAW, BETTER, OTHER, "former"]),
                rng.choice(["accept", "reject", "edit", "flag", "skip", "adjudicate"]),
            )
            turns = rng.choice(TEXTS) if action == "edit" else ()
            events.append(
                event(seq, rng.choice(CURATORS), action, content, turns, decides="reject" if action == "adjudicate" else "")
            )
        folded = fold_example(events)
        assert len({item.example_content for item in folded}) == len(folded)
        lead = [item for item in events if item.action == "adjudicate"]
        if lead:
            assert (lead[-1].content, "reject", lead[-1].curator) in told(folded)

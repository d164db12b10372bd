"""Who differs about what, until a lead has spoken; and what was said blind."""

from typing import Any

from align.curation.store import Ask, CurationStore
from align.curation.team.agreement import measure_agreement
from align.curation.team.conflicts import blind_labels, find_conflicts
from align.records import Turn, content_of

TIDES, WAVES = "stack_exchange/ocean/1", "stack_exchange/ocean/2"
TEXT = (Turn("user", "Why are there tides?"), Turn("assistant", "The moon pulls."))
LONGER = (Turn("user", "Why are there tides?"), Turn("assistant", "The moon pulls, and so does the sun."))
SHORTER = (Turn("user", "Why are there tides?"), Turn("assistant", "Moon."))


class Team:
    """Curators who decide one after the other; each request is a new one."""

    def __init__(self, store: CurationStore) -> None:
        self.store, self.requests = store, 0

    def says(self, curator: str, action: Any, example_id: str = TIDES, **fields: Any) -> None:
        self.requests += 1
        version = next((item.version for item in self.store.standing(example_id) if item.curator == curator), 0)
        content = fields.pop("content", content_of(TEXT))
        self.store.decide(Ask(f"r{self.requests}", example_id, content, version, action, curator, **fields))

    def takes_back(self, curator: str) -> None:
        self.requests += 1
        self.store.undo(curator, f"r{self.requests}")


def test_those_who_agree_are_no_conflict(store: CurationStore) -> None:
    team = Team(store)
    team.says("ben", "accept")
    assert find_conflicts(store) == []
    team.says("cem", "accept")
    team.says("lea", "skip")
    assert find_conflicts(store) == []


def test_a_conflict_names_everyone_with_their_last_word(store: CurationStore) -> None:
    team = Team(store)
    team.says("ben", "edit", turns=LONGER, note="added the sun")
    team.says("cem", "reject", reason="too narrow")
    team.says("ben", "accept", WAVES)
    (found,) = find_conflicts(store)
    assert (found.example_id, found.content, found.why) == (TIDES, content_of(TEXT), "curators disagree")
    assert [(item.curator, item.event.action, item.turns) for item in found.positions] == [
        ("ben", "edit", LONGER),
        ("cem", "reject", ()),
    ]
    assert found.positions[1].event.reason == "too narrow"


def test_two_edits_of_one_text_are_a_conflict_that_shows_both(store: CurationStore) -> None:
    team = Team(store)
    team.says("ben", "edit", turns=LONGER)
    team.says("cem", "edit", turns=SHORTER)
    (found,) = find_conflicts(store)
    assert found.why == "curators edited differently"
    assert [item.turns for item in found.positions] == [LONGER, SHORTER]


def test_a_conflict_is_over_when_one_of_them_takes_it_back(store: CurationStore) -> None:
    team = Team(store)
    team.says("ben", "accept")
    team.says("cem", "reject")
    assert len(find_conflicts(store)) == 1
    team.takes_back("cem")
    assert find_conflicts(store) == []


def test_conflicts_are_the_flags_of_the_decisions(store: CurationStore) -> None:
    """What the page lists and what `curate` would leave undecided are the same examples."""
    team = Team(store)
    for number in range(40):
        example_id = f"stack_exchange/ocean/{number}"
        team.says("ben", ["accept", "reject", "flag"][number % 3], example_id)
        team.says("cem", ["accept", "reject"][number % 2], example_id)
    flags = {item.example_id for item in store.decisions() if item.action == "flag" and item.reason == "curators disagree"}
    assert {item.example_id for item in find_conflicts(store)} == flags
    # of each six: 0 and 1 agree; 2 flag, 3 accept, 4 reject, 5 flag differ from the other
    assert len(flags) == sum(number % 6 > 1 for number in range(40))


def test_only_what_was_said_blind_counts_for_agreement(store: CurationStore) -> None:
    team = Team(store)
    blind: dict[str, Any] = {"served": "overlap", "blind": True}
    team.says("ben", "accept", **blind)
    team.says("cem", "edit", turns=LONGER, **blind)
    team.says("lea", "reject", served="overlap", blind=False)  # she had seen the others
    team.says("ben", "flag", WAVES, served="calibration", blind=True)
    team.says("cem", "reject", WAVES, served="calibration", blind=True)
    team.says("ben", "reject", "stack_exchange/ocean/3", served="harvest", blind=True)
    key = content_of(TEXT)
    assert blind_labels(store) == {
        f"{TIDES}@{key}": {"ben": "accept", "cem": "accept"},
        f"{WAVES}@{key}": {"ben": "tie", "cem": "reject"},
    }
    measured = {(item.metric, item.subject): item.value for item in measure_agreement(blind_labels(store))}
    assert measured["tie_discounted_accuracy", "ben and cem"] == 0.75  # 1 and 0.5


def test_a_blind_decision_that_was_taken_back_counts_no_more(store: CurationStore) -> None:
    team = Team(store)
    team.says("ben", "accept", served="overlap", blind=True)
    team.says("cem", "reject", served="overlap", blind=True)
    team.takes_back("cem")
    team.says("cem", "accept", served="overlap", blind=True)
    team.says("cem", "skip", served="overlap", blind=True)
    assert blind_labels(store) == {f"{TIDES}@{content_of(TEXT)}": {"ben": "accept", "cem": "accept"}}

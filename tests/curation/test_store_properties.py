"""Any sequence of what people do, against a model that keeps every event in a list and thinks again each time."""

import itertools
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from align.curation.database.backup import back_up
from align.curation.state.events import Event
from align.curation.state.folding import fold_events
from align.curation.store import Ask, CurationStore, NotAllowed, StaleDecision
from align.records import Turn, content_of
from postgres_server import Server

PEOPLE = ("ben", "cem", "lea")
EXAMPLES = ("x/1", "x/2", "x/3")
TEXTS = [(Turn("user", f"text {number}"),) for number in range(3)]
START = datetime(2026, 1, 2, tzinfo=UTC)

people, examples = st.sampled_from(PEOPLE), st.sampled_from(EXAMPLES)
actions = st.sampled_from(["accept", "reject", "edit", "flag", "skip"])
steps = st.one_of(
    st.tuples(st.just("decide"), people, examples, actions, st.integers(0, 2), st.sampled_from([0, 0, 0, 1])),
    st.tuples(st.just("undo"), people),
    st.tuples(st.just("again"), st.integers(0, 30)),
    st.tuples(st.just("adjudicate"), examples, st.sampled_from(["accept", "reject"])),
    st.tuples(st.just("lease"), people, st.permutations(EXAMPLES), st.integers(1, 3)),
    st.tuples(st.just("release"), people),
    st.tuples(st.just("wait"), st.integers(1, 20)),
)


@dataclass
class Model:
    """What should be there, found out slowly."""

    events: list[Event] = field(default_factory=list)
    leases: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    asked: list[Ask] = field(default_factory=list)
    now: datetime = START

    def live(self) -> list[Event]:
        undone = {event.undoes for event in self.events}
        return [event for event in self.events if event.action != "undo" and event.seq not in undone]

    def version(self, person: str, example: str) -> int:
        return sum((event.curator, event.example_id) == (person, example) for event in self.events)

    def holder(self, example: str) -> str | None:
        person, until = self.leases.get(example, ("", START))
        return person if until > self.now else None

    def stand(self, person: str, example: str) -> Event | None:
        own = [event for event in self.live() if (event.curator, event.example_id) == (person, example)]
        own = [event for event in own if event.action != "adjudicate"]
        return next((event for event in reversed(own) if event.action != "skip"), own[-1] if own else None)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its people, to be copied: making the tables takes longer than a walk."""
    path = tmp_path_factory.mktemp("template") / "curation.db"
    store = with_people(f"sqlite:///{path}", Model())
    back_up(f"sqlite:///{path}", path.with_name("copy.db"))
    store.close()
    return path.with_name("copy.db")


def with_people(url: str, model: Model) -> CurationStore:
    store = CurationStore.open(url, lambda: model.now)
    if not store.people():
        store.add_person("ada", "ada")
        for name, role in (("ben", "curator"), ("cem", "curator"), ("lea", "lead")):
            store.add_person("ada", name, role)  # type: ignore[arg-type]
    return store


def walk(url: str, taken: list[tuple[Any, ...]]) -> None:
    model, requests = Model(), map(str, itertools.count())
    store = with_people(url, model)
    try:
        for step in taken:
            model.now += timedelta(seconds=1)
            DO[step[0]](store, model, requests, *step[1:])
        check(store, model)
    finally:
        store.close()


def decide(
    store: CurationStore, model: Model, requests: Iterator[str], person: str, example: str, action: Any, text: int, behind: int
) -> None:
    turns = TEXTS[text] if action == "edit" else ()
    ask = Ask(next(requests), example, f"c{text}", model.version(person, example) - behind, action, person, turns)
    try:
        event = store.decide(ask)
    except StaleDecision:
        assert behind
        return
    assert not behind
    model.events.append(event)
    model.asked.append(ask)
    if model.holder(example) == person:
        del model.leases[example]


def undo(store: CurationStore, model: Model, requests: Iterator[str], person: str) -> None:
    own = [event for event in model.live() if event.curator == person]
    request = next(requests)
    try:
        event = store.undo(person, request)
    except NotAllowed:
        assert model.holder(own[-1].example_id) not in (None, person)
        return
    if not own:
        assert event is None
        return
    assert event is not None
    assert event.undoes == own[-1].seq
    assert model.holder(own[-1].example_id) in (None, person)
    model.events.append(event)
    assert store.undo(person, request) == event


def again(store: CurationStore, model: Model, requests: Iterator[str], which: int) -> None:
    if model.asked:
        ask = model.asked[which % len(model.asked)]
        assert store.decide(ask) in model.events
        assert store.decide(replace(ask, version=99)) in model.events


def adjudicate(store: CurationStore, model: Model, requests: Iterator[str], example: str, action: Any) -> None:
    model.events.append(store.adjudicate("lea", example, "c0", action, request=next(requests)))


def lease(store: CurationStore, model: Model, requests: Iterator[str], person: str, wanted: list[str], count: int) -> None:
    free = [example for example in wanted if model.holder(example) in (None, person)][:count]
    assert store.lease(person, wanted, count, minutes=10) == free
    model.leases |= {example: (person, model.now + timedelta(minutes=10)) for example in free}


def release(store: CurationStore, model: Model, requests: Iterator[str], person: str) -> None:
    store.release(person)
    model.leases = {example: held for example, held in model.leases.items() if held[0] != person}


def wait(store: CurationStore, model: Model, requests: Iterator[str], minutes: int) -> None:
    model.now += timedelta(minutes=minutes)


DO: dict[str, Any] = {
    "decide": decide, "undo": undo, "again": again, "adjudicate": adjudicate, "lease": lease, "release": release, "wait": wait,
}  # fmt: skip


def check(store: CurationStore, model: Model) -> None:
    assert store.events_since(0) == model.events
    assert store.last_events(100) == model.events[::-1]
    assert list(store.decisions()) == list(fold_events(model.live()))
    assert {held.example_id: held.curator for held in store.leases()} == {
        example: model.holder(example) for example in model.leases if model.holder(example)
    }
    stands: Counter[tuple[str, str]] = Counter()
    for example in EXAMPLES:
        rows = {row.curator: row for row in store.standing(example)}
        for person in PEOPLE:
            stand = model.stand(person, example)
            version = model.version(person, example)
            assert (person in rows) == (version > 0)
            if person in rows:
                assert (rows[person].version, rows[person].event) == (version, stand)
            if stand is not None:
                stands[person, stand.action] += 1
    happened = Counter((event.curator, event.action) for event in model.events)
    counted = {(item.curator, item.action): (item.standing, item.events) for item in store.counts()}
    assert {key: value for key, value in counted.items() if value != (0, 0)} == {
        key: (stands[key], happened[key]) for key in {*stands, *happened}
    }


def test_a_text_of_the_model_is_no_content_of_an_edit() -> None:
    # else an edit would change nothing and be refused
    assert not {content_of(text) for text in TEXTS} & {"c0", "c1", "c2"}


quick = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


@quick
@given(taken=st.lists(steps, max_size=25))
def test_any_sequence_gives_what_the_model_says(template: Path, taken: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        walk(f"sqlite:///{shutil.copy(template, folder)}", taken)


@settings(quick, max_examples=15)
@given(taken=st.lists(steps, min_size=5, max_size=40))
def test_any_sequence_gives_what_the_model_says_in_postgres(postgres: Server, taken: list[tuple[Any, ...]]) -> None:
    walk(postgres.emptied(), taken)

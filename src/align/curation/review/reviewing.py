"""One person reviewing in one browser tab: what lies open, what the browser tells, what it is answered.

The browser shows the first example and holds the next ones ready. It sends messages, each with a uuid, and may send one again;
each is done once and answered once. After every message it is told anew what lies open: the store is the truth, the page follows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from align.curation.queueing.accepted import Neighbour
from align.curation.review.asking import asks_of, edited_turns, event_words
from align.curation.review.card import Alike, Look, card_of, live_of, suggestions_of
from align.curation.review.drafting import why_outdated
from align.curation.review.seat import Seat
from align.curation.review.supply import Examples, Waiting
from align.curation.sight import Sight
from align.curation.state.bulk import Batch
from align.curation.state.events import Event
from align.curation.state.settings import Settings
from align.curation.state.taken import TakenDown
from align.curation.store import CurationStore
from align.curation.team.terms import Terms
from align.errors import AlignError, InputError
from align.filters.filter import Filter
from align.records import Example, Turn, content_of
from align.style.reference import StyleReference

ANSWERS = 60
"""So many answers are kept for messages that come again."""
NEAREST = 3


@dataclass(slots=True)
class Reviewing:
    """What one person has open in one tab. Not shared between threads."""

    store: CurationStore
    pool: Examples
    queue: Waiting
    curator: str
    rules: Sequence[Filter] = ()
    style: StyleReference | None = None
    near: Callable[[str, int, Sight], Sequence[Neighbour]] = lambda _name, _count, _sight: ()
    """The accepted examples most like one, so many of them, of which somebody may know."""
    sight: Sight = Sight("")
    """What the person may see."""
    open: dict[str, str] = field(default_factory=dict)
    """Ids in the order in which they are shown, with why they were served."""
    asked_for: dict[str, str] = field(default_factory=dict)
    """Those that the person asked for, whatever the queue thinks of them."""
    line: list[str] = field(default_factory=list)
    """Ids that the person asked for and that are not open yet: a region of the map, what a search found."""
    picked: tuple[str, ...] = ()
    """All that the person asked for in one go, whatever became of it since."""
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    terms: Terms = Terms(0)
    """Settings and guidelines of the project, read anew with every message."""
    refusal: str = ""
    """Why nothing can be handed out."""
    _cards: dict[str, dict[str, Any]] = field(default_factory=dict)
    _drafted: dict[str, str] = field(default_factory=dict)
    """The request of the last draft of each example that lies open: its answer says what follows from the text."""
    _warned: str = ""
    """The batch that the next undo takes back whole: the message before said so."""
    _place: str | None = None
    """The example that the store was told the person looks at."""

    @property
    def settings(self) -> Settings:
        return self.terms.settings

    def see(self, sight: Sight) -> None:
        """Go by this from now on: settings, role and group may have changed."""
        if sight != self.sight:
            self.sight = sight
            self._cards.clear()

    def begin(self) -> None:
        """Take up again what the person had open, the example they looked at first."""
        self.terms = self.store.terms()
        self._place = place = self.store.place(self.curator)
        if place is not None and self._may_show(place) and self._is_undecided(place) and self._hold([place]):
            self.open = {place: ""}
        self._refill()

    def show(self, example_id: str, why: str = "search") -> None:
        """Put one example first, as a person asked for it elsewhere; one that somebody else has open is refused."""
        self._example(example_id)
        if not self._hold([example_id]):
            raise InputError(f"{example_id}: somebody else has it open now; look again when they are done")
        self._cards.pop(example_id, None)
        self.asked_for[example_id] = why
        self.open = {example_id: why} | {name: said for name, said in self.open.items() if name != example_id}
        self._keep_place(example_id)

    def show_line(self, example_ids: Sequence[str], why: str = "search") -> None:
        """Put these first, one after the other; what is decided by then, or open elsewhere, is passed over."""
        self.line = [name for name in example_ids if self._may_show(name)]
        self.picked = tuple(self.line)
        self.open = dict(self._next_in_line(why))
        self._refill()

    def take(self, messages: Sequence[dict[str, Any]]) -> None:
        """Do what the browser asks, each message once."""
        self.terms = self.store.terms()
        for message in messages:
            request = str(message.get("request", ""))
            if not request or request in self.answers:
                continue
            try:
                answer = self._do(str(message.get("kind", "")), request, message)
            except AlignError as error:
                answer = {"ok": False, "said": str(error)}
            self.answers[request] = answer
            if "live" in answer:
                self._forget_text(str(message["id"]))
                self._drafted[str(message["id"])] = request
        for old in list(self.answers)[:-ANSWERS]:
            del self.answers[old]

    def cards(self) -> list[dict[str, Any]]:
        """What lies open, ready to be drawn; the first is looked at."""
        if not all(map(self._may_show, self.open)):
            self._refill()  # something was taken down, or the person came into a group of authors
        for name in [name for name in self._cards if name not in self.open]:
            del self._cards[name]
        for name in [name for name in self._drafted if name not in self.open]:
            self._forget_text(name)
        fresh = [name for name in self.open if name not in self._cards]
        seat = self.store.seat(self.curator, fresh)
        self.terms = seat.terms
        for name in fresh:
            self._cards[name] = self._card(name, seat)
        found = [self._cards[name] for name in self.open]
        for card in found:
            card["alike"] = [item for item in card["alike"] if item["id"] in self.pool]
        return found

    def places_in_line(self) -> dict[str, tuple[int, int]]:
        """Of what is open and was picked with others: the how manieth it is, and of how many."""
        places = {name: place for place, name in enumerate(self.picked, 1)}
        return {name: (places[name], len(places)) for name in self.open if name in places and name in self.asked_for}

    def _forget_text(self, name: str) -> None:
        """Tell no more what the last draft of an example said: all answers go out with every page."""
        self.answers.get(self._drafted.pop(name, ""), {}).pop("live", None)

    def _do(self, kind: str, request: str, message: dict[str, Any]) -> dict[str, Any]:
        if kind not in ("undo", "alive"):
            self._warned = ""
        if kind == "decide":
            return self._decide(message)
        if kind == "undo":
            return self._undo(request)
        if kind == "draft":
            return self._draft(message)
        if kind == "alive":
            self.store.renew(self.curator, self.settings.lease_minutes)
            self._refill()  # who reads for long hears of what was taken down
            return {"ok": True}
        if kind == "read":
            self.store.acknowledge(self.curator, int(message["version"]))
            return {"ok": True}
        raise InputError(f"the page sent a message of an unknown kind {kind!r}; reload it")

    def _decide(self, message: dict[str, Any]) -> dict[str, Any]:
        name, note = str(message["id"]), str(message.get("note", ""))
        example = self._example(name)
        turns = edited_turns(example, message.get("texts"))
        try:
            self._save(message, example, turns)
        except AlignError as error:
            self._cards.pop(name, None)
            if isinstance(error, TakenDown) or not self._is_undecided(name):
                self._close(name)  # decided in another tab, or gone
            elif turns or note:
                self.store.save_draft(self.curator, name, content_of(example.turns), turns or example.turns, note)
            raise
        if turns and message["action"] in ("skip", "flag"):
            self.store.save_draft(self.curator, name, content_of(example.turns), turns, note)
        self._close(name)
        said = self.queue.overfull(name)
        return {"ok": True, "said": said} if said else {"ok": True}

    def _save(self, message: dict[str, Any], example: Example, turns: tuple[Turn, ...]) -> None:
        asks = asks_of(message, example, turns, self.curator, self.open.get(example.id, ""), self.settings.blind)
        following = next((name for name in self.open if name != example.id), None)
        self.store.decide(*asks, place=following)
        self._place = following or self._place

    def _undo(self, request: str) -> dict[str, Any]:
        batch = self.store.last_step(self.curator)
        if batch is not None:
            return self._undo_many(batch)
        event = self.store.undo(self.curator, request)
        if event is None:
            return {"ok": True, "said": "There is nothing left to undo."}
        taken = self._taken_back(event)
        if taken is not None and taken.action == "reject" and taken.batch == taken.request:
            before = self.store.undo(self.curator, f"{request}/edit")  # the edit that was saved with it
            taken = replace(taken, turns=edit.turns) if before and (edit := self._taken_back(before)) else taken
        said = f"Took back: {event_words(taken)}" if taken is not None else "Took the last decision back."
        if not self._may_show(event.example_id):
            return {"ok": True, "said": f"{said} of {event.example_id}, which is not shown here"}
        if taken is not None and taken.turns:  # the text of an edit goes on as a draft
            example = self.pool.example(event.example_id)
            self.store.save_draft(self.curator, example.id, content_of(example.turns), taken.turns, taken.note)
        self.show(event.example_id, taken.served if taken is not None else "")
        self.open = dict(list(self.open.items())[: self.settings.prefetch + 1])
        return {"ok": True, "said": f"{said}."}

    def _undo_many(self, batch: Batch) -> dict[str, Any]:
        """Never one out of a batch: what it was is told first, and only who asks again at once takes it back, whole."""
        if self._warned != batch.name:
            self._warned = batch.name
            return {"ok": True, "said": f"Your last step was to {batch.words}. U again takes all of them back; so does Browse."}
        self._warned = ""
        undone = self.store.undo_batch(self.curator, batch.name)
        left = f"; {len(undone.refused):,} are open elsewhere" if undone.refused else ""
        self._refill()
        return {"ok": True, "said": f"Took back {len(undone.events):,} decisions{left}."}

    def _draft(self, message: dict[str, Any]) -> dict[str, Any]:
        example = self._example(str(message["id"]))
        turns, note = edited_turns(example, message.get("texts")), str(message.get("note", ""))
        content = content_of(example.turns)
        seat = self.store.seat(self.curator, [example.id])
        late = why_outdated(message, content, turns or example.turns, seat.stand(example.id), seat.drafts.get(example.id))
        if late:
            self._cards.pop(example.id, None)
            return {"ok": False, "said": f"{example.id}: {late}", "outdated": True}
        if turns or note:
            self.store.save_draft(self.curator, example.id, content, turns or example.turns, note)
        else:
            self.store.drop_draft(self.curator, example.id)
        self._cards.pop(example.id, None)
        return {"ok": True, "live": live_of(example, turns or example.turns, self.rules, self.style)}

    def _close(self, name: str) -> None:
        self.open.pop(name, None)
        self.asked_for.pop(name, None)
        self._cards.pop(name, None)
        self._refill()

    def _refill(self) -> None:
        """Take from the queue what is to come; what is looked at now, and what was asked for, stays where it is."""
        self.refusal = ""
        found: dict[str, str] = {}
        asked = {name: why for name, why in self.open.items() if name in self.asked_for} | self._next_in_line()
        self.open = asked | {name: why for name, why in self.open.items() if name not in asked}
        try:
            handed = self.queue.next(self.curator, self.settings.prefetch, self.terms.cells_of(self.curator), self.sight.hidden)
            found = {item.example_id: item.why for item in handed}
            kept = [
                name for name in self.open if self._may_show(name) and (name in self.asked_for or name == next(iter(self.open)))
            ]
            lost = [name for name in kept if name not in found]
            held = self._hold(lost) if lost else []
        except AlignError as error:
            self.refusal, kept, held = str(error), [], []
        stays = [name for name in self.open if name in found or (name in kept and name in held)]
        self.open = {name: found.get(name) or self.open[name] for name in stays} | {
            name: why for name, why in found.items() if name not in stays
        }
        first = next(iter(self.open), None)
        if first is not None and first != self._place:
            self._keep_place(first)

    def _keep_place(self, name: str) -> None:
        self.store.keep_place(self.curator, name)
        self._place = name

    def _example(self, name: str) -> Example:
        """One that the person may see; an unknown id and one that is gone are told."""
        example = self.pool.example(name)
        if not self._may_show(name):
            raise InputError(f"{name}: was written by the other group of authors; it is not shown to those of yours")
        return example

    def _may_show(self, name: str) -> bool:
        return name in self.pool and name not in self.sight.hidden

    def _next_in_line(self, why: str = "search") -> dict[str, str]:
        """The next ones that the person asked for, as many as there is room for."""
        found: dict[str, str] = {}
        room = self.settings.prefetch - sum(name in self.asked_for for name in self.open)
        while self.line and len(found) < room:
            name = self.line.pop(0)
            if self._is_undecided(name) and self._hold([name]):
                found[name] = why
        self.asked_for |= found
        return found

    def _hold(self, names: list[str]) -> list[str]:
        return self.store.lease(self.curator, names, len(names), self.settings.lease_minutes)

    def _is_undecided(self, name: str) -> bool:
        return self.store.seat(self.curator, [name]).stand(name).action in (None, "skip")

    def _taken_back(self, undo: Event) -> Event | None:
        last = self.store.last_events(20, curator=self.curator, example_id=undo.example_id)
        return next((event for event in last if event.seq == undo.undoes), None)

    def _card(self, name: str, seat: Seat) -> dict[str, Any]:
        example, own = self.pool.example(name), seat.stand(name)
        draft = seat.drafts.get(name)
        decided = own.action or ""
        content = content_of(example.turns)
        look = Look(
            example,
            self.open.get(name, ""),
            own.version,
            draft.turns if draft is not None and draft.content == content else (),
            draft.note if draft is not None else "",
            self._alike(name),
            suggestions_of(example) if decided or not self.settings.blind else (),
            decided,
        )
        return card_of(look, self.rules, self.style)

    def _alike(self, name: str) -> tuple[Alike, ...]:
        near = [item for item in self.near(name, NEAREST, self.sight) if item.similarity >= self.pool.near_from]
        return tuple(Alike(self.pool.example(item.example_id), item.similarity) for item in near)

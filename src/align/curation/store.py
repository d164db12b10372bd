"""What people decide, as one object: every page, the queue and the `curate` stage speak to the database through it.

Each method is one short transaction. Methods that write check the role of who acts in that same transaction.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import uuid4

from sqlalchemy import Connection

from align.curation.database.engine import Database
from align.curation.database.schema import has_tables, migrate
from align.curation.decisions import Action
from align.curation.exchange import importing
from align.curation.review.seat import Seat, read_seat
from align.curation.state import bulk, changes, drafts, events, folding, leases, redaction, settings, taken
from align.curation.state import standings as counters
from align.curation.state.bulk import STEP, Bulk
from align.curation.state.changes import HISTORY, LEASES, AuditRow
from align.curation.state.drafts import Draft
from align.curation.state.events import Ask, Event, StaleDecision
from align.curation.state.folding import Standing
from align.curation.state.leases import Lease
from align.curation.state.settings import Settings
from align.curation.state.standings import CuratorCount
from align.curation.state.taken import TakenDown
from align.curation.team import assignments, guidelines, people
from align.curation.team.guidelines import Guidelines
from align.curation.team.people import NotAllowed, Person, Role
from align.curation.team.terms import Terms, read_terms
from align.curation.writing import authored
from align.curation.writing import writers as authors
from align.curation.writing.authoring import AuthoredExample, Group
from align.records import Decision, Turn

__all__ = [
    "Ask", "AuditRow", "AuthoredExample", "Bulk", "CurationStore", "CuratorCount", "Draft", "Event", "Group", "Guidelines",
    "Lease", "NotAllowed", "Person", "Role", "Settings", "StaleDecision", "Standing", "TakenDown",
]  # fmt: skip

T = TypeVar("T")


class CurationStore:
    """People's decisions about examples. Thread-safe; several processes may have one database open."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._terms: Terms | None = None
        self._listed = taken.Listed()  # leases are handed out one at a time

    @classmethod
    def open(cls, url: str, clock: Callable[[], datetime] | None = None) -> "CurationStore":
        """Open a database, making or upgrading its tables; one that a newer align wrote is refused."""
        database = Database(url, clock)
        try:
            migrate(database)
        except BaseException:
            database.close()
            raise
        return cls(database)

    @staticmethod
    def exists(url: str) -> bool:
        """Whether there is a curation database at `url`; makes nothing."""
        database = Database(url)
        try:
            return has_tables(database)
        finally:
            database.close()

    def close(self) -> None:
        self.database.close()

    # Decisions

    def decide(self, ask: Ask, *further: Ask, place: str | None = None) -> Event:
        """Save one decision, or several that stand or fall together; the last event. The same request is saved once.

        `place` is the example the person looks at from now on. StaleDecision, TakenDown, NotAllowed: nothing was saved.
        """
        return self._add(lambda connection: [events.decide(connection, one, place) for one in (ask, *further)][-1])

    def undo(self, curator: str, request: str) -> Event | None:
        """Take back the curator's last press that stands, at any depth by repetition; None where nothing is left."""
        return self._add(lambda connection: events.undo(connection, curator, request))

    def decide_many(self, asks: Sequence[Ask]) -> Bulk:
        """Save decisions made by one press, of one curator, in steps; what somebody has open or decided meanwhile is told.

        Give them one `batch`, so that `undo_batch` takes them back, and requests that are the same when it is pressed again.
        """
        done = [
            self._add(lambda connection, step=step: bulk.decide_step(connection, step))  # type: ignore[misc]
            for step in (asks[start : start + STEP] for start in range(0, len(asks), STEP))
        ]
        return Bulk.of(done)

    def import_decisions(self, actor: str, decisions: Sequence[Decision]) -> Bulk:
        """Add what people decided elsewhere, as a lead; what cannot come in is told with its reason."""
        done = [
            self._add(lambda connection, step=step: importing.import_step(connection, actor, step))  # type: ignore[misc]
            for step in importing.steps_of(decisions)
        ]
        return Bulk.of(done)

    def standing_batches(self, curator: str, most: int = 3) -> list[bulk.Batch]:
        """What a curator decided about many at once and can take back with `undo_batch`, the last press first."""
        return self._read(lambda connection: bulk.standing_batches(connection, curator, most))

    def last_step(self, curator: str) -> bulk.Batch | None:
        """The batch that `undo` would take one decision out of, if their last step was one."""
        return self._read(lambda connection: bulk.last_step(connection, curator))

    def undo_batch(self, curator: str, batch: str) -> Bulk:
        """Take back what still stands of a batch, but for examples that somebody else has open."""
        done: list[Bulk] = []
        below: int | None = None
        while not done or below is not None:
            step, below = self._add(lambda connection, below=below: bulk.undo_step(connection, curator, batch, below))  # type: ignore[misc]
            done.append(step)
        return Bulk.of(done)

    def adjudicate(
        self, actor: str, example_id: str, content: str, action: Action, *, turns: tuple[Turn, ...] = (), reason: str = "",
        note: str = "", request: str = "",
    ) -> Event:  # fmt: skip
        """Settle an example for all curators, as a lead; `undo` takes it back. With `request`, two presses are one."""
        press = request or uuid4().hex
        return self._add(
            lambda connection: events.adjudicate(connection, actor, press, example_id, content, action, turns, reason, note)
        )

    def events_since(self, seq: int, limit: int = 10_000) -> list[Event]:
        """The events after number `seq`, in order; an event that appears later has a greater number."""
        return self._read(lambda connection: events.events_since(connection, seq, limit))

    def last_events(
        self, limit: int = 50, before: int | None = None, curator: str | None = None, example_id: str | None = None
    ) -> list[Event]:
        """A page of events below number `before`, the last one first; of one curator or about one example if asked."""
        return self._read(lambda connection: events.last_events(connection, limit, before, curator, example_id))

    def news(
        self, seq: int, taken_seq: int = 0, limit: int = 10_000
    ) -> tuple[list[Event], list[Lease], list[tuple[int, str]]]:  # fmt: skip
        """The events after number `seq`, what anybody holds now, and what was taken down after number `taken_seq`."""
        return self._read(
            lambda connection: (
                events.events_since(connection, seq, limit),
                leases.leases_held(connection, None),
                taken.taken_down_since(connection, taken_seq),
            )
        )

    def standing(self, example_id: str) -> list[Standing]:
        """What each curator says of an example, by name; `version` is what their next `Ask` brings."""
        return self._read(lambda connection: folding.standings_of(connection, example_id))

    def versions(self, curator: str) -> dict[str, int]:
        """What the curator's next `Ask` brings, by example; 0 for one that is not there."""
        return self._read(lambda connection: counters.versions_by_example(connection, curator))

    def take_out(self, actor: str) -> Iterator[Decision]:
        """`decisions` for a file that leaves the project, as a lead; who took them out is noted."""
        self.allow(actor, "take decisions out")
        return self.decisions()

    def decisions(self) -> Iterator[Decision]:
        """What the `curate` stage reads, sorted by example: one decision a text, out of all curators'."""
        return folding.fold_events(self._read(folding.live_events))

    def counts(self) -> list[CuratorCount]:
        """How often each curator did what, kept with every event: costs nothing."""
        return self._read(counters.counts)

    def take_down(self, ids: Collection[str]) -> int:
        """Let nothing be said about these any more, and blank what people typed of them; how many texts and notes went."""
        return self._add(lambda connection: redaction.take_down(connection, ids))

    def taken_down_since(self, seq: int) -> list[tuple[int, str]]:
        """Number and id of what was taken down after number `seq`, in order; several may have one number."""
        return self._read(lambda connection: taken.taken_down_since(connection, seq))

    # Who has what open

    def lease(
        self, curator: str, candidates: Sequence[str], count: int = 1, minutes: float = 15, seen: int | None = None,
        fitting: leases.Fitting | None = None,
    ) -> list[str]:  # fmt: skip
        """Hold the first `count` of `candidates` that nobody else holds, in one step; those held already count and are renewed.

        `seen` is the last event the queue has heard of: what anybody decided about after it is passed over. `fitting` chooses
        among the free ones in the same step, knowing what others have by then.
        """
        return self._hand_out(
            lambda connection: leases.lease(connection, curator, candidates, count, minutes, seen, self._listed, fitting)
        )

    def renew(self, curator: str, minutes: float = 15) -> int:
        """Keep what the person still holds for so long from now; how many that are."""
        return self._hand_out(lambda connection: leases.renew(connection, curator, minutes))

    def release(self, curator: str, examples: Sequence[str] | None = None) -> int:
        """Give back these, or all that the person holds."""
        return self._hand_out(lambda connection: leases.release(connection, curator, examples))

    def leases_of(self, curator: str) -> list[Lease]:
        return self._read(lambda connection: leases.leases_held(connection, curator))

    def leases(self) -> list[Lease]:
        """What anybody holds now."""
        return self._read(lambda connection: leases.leases_held(connection, None))

    # What survives a reload

    def save_draft(self, curator: str, example_id: str, content: str, turns: tuple[Turn, ...], note: str = "") -> None:
        self._write(lambda connection: drafts.save_draft(connection, curator, example_id, content, turns, note))

    def draft(self, curator: str, example_id: str) -> Draft | None:
        return self._read(lambda connection: drafts.draft_of(connection, curator, example_id))

    def drop_draft(self, curator: str, example_id: str) -> None:
        self._write(lambda connection: drafts.drop_draft(connection, curator, example_id))

    def place(self, curator: str) -> str | None:
        return self._read(lambda connection: drafts.place_of(connection, curator))

    def keep_place(self, curator: str, example_id: str) -> None:
        self._write(lambda connection: drafts.keep_place(connection, curator, example_id))

    # People

    def add_person(self, actor: str, name: str, role: Role = "curator") -> Person:
        """Add someone; an admin does. The first person of a fresh database adds themselves and becomes its admin."""
        return self._add(lambda connection: people.add(connection, actor, name, role))

    def set_role(self, actor: str, name: str, role: Role) -> None:
        """Give someone another role; the last admin stays one."""
        self._add(lambda connection: people.set_role(connection, actor, name, role))

    def join_invited(self, name: str) -> Person:
        """Add somebody of an invited domain as a viewer."""
        return self._add(lambda connection: people.join_invited(connection, name))

    def remove_person(self, actor: str, name: str) -> None:
        """Take somebody out, as an admin; what they decided and wrote stays."""
        self._add(lambda connection: people.remove(connection, actor, name))

    def people(self) -> list[Person]:
        return self._read(people.all_people)

    def role_of(self, name: str) -> Role | None:
        """None for who takes no part, and so may read nothing where names are believed from elsewhere."""
        return self._read(lambda connection: people.role_of(connection, name))

    def allow(self, actor: str, what: str, about: str = "") -> None:
        """Refuse who is no lead what changes or leaves the project beyond its database; note that it was done."""
        self._add(lambda connection: people.allow(connection, actor, what, about))

    # What the project asks

    def guidelines(self, version: int | None = None) -> Guidelines:
        """One version, by default the latest; version 0 where nobody has written any."""
        return self._read(lambda connection: guidelines.guidelines_at(connection, version))

    def write_guidelines(self, actor: str, text: str, after: int | None = None) -> Guidelines:
        """Add a version, as a lead; `after` is the version the page had seen."""
        return self._add(lambda connection: guidelines.write_guidelines(connection, actor, text, after))

    def acknowledge(self, curator: str, version: int) -> None:
        self._add(lambda connection: guidelines.acknowledge(connection, curator, version))

    def acknowledged(self) -> dict[str, int]:
        """The latest version each person has read, 0 for none."""
        return self._read(guidelines.acknowledged)

    def terms(self) -> Terms:
        """All that is laid down for everybody; read anew only where it has changed."""
        self._terms = found = self._read(lambda connection: read_terms(connection, self._terms))
        return found

    def seat(self, curator: str, examples: Sequence[str]) -> Seat:
        """What a page needs that shows these examples to somebody."""
        found = self._read(lambda connection: read_seat(connection, curator, examples, self._terms))
        self._terms = found.terms
        return found

    def settings(self) -> Settings:
        return self._read(settings.read_settings)

    def set_setting(self, actor: str, name: str, value: object) -> Settings:
        return self._add(lambda connection: settings.set_setting(connection, actor, name, value))

    def assign(self, actor: str, curator: str, cells: Sequence[str]) -> None:
        """Give a curator these cells in place of the former, as a lead; none: all cells again."""
        self._add(lambda connection: assignments.assign(connection, actor, curator, cells))

    def assignments(self) -> dict[str, tuple[str, ...]]:
        """Cells by curator; who is missing works on all."""
        return self._read(assignments.assignments)

    # What people write themselves

    def write_authored(self, actor: str, written: AuthoredExample) -> AuthoredExample:
        """Add a version of an example; `version` is the one the page had seen, 0 for a new example."""
        return self._add(lambda connection: authored.write_authored(connection, actor, written))

    def authored(self, reader: str, group: Group) -> list[AuthoredExample]:
        """The latest version of each of a group, by id; refused to those of the other."""
        return self._read(lambda connection: authored.read_authored(connection, reader, group))

    def versions_of_authored(self, reader: str, name: str) -> list[AuthoredExample]:
        return self._read(lambda connection: authored.read_versions(connection, reader, name))

    def all_authored(self) -> list[AuthoredExample]:
        """Of both groups, for programs that export or compare: no page shows it."""
        return self._read(lambda connection: authored.authored(connection, None))

    def writers_of_authored(self) -> dict[str, list[str]]:
        """Who wrote the versions of each, by id: for attribution."""
        return self._read(authored.writers_of)

    def groups(self) -> dict[str, Group]:
        """The group of each author."""
        return self._read(authors.groups)

    def set_group(self, actor: str, person: str, group: Group | None) -> None:
        """Put somebody into a group of authors, as a lead; None: into none."""
        self._add(lambda connection: authors.set_group(connection, actor, person, group))

    def audit(self, limit: int = 50, before: int | None = None) -> list[AuditRow]:
        """A page of everything that changed state below number `before`, the last one first; leases and drafts are no state.

        Reasons in it may quote an example: a page shows them to nobody who may not see that.
        """
        return self._read(lambda connection: changes.audit(connection, limit, before))

    def _read(self, work: Callable[[Connection], T]) -> T:
        return self.database.read(work)

    def _write(self, work: Callable[[Connection], T]) -> T:
        return self.database.write(work)

    def _add(self, work: Callable[[Connection], T]) -> T:
        """Write history: one at a time, so that numbers appear in their order."""

        def held(connection: Connection) -> T:
            changes.hold(connection, HISTORY)
            return work(connection)

        return self.database.write(held, turn=changes.HISTORY)

    def _hand_out(self, work: Callable[[Connection], T]) -> T:
        """Take or give back examples: one at a time. A lease that a power cut forgets does no harm."""

        def held(connection: Connection) -> T:
            changes.hold(connection, LEASES)
            return work(connection)

        return self.database.write(held, turn=changes.LEASES, durable=False)

"""Everything that the review page of one person needs from the database, read in one go."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from align.curation.state.drafts import Draft, drafts_of
from align.curation.state.standings import Stand, stands_of
from align.curation.team.terms import Terms, read_terms


@dataclass(frozen=True, slots=True)
class Seat:
    """What stands of a person and of some examples before them."""

    terms: Terms
    stands: dict[str, Stand] = field(default_factory=dict)
    """Their own word on each of the examples, where they have one."""
    drafts: dict[str, Draft] = field(default_factory=dict)

    def stand(self, example_id: str) -> Stand:
        return self.stands.get(example_id, Stand())


def read_seat(connection: Connection, curator: str, examples: Sequence[str], known: Terms | None) -> Seat:
    terms = read_terms(connection, known)
    if not examples:
        return Seat(terms)
    return Seat(terms, stands_of(connection, curator, examples), drafts_of(connection, curator, examples))

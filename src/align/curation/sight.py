"""What one person may see: in blind mode nobody's decisions but their own, nothing the other group of authors wrote.

Leads and admins see everyone's decisions on the pages about the whole set: they settle and freeze. Beside an example that is to
be decided nobody does. Nobody in a group of authors sees the other's texts, whatever their role, for who trains a model must not
know its test (LIMA §2.2).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from align.curation.pools.pool import Pool
from align.curation.queueing.tally import GONE, STATE_OF, UNDECIDED, Tally
from align.curation.store import CurationStore
from align.curation.team.people import ROLES, NotAllowed, Person
from align.curation.team.terms import Terms
from align.curation.writing.authoring import Group, group_of_tags
from align.records import Example

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Sight:
    """What somebody may see of a pool."""

    person: str
    is_blind: bool = False
    """Whether they decide blind: an example tells nothing of others until they have decided about it."""
    sees_all: bool = True
    """Whether pages about the whole set show what others decided."""
    hidden: frozenset[str] = frozenset()
    """Ids of what the other group of authors wrote, in the database or in the pool."""

    def states(self, tally: Tally) -> "NDArray[np.int8]":
        """What stands of each row, as this person may know it: their own word alone, or everybody's."""
        import numpy as np

        if self.sees_all:
            return tally.states
        found = np.where(tally.states == GONE, GONE, UNDECIDED).astype(np.int8)
        for row, action in list(tally.doings(self.person).said.items()):
            if found[row] != GONE:
                found[row] = STATE_OF[action]
        return found

    def may_know_accepted(self, pool: Pool, tally: Tally, rows: "NDArray[np.int64]") -> "NDArray[np.bool_]":
        """Which of these accepted rows may be shown beside an example that is still to be decided."""
        import numpy as np

        known = np.isin(rows, list(tally.doings(self.person).said)) if self.is_blind else np.ones(len(rows), dtype=bool)
        return np.asarray(known & ~np.isin(rows, self.rows(pool)))

    def rows(self, pool: Pool) -> "NDArray[np.int64]":
        """The rows that are not for them."""
        import numpy as np

        return np.array([row for item in sorted(self.hidden) if (row := pool.row_or_none(item)) is not None], dtype=np.int64)


def sight_of(store: CurationStore, pool: Pool, person: Person) -> Sight:
    """As settings, role and group are now."""
    terms = store.terms()
    own, is_blind = terms.group_of(person.name), terms.settings.blind
    is_lead = ROLES.index(person.role) >= ROLES.index("lead")
    hidden = _of_other(terms, pool.groups, own) if own is not None else frozenset()
    return Sight(person.name, is_blind, is_lead or not is_blind, hidden)


def refuse_other_group(store: CurationStore, person: str, examples: Iterable[Example], what: str) -> None:
    """Refuse somebody of one group of authors what holds a text of the other's."""
    terms = store.terms()
    own = terms.group_of(person)
    if own is None:
        return
    found = {item.id: group_of_tags(item.id, item.origin.source, item.tags) for item in examples}
    held = len(_of_other(terms, found, own) & found.keys())
    if held:
        raise NotAllowed(
            f"{what}: {held:,} of the examples were written by the other group of authors, and {person} is in group {own}; "
            "a lead who is in no group can see it"
        )


def _of_other(terms: Terms, told: Mapping[str, Group | None], own: Group) -> frozenset[str]:
    """By the database where it has the example, else as its tags told."""
    known = {**told, **(terms.written or {})}
    return frozenset(name for name, group in known.items() if group not in (None, own))

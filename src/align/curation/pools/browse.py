"""Finding examples in a pool by words, by likeness and by what is known of them; a view is a link that can be passed on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, cast, get_args

from align.curation.pools.pool import Labels, Pool
from align.curation.pools.search import TextIndex
from align.parts import nearest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

State = Literal["undecided", "accepted", "rejected", "flagged"]
STATES: tuple[State, ...] = get_args(State)
"""What stands of an example; its number in a tally is its place here."""
Order = Literal["best", "pool", "longest", "shortest", "likest"]
ORDERS: tuple[Order, ...] = get_args(Order)
CHARS = "chars"
"""A number that every example has: how long its response is."""
LABELS = ("source", "site", "cell", "tag", "state")
FACETS = ("source", "site", "cell", "state")


@dataclass(frozen=True, slots=True)
class Filters:
    """What is looked for; everything that is set must hold, and of several values of one label any."""

    words: str = ""
    """As a search engine reads them: all of them, "these together", -without, prompt:word."""
    like: str = ""
    """Id of an example to which the others are compared."""
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Values by label: {site: (cooking, travel), state: (undecided,)}."""
    at_least: Mapping[str, float] = field(default_factory=dict)
    """Least value of a signal, or of `chars`; an example that lacks the signal is left out."""
    at_most: Mapping[str, float] = field(default_factory=dict)
    order: Order = "best"
    """`best`: by words or likeness where they are given, else as in the pool; `likest` is for `like`; or by length."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What was found."""

    rows: "NDArray[np.int64]"
    """Places of all examples that were found, in order."""
    facets: dict[str, dict[str, int]]
    """By label and value, how many examples there would be if this label were not filtered by; the most frequent first."""
    likeness: dict[int, float]
    """By row, cosine to the example in `like`; empty without one."""
    misread: tuple[str, ...] = ()
    """What of the words could not be read as meant."""


class Browse:
    """A pool with its words. Threads may share it."""

    def __init__(self, pool: Pool, index: TextIndex) -> None:
        self.pool, self._index = pool, index

    def find(self, filters: Filters, states: "NDArray[np.int8]", hidden: "NDArray[np.int64] | None" = None) -> Listing:
        """All examples that the filters leave; `states` gives the number in `STATES` of each row, `hidden` rows are not shown."""
        import numpy as np

        everything = len(self.pool)
        mask = np.ones(everything, dtype=bool)
        order = np.arange(everything)
        misread: tuple[str, ...] = ()
        if filters.words.strip():
            found = self._index.find(filters.words, everything)
            mask[:] = False
            mask[found.rows] = True
            order = np.concatenate([found.rows, np.flatnonzero(~mask)])
            misread = found.misread
        mask &= self._in_range(filters)
        mask[self.pool.gone] = False
        if hidden is not None:
            mask[hidden] = False
        likeness = self._likeness(filters.like)
        if likeness is not None:
            mask[self.pool.row(filters.like)] = False
            if filters.order in ("likest", "best") and not filters.words.strip():
                order = np.argsort(-likeness, kind="stable")
        if filters.order in ("longest", "shortest"):
            order = np.argsort(-self._chars if filters.order == "longest" else self._chars, kind="stable")
        elif filters.order == "pool":
            order = np.arange(everything)
        by_label = {label: self._has(label, values, states) for label, values in filters.chosen.items() if values}
        kept = mask.copy()
        for has in by_label.values():
            kept &= has
        rows = order[kept[order]]
        compared = {} if likeness is None else {int(row): float(likeness[row]) for row in rows[:1000]}
        return Listing(rows, self._facets(mask, by_label, states), compared, misread)

    def _in_range(self, filters: Filters) -> "NDArray[np.bool_]":
        import numpy as np

        mask = np.ones(len(self.pool), dtype=bool)
        for limits, keeps in ((filters.at_least, np.greater_equal), (filters.at_most, np.less_equal)):
            for name, limit in limits.items():
                values = self._chars if name == CHARS else self.pool.signals.get(name)
                mask &= False if values is None else keeps(values, limit)
        return mask

    def _likeness(self, example_id: str) -> "NDArray[np.float32] | None":
        if not example_id:
            return None
        vectors = self.pool.vectors
        likeness: NDArray[np.float32] = vectors @ vectors[self.pool.row(example_id)]
        return likeness

    def _has(self, label: str, values: Sequence[str], states: "NDArray[np.int8]") -> "NDArray[np.bool_]":
        """The rows that have any of these values."""
        import numpy as np

        if label == "state":
            return np.isin(states, [STATES.index(value) for value in values if value in STATES])
        mask = np.zeros(len(self.pool), dtype=bool)
        for value in values:
            mask[self._tagged.get(value, []) if label == "tag" else self._labels(label).rows(value)] = True
        return mask

    def _facets(
        self, mask: "NDArray[np.bool_]", by_label: "dict[str, NDArray[np.bool_]]", states: "NDArray[np.int8]"
    ) -> dict[str, dict[str, int]]:
        import numpy as np

        facets: dict[str, dict[str, int]] = {}
        for label in FACETS:
            left = mask.copy()
            for other, has in by_label.items():
                if other != label:
                    left &= has
            names, codes = (STATES, states) if label == "state" else (self._labels(label).names, self._labels(label).codes)
            counts = np.bincount(codes[left], minlength=len(names))
            facets[label] = {names[code]: int(counts[code]) for code in np.argsort(-counts, kind="stable") if counts[code]}
        return facets

    def _labels(self, label: str) -> Labels:
        return {"source": self.pool.sources, "site": self.pool.sites, "cell": self.pool.cells}[label]

    @cached_property
    def _chars(self) -> "NDArray[np.float64]":
        """Length of each response; the pool keeps its logarithm."""
        import numpy as np

        return np.rint(np.expm1(self.pool.shapes[:, 0].astype(np.float64)))

    @cached_property
    def _tagged(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for row, tags in enumerate(self.pool.tags()):
            for tag in tags:
                found.setdefault(tag, []).append(row)
        return found

    def tags(self, hidden: Collection[int] = ()) -> list[str]:
        """All tags, the most frequent first; none that only `hidden` rows have."""
        barred = {*hidden, *self.pool.gone.tolist()}
        found = sorted(self._tagged, key=lambda tag: (-len(self._tagged[tag]), tag))
        return [tag for tag in found if not barred.issuperset(self._tagged[tag])] if barred else found


def as_query(filters: Filters) -> dict[str, list[str]]:
    """The filters as the parameters of an address; what is not set is left out."""
    order = [filters.order] if filters.order != "best" else []
    query: dict[str, list[str]] = {"words": [filters.words], "like": [filters.like], "order": list(order)}
    query |= {label: list(filters.chosen.get(label, ())) for label in LABELS}
    for prefix, limits in (("min", filters.at_least), ("max", filters.at_most)):
        query |= {f"{prefix}.{name}": [f"{limit:g}"] for name, limit in limits.items()}
    return {name: values for name, values in query.items() if any(values)}


def from_query(query: Mapping[str, Sequence[str]]) -> tuple[Filters, list[str]]:
    """The filters of an address, and what in it could not be read; other parameters are left alone."""
    problems: list[str] = []
    limits: dict[str, dict[str, float]] = {"min": {}, "max": {}}
    for name, values in query.items():
        prefix, dot, signal = name.partition(".")
        if dot and prefix in limits:
            try:
                limits[prefix][signal] = float(values[0])
            except (ValueError, IndexError):
                problems.append(f"{name}: a number is wanted (got {list(values)!r:.40})")
    order = _first(query, "order") or "best"
    if order not in ORDERS:
        problems.append(f"order: {nearest(order, ORDERS)} (got {order!r})")
        order = "best"
    states = query.get("state", ())
    problems += [f"state: {nearest(state, STATES)} (got {state!r})" for state in states if state not in STATES]
    chosen = {label: tuple(query[label]) for label in LABELS if query.get(label)}
    if "state" in chosen:
        chosen["state"] = tuple(state for state in states if state in STATES)
    asked = Filters(_first(query, "words"), _first(query, "like"), chosen, limits["min"], limits["max"], cast(Order, order))
    return asked, problems


def _first(query: Mapping[str, Sequence[str]], name: str) -> str:
    return next(iter(query.get(name, ())), "")

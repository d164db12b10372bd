"""The stage that applies what people decided: accepted and edited examples stay, rejected ones go with the person's reason."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, PrivateAttr, model_validator

from align.artifact import Counts, default_store, digest_of, in_words
from align.curation.database.place import VARIABLE, database_url, decisions_at, is_unmade, why_missing
from align.curation.decisions import Verdict, fold, read_decisions, verdict_on
from align.errors import EmptyResult, Shortfall
from align.files import RecordWriter
from align.parts import Lack, RawFile
from align.records import Decision, Example, Rejection, as_json
from align.stage import Inputs, Stage
from align.strata import By, cell_of, read_cells

log = logging.getLogger(__name__)

DATABASE = "database"
PERSON = "person"
REJECTED = "rejected"
UNDECIDED = "undecided"
SHOWN = 5


class Curate(Stage):
    """Apply decisions. One made on another text than the example has now is stale: counted and listed, never applied."""

    kind: Literal["curate"] = "curate"
    decisions: RawFile | Literal["database"]
    """JSONL file, one decision a line: example_id, example_content, action (accept, reject, edit, flag, skip), curator, at,
    and turns (of an edit), reason, note; the last one about an example counts. Or `database`, that of the curation app:
    $ALIGN_DB, else curation.db in the store; there, curators who disagree leave a flag. What stands decides the key. With
    `undecided: keep`, a store that has no curation.db yet counts as one without decisions."""
    undecided: Literal["drop", "keep", "stop"] = "drop"
    """What to do with examples that nobody accepted or rejected, flagged ones included: drop them, keep them, or stop until
    each cell of `take` has enough accepted ones (without `take`: until every example is decided), then drop the rest."""
    take: dict[str, int] | None = Field(default=None, min_length=1)
    """With `undecided: stop`: how many accepted examples each group needs, as in the `quota` stage below."""
    groups: RawFile | None = None
    """With `take`: YAML file that says which strata belong to a group."""
    by: By = "site"
    """With `take`: what the strata are."""

    how_to_get: ClassVar[str] = (
        "It holds what people decided, one JSON object a line; write it with align.curation.decisions.decision_for, or say "
        "`decisions: database` and decide in the curation app. Without any decisions an empty file will do."
    )
    _store: Path | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _check_take(self) -> Self:
        if self.take is not None and self.undecided != "stop":
            raise ValueError("`take` says when `undecided: stop` may go on; write that, or leave `take` out")
        if self.groups is not None and self.take is None:
            raise ValueError("`groups` says which examples count for `take`; write that too, or leave `groups` out")
        return self

    @cached_property
    def folded(self) -> list[Decision]:
        """The standing decisions, read once: what decides the key is what is applied, whoever writes meanwhile."""
        if self.decisions != DATABASE:
            return fold(read_decisions(Path(self.decisions)))
        return [] if self._may_begin_without() else decisions_at(self._url())

    def in_store(self, store: Path) -> Self:
        if self.decisions != DATABASE:
            return self
        placed = self.model_copy()
        placed.__dict__.pop("folded", None)
        placed._store = store
        return placed

    def raw_files(self) -> dict[str, Path]:
        """The decisions decide by what stands, not by the bytes of their file; a missing one is told like any raw file."""
        if self.decisions == DATABASE:
            return {} if self.groups is None else {"groups.0": self.groups}
        found = super().raw_files()
        return {label: path for label, path in found.items() if not (label.startswith("decisions.") and path.exists())}

    def lacks(self) -> list[Lack]:
        """A database that is not there: nobody has opened the app yet, or it does not answer."""
        is_wanted = self.decisions == DATABASE and not self._may_begin_without()
        why = why_missing(self._url()) if is_wanted else ""
        how = f"`align app RECIPE` makes it and opens the app in which people decide; ${VARIABLE} names another one."
        return [Lack("decisions", why, how)] if why else []

    def identity(self) -> dict[str, Any]:
        asked = super().identity()
        if self.decisions == DATABASE or Path(self.decisions).exists():
            asked["decisions"] = digest_of([as_json(decision) for decision in self.folded])
        return asked

    def _url(self) -> str:
        return database_url(self._place())

    def _place(self) -> Path:
        return self._store if self._store is not None else default_store()

    def _may_begin_without(self) -> bool:
        """Whether a first run goes on before anybody has opened the app; a database that is named has to be there."""
        return self.undecided == "keep" and is_unmade(self._place())

    def run(self, inputs: Inputs, work: Path) -> Counts:
        about = {name: list(items) for name, items in groupby(self.folded, key=lambda decision: decision.example_id)}
        if self.undecided == "stop":
            self._stop_if_undecided(_judged(inputs, about))
        dropped: Counter[str] = Counter()
        noted: Counter[str] = Counter()
        known: set[str] = set()
        with (
            RecordWriter(work, Example) as kept,
            RecordWriter(work, Rejection) as rejected,
            RecordWriter(work, Decision) as listed,
        ):
            for example, verdict in _judged(inputs, about):
                known.add(example.id)
                for decision in verdict.applied:
                    listed.write(decision)
                for decision in verdict.stale:
                    listed.write(replace(decision, note=f"stale: made on another text; {decision.note}".removesuffix("; ")))
                noted.update(_notes(verdict))
                rejection = self._rejection(example, verdict)
                if rejection is None:
                    kept.write(replace(example, turns=verdict.turns(example)))
                    continue
                rejected.write(rejection)
                dropped[f"{rejection.by}: {rejection.reason}"] += 1
        if kept.count == 0:
            raise EmptyResult(
                f"0 of {len(known):,} examples are accepted ({in_words(dropped, self.kind)}); "
                f"decide about more, or `undecided: keep`"
            )
        if self.undecided == "keep" and noted["undecided"]:
            log.info("%s kept though undecided; next: align app RECIPE%s", f"{noted['undecided']:,}", self._advice())
        noted["decisions on unknown examples"] += sum(len(items) for name, items in about.items() if name not in known)
        return Counts(len(known), kept.count, dict(dropped), noted={name: count for name, count in noted.items() if count})

    def _advice(self) -> str:
        return "" if self.decisions == DATABASE else f", with `decisions: database` (now {self.decisions})"

    def _rejection(self, example: Example, verdict: Verdict) -> Rejection | None:
        """Why the example goes, or None where it stays."""
        if verdict.action in ("accept", "edit"):
            return None
        said = "; ".join(filter(None, (_said(decision) for decision in verdict.applied)))
        if verdict.action == "reject":
            return Rejection(example.id, PERSON, verdict.applied[-1].reason or REJECTED, said)
        if self.undecided == "keep":
            return None
        return Rejection(example.id, self.kind, UNDECIDED, said or ("every decision is stale" if verdict.stale else ""))

    def _stop_if_undecided(self, judged: Iterable[tuple[Example, Verdict]]) -> None:
        cells = None if self.take is None else read_cells(self.by, self.take, self.groups)
        accepted: Counter[str] = Counter()
        open_ids: dict[str, list[str]] = {}
        for example, verdict in judged:
            group = "" if cells is None else cell_of(example, cells)[0]
            if verdict.action in ("accept", "edit"):
                accepted[group] += 1
            elif verdict.action != "reject":
                open_ids.setdefault(group, []).append(example.id)
        wanted = {"": accepted.total() + len(open_ids.get("", []))} if self.take is None else self.take
        lacking = [group for group, count in wanted.items() if accepted[group] < count]
        if lacking:
            lines = [_lack(group, wanted[group], accepted[group], open_ids.get(group, [])) for group in lacking]
            raise Shortfall("not enough is decided: " + "; ".join(lines) + ". Decide about more, then run again.")


def _judged(inputs: Inputs, about: dict[str, list[Decision]]) -> Iterator[tuple[Example, Verdict]]:
    for example in inputs.read(Example):
        yield example, verdict_on(example, about.get(example.id, ()))


def _notes(verdict: Verdict) -> Counter[str]:
    """Counts for the funnel."""
    past = {"accept": "accepted", "edit": "edited", "flag": "flagged", "skip": "skipped"}
    notes = Counter(past[decision.action] for decision in verdict.applied if decision.action in past)
    notes["undecided"] += verdict.action in (None, "flag", "skip")
    notes["stale decisions"] += len(verdict.stale)
    return notes


def _said(decision: Decision) -> str:
    """`ada: flag: is this still true?`: who, what and why."""
    action = "" if decision.action == "reject" else decision.action
    return ": ".join(filter(None, (decision.curator, action, decision.note)))


def _lack(group: str, wanted: int, accepted: int, open_ids: list[str]) -> str:
    shown = ", ".join(open_ids[:SHOWN]) + (", ..." if len(open_ids) > SHOWN else "")
    left = f"{len(open_ids):,} undecided ({shown})" if open_ids else "none left to decide: draw a larger shortlist"
    return f"cell {group!r} wants {wanted:,}, accepted {accepted:,}, {left}" if group else left

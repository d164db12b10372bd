"""Rows that go out though nobody decided about them: of curate stages with `undecided: keep`."""

from collections import Counter
from collections.abc import Iterator

from align.curation.curate import Curate
from align.freezing.splits import Chosen, is_stale
from align.records import Decision, Example

_FATES = {"accept": "accepted", "edit": "accepted", "flag": "flagged"}
NEVER = "never decided"
"""No word at all, a skip, or one about another text than the row has now."""


def tell_undecided(chosen: Chosen) -> Iterator[str]:
    """`train: stage picked keeps what is undecided: 19 accepted, 131 never decided`; by what the last word on a row is."""
    for name, artifact in chosen.above.items():
        stage = chosen.recipe.stages[name]
        if not isinstance(stage, Curate) or stage.undecided != "keep":
            continue
        said = {decision.example_id: decision.action for decision in artifact.read(Decision) if not is_stale(decision)}
        passed = {example.id for example in artifact.read(Example)}
        for split in chosen.splits:
            rows = [example.id for example in chosen.examples(split) if example.id in passed]
            counts = Counter(_FATES.get(said.get(row, ""), NEVER) for row in rows)
            if counts["flagged"] or counts[NEVER]:
                shown = [
                    f"{counts[fate]:,} {fate}" for fate in ("accepted", "flagged", NEVER) if counts[fate] or fate == "accepted"
                ]
                yield f"{split}: stage {name} keeps what is undecided (`undecided: keep`): {', '.join(shown)}"

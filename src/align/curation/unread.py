"""Decisions that stand in the app's database while the recipe reads a file."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from align.artifact import Artifact
from align.curation.curate import DATABASE, Curate
from align.curation.database.place import why_missing
from align.files import record_batches, record_parts
from align.records import Decision, Example
from align.stage import Stage


def reading_files(stages: Mapping[str, Stage]) -> dict[str, Curate]:
    """The curate stages that what people decide in the app passes by."""
    return {name: stage for name, stage in stages.items() if isinstance(stage, Curate) and stage.decisions != DATABASE}


def standing_in(url: str) -> list[Decision]:
    """The decisions in a database as it is, skips left out; none where there is no database. Makes and upgrades nothing."""
    if why_missing(url):
        return []
    from align.curation.database.engine import Database
    from align.curation.store import CurationStore

    store = CurationStore(Database(url))
    try:
        return [decision for decision in store.decisions() if decision.action != "skip"]
    finally:
        store.close()


def count_unread(stage: Curate, inputs: Iterable[Artifact], standing: list[Decision]) -> int:
    """How many of the standing decisions are about examples of `inputs`, and are not in the stage's file as they stand."""
    in_file = set(stage.folded) if Path(stage.decisions).exists() else set()
    unread = [decision for decision in standing if decision not in in_file]
    wanted = {decision.example_id for decision in unread}
    known: set[str] = set()
    for artifact in inputs:
        for part in record_parts(artifact.path, Example):
            for batch in record_batches(part, ["id"]):
                known |= wanted.intersection(batch.column(0).to_pylist())
    return sum(decision.example_id in known for decision in unread)

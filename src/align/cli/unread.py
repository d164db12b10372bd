"""The warning that people's decisions in the app are not what a recipe reads."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from align.recipe import Recipe


def warn_unread(recipe: "Recipe", store: Path, stages: Collection[str] | None = None, url: str | None = None) -> set[str]:
    """Tell on stderr of each curate stage (of `stages`) that reads a file though the database knows more; give their names.

    Only a look: what cannot be read, or is not made yet, is not told, and never stops the verb.
    """
    from align.errors import AlignError
    from align.processes import process_rank

    told: set[str] = set()
    if process_rank() > 0:
        return told
    try:
        for stage, said in _unread(recipe, store, stages, url):
            typer.echo(f"warning: {said}", err=True)
            told.add(stage)
    except (AlignError, OSError, ValueError):
        pass
    return told


def _unread(recipe: "Recipe", store: Path, stages: Collection[str] | None, given: str | None) -> Iterator[tuple[str, str]]:
    from align.curation.database.place import database_url, is_unmade, shown_url
    from align.curation.unread import count_unread, reading_files, standing_in
    from align.lineage import stage_states
    from align.planning import MAX_UNREAD_BYTES

    # Copies: a stage remembers the decisions of its file once they are read, and the run is to read them when it comes to it.
    recipe = recipe.model_copy(update={"stages": {name: stage.model_copy() for name, stage in recipe.stages.items()}})
    wanted = {name: stage for name, stage in reading_files(recipe.stages).items() if stages is None or name in stages}
    if not wanted or (given is None and is_unmade(store)):
        return
    url = database_url(store, given)
    standing = standing_in(url)
    if not standing:
        return
    made = {state.name: state.artifact for state in stage_states(recipe, store, MAX_UNREAD_BYTES)}
    for name, stage in wanted.items():
        inputs = [artifact for above in recipe.sources_of(name) if (artifact := made[above]) is not None]
        count = count_unread(stage, inputs, standing)
        if count:
            yield (
                name,
                f"{count:,} decisions in {shown_url(url)} are not read by this recipe: stage {name} reads {stage.decisions}; "
                "write `decisions: database`",
            )

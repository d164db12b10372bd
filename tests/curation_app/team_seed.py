"""A team that has decided about the small recipe's examples, now agreeing, now not."""

import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from served_app import write_recipe

from align.curation.pools.pool import Pool
from align.curation.queueing.queue import Queue
from align.curation.sight import Sight, sight_of
from align.curation.store import Ask, CurationStore, Person
from align.curation.team.identity import Door
from align.recipe import load_recipe
from align.records import Turn, content_of
from align.runner import run_recipe


def small_project(folder: Path) -> Any:
    """The pool of the small recipe and a fresh store with ada (admin), lea (lead), ben and cem (curators) and vic (viewer)."""
    recipe = load_recipe(write_recipe(folder))
    place = folder / "store"
    artifact = run_recipe(recipe, place, "asked")["asked"]
    store = CurationStore.open(f"sqlite:///{place}/curation.db")
    store.add_person("ada", "ada")
    for name, role in (("lea", "lead"), ("ben", "curator"), ("cem", "curator"), ("vic", "viewer")):
        store.add_person("ada", name, role)
    pool = Pool.open(artifact, place)

    def sight(person: Person) -> Sight:
        return sight_of(store, pool, person)

    return SimpleNamespace(pool=pool, store=store, queue=Queue(pool, store, {}), style=None, door=Door(), sight=sight)


def decide(project: Any, seed: int = 2) -> int:
    """Ben and cem judge every example blind; how many requests that took."""
    draw = random.Random(seed)
    number = 0
    for example_id in project.pool.ids:
        turns = project.pool.example(example_id).turns
        is_good = draw.random() < 0.5
        for curator in ("ben", "cem"):
            number += 1
            is_right = draw.random() < 0.85
            action: Any = "accept" if is_good == is_right else "reject"
            more: dict[str, Any] = {"reason": "poor style"} if action == "reject" else {}
            if action == "accept" and curator == "cem" and draw.random() < 0.5:
                action = "edit"
                more["turns"] = (turns[0], Turn("assistant", turns[1].text.replace("calm", "very calm")))
            project.store.decide(
                Ask(
                    f"seed {number}",
                    example_id,
                    content_of(turns),
                    0,
                    action,
                    curator,
                    seconds=draw.uniform(8, 70),
                    served="overlap",
                    blind=True,
                    **more,
                )
            )
    return number


if __name__ == "__main__":
    import sys

    opened = small_project(Path(sys.argv[1]))
    decide(opened)
    opened.store.write_guidelines("lea", "## What we look for\nOne voice.\n\n![picture](https://x.org/p.png) Read $2 and $3.")
    opened.store.acknowledge("ben", 1)
    opened.store.write_guidelines(
        "lea", "## What we look for\nOne warm voice.\n\n![picture](https://x.org/p.png) Read $2 and $3."
    )

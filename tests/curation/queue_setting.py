"""A pool about a few subjects, a database, and people who decide; in one line each."""

from pathlib import Path
from random import Random

from align.curation.pools.pool import Pool
from align.curation.queueing.queue import Queue
from align.curation.store import Ask, CurationStore, Event
from align.curation.wanted import Wanted
from align.records import Example, Turn
from align.strata import Cells
from toy_records import artifact, example

SUBJECTS = {
    "cooking": "bread dough oven flour yeast knead crust bake salt butter",
    "ocean": "tide wave salt moon current reef whale coral shore depth",
    "music": "chord scale tempo rhythm melody violin tune octave bass drum",
    "garden": "soil seed compost pruning rose weed water bloom root spade",
}
CURATORS = ("ada", "ben", "cem")


def examples(each: int, seed: int = 1) -> list[Example]:
    """So many examples of each subject, a dozen of its words each; every one is its own."""
    random = Random(seed)
    found = []
    for site, words in SUBJECTS.items():
        for number in range(each):
            said = " ".join(random.choices(words.split(), k=12) + [f"{site}{number}"])
            asked = " ".join(random.sample(words.split(), k=3))
            found.append(example(f"stack_exchange/{site}/{number}", f"What of {asked}?", said, votes=float(number)))
    return found


def pool_of(tmp_path: Path, targets: dict[str, int], each: int = 30) -> Pool:
    """Cells are the subjects; those without a target are not wanted."""
    wanted = Wanted("picked", ("above",), Cells("site", targets or {"all": 0}, None), targets)
    return Pool.open(artifact(tmp_path, "above", examples(each)), tmp_path / "store", wanted)


def store_of(tmp_path: Path, name: str = "curation.db") -> CurationStore:
    """A database with three curators, of whom ada is admin."""
    store = CurationStore.open(f"sqlite:///{tmp_path}/{name}")
    for curator in CURATORS:
        store.add_person("ada", curator)
    return store


def decide(
    queue: Queue, store: CurationStore, example_id: str, action: str = "accept", curator: str = "ada", why: str = "harvest",
    turns: tuple[Turn, ...] = (), seconds: float = 0.0,
) -> Event:  # fmt: skip
    """One decision about the pool's text."""
    stands = [standing for standing in store.standing(example_id) if standing.curator == curator]
    version = stands[0].version if stands else 0
    request = f"{curator} {example_id} {version}"
    content = queue.pool.contents[queue.pool.row(example_id)]
    return store.decide(
        Ask(request, example_id, content, version, action, curator, turns, served=why, seconds=seconds)  # type: ignore[arg-type]
    )

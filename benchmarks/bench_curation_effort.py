"""How many reviews a simulated curator needs to fill a quota: with the queue, and in random order.

    ALIGN_REAL_DATA=/path/to/data python benchmarks/bench_curation_effort.py [--pools real,generated] [--seeds 1,2,3,4,5]

Real: Stack Exchange answers of at least 200 characters through align's own readers; generated: documents of the invented corpus.
The curator (benchmarks/hidden_taste.py) is the same in every arm, and so are the texts: every row went through the same cleaning,
accepted or not. Whether a classifier tells the two apart by itself is measured and printed; above an AUC of 0.9 the run is void.
Targets: at 10 % at most half the reviews of random order, at 30 % at most 0.7, each at no lower Vendi score.
Every arm skips cells that are full, random order, too. The seeds were fixed before the first run.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from hidden_taste import HiddenTaste, Kind, Noise, decisions
from numpy.typing import NDArray

from align.artifact import Artifact, content_hash
from align.curation.pools.pool import Pool
from align.curation.queueing.looks import QueueSettings
from align.curation.queueing.queue import Queue
from align.curation.state.events import Ask, Event
from align.curation.state.leases import Lease
from align.curation.store import CurationStore
from align.curation.wanted import Wanted
from align.files import read_records, write_records
from align.records import Example, Origin, Turn
from align.selection.spread import vendi_score
from align.sources.ingest import Ingest
from align.sources.invented_corpus import invent_document
from align.sources.stack_exchange import StackExchange
from align.stage import Inputs
from align.statistics import auc
from align.strata import Cells

SEEDS = (1, 2, 3, 4, 5)
MIN_CHARS = 200
GENERATED = 6000
QUOTAS = {0.1: 120, 0.3: 300}
LIMITS = {0.1: 0.5, 0.3: 0.7}
CASES: tuple[tuple[Kind, Noise], ...] = (("both", "coin"), ("wording", "coin"), ("readability", "coin"), ("both", "flip"))
VOID = 0.9
CURATOR = "ada"


@dataclass
class MemoryLedger:
    """What a queue asks of a store, without a database; `--check-store` compares the two."""

    events: list[Event] = field(default_factory=list)
    held: dict[str, str] = field(default_factory=dict)

    def news(self, seq: int, taken_seq: int = 0, limit: int = 10_000) -> tuple[list[Event], list[Lease], list[tuple[int, str]]]:
        return self.events[seq : seq + limit], self.leases(), []

    def lease(
        self, curator: str, candidates: list[str], count: int = 1, minutes: float = 15, seen: int | None = None,
        fitting: object = None,
    ) -> list[str]:  # fmt: skip
        free = [item for item in candidates if self.held.get(item, curator) == curator][:count]
        self.held |= dict.fromkeys(free, curator)
        return free

    def leases(self) -> list[Lease]:
        return [Lease(item, curator, "") for item, curator in sorted(self.held.items())]

    def release(self, curator: str, examples: list[str] | None = None) -> int:
        gone = [item for item, holder in self.held.items() if holder == curator and (examples is None or item in examples)]
        for item in gone:
            del self.held[item]
        return len(gone)

    def decide(self, ask: Ask) -> None:
        at = f"2026-01-01T00:00:00.{len(self.events):06d}+00:00"
        self.held.pop(ask.example_id, None)
        values = {name: getattr(ask, name) for name in ("request", "example_id", "content", "action", "curator", "served")}
        self.events.append(Event(seq=len(self.events) + 1, at=at, **values))


@dataclass(frozen=True)
class Setting:
    """One simulated curator before one pool."""

    pool: Pool
    targets: dict[str, int]
    says: NDArray[np.bool_]
    seed: int

    @property
    def quota(self) -> int:
        return sum(self.targets.values())


@dataclass(frozen=True)
class Result:
    reviews: int
    accepted: list[int]


def review_in_order(setting: Setting, order: NDArray[np.int64]) -> Result:
    """Look at one after the other, those of full cells left out."""
    left = dict(setting.targets)
    accepted: list[int] = []
    reviews = 0
    for row in order.tolist():
        cell = setting.pool.cells[row]
        if not left.get(cell):
            continue
        reviews += 1
        if setting.says[row]:
            accepted.append(row)
            left[cell] -= 1
        if not any(left.values()):
            break
    return Result(reviews, accepted)


def review_by_queue(setting: Setting, ledger: "MemoryLedger | CurationStore", **options: object) -> Result:
    """Let the queue say what comes next, three at a time as the app fetches them, until every cell is full."""
    queue = Queue(setting.pool, ledger, setting.targets, setting.seed, **options)  # type: ignore[arg-type]
    seen: list[int] = []
    try:
        while served := queue.next(CURATOR, 3):
            example_id = served[0].example_id
            row = setting.pool.row(example_id)
            action = "accept" if setting.says[row] else "reject"
            content = setting.pool.contents[row]
            ledger.decide(Ask(f"{len(seen)}", example_id, content, 0, action, CURATOR, served=served[0].why))  # type: ignore[arg-type]
            seen.append(row)
            if len(queue.tally.accepted) + 1 >= setting.quota:
                queue.catch_up()
        return Result(len(seen), list(queue.tally.accepted))
    finally:
        queue.close()


def arms(setting: Setting) -> Iterator[tuple[str, Callable[[], Result]]]:
    draw = np.random.default_rng([setting.seed, 3])
    shuffled = draw.permutation(len(setting.pool))
    longest = np.argsort(-setting.pool.shapes[:, 0], kind="stable")
    only_harvest = QueueSettings(uncertain=0, audit=0, overlap=0)
    yield "random", lambda: review_in_order(setting, shuffled)
    yield "longest", lambda: review_in_order(setting, longest)
    yield "queue", lambda: review_by_queue(setting, MemoryLedger())
    yield "queue, harvest alone", lambda: review_by_queue(setting, MemoryLedger(), settings=only_harvest)
    yield "queue without novelty", lambda: review_by_queue(setting, MemoryLedger(), with_novelty=False)
    yield "queue without model", lambda: review_by_queue(setting, MemoryLedger(), with_model=False)


def told_apart(pool: Pool, says: NDArray[np.bool_]) -> float:
    """AUC of guessing a row's file, accepted or rejected, from its words (squeezed TF-IDF) and the shape of its text, 5-fold."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    shapes = (pool.shapes - pool.shapes.mean(axis=0)) / (pool.shapes.std(axis=0) + 1e-9)
    rows = np.hstack([10 * np.asarray(pool.vectors), shapes])
    folds = StratifiedKFold(5, shuffle=True, random_state=1)
    model = LogisticRegression(C=0.03, max_iter=300, class_weight="balanced")
    chances = cross_val_predict(model, rows, says, cv=folds, method="predict_proba")[:, 1]
    return auc(chances, says)


def real_pool(folder: Path, data: Path) -> tuple[Pool, list[Example]]:
    source = StackExchange.model_validate({"dumps": [str(data / "stackexchange")], "prompt": "random", "seed": 1})
    Ingest(source=source).run(Inputs(), folder / "raw")
    examples = [item for item in read_records(folder / "raw", Example) if len(item.response) >= MIN_CHARS]
    return _opened(folder, examples), examples


def generated_pool(folder: Path) -> tuple[Pool, list[Example]]:
    examples = []
    for number in range(GENERATED):
        subject, text = invent_document(11, number)
        first, _, rest = text.partition(". ")
        turns = (Turn("user", first), Turn("assistant", rest or text))
        examples.append(Example(f"invented/{subject}/{number}", turns, Origin("invented", str(number))))
    return _opened(folder, examples), examples


def _opened(folder: Path, examples: list[Example]) -> Pool:
    """Two cells: the sites in turn by size, so that both hold some large ones."""
    write_records(folder / "pool", Example, examples)
    artifact = Artifact(
        "pool", "", content_hash(folder / "pool"), folder / "pool", {"stage": "pool", "kind": "ingest", "counts": {}}
    )
    sites = Pool.open(artifact, folder / "store").sites
    sizes = np.bincount(sites.codes)
    ordered = sorted(sites.names, key=lambda name: (-sizes[sites.names.index(name)], name))
    groups = {name: ("first", "second")[place % 2] for place, name in enumerate(ordered)}
    targets = {"first": 1, "second": 1}
    return Pool.open(artifact, folder / "store", Wanted("bench", (), Cells("site", targets, groups), targets))


def print_case(name: str, pool: Pool, taste: HiddenTaste, rate: float, kind: Kind, noise: Noise, seeds: tuple[int, ...]) -> None:
    rows: dict[str, list[tuple[float, ...]]] = {}
    aucs, quota = [], QUOTAS[rate]
    for seed in seeds:
        liked = taste.liked(kind, rate, pool.cells.codes, seed)
        says = decisions(liked, noise, seed)
        aucs.append(told_apart(pool, says))
        setting = Setting(pool, {"first": quota // 2, "second": quota // 2}, says, seed)
        base: tuple[float, float, float] | None = None
        for arm, run in arms(setting):
            found = run()
            vendi = vendi_score(np.asarray(pool.vectors[found.accepted]))
            other = vendi_score(_unit(taste.wording[found.accepted]))
            base = base or (found.reviews, vendi, other)
            right = float(liked[found.accepted].mean())
            share = len(found.accepted) / quota
            rows.setdefault(arm, []).append(
                (found.reviews, found.reviews / base[0], vendi / base[1], other / base[2], right, share)
            )
    worst = max(aucs)
    void = "  VOID: told apart too easily" if worst > VOID else ""
    print(f"\n{name}, {100 * rate:.0f} % liked, taste {kind}, noise {noise}, quota {quota} of {len(pool):,}, {len(seeds)} seeds")
    print(f"accepted and rejected told apart with AUC {np.mean(aucs):.3f} (highest {worst:.3f}){void}")
    heads = ("reviews", "of random", "(range)", "Vendi", "(least)", "by n-grams", "liked", "filled")
    print(f"{'arm':24}" + "".join(f"{head:>14}" for head in heads))
    for arm, found in rows.items():
        values = np.array(found)
        mean = values.mean(axis=0)
        span = f"{values[:, 1].min():.2f} to {values[:, 1].max():.2f}"
        shown = [f"{mean[0]:.0f}", f"{mean[1]:.3f}", span, f"{mean[2]:.3f}", f"{values[:, 2].min():.3f}"]
        print(f"{arm:24}" + "".join(f"{text:>14}" for text in [*shown, *(f"{value:.2f}" for value in mean[3:])]))
    queue = np.array(rows["queue"]).mean(axis=0)
    verdict = "void" if worst > VOID else "met" if queue[1] <= LIMITS[rate] and queue[2] >= 1 else "MISSED"
    print(f"target: at most {LIMITS[rate]} of random's reviews at no lower Vendi score: {verdict}", flush=True)


def check_store(pool: Pool, taste: HiddenTaste, folder: Path) -> None:
    """The same curator before the database and before the ledger in memory."""
    says = decisions(taste.liked("both", 0.1, pool.cells.codes, 1), "coin", 1)
    setting = Setting(pool, {"first": 20, "second": 20}, says, 1)
    store = CurationStore.open(f"sqlite:///{folder}/curation.db")
    store.add_person(CURATOR, CURATOR)
    ours, theirs = review_by_queue(setting, MemoryLedger()), review_by_queue(setting, store)
    store.close()
    print(f"\nwith the SQLite store: {theirs.reviews} reviews, in memory {ours.reviews}; the same accepted: {ours == theirs}")


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), dtype=np.float32)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--pools", default="real,generated")
    asked.add_argument("--seeds", default=",".join(map(str, SEEDS)))
    asked.add_argument("--rates", default="0.1,0.3")
    asked.add_argument("--cases", default=",".join(f"{kind}-{noise}" for kind, noise in CASES))
    arguments = asked.parse_args()
    data = Path(os.environ.get("ALIGN_REAL_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    seeds = tuple(map(int, arguments.seeds.split(",")))
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.pools.split(","):
            if name == "real" and not (data / "stackexchange").is_dir():
                print(f"real: skipped, {data} has no stackexchange/ (set ALIGN_REAL_DATA)")
                continue
            place = Path(folder) / name
            pool, examples = real_pool(place, data) if name == "real" else generated_pool(place)
            taste = HiddenTaste(examples)
            print(f"{name}: {len(pool):,} examples of {len(pool.sites.names)} sites, {pool.vectors.shape[1]} dimensions")
            started = time.process_time()
            for rate in map(float, arguments.rates.split(",")):
                for kind, noise in CASES:
                    if f"{kind}-{noise}" in arguments.cases.split(","):
                        print_case(name, pool, taste, rate, kind, noise, seeds)
            check_store(pool, taste, place)
            print(f"{name}: {time.process_time() - started:.0f} s CPU")


if __name__ == "__main__":
    main()

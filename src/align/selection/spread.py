"""How varied a selection is, beside random draws of the same size: the Vendi score and the coverage of its pool."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from heapq import heapify, heappushpop
from pathlib import Path
from typing import TYPE_CHECKING

from align.embed.embedder import Encoder, Of, embedded_text
from align.embed.tfidf import TfIdf
from align.files import write_records
from align.lots import lot
from align.progress import track
from align.records import Example, Measurement
from align.stage import Inputs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

POOL = 3000
"""A larger pool is judged by so many of its examples, drawn by lot."""
CHOSEN = 1000
"""The same of a selection."""
DRAWS = 20
"""Random draws that a selection is compared with."""
WHOLE = "selection"
SUBJECTS: dict[Of, str] = {"both": WHOLE, "prompt": "prompts of the selection", "response": "responses of the selection"}
"""What was measured: all that the examples say, which any two selections from one pool can be compared by, or a part of it."""


def vendi_score(vectors: "NDArray[np.float32]") -> float:
    """How many wholly different examples would be as varied as these: exp of the entropy of the eigenvalues of K / n.

    K holds the cosines of all pairs (Friedman & Dieng, arXiv 2210.02410, definition 3.1). It is 1 for n copies of one text, and n
    where no two are alike. The eigenvalues other than 0 are those of the smaller matrix VᵀV / n, too.
    """
    import numpy as np

    rows = np.asarray(vectors, dtype=np.float64)
    if not len(rows):
        return 0.0
    matrix = rows.T @ rows if rows.shape[1] < len(rows) else rows @ rows.T
    values = np.linalg.eigvalsh(matrix / len(rows))
    values = values[values > 1e-12]
    return float(np.exp(-(values * np.log(values)).sum())) if len(values) else 0.0


def coverage(pool: "NDArray[np.float32]", chosen: "NDArray[np.float32]") -> float:
    """Mean likeness of an example of the pool to the chosen one most like it, 0 to 1: facility location by pool size."""
    import numpy as np

    if not len(pool) or not len(chosen):
        return 0.0
    nearest = [(pool[start : start + CHOSEN] @ chosen.T).max(axis=1) for start in range(0, len(pool), CHOSEN)]
    return float(np.maximum(np.concatenate(nearest), 0).mean(dtype=np.float64))


def write_spread(inputs: Inputs, chosen: Collection[str], work: Path, on: Of = "both") -> None:
    """Measure the examples with the ids in `chosen` against all that came in, and against random draws from them.

    A selection that went by a part of them, `on`, is measured on that part as well.
    """
    is_chosen = chosen if isinstance(chosen, (set, frozenset, dict)) else set(chosen)
    measured: list[Measurement] = []
    parts: list[Of] = ["both"] if on == "both" else ["both", on]
    for part in parts:
        pool, drawn = _sampled(inputs, is_chosen, part)
        measured += measure_spread(pool, drawn, len(is_chosen), inputs.count(Example), SUBJECTS[part])
    write_records(work, Measurement, measured, part="spread")


def measure_spread(
    pool: list[tuple[str, str]], drawn: list[tuple[str, str]], chosen_count: int, pool_count: int, name: str
) -> list[Measurement]:
    """Vendi score and coverage of `drawn` and of random draws from `pool`; both are (id, text) in the order of their lots."""
    import numpy as np

    ground = _ground(tuple(pool))
    everything = ground.vectors
    places = {item: number for number, (item, _) in enumerate(pool)}
    mine = np.empty((len(drawn), everything.shape[1]), dtype=np.float32)
    known = np.array([item in places for item, _ in drawn], dtype=bool)
    mine[known] = everything[[places[item] for item, _ in drawn if item in places]]
    mine[~known] = ground.encoder.encode([text for item, text in drawn if item not in places])
    measured = ground.by_chance(len(mine))
    size = f"{len(mine):,} of {chosen_count:,} taken, {len(everything):,} of {pool_count:,} that came in"
    judged = "" if name == WHOLE else f"; {name.partition(' ')[0]} alone"
    how = f"cosines of TF-IDF vectors of {everything.shape[1]} dimensions; {size}{judged}"
    chance = f"mean, least and most of {DRAWS} random draws of {min(len(mine), len(everything)):,}; {size}{judged}"
    found = []
    for place, (metric, value) in enumerate([("vendi", vendi_score(mine)), ("coverage", coverage(everything, mine))]):
        by_chance = [pair[place] for pair in measured]
        mean = _rounded(sum(by_chance) / len(by_chance))
        found.append(Measurement(metric, name, _rounded(value), count=len(mine), method=how))
        found.append(Measurement(f"{metric}_random", name, mean, min(by_chance), max(by_chance), len(mine), chance))
    return found


@dataclass(frozen=True)
class _Ground:
    """What selections from one pool are compared with."""

    encoder: Encoder
    vectors: "NDArray[np.float32]"
    """Of the pool."""
    _drawn: dict[int, list[tuple[float, float]]] = field(default_factory=dict)

    def by_chance(self, count: int) -> list[tuple[float, float]]:
        """Vendi score and coverage of random draws of so many."""
        import numpy as np

        if count not in self._drawn:
            random = np.random.default_rng(0)
            draws = [self.vectors[np.sort(random.permutation(len(self.vectors))[:count])] for _ in range(DRAWS)]
            self._drawn[count] = [
                (_rounded(vendi_score(draw)), _rounded(coverage(self.vectors, draw)))
                for draw in track(draws, "measuring random draws", unit="draws")
            ]
        return self._drawn[count]


@lru_cache(maxsize=len(SUBJECTS))  # the arms of an ablation are selections from one pool, each by some part of it
def _ground(pool: tuple[tuple[str, str], ...]) -> _Ground:
    encoder = TfIdf().prepare([text for _, text in sorted(pool)])
    return _Ground(encoder, encoder.encode([text for _, text in pool]))


def _sampled(inputs: Inputs, chosen: Collection[str], on: Of) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Ids and texts of what the pool and the selection are judged by."""
    pool: list[tuple[int, str, str]] = []
    drawn: list[tuple[int, str, str]] = []
    for example in inputs.read(Example, "measuring variety"):
        place = -lot("spread", example.id)
        for kept, most in ((pool, POOL), *([(drawn, CHOSEN)] if example.id in chosen else [])):
            if len(kept) < most:
                kept.append((place, example.id, embedded_text(example, on)))
                if len(kept) == most:
                    heapify(kept)
            elif place > kept[0][0]:
                heappushpop(kept, (place, example.id, embedded_text(example, on)))
    return _in_order(pool), _in_order(drawn)


def _in_order(kept: Iterable[tuple[int, str, str]]) -> list[tuple[str, str]]:
    return [(example_id, text) for _, example_id, text in sorted(kept, reverse=True)]


def _rounded(value: float) -> float:
    """Six digits: what a processor's order of adding leaves beyond them is no result."""
    return float(f"{value:.6g}")

"""How varied LIMA's own 1,000 examples are beside selections from a pool of real Stack Exchange answers that holds them, too.

    ALIGN_REAL_DATA=/path/to/data python benchmarks/real_selections.py

$ALIGN_REAL_DATA holds lima/lima.json and stackexchange/. Prints a table; says what is missing where the data is not there.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from align.embed.tfidf import TfIdf
from align.embed.vectors import embed_texts
from align.files import read_records
from align.records import Example
from align.selection.facility_location import FacilityLocation, take_facilities
from align.selection.farthest import FarthestFirst, take_greedily
from align.selection.spread import coverage, vendi_score
from align.sources.ingest import Ingest
from align.sources.stack_exchange import StackExchange
from align.stage import Inputs

COUNT = 1000
DRAWS = 20
MIN_CHARS = 200
"""Shorter answers are no rival to LIMA's."""


def main() -> int:
    data = Path(os.environ.get("ALIGN_REAL_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    lima, dumps = data / "lima" / "lima.json", data / "stackexchange"
    if not (lima.is_file() and dumps.is_dir()):
        print(f"skipped: {lima} and {dumps} are not both there (set ALIGN_REAL_DATA)")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        texts, scores = read_pool(lima, dumps, Path(folder))
        started = time.process_time()
        vectors = np.array(embed_texts(TfIdf(), lambda: (f"{prompt}\n\n{response}" for prompt, response in texts), Path(folder)))
        print(f"{len(texts):,} examples: LIMA's {COUNT:,} and {len(texts) - COUNT:,} of Stack Exchange")
        print(f"embedded in {time.process_time() - started:.1f} s CPU, {vectors.shape[1]} dimensions")
        for title, pool in (("the whole pool", range(len(texts))), ("Stack Exchange alone", range(COUNT, len(texts)))):
            print_table(title, np.array(pool), texts, scores, vectors)
    return 0


def read_pool(lima: Path, dumps: Path, folder: Path) -> tuple[list[tuple[str, str]], list[float]]:
    """Prompts, responses and votes; LIMA's 1,000 single turns come first and count as the best voted."""
    rows = json.loads(lima.read_text(encoding="utf-8"))[:COUNT]
    texts = [(row["instruction"] + row["input"], row["output"]) for row in rows]
    source = StackExchange.model_validate({"dumps": [str(path) for path in [dumps]], "prompt": "random", "seed": 1})
    Ingest(source=source).run(Inputs(), folder)
    examples = [item for item in read_records(folder, Example) if len(item.response) >= MIN_CHARS]
    texts += [(item.prompt, item.response) for item in examples]
    votes = [item.signals.get("answer_score", 0.0) for item in examples]
    return texts, [max(votes)] * COUNT + votes


def print_table(title: str, pool: np.ndarray, texts: list[tuple[str, str]], scores: list[float], vectors: np.ndarray) -> None:
    everything = vectors[pool]
    chosen = selections(pool, texts, scores, vectors)
    print(f"\n{title}: {len(pool):,} examples, {COUNT:,} taken")
    print(f"{'selection':24}{'Vendi':>9}{'coverage':>10}{'of LIMA':>9}{'median chars':>14}")
    for name, rows in chosen.items():
        lengths = sorted(len(texts[row][1]) for row in rows)
        mine = sum(row < COUNT for row in rows)
        measured = f"{vendi_score(vectors[rows]):9.1f}{coverage(everything, vectors[rows]):10.3f}"
        print(f"{name:24}{measured}{mine:9,}{lengths[len(lengths) // 2]:14,}")


def selections(pool: np.ndarray, texts: list[tuple[str, str]], scores: list[float], vectors: np.ndarray) -> dict[str, list[int]]:
    found = {"LIMA's own": list(range(COUNT))} if pool[0] == 0 else {}
    draw = np.random.default_rng(1)
    draws = [pool[draw.permutation(len(pool))[:COUNT]] for _ in range(DRAWS)]
    by_vendi = sorted(draws, key=lambda rows: vendi_score(vectors[rows]))
    found |= {"random, least of 20": by_vendi[0].tolist(), "random, most of 20": by_vendi[-1].tolist()}
    found["longest"] = sorted(pool.tolist(), key=lambda row: (-len(texts[row][1]), row))[:COUNT]
    found["best voted"] = sorted(pool.tolist(), key=lambda row: (-scores[row], row))[:COUNT] if pool[0] else []
    found["k-center"] = greedy(pool, vectors, None, 0)
    facilities = take_facilities(FacilityLocation(vectors[pool]), [0] * COUNT)
    found["facility location"] = pool[facilities].tolist()
    ranks = np.argsort(np.argsort([scores[row] for row in pool], kind="stable"), kind="stable") / (len(pool) - 1)
    for weight in (0.3, 0.5, 0.7):
        found[f"mmr, votes {weight}"] = greedy(pool, vectors, ranks.astype(np.float32), weight)
    return {name: rows for name, rows in found.items() if rows}


def greedy(pool: np.ndarray, vectors: np.ndarray, quality: np.ndarray | None, weight: float) -> list[int]:
    picks = take_greedily(FarthestFirst(vectors[pool], quality, weight), 0 if quality is None else -1, [0] * COUNT)
    return pool[picks].tolist()


if __name__ == "__main__":
    sys.exit(main())

"""Texts that mean the same among many: CPU seconds of comparing all with all and of buckets, and what the buckets miss.

    python benchmarks/bench_semantic.py                        100,000 vectors of 256 numbers
    python benchmarks/bench_semantic.py --rows 1000000 --only buckets

Vectors stand around 2,000 centres of unequal weight, and one in ten has a copy at a cosine of 0.95 to 1. The gate: nothing is
dropped that is less alike than the threshold, and of what comparing all with all drops 99 % is dropped.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from align.dedup.alike_vectors import alike_in_buckets, draws_for
from align.dedup.semantic import alike

WIDTH = 256
THRESHOLD = 0.95


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rows", type=int, default=100_000)
    arguments.add_argument("--only", choices=["buckets"], default=None)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vectors.f32"
        write_vectors(path, asked.rows)
        vectors = np.memmap(path, dtype=np.float32, mode="r", shape=(asked.rows, WIDTH))
        order = list(range(asked.rows))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        began = time.process_time()
        found = {row: likeness for row, _, likeness in alike_in_buckets(vectors, order, THRESHOLD, Path(folder) / "planes")}
        seconds = time.process_time() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        draws = draws_for(asked.rows, THRESHOLD)
        print(f"buckets ({draws.draws} draws of {draws.planes} planes): CPU s {seconds:.1f}, {len(found):,} dropped, ", end="")
        print(f"peak {peak:,.0f} MB ({before:,.0f} before; the mapped file of vectors has {path.stat().st_size / 1e6:,.0f})")
        if min(found.values()) < THRESHOLD - 1e-5:
            raise SystemExit("dropped one that is less alike than the threshold")
        if asked.only is None:
            began = time.process_time()
            exact = {row for row, _, _ in alike(vectors, order, THRESHOLD)}
            share = len(exact & found.keys()) / len(exact)
            print(f"all with all: CPU s {time.process_time() - began:.1f}, {len(exact):,} dropped; the buckets drop {share:.4f}")
            if share < 0.99:
                raise SystemExit("the buckets miss more than one in a hundred")


def write_vectors(path: Path, count: int) -> None:
    draw = np.random.default_rng(1)
    centres = draw.standard_normal((2000, WIDTH), dtype=np.float32)
    weights = 1 / np.arange(1, 2001)
    with path.open("wb") as file:
        for start in range(0, count, 50_000):
            size = min(50_000, count - start)
            copies = size // 11
            rows = 0.8 * draw.standard_normal((size - copies, WIDTH), dtype=np.float32)
            rows += centres[draw.choice(2000, len(rows), p=weights / weights.sum())]
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            aside = draw.standard_normal((copies, WIDTH), dtype=np.float32)
            aside -= (aside * rows[:copies]).sum(axis=1, keepdims=True) * rows[:copies]
            cosines = draw.uniform(THRESHOLD, 1, (copies, 1)).astype(np.float32)
            near = cosines * rows[:copies] + np.sqrt(1 - cosines**2) * aside / np.linalg.norm(aside, axis=1, keepdims=True)
            file.write(np.concatenate([rows, near]).astype(np.float32).tobytes())


if __name__ == "__main__":
    main()

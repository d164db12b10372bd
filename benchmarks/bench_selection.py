"""Selecting 1,000 of many vectors: CPU seconds on one core, and the most memory it took.

    python benchmarks/bench_selection.py                            k-center of 100,000 x 256 beside plain loops
    python benchmarks/bench_selection.py --peer /path/to/python     and facility location beside submodlib and apricot
    python benchmarks/bench_selection.py --rows 1000000 --peak      k-center of a file of 1 GB, its peak memory

`--peer` is a Python that has submodlib-py and apricot-select. Both want the likeness of every two rows (40 GB of 100,000), so
they are set beside ours on 5,000 rows and 200 picks; at 100,000 rows the rivals are loops: numpy's, one product a pick, and
scikit-learn's `pairwise_distances` a pick, as core-set code does it (on 100 picks). The gate: the loops pick the same rows, and
facility location reaches the same objective. Counted is the selection, not the imports.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

COUNT = 1000
WIDTH = 256

START = """
import json, sys, time, resource
import numpy as np
vectors = np.fromfile(sys.argv[1], dtype=np.float32).reshape(-1, 256)
"""
END = """
print(json.dumps({"seconds": time.process_time() - began, "value": value}))
"""
PROGRAMS = {
    "align": """
from align.selection.farthest import FarthestFirst, take_greedily
began = time.process_time()
greedy = FarthestFirst(vectors)
value = [take_greedily(greedy, 0, [0] * 1000), greedy.passes]
""",
    "numpy loop": """
began = time.process_time()
taken, nearest = [0], vectors @ vectors[0]
while len(taken) < 1000:
    taken.append(int(np.argmin(nearest)))
    np.maximum(nearest, vectors @ vectors[taken[-1]], out=nearest)
value = [taken, 999]
""",
    "scikit-learn loop": """
from sklearn.metrics import pairwise_distances
began = time.process_time()
taken, nearest = [0], pairwise_distances(vectors, vectors[:1])[:, 0]
while len(taken) < 100:
    taken.append(int(np.argmax(nearest)))
    nearest = np.minimum(nearest, pairwise_distances(vectors, vectors[taken[-1:]])[:, 0])
value = [taken, 99]
""",
    "align, facilities": """
from align.selection.facility_location import FacilityLocation, take_facilities
began = time.process_time()
facilities = FacilityLocation(vectors[:5000])
value = [take_facilities(facilities, [0] * 200), 0]
""",
    "submodlib": """
from submodlib import FacilityLocationFunction
rows = vectors[:5000]
began = time.process_time()
function = FacilityLocationFunction(n=len(rows), mode="dense", sijs=np.maximum(rows @ rows.T, 0), separate_rep=False)
value = [[row for row, _ in function.maximize(budget=200, optimizer="LazyGreedy", show_progress=False)], 0]
""",
    "apricot": """
from apricot import FacilityLocationSelection
rows = vectors[:5000]
likeness = np.maximum(rows @ rows.T, 0).astype(np.float64)
FacilityLocationSelection(2, metric="precomputed", optimizer="lazy").fit(likeness[:50, :50].copy())  # compiles
began = time.process_time()
likeness = np.maximum(rows @ rows.T, 0).astype(np.float64)
value = [FacilityLocationSelection(200, metric="precomputed", optimizer="lazy").fit(likeness).ranking.tolist(), 0]
""",
}
PEAK = """
import json, sys, time, resource
import numpy as np
from align.selection.farthest import FarthestFirst, take_greedily
rows = int(sys.argv[2])
vectors = np.memmap(sys.argv[1], dtype=np.float32, mode="r", shape=(rows, 256))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
began = time.process_time()
greedy = FarthestFirst(vectors)
taken = take_greedily(greedy, 0, [0] * 1000)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
seconds = time.process_time() - began
print(json.dumps({"seconds": seconds, "peak": peak, "before": before, "passes": greedy.passes, "taken": len(set(taken))}))
"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rows", type=int, default=100_000, help="how many vectors (default 100,000)")
    arguments.add_argument("--repeats", type=int, default=3, help="how often ours is measured (default 3); the rivals once")
    arguments.add_argument("--peer", default="", help="a Python with submodlib-py and apricot-select")
    arguments.add_argument("--peak", action="store_true", help="only ours, from a mapped file, with its peak memory")
    shapes = ["clustered", "spread evenly"]
    arguments.add_argument("--shapes", nargs="+", choices=shapes, default=shapes, help="how the vectors lie (default both)")
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vectors.f32"
        for shape in asked.shapes:
            write_vectors(path, asked.rows, shape)
            print(f"{asked.rows:,} x {WIDTH}, {shape}; load {os.getloadavg()[0]:.1f}")
            if asked.peak:
                found = run(sys.executable, PEAK, str(path), str(asked.rows))
                print(
                    f"  align: CPU s {found['seconds']:.1f}, {found['passes']} passes, peak {found['peak']:,.0f} MB"
                    f" ({found['before']:,.0f} MB before it began), file {path.stat().st_size / 1e6:,.0f} MB"
                )
            else:
                compare(path, asked.repeats, asked.peer)


def compare(path: Path, repeats: int, peer: str) -> None:
    ours = [run_program("align", sys.executable, path) for _ in range(repeats)]
    seconds = " ".join(format(item["seconds"], ".2f") for item in ours)
    print(f"  align: CPU s {seconds}, {ours[0]['value'][1]} passes for {COUNT} picks")
    for name in ("numpy loop", "scikit-learn loop"):
        found = run_program(name, sys.executable, path)
        taken = found["value"][0]
        same = taken == ours[0]["value"][0][: len(taken)]
        print(f"  {name}: CPU s {found['seconds']:.2f} for {len(taken)} picks, {'the same' if same else 'OTHER'} picks")
    names = ["align, facilities", *(["submodlib", "apricot"] if peer else [])]
    results = {name: run_program(name, peer if name in ("submodlib", "apricot") else sys.executable, path) for name in names}
    for name, found in results.items():
        print(f"  {name}: CPU s {found['seconds']:.2f} for 200 of 5,000, objective {objective(path, found['value'][0]):.3f}")


def objective(path: Path, rows: list[int]) -> float:
    import numpy as np

    vectors = np.fromfile(path, dtype=np.float32, count=5000 * WIDTH).reshape(-1, WIDTH)
    return float(np.maximum(vectors @ vectors[rows].T, 0).max(axis=1).sum(dtype=np.float64))


def run_program(name: str, python: str, path: Path) -> dict:
    return run(python, START + PROGRAMS[name] + END, str(path))


def run(python: str, program: str, *arguments: str) -> dict:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([python, "-c", program, *arguments], capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return json.loads(done.stdout.strip().splitlines()[-1])


def write_vectors(path: Path, count: int, shape: str) -> None:
    """Unit vectors around 2,000 centres of unequal weight, or from a normal distribution: every two nearly at right angles."""
    import numpy as np

    draw = np.random.default_rng(1)
    centres = draw.standard_normal((2000, WIDTH), dtype=np.float32)
    weights = 1 / np.arange(1, 2001)
    with path.open("wb") as file:
        for start in range(0, count, 50_000):
            rows = draw.standard_normal((min(50_000, count - start), WIDTH), dtype=np.float32)
            if shape == "clustered":
                rows = 0.5 * rows + centres[draw.choice(2000, len(rows), p=weights / weights.sum())]
            file.write((rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32).tobytes())


if __name__ == "__main__":
    main()

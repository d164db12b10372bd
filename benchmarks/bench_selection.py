"""Selecting 1,000 of many vectors: CPU seconds on one core, and the most memory it took.

    python benchmarks/bench_selection.py                            k-center of 100,000 x 256 beside plain loops
    python benchmarks/bench_selection.py --peer /path/to/python     and facility location beside submodlib and apricot
    python benchmarks/bench_selection.py --rows 1000000 --peak      k-center of a file of 1 GB, its peak memory
    python benchmarks/bench_selection.py --near                     facility location by nearest neighbours, 1,000 of 100,000

`--peer` is a Python that has submodlib-py and apricot-select. In their usual form both want the likeness of every two rows (40 GB
of 100,000), so they are set beside ours on 5,000 rows, 200 and 1,000 picks; at 100,000 rows the rivals are loops: numpy's, one
product a pick, and scikit-learn's `pairwise_distances` a pick, as core-set code does it (on 100 picks). The gate: the loops take
the same rows, and facility location reaches the same objective. Counted is the selection, not the imports.

With `--near` all work with the nearest `--neighbours` of each row; the peers find them with scikit-learn. Up to 20,000 rows the
objective of all with all is told, too. What takes more than `--limit` CPU seconds is stopped, and said to have taken them.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

COUNT = 1000
WIDTH = 256

LIMIT = """
import resource
resource.setrlimit(resource.RLIMIT_CPU, ({0}, {0} + 10))
"""
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
value = [take_facilities(facilities, [0] * int(sys.argv[2])), 0]
""",
    "submodlib": """
from submodlib import FacilityLocationFunction
rows = vectors[:5000]
began = time.process_time()
function = FacilityLocationFunction(n=len(rows), mode="dense", sijs=np.maximum(rows @ rows.T, 0), separate_rep=False)
value = [[row for row, _ in function.maximize(budget=int(sys.argv[2]), optimizer="LazyGreedy", show_progress=False)], 0]
""",
    "apricot": """
from apricot import FacilityLocationSelection
rows = vectors[:5000]
likeness = np.maximum(rows @ rows.T, 0).astype(np.float64)
FacilityLocationSelection(2, metric="precomputed", optimizer="lazy").fit(likeness[:50, :50].copy())  # compiles
began = time.process_time()
likeness = np.maximum(rows @ rows.T, 0).astype(np.float64)
selection = FacilityLocationSelection(int(sys.argv[2]), metric="precomputed", optimizer="lazy")
value = [selection.fit(likeness).ranking.tolist(), 0]
""",
}
NEAREST = """
from scipy.sparse import csr_matrix
from sklearn.neighbors import NearestNeighbors
rows, count, near = len(vectors), int(sys.argv[2]), int(sys.argv[3])
small = csr_matrix(np.abs(np.random.default_rng(0).standard_normal((50, 50))))
began = time.process_time()
squares, found = NearestNeighbors(n_neighbors=near, algorithm="brute", metric="sqeuclidean").fit(vectors).kneighbors(vectors)
values = np.maximum(1 - squares / 2, 0).ravel()
likeness = csr_matrix((values, found.ravel(), np.arange(0, rows * near + 1, near)), shape=(rows, rows))
between = time.process_time()
"""
NEAR = {
    "align": """
from align.selection.facility_location import take_facilities
from align.selection.near_facilities import NearFacilities
count, near = int(sys.argv[2]), int(sys.argv[3])
began = time.process_time()
facilities = NearFacilities(vectors, near)
between = time.process_time()
taken = take_facilities(facilities, [0] * count)
""",
    "apricot": NEAREST
    + """
from apricot import FacilityLocationSelection
likeness = likeness.maximum(likeness.T).tocsr().astype(np.float64)
paused = time.process_time()
FacilityLocationSelection(2, metric="precomputed", optimizer="lazy").fit(small)  # compiles
between += (compiling := time.process_time() - paused)
began += compiling
taken = FacilityLocationSelection(count, metric="precomputed", optimizer="lazy").fit(likeness).ranking.tolist()
""",
    "submodlib": NEAREST
    + """
from submodlib import FacilityLocationFunction
function = FacilityLocationFunction(n=rows, mode="sparse", sijs=likeness, num_neighbors=near)
taken = [row for row, _ in function.maximize(budget=count, optimizer="LazyGreedy", show_progress=False)]
""",
    "align, all with all": """
from align.selection.facility_location import FacilityLocation, take_facilities
began = time.process_time()
facilities = FacilityLocation(vectors)
between = time.process_time()
taken = take_facilities(facilities, [0] * int(sys.argv[2]))
""",
}
END_NEAR = """
ended = time.process_time()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"before": between - began, "seconds": ended - began, "peak": peak, "taken": taken}))
"""
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
    arguments.add_argument("--near", action="store_true", help="only facility location by nearest neighbours")
    arguments.add_argument("--picks", type=int, default=COUNT, help="with --near: how many are taken (default 1,000)")
    arguments.add_argument("--neighbours", type=int, default=64, help="with --near: of each row (default 64)")
    arguments.add_argument("--limit", type=int, default=600, help="with --near: CPU seconds that each may take (default 600)")
    shapes = ["clustered", "spread evenly"]
    arguments.add_argument("--shapes", nargs="+", choices=shapes, default=shapes, help="how the vectors lie (default both)")
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vectors.f32"
        for shape in asked.shapes:
            write_vectors(path, asked.rows, shape)
            print(f"{asked.rows:,} x {WIDTH}, {shape}; load {os.getloadavg()[0]:.1f}")
            if asked.near:
                compare_near(path, asked)
            elif asked.peak:
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
    for count in (200, COUNT):
        for name in names:
            found = run_program(name, peer if name in ("submodlib", "apricot") else sys.executable, path, str(count))
            reached = objective(path, found["value"][0], 5000)
            print(f"  {name}: CPU s {found['seconds']:.2f} for {count:,} of 5,000, objective {reached:.3f}")


def compare_near(path: Path, asked: argparse.Namespace) -> None:
    names = [
        "align",
        *(["align, all with all"] if asked.rows <= 20_000 else []),
        *(["apricot", "submodlib"] if asked.peer else []),
    ]
    for name in names:
        python = asked.peer if name in ("apricot", "submodlib") else sys.executable
        try:
            told = (str(path), str(asked.picks), str(asked.neighbours))
            found = run(python, LIMIT.format(asked.limit) + START + NEAR[name] + END_NEAR, *told)
        except TooLong:
            print(f"  {name}: not done after {asked.limit:,} CPU s", flush=True)
            continue
        reached = objective(path, found["taken"], asked.rows)
        said = f"CPU s {found['seconds']:.1f}, {found['before']:.1f} of them before the first pick, peak {found['peak']:,.0f} MB"
        print(f"  {name}: {said}, objective {reached:,.1f}", flush=True)


def objective(path: Path, rows: list[int], count: int) -> float:
    import numpy as np

    vectors = np.fromfile(path, dtype=np.float32, count=count * WIDTH).reshape(-1, WIDTH)
    blocks = [vectors[start : start + 4096] for start in range(0, count, 4096)]
    return sum(float(np.maximum(block @ vectors[rows].T, 0).max(axis=1).sum(dtype=np.float64)) for block in blocks)


def run_program(name: str, python: str, path: Path, *told: str) -> dict:
    return run(python, START + PROGRAMS[name] + END, str(path), *told)


class TooLong(Exception):
    pass


def run(python: str, program: str, *arguments: str) -> dict:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [python, "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode == -signal.SIGXCPU:
        raise TooLong
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

"""Near duplicates among invented texts, some of them planted: CPU seconds and recall, beside datasketch.

    python benchmarks/bench_dedup.py                      100,000 texts
    python benchmarks/bench_dedup.py --texts 20000 --repeats 3 --peer /path/to/python
    python benchmarks/bench_dedup.py --texts 1000000 --stage        the whole `minhash` stage on examples of a file

`--peer` is a Python that has datasketch (`pip install datasketch`); without it ours is measured alone. Both read the same file
and say of each text whether an earlier kept one is a duplicate. Ours works with shingles of one and two words at threshold 0.7,
datasketch as its documentation shows it: 128 permutations of the words, LSH at 0.5, so that it, too, finds what is planted.
`--stage` measures what a recipe's stage takes: reading the examples, finding duplicates, writing what is kept and what is not.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

PLANTED = 0.09
CHANGED = 0.05
"""Share of a planted copy's words that are others."""

PEAK_MEMORY = """
def peak_memory():
    # not ru_maxrss, which a process inherits from the one that starts it
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
"""
OURS = """
import json, sys, time
from pathlib import Path
import numpy, rapidfuzz
from align.dedup.minhash import near_duplicates
from align.dedup.words_apart import words_apart
texts = open(sys.argv[1], encoding="utf-8").read().split("\\n")
before = peak_memory()
began = time.process_time()
apart = [words_apart(text) for text in texts]
scratch = Path(sys.argv[1]).with_name("buckets")
found = {item: kept for item, kept, _ in near_duplicates(list(range(len(texts))), apart.__getitem__, 2, 0.7, scratch)}
seconds = time.process_time() - began
peak = peak_memory()
print(json.dumps({"seconds": seconds, "found": sorted(found), "before": before, "peak": peak}))
"""
DATASKETCH = """
import json, sys, time
texts = open(sys.argv[1], encoding="utf-8").read().split("\\n")
from datasketch import MinHash, MinHashLSH
before = peak_memory()
began = time.process_time()
index, found = MinHashLSH(threshold=0.5, num_perm=128), []
for number, text in enumerate(texts):
    sketch = MinHash(num_perm=128)
    sketch.update_batch([word.encode() for word in set(text.split())])
    if index.query(sketch):
        found.append(number)
    else:
        index.insert(number, sketch)
seconds = time.process_time() - began
peak = peak_memory()
print(json.dumps({"seconds": seconds, "found": found, "before": before, "peak": peak}))
"""
WRITE_EXAMPLES = """
import sys
from pathlib import Path
from align.files import RecordWriter
from align.records import Example, Origin, Turn
with open(sys.argv[1], encoding="utf-8") as lines, RecordWriter(Path(sys.argv[1]).with_name("examples"), Example) as out:
    for number, line in enumerate(lines):
        out.write(Example(f"a/{number}", (Turn("document", line.rstrip("\\n")),), Origin("a", f"a/{number}")))
print("{}")
"""
STAGE = """
import json, shutil, sys, time
from pathlib import Path
import numpy, rapidfuzz
from align.artifact import Artifact
from align.dedup.minhash import MinHash
from align.files import read_records
from align.records import Rejection
from align.stage import Inputs
place = Path(sys.argv[1]).with_name("examples")
work = place.with_name("kept")
shutil.rmtree(work, ignore_errors=True)
work.mkdir()
read = Inputs((Artifact("examples", "", "", place, {"counts": {}}),))
before = peak_memory()
began = time.process_time()
counts = MinHash().run(read, work)
seconds = time.process_time() - began
peak = peak_memory()
found = [int(item.example_id.removeprefix("a/")) for item in read_records(work, Rejection)]
print(json.dumps({"seconds": seconds, "found": found, "before": before, "peak": peak}))
"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--texts", type=int, default=100_000, help="how many texts (default 100,000)")
    arguments.add_argument("--repeats", type=int, default=1, help="how often each is measured (default 1)")
    arguments.add_argument("--peer", default="", help="a Python with datasketch")
    arguments.add_argument("--stage", action="store_true", help="ours alone, as the stage of a recipe")
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "texts.txt"
        planted = write_texts(path, asked.texts)
        load = os.getloadavg()[0]
        print(
            f"{asked.texts:,} texts, {len(planted):,} planted copies with {CHANGED:.0%} of their words changed; load {load:.1f}"
        )
        programs = [("align", OURS, sys.executable), ("datasketch", DATASKETCH, asked.peer)]
        if asked.stage:
            measured(sys.executable, WRITE_EXAMPLES, path)
            programs = [("the stage", STAGE, sys.executable)]
        for name, program, python in programs:
            if not python:
                print(f"{name}: not measured (--peer names no Python)")
                continue
            runs = [measured(python, program, path) for _ in range(asked.repeats)]
            found = set(runs[0]["found"])
            seconds = " ".join(f"{run['seconds']:.2f}" for run in runs)
            print(
                f"{name:11} CPU s {seconds}   recall {len(found & planted) / len(planted):.3f}   others {len(found - planted):,}"
                f"   peak {runs[0]['peak']:,.0f} MB ({runs[0]['before']:,.0f} before)"
            )


def measured(python: str, program: str, path: Path) -> dict:
    done = subprocess.run([python, "-c", PEAK_MEMORY + program, str(path)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def write_texts(path: Path, count: int) -> set[int]:
    """One text a line, 20 to 60 words of a vocabulary with Zipf's frequencies; the numbers of the planted copies."""
    draw = random.Random(1)
    vocabulary = [f"w{number}" for number in range(30_000)]
    weights = [1 / (number + 10) for number in range(len(vocabulary))]
    originals = int(count * (1 - PLANTED))
    stock = draw.choices(vocabulary, weights, k=originals * 40)
    texts, at = [], 0
    for _ in range(originals):
        length = draw.randint(20, 60)
        start = at % (len(stock) - 60)
        texts.append(stock[start : start + length])
        at += length
    for number in draw.sample(range(originals), count - originals):
        copy = list(texts[number])
        for place in draw.sample(range(len(copy)), max(1, round(len(copy) * CHANGED))):
            copy[place] = draw.choice(vocabulary)
        texts.append(copy)
    path.write_text("\n".join(" ".join(text) for text in texts), encoding="utf-8")
    return set(range(originals, count))


if __name__ == "__main__":
    main()

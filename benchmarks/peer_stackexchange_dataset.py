"""EleutherAI's stackexchange-dataset beside align: CPU seconds from one Posts.xml to the same pairs of question and top answer.

    git clone https://github.com/EleutherAI/stackexchange-dataset; pip install beautifulsoup4 tqdm
    python benchmarks/peer_stackexchange_dataset.py --peer stackexchange-dataset
    python benchmarks/peer_stackexchange_dataset.py --peer stackexchange-dataset --real $ALIGN_REAL_DATA/stackexchange

Both read the same file, levelled so that both take the same answer: rows in order of Id, no accepted answers (align prefers one
among equal scores), AnswerCount as the file has it (the peer waits for that many). The peer writes plain text to a zip, its
default, align Markdown with authors and licences to an artifact. Imports are not counted. The pairs are compared first.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from bench_ingest import MEASURE
from make_posts import write_posts

from align.files import read_records
from align.records import Example
from align.sources.xml_rows import parsed, row_bytes

PEER = """
import json, resource, sys, zipfile
sys.path.insert(0, sys.argv[1])
from pairer import QA_Pairer

class Noting(QA_Pairer):
    pairs = []
    def check_complete(self, answer):
        parent = self.questions.get(answer["ParentId"])
        super().check_complete(answer)
        if parent is not None and answer["ParentId"] not in self.questions and parent["Answers"]:
            first = max(parent["Answers"].values(), key=lambda said: int(said["Score"]))
            self.pairs.append(parent["Id"] + "/" + first["Id"])

pairer = Noting if sys.argv[4:] else QA_Pairer
before = resource.getrusage(resource.RUSAGE_SELF)
with zipfile.ZipFile(sys.argv[3], "w") as archive:
    pairer(sys.argv[2], "peer", sys.argv[3] + ".folder", -10**9, 1, "zip", archive).main()
used = resource.getrusage(resource.RUSAGE_SELF)
seconds = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
print(json.dumps({"seconds": seconds, "peak": used.ru_maxrss / 1024, "pairs": Noting.pairs}))
"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    peer = os.environ.get("STACKEXCHANGE_DATASET")
    arguments.add_argument("--peer", type=Path, default=peer, help="folder of the peer (default $STACKEXCHANGE_DATASET)")
    arguments.add_argument("--real", type=Path, help="folder of unpacked exchanges, to be read as one")
    arguments.add_argument("--megabytes", type=float, default=100, help="size of the invented file (default 100)")
    arguments.add_argument("--repeats", type=int, default=3, help="how often each is measured (default 3)")
    asked = arguments.parse_args()
    if asked.peer is None or not (asked.peer / "pairer.py").is_file():
        raise SystemExit(f"skipped: no pairer.py in {asked.peer}; clone the peer and name its folder with --peer")
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made" / "Posts.xml"
        made.parent.mkdir()
        if asked.real is None:
            write_posts(made, asked.megabytes)
        sources = (
            [made] if asked.real is None else sorted(path for path in asked.real.glob("*/*") if path.name.lower() == "posts.xml")
        )
        levelled = Path(folder) / "cooking.stackexchange.com" / "Posts.xml"
        write_levelled(sources, levelled)
        compare(levelled, asked.peer, asked.repeats)


def write_levelled(sources: list[Path], target: Path) -> None:
    """Write the posts of all `sources` into one table, with Ids of their own."""
    answers: Counter[int] = Counter()
    posts: dict[int, dict[str, bytes]] = {}
    for number, source in enumerate(sources):
        for _, data in row_bytes(source, "posts", accept_truncated=True):
            row = parsed(data)
            assert row is not None, source
            post = {name: row.pieces[place] for name, place in row.places.items() if name != "AcceptedAnswerId"}
            for name in {"Id", "ParentId"} & post.keys():
                post[name] = b"%d" % (number * 10**8 + int(post[name]))
            posts.setdefault(int(post["Id"]), post)
    for post in posts.values():
        if post["PostTypeId"] == b"2":
            answers[int(post["ParentId"])] += 1
    target.parent.mkdir(parents=True)
    with target.open("wb") as file:
        file.write(b'<?xml version="1.0" encoding="utf-8"?>\n<posts>\n')
        for number, post in sorted(posts.items()):
            if post["PostTypeId"] == b"1":
                post["AnswerCount"] = b"%d" % answers[number]
            file.write(b"  <row %s />\n" % b" ".join(name.encode() + b'="' + value + b'"' for name, value in post.items()))
        file.write(b"</posts>\n")


def compare(posts: Path, peer: Path, repeats: int) -> None:
    recipe = posts.parent.parent / "recipe.yaml"
    source = f"{{kind: stack_exchange, dumps: [{posts}], prompt: body}}"
    recipe.write_text(f"name: bench\nstages:\n  posts: {{kind: ingest, source: {source}}}\n", encoding="utf-8")
    store = posts.parent.parent / "store"

    def ours(name: str) -> dict[str, float]:
        return json.loads(run(MEASURE, recipe, f"{store}-{name}", 1))

    def theirs(name: str, *noting: str) -> dict[str, float]:
        return json.loads(run(PEER, peer, posts, f"{store}-{name}.zip", *noting))

    checked = ours("checked")
    (made,) = Path(f"{store}-checked").rglob("examples")
    mine = {example.origin.native_id for example in read_records(made.parent, Example)}
    noted = set(theirs("checked", "noting")["pairs"])  # type: ignore[call-overload]
    size = posts.stat().st_size / 1e6
    print(f"{size:,.0f} MB: {len(mine):,} pairs of align, {len(noted):,} of the peer, {len(mine & noted):,} the same")
    print(f"only in one: {sorted(mine ^ noted)[:10]} (align leaves out pairs without text)")
    runs = [(ours(str(number))["seconds"], theirs(str(number))["seconds"]) for number in range(repeats)]
    for name, seconds in zip(("align", "peer"), zip(*runs, strict=True), strict=True):
        rates = sorted(size / each for each in seconds)
        print(f"{name:6} {statistics.median(rates):6.1f} MB per CPU second ({rates[0]:.1f} to {rates[-1]:.1f})")
    print(f"ratio {statistics.median(theirs / ours for ours, theirs in runs):.1f}, peak of align {checked['peak']:,.0f} MB")


def run(script: str, *arguments: object) -> str:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"TQDM_DISABLE": "1"})
    return done.stdout.splitlines()[-1]


if __name__ == "__main__":
    main()

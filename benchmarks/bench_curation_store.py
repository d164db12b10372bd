"""What a decision and a lease cost in the curation database, and whether it keeps what it acknowledged when processes are killed.

    python benchmarks/bench_curation_store.py                       both databases, both measures
    python benchmarks/bench_curation_store.py --only storm --on postgresql

`pace`: 20 people, a thread each, take examples from a pool of 100,000 (each names the 200 that suit them) and decide about them:
`steady` as fast as people who press a key twice a second, `at once` without a pause, which shows the most the database takes.
Counted is the time from the call of `decide` or `lease` to its return, waiting for others included.

`storm`: 20 processes that decide 1,000 times each, directly on the database. Three times on the way, some are ended with
SIGKILL; with PostgreSQL the second blow ends the server. The gate: every decision that was acknowledged is there once.
PostgreSQL is a private server with its usual settings, fsync included. Without PostgreSQL only SQLite is measured.
"""

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from align.curation.store import Ask, CurationStore
from decision_storm import kill_some, storm
from postgres_server import find_postgres, postgres_server

KINDS = ("sqlite", "postgresql")
PEOPLE = 20
POOL = 100_000
SUITABLE = 200
LIMIT_MS = 20.0
STEADY_SECONDS = 0.5
"""A decision each so many seconds: people take ten times as long."""


def main() -> None:
    wanted = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wanted.add_argument("--only", choices=["pace", "storm"])
    wanted.add_argument("--on", choices=KINDS, help="one of the databases; both by default")
    wanted.add_argument("--each", type=int, default=40, help="decisions a person, in `pace`")
    wanted.add_argument("--before", type=int, default=20_000, help="decisions that are there already, in `pace`")
    wanted.add_argument("--decisions", type=int, default=1000, help="decisions a process, in `storm`")
    options = wanted.parse_args()
    held = True
    for kind in KINDS if options.on is None else (options.on,):
        if kind == "postgresql" and find_postgres() is None:
            print("postgresql: not installed, not measured")
            continue
        if options.only != "storm":
            held &= pace(kind, options.each, options.before)
        if options.only != "pace":
            held &= brave(kind, options.decisions)
    if not held:
        raise SystemExit("a limit was missed")


def pace(kind: str, each: int, before: int) -> bool:
    """Print the times of decisions and leases; whether the limit held at a steady pace."""
    with place(kind) as (url, _, _):
        store = CurationStore.open(url)
        store.add_person("ada", "ada")
        people = [f"p{number:02d}" for number in range(PEOPLE)]
        for name in people:
            store.add_person("ada", name)
        pool = [f"stack_exchange/cooking/{number}" for number in range(POOL)]
        asks = [Ask(f"b{number}", pool[number], "c", 0, "accept", people[number % PEOPLE]) for number in range(before)]
        for name_asks in (asks[number::PEOPLE] for number in range(PEOPLE)):
            store.decide_many(name_asks)
        held = True
        for manner, pause in (("steady", STEADY_SECONDS), ("at once", 0.0)):
            times, cpu, wall = work(store, people, pool[before:], each, pause)
            for what, taken in times.items():
                row = {"what": f"{kind} {what} {manner}", **percentiles(taken), "calls": len(taken)}
                print(json.dumps(row | {"per_s": round(len(taken) / wall)}))
                held &= pause == 0.0 or row["p95_ms"] <= LIMIT_MS
            print(json.dumps({"what": f"{kind} {manner}", "cpu_ms_per_decision": round(cpu * 1000 / len(times["decide"]), 2)}))
        store.close()
        return held


def work(
    store: CurationStore, people: list[str], pool: list[str], each: int, pause: float
) -> tuple[dict[str, list[float]], float, float]:
    times: dict[str, list[float]] = {"lease": [], "decide": []}
    began, cpu = time.perf_counter(), time.process_time()
    threads = [threading.Thread(target=person, args=(store, name, pool, each, pause, times)) for name in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, time.process_time() - cpu, time.perf_counter() - began


def person(store: CurationStore, name: str, pool: list[str], each: int, pause: float, times: dict[str, list[float]]) -> None:
    draw = random.Random(f"{name} {pause}")
    time.sleep(draw.uniform(0, pause))
    seen = max((event.seq for event in store.last_events(1)), default=0)
    for number in range(each):
        suitable = draw.sample(pool, SUITABLE)
        began = time.perf_counter()
        (example,) = store.lease(name, suitable, 1, seen=seen)
        leased = time.perf_counter()
        version = next((row.version for row in store.standing(example) if row.curator == name), 0)
        ask = Ask(f"{name} {pause} {number}", example, "c", version, "accept", name, seconds=3.0, served="harvest")
        asked = time.perf_counter()
        seen = store.decide(ask).seq
        times["decide"].append(time.perf_counter() - asked)
        times["lease"].append(leased - began)
        time.sleep(max(0.0, draw.uniform(0, 2 * pause)))


def brave(kind: str, decisions: int) -> bool:
    """Print what a storm left; whether nothing was lost and nothing doubled."""
    with place(kind) as (url, folder, server):
        middle = kill_some(5, 2) if server is None else lambda _: (server.kill(), server.start())
        result = storm(url, folder, PEOPLE, decisions, [kill_some(5, 1), middle, kill_some(5, 3)])
    print(json.dumps({"what": f"{kind} storm", **result.__dict__, "per_s": round(result.events / result.seconds)}))
    return (result.lost, result.double, result.events, result.followed) == (0, 0, PEOPLE * decisions, True)


@contextmanager
def place(kind: str) -> Iterator[tuple[str, Path, Any]]:
    """The URL of a fresh database, a folder, and the server where there is one."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if kind == "sqlite":
            yield f"sqlite:///{folder / 'curation.db'}", folder, None
            return
        binaries = find_postgres()
        assert binaries is not None
        server = stack.enter_context(postgres_server(binaries, fsync=True))
        yield server.fresh(), folder, server


def percentiles(taken: list[float]) -> dict[str, float]:
    ordered = sorted(taken)
    return {
        f"p{share}_ms": round(ordered[min(len(ordered) - 1, len(ordered) * share // 100)] * 1000, 2) for share in (50, 95, 99)
    }


if __name__ == "__main__":
    main()

"""The server's work for one decision: what the browser sent is done, and what it draws next is put together.

    python benchmarks/bench_review_work.py [--examples 100000] [--db postgresql+psycopg://...] [--seconds 120] [--pause 5]

Twenty people decide in twenty threads, as Streamlit has one for each session, at a human pace, on a pool of 100,000 with 5,000
decisions behind them. Wall and processor time of the callback and of the page's data are taken inside each thread; a machine that
does something else shows in the difference. Wanted: 95 % within 20 ms.
"""

import argparse
import os
import random
import resource
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from review_setting import PEOPLE, environment, fill, message_for, open_pool, write_setting

LIMIT_MS = 20


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--examples", type=int, default=100_000)
    told.add_argument("--decided", type=int, default=5000)
    told.add_argument("--seconds", type=float, default=120)
    told.add_argument("--pause", type=float, default=5, help="Mean seconds between two decisions of one person.")
    told.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "align-review-latency")
    told.add_argument("--db", default="", help="URL of an empty database; SQLite in the folder by default.")
    asked = told.parse_args()
    desk = write_setting(asked.folder, asked.examples)
    url = asked.db or f"sqlite:///{asked.folder}/work-{os.getpid()}.db"
    began = time.perf_counter(), time.process_time()
    fill(url, open_pool(desk), asked.decided)
    print(f"pool opened for the first time, or found, and {asked.decided:,} decisions put into the database: {_since(began)}")
    environment(desk, url)
    from curation_app.session import open_project

    began = time.perf_counter(), time.process_time()
    project = open_project.__wrapped__()  # as Streamlit would open it; without a browser its cache only warns
    print(f"opened {len(project.pool):,} examples: {_since(began)}; {_memory()}")
    began = time.perf_counter(), time.process_time()
    project.queue.next(PEOPLE[0])
    print(f"first examples handed out, {asked.decided:,} decisions behind: {_since(began)}; {_memory()}")
    _tell(_measured(project, asked.seconds, asked.pause), "PostgreSQL" if asked.db else "SQLite")
    print(_memory())
    project.queue.close()


def _measured(project: Any, seconds: float, pause: float) -> list[tuple[float, float, float, float]]:
    """Of each decision: wall and processor milliseconds of doing it, and of putting the page together."""
    found: list[tuple[float, float, float, float]] = []
    end = time.monotonic() + seconds
    threads = [threading.Thread(target=_review, args=(project, name, end, pause, found)) for name in PEOPLE]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def _review(project: Any, name: str, end: float, pause: float, found: list[tuple[float, float, float, float]]) -> None:
    from align.curation.review.reviewing import Reviewing
    from curation_app.views.review import page_data

    draw = random.Random(name)
    reviewing = Reviewing(project.store, project.pool, project.queue, name, project.rules, project.style, project.accepted.near)
    reviewing.begin()
    cards = page_data(reviewing, project.queue, "")["cards"]
    while cards and time.monotonic() < end:
        time.sleep(draw.uniform(0.4, 1.6) * pause)
        message = message_for(cards[0], draw)
        wall, own = time.perf_counter(), time.thread_time()
        reviewing.take([message])
        wall_done, own_done = time.perf_counter(), time.thread_time()
        cards = page_data(reviewing, project.queue, "")["cards"]
        assert reviewing.answers[message["request"]]["ok"], reviewing.answers
        times = (wall_done - wall, own_done - own, time.perf_counter() - wall_done, time.thread_time() - own_done)
        found.append(tuple(1000 * taken for taken in times))  # type: ignore[arg-type]


def _tell(found: list[tuple[float, float, float, float]], what: str) -> None:
    table = np.array(found)
    load = os.getloadavg()[0]
    print(f"{what}, {len(found):,} decisions, load {load:.1f}, {os.cpu_count()} cores: milliseconds, median and 95 %")
    sums = np.stack([table[:, 0] + table[:, 2], table[:, 1] + table[:, 3]], axis=1)
    for name, wall, own in (("callback", table[:, 0], table[:, 1]), ("page", table[:, 2], table[:, 3]), ("both", *sums.T)):
        shown = [f"{np.median(times):6.1f} {np.percentile(times, 95):6.1f}" for times in (wall, own)]
        print(f"  {name:9} wall {shown[0]}   processor {shown[1]}")
    for name, times in zip(("wall", "processor"), sums.T, strict=True):
        late = np.percentile(times, 95)
        print(f"  95 % within {late:.1f} ms {name}: {'kept' if late <= LIMIT_MS else 'missed'} (wanted {LIMIT_MS} ms)")


def _since(began: tuple[float, float]) -> str:
    return f"{time.perf_counter() - began[0]:.1f} s, {time.process_time() - began[1]:.1f} s of processor"


def _memory() -> str:
    """What the process has of its own, and its peak: mapped pages of files can be taken back at any time."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    known = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines if line.startswith(("RssAnon", "RssFile"))}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return f"memory {known['RssAnon']:,.0f} MiB of its own, {known['RssFile']:,.0f} MiB mapped, peak {peak:,.0f} MiB"


if __name__ == "__main__":
    main()

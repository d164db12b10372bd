"""Many processes that decide at once and are killed on the way; what they were told is held against what is there.

Each notes a decision in a file of its own only after the store has acknowledged it. A killed one is started again and sends its
first decision without a note once more, with the same request, as a browser does that got no answer.
"""

import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from align.curation.store import CurationStore, Event

WRITER = """
import os, random, sys, time
from align.curation.store import Ask, CurationStore
from align.errors import StoreError
from align.records import Turn

url, name, count, notes = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
noted = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
with open(notes) as file:
    done = len(file.read().split())

def again(work):
    while True:
        try:
            return work()
        except StoreError:
            time.sleep(random.uniform(0.05, 0.3))

store = again(lambda: CurationStore.open(url))
for number in range(done, count):
    # Every tenth is about an example of all writers; the rest are their own.
    example = f"all/{number}" if number % 10 == 0 else f"{name}/{number}"
    edit = number % 7 == 0
    ask = Ask(
        f"{name}-{number}", example, "c", 0, "edit" if edit else ("accept", "reject")[number % 2], name,
        turns=(Turn("user", f"{name} {number}"),) if edit else (),
    )
    event = again(lambda: store.decide(ask))
    assert event.request == ask.request
    os.write(noted, f"{event.seq}\\n".encode())
store.close()
"""


@dataclass(frozen=True)
class Result:
    """What a storm left."""

    seconds: float
    kills: int
    noted: int
    lost: int
    """Acknowledged decisions that are not there, or not with the number that was told."""
    double: int
    followed: bool
    """Whether who read along by number saw every event, in order."""
    events: int

    def as_json(self) -> str:
        return json.dumps(self.__dict__)


def storm(
    url: str, folder: Path, writers: int, decisions: int, blows: Sequence[Callable[[list["subprocess.Popen[bytes]"]], None]]
) -> Result:
    """Let `writers` processes decide `decisions` times each; deliver each blow when its share of the work is done."""
    store = CurationStore.open(url)
    names = [f"w{number:02d}" for number in range(writers)]
    store.add_person("ada", "ada")
    for name in names:
        store.add_person("ada", name)
    notes = {name: folder / f"{name}.txt" for name in names}

    def start(name: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen([sys.executable, "-c", WRITER, url, name, str(decisions), str(notes[name])])

    began = time.monotonic()
    running = {name: start(name) for name in names}
    seen: list[Event] = []
    follower = threading.Thread(target=_follow, args=(url, seen, stop := threading.Event()))
    follower.start()
    pending = list(blows)
    try:
        while pending or any(process.poll() is None for process in running.values()):
            time.sleep(0.02)
            done = sum(_lines(path) for path in notes.values())
            if pending and done >= writers * decisions * (len(blows) - len(pending) + 1) / (len(blows) + 1):
                pending.pop(0)(list(running.values()))
            for name, process in running.items():
                code = process.poll()
                if code == -9:
                    running[name] = start(name)
                elif code not in (None, 0):
                    raise AssertionError(f"writer {name} ended with status {code}")
        seconds = time.monotonic() - began
    finally:
        for process in running.values():
            process.kill()
            process.wait()
        time.sleep(0.3)
        stop.set()
        follower.join()
    result = _weigh(store, notes, seen, seconds, len(blows))
    store.close()
    return result


def kill_some(count: int, seed: int) -> Callable[[list["subprocess.Popen[bytes]"]], None]:
    """End some writers with SIGKILL."""

    def blow(running: list["subprocess.Popen[bytes]"]) -> None:
        alive = [process for process in running if process.poll() is None]
        for process in random.Random(seed).sample(alive, min(count, len(alive))):
            process.kill()

    return blow


def _follow(url: str, seen: list[Event], stop: threading.Event) -> None:
    from align.errors import StoreError

    last = 0
    while True:
        ending = stop.is_set()
        try:
            store = CurationStore.open(url)
            while new := store.events_since(last, 500):
                seen += new
                last = new[-1].seq
            store.close()
        except StoreError:
            if ending:
                raise
        if ending:
            return
        time.sleep(0.01)


def _weigh(store: CurationStore, notes: dict[str, Path], seen: list[Event], seconds: float, kills: int) -> Result:
    events = store.events_since(0, 10**7)
    by_request = {event.request: event.seq for event in events}
    told = {
        f"{name}-{number}": int(seq)
        for name, path in notes.items()
        for number, seq in enumerate(path.read_text(encoding="utf-8").split())
    }
    lost = sum(by_request.get(request) != seq for request, seq in told.items())
    often = Counter((event.curator, event.example_id) for event in events)
    counted = sum(item.events for item in store.counts())
    assert counted == len(events), f"the counters say {counted}, there are {len(events)}"
    return Result(
        round(seconds, 1), kills, len(told), lost, sum(times - 1 for times in often.values()), seen == events, len(events)
    )


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0

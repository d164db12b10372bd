"""What the latency of reviewing is measured on: a pool of invented posts, twenty people, a database half way through its work."""

import json
import math
import os
import random
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from make_posts import SYLLABLES

from align.curating import Desk, prepare_desk
from align.curation.pools.pool import Pool
from align.curation.state.events import Ask
from align.curation.store import CurationStore

RECIPE = """\
name: latency
stages:
  posts: {kind: ingest, source: {kind: json_lines, paths: [posts.jsonl]}}
  rules:
    kind: filter
    filters:
      - {kind: length, min_chars: 100}
      - {kind: first_person}
      - {kind: cross_reference}
  picked: {kind: curate, decisions: database, undecided: stop, take: {all: 4000}}
"""
SITES = 20
PEOPLE = tuple(f"person{number:02}" for number in range(20))
REASONS = ("poor style", "too narrow", "not self-contained")
ACCEPTED = 0.2


def write_setting(folder: Path, count: int) -> Desk:
    """Write the posts and run the recipe up to its curate stage, where that is not done yet."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "latency.yaml").write_text(RECIPE, encoding="utf-8")
    if not (folder / "posts.jsonl").exists():
        with (folder / "posts.part").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in posts(count))
        (folder / "posts.part").rename(folder / "posts.jsonl")
    return prepare_desk(folder / "latency.yaml", None, folder / "store")


def posts(count: int) -> Iterator[dict[str, Any]]:
    """Questions and answers of twenty sites, each with words of its own; 1.5 kB an answer, with a long tail."""
    draw = random.Random(1)
    common = ["".join(draw.choices(SYLLABLES, k=draw.choice((1, 1, 2)))) for _ in range(300)]
    blocks, words = [], []
    for _ in range(SITES):
        own = common + ["".join(draw.choices(SYLLABLES, k=draw.choice((2, 3, 3)))) for _ in range(900)]
        words.append(own)
        blocks.append([_block(draw, own) for _ in range(1500)])
    for number in range(count):
        site = number % SITES
        title = _sentence(draw, words[site], 6, 12).removesuffix(".") + "?"
        first = _sentence(draw, words[site], 10, 20)
        body = [first, *draw.choices(blocks[site], k=min(30, 2 + int(draw.lognormvariate(0.6, 0.7))))]
        yield {
            "id": f"stack_exchange/site{site:02}/{number}", "prompt": f"{title}\n\n{draw.choice(blocks[site])}",
            "response": "\n\n".join(body), "url": f"https://site{site:02}.example/{number}", "license": "CC BY-SA 4.0",
            "tags": draw.sample(words[site][300:420], draw.randint(1, 5)), "date": "2019-05-04",
            "signals": {"answer_score": float(draw.randint(10, 200)), "question_score": float(draw.randint(0, 90))},
        }  # fmt: skip


def _block(draw: random.Random, words: list[str]) -> str:
    kind = draw.random()
    if kind < 0.8:
        return " ".join(_sentence(draw, words, 8, 22) for _ in range(draw.randint(2, 6)))
    if kind < 0.92:
        return "\n".join(f"- {_sentence(draw, words, 5, 12)}" for _ in range(draw.randint(2, 6)))
    return "```\n" + "\n".join(f"    {draw.choice(words)}({draw.choice(words)}, 3)" for _ in range(8)) + "\n```"


def _sentence(draw: random.Random, words: list[str], least: int, most: int) -> str:
    said = draw.choices(words, k=draw.randint(least, most))
    place = draw.randrange(len(said))
    if draw.random() < 0.2:
        said[place] = draw.choice(("**{}**", "*{}*", "`{}`", "[{0}](https://example.org/{0})")).format(said[place])
    return " ".join(said).capitalize() + "."


def open_pool(desk: Desk) -> Pool:
    """Its files are made the first time."""
    return Pool.open([desk.artifact(name) for name in desk.artifacts], Path(desk.store))


def fill(url: str, pool: Pool, decided: int) -> None:
    """Twenty people, guidelines, and so many decisions, a fifth of them acceptances; calibration is over."""
    store = CurationStore.open(url)
    try:
        if store.people():
            return
        for name in PEOPLE:
            store.add_person(PEOPLE[0], name)
        store.write_guidelines(PEOPLE[0], "\n\n".join(f"## Rule {number}\n\nWrite *plainly*. " * 2 for number in range(12)))
        store.set_setting(PEOPLE[0], "calibration_size", 0)
        draw = random.Random(2)
        rows = draw.sample(range(len(pool)), decided)
        for number, name in enumerate(PEOPLE):
            asks = [_ask(pool, row, name, draw) for row in rows[number :: len(PEOPLE)]]
            assert not store.decide_many(asks).refused
    finally:
        store.close()


def _ask(pool: Pool, row: int, name: str, draw: random.Random) -> Ask:
    accepted = draw.random() < ACCEPTED
    reason = "" if accepted else draw.choice(REASONS)
    return Ask(
        str(uuid.UUID(int=draw.getrandbits(128))), pool.ids[row], pool.contents[row], 0, "accept" if accepted else "reject",
        name, reason=reason, seconds=draw.lognormvariate(math.log(8), 0.5), served="harvest",
    )  # fmt: skip


def message_for(card: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    """What a browser sends when somebody decides about the card."""
    action = draw.choices(("accept", "reject", "skip"), (0.2, 0.7, 0.1))[0]
    return {
        "request": str(uuid.uuid4()), "kind": "decide", "id": card["id"], "content": card["content"], "version": card["version"],
        "action": action, "reason": draw.choice(REASONS) if action == "reject" else "", "served": card["served"], "texts": None,
        "note": "", "seconds": 6.0,
    }  # fmt: skip


def environment(desk: Desk, url: str) -> None:
    """What `align app` tells its server, for this process."""
    os.environ.update({"ALIGN_APP_DESK": desk.as_json(), "ALIGN_DB": url})

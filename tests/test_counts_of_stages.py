"""What came in is what was kept, what was dropped and what was skipped, in every stage that chooses, whatever comes in."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from align.curation.curate import Curate
from align.curation.decisions import decision_for
from align.dedup.contamination import Contamination
from align.dedup.exact import Exact
from align.dedup.minhash import MinHash
from align.dedup.semantic import Semantic
from align.files import read_records
from align.filters.filter import FilterStage
from align.filters.first_person import FirstPerson
from align.filters.length import Length
from align.preferences.beavertails import BeaverTails
from align.preferences.hh_rlhf import HhRlhf
from align.preferences.judged import Judged
from align.preferences.labelled import LabelledResponses
from align.preferences.pairs import Preferences
from align.preferences.safe_rlhf import SafeRlhf
from align.preferences.vote_pairs import VotePairs
from align.records import Example, Rejection, as_json
from align.selection.baselines import Take
from align.selection.diverse import Diverse
from align.selection.mix import Mix
from align.selection.quota import Quota
from align.selection.scored import Scored
from align.selection.scorers.plain import Votes
from align.sources.ingest import Ingest
from align.sources.json_lines import JsonLines
from align.stage import Stage
from toy_records import example, inputs, run

SEEDS = range(6)
SITES = ("beer", "coffee", "tea")
WORDS = ["malt", "hop", "yeast", "kettle", "bean", "roast", "filter", "crema", "leaf", "pot", "steep", "cup"]
TEST = example("test/1", "Which kettle is best for a pot of tea leaves on a cold day?", "The small one.")


@dataclass(frozen=True)
class Pool:
    """What one draw gave: examples with repeats, near repeats, missing answers and missing votes; files of rows."""

    examples: list[Example]
    folder: Path
    draw: Random

    def rows(self, several: list[Any]) -> tuple[Path]:
        path = self.folder / "rows.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in several), encoding="utf-8")
        return (path,)

    def decisions(self) -> Path:
        path = self.folder / "decisions.jsonl"
        chosen = [item for item in self.examples[1:] if self.draw.random() < 0.7]
        made = [decision_for(item, self.draw.choice(["accept", "reject", "flag", "skip"]), "ada") for item in chosen]
        made.append(decision_for(self.examples[0], "accept", "ada"))
        path.write_text("".join(as_json(item) + "\n" for item in made), encoding="utf-8")
        return path


def sentence(draw: Random) -> str:
    return " ".join(draw.choices(WORDS, k=draw.randint(1, 9)))


def pool_of(seed: int, folder: Path) -> Pool:
    draw = Random(seed)
    said = [sentence(draw) for _ in range(8)]
    found = [example("se/beer/0-0", "What is malt?", "Grain that has sprouted and dried, as it was for ages.", answer_score=9)]
    for number in range(1, draw.randint(12, 30)):
        site = draw.choice(SITES)
        answer = draw.choice(["", "I like it", *said, TEST.prompt])
        votes = {} if draw.random() < 0.3 else {"answer_score": float(draw.randint(-2, 9))}
        found.append(example(f"se/{site}/{number // 3}-{number}", draw.choice(said), answer, **votes))
    return Pool(sorted(found, key=lambda item: item.id.rpartition("-")[0]), folder, draw)


def answered(pool: Pool) -> list[Example]:
    """Those that `vote_pairs` can read: with an answer and with votes."""
    two = [example("se/beer/99-1", "Why?", "So.", answer_score=5), example("se/beer/99-2", "Why?", "Thus.", answer_score=1)]
    return [item for item in pool.examples if item.response and item.signals] + two


def asked(pool: Pool) -> list[Any]:
    """Rows for `json_lines`: sound ones, repeated ones and ones of no use."""
    odd: list[Any] = [
        {"prompt": ""},
        {"prompt": "a", "response": ""},
        {"text": 3},
        {"who": "x"},
        {"prompt": "a", "tags": "x"},
        3,
        {"prompt": "\ud800"},
    ]
    rows: list[Any] = [{"prompt": sentence(pool.draw), "response": "b"} for _ in range(5)] * 2 + odd * 2
    return pool.draw.sample(rows, pool.draw.randint(11, len(rows)))


def judged(pool: Pool) -> list[Any]:
    rows: list[Any] = [{"prompt": "Which?", "response_a": "This.", "response_b": "That.", "winner": "model_a"}]
    for _ in range(20):
        first, second = pool.draw.choices(["", "Yes.", "No.", "Maybe."], k=2)
        winner = pool.draw.choice(["model_a", "model_b", "tie", None])
        rows.append({"prompt": pool.draw.choice("abc"), "response_a": first, "response_b": second, "winner": winner})
    return rows


def marked(pool: Pool) -> list[Any]:
    rows = [{"prompt": "a?", "response": text, "is_safe": safe} for text, safe in (("Better not.", True), ("Like so.", False))]
    texts = ["", "Yes.", "No.", "Maybe.", "Never."]
    more = [(pool.draw.choice("bcd"), pool.draw.choice(texts), pool.draw.random() < 0.5) for _ in range(25)]
    return rows + [{"prompt": prompt, "response": text, "is_safe": safe} for prompt, text, safe in more]


def labelled_twice(pool: Pool) -> list[Any]:
    def row(safe: tuple[bool, bool], better: int, safer: int) -> dict[str, Any]:
        texts = {f"response_{number}": f"{word} {pool.draw.randint(0, 3)}" for number, word in enumerate(("Yes", "No"))}
        labels = {f"is_response_{number}_safe": value for number, value in enumerate(safe)}
        return {"prompt": "a", **texts, **labels, "better_response_id": better, "safer_response_id": safer}

    number = pool.draw.randint
    drawn = [row((number(0, 1) > 0, number(0, 1) > 0), number(0, 1), number(0, 1)) for _ in range(20)]
    return [row((True, False), 0, 0) | {"prompt": "b"}, *drawn]


def spoken(pool: Pool) -> list[Any]:
    ends = ["Yes.", "No.", ""]
    starts = ["\n\nHuman: Hi?\n\nAssistant: ", "\n\nHuman: Hm?\n\nAssistant: ", "\n\nHuman: Hi?\n\nHuman: Hm?\n\nAssistant: "]
    rows = [{name: pool.draw.choice(starts) + pool.draw.choice(ends) for name in ("chosen", "rejected")} for _ in range(20)]
    return [{"chosen": "\n\nHuman: So?\n\nAssistant: Aye.", "rejected": "\n\nHuman: So?\n\nAssistant: Nay."}, *rows]


READERS: dict[str, Callable[[Pool], tuple[Stage, list[Example]]]] = {
    "ingest": lambda pool: (Ingest(source=JsonLines(paths=pool.rows(asked(pool)), unusable="skip")), []),
    "filter": lambda pool: (FilterStage(filters=(FirstPerson(), Length(min_chars=20))), pool.examples),
    "exact": lambda pool: (Exact(min_chars=0), pool.examples),
    "minhash": lambda pool: (MinHash(threshold=0.5), pool.examples),
    "semantic": lambda pool: (Semantic(), pool.examples),
    "contamination": lambda pool: (Contamination(against=("t",)), pool.examples),
    "quota": lambda pool: (Quota(take={"beer": 2, "tea": 3}, rank_by="answer_score", shortfall="report"), pool.examples),
    "diverse": lambda pool: (Diverse(count=5, on="response", shortfall="report"), pool.examples),
    "relevant": lambda pool: (Diverse(count=4, method="mmr", scorer=Votes(), shortfall="report"), pool.examples),
    "scored": lambda pool: (Scored(scorer=Votes(), count=pool.draw.randint(1, 40), shortfall="report"), pool.examples),
    "take": lambda pool: (Take(count=pool.draw.randint(1, 40), sites=("beer", "tea"), shortfall="report"), pool.examples),
    "mix": lambda pool: (Mix(inputs=("above",), take=(pool.draw.randint(1, 12),)), pool.examples),
    "curate": lambda pool: (Curate(decisions=pool.decisions()), pool.examples),
    "vote_pairs": lambda pool: (VotePairs(), answered(pool)),
    "judged": lambda pool: (Preferences(sources=(Judged(paths=pool.rows(judged(pool))),)), []),
    "limited": lambda pool: (Preferences(sources=(Judged(paths=pool.rows(judged(pool))),), limit=1), []),
    "beavertails": lambda pool: (Preferences(sources=(BeaverTails(paths=pool.rows(marked(pool))),)), []),
    "safe_rlhf": lambda pool: (Preferences(sources=(SafeRlhf(paths=pool.rows(labelled_twice(pool))),)), []),
    "hh_rlhf": lambda pool: (Preferences(sources=(HhRlhf(paths=pool.rows(spoken(pool))),)), []),
    "labelled": lambda pool: (LabelledResponses(sources=(Judged(paths=pool.rows(judged(pool))),)), []),
}


@pytest.mark.parametrize("name", READERS)
def test_what_came_in_is_kept_dropped_or_skipped_and_each_that_was_dropped_has_its_row(name: str, tmp_path: Path) -> None:
    lost: Counter[str] = Counter()
    for seed in SEEDS:
        folder = tmp_path / f"{seed}"
        folder.mkdir()
        stage, came = READERS[name](pool_of(seed, folder))
        made = run(stage, inputs(folder, came, against=[TEST]), folder / "out")
        counts = made.counts
        kept = len(made.examples) + len(made.pairs)
        assert counts.kept == kept
        assert counts.read == kept + sum(counts.dropped.values()) + sum(counts.skipped.values())
        assert counts.dropped == Counter(f"{item.by}: {item.reason}" for item in read_records(made.path, Rejection))
        assert all(counts.skipped.values()), "what never happened is not told"
        if came and name != "vote_pairs":  # its units are pairs
            assert counts.read == len(came)
        lost.update(counts.dropped | counts.skipped)
    assert lost, "a test in which nothing is lost shows nothing"


@pytest.mark.parametrize("seed", SEEDS)
def test_every_row_of_a_file_is_among_those_read(seed: int, tmp_path: Path) -> None:
    pool = pool_of(seed, tmp_path)
    rows = judged(pool)
    made = run(Preferences(sources=(Judged(paths=pool.rows(rows)),)), inputs(tmp_path), tmp_path / "out")
    assert made.counts.read == len(rows)
    assert made.counts.skipped["tie or no verdict"] == sum(row["winner"] in ("tie", None) for row in rows)
    rows = asked(pool)
    made = run(Ingest(source=JsonLines(paths=pool.rows(rows), unusable="skip")), inputs(tmp_path), tmp_path / "examples")
    assert made.counts.read == len(rows)

"""What people write: complete or not, counted against the paper's table, and read back by ingest."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from align.curation.writing.authoring import (
    TARGETS,
    AuthoredExample,
    as_example,
    export_lines,
    length_remarks,
    missing_in,
    progress,
)
from align.errors import InputError
from align.records import Example, Turn
from align.sources.ingest import Shard
from align.sources.json_lines import JsonLines

ASKED, ANSWERED = Turn("user", "How do I poach an egg?"), Turn("assistant", "Poaching takes three minutes. Boil water, then ...")
PIECE = AuthoredExample(
    "authored/a-1", "A", "example", (ASKED, ANSWERED), "ready", version=1, by="ada@example.org", at="2026-11-21T10:00:00+00:00"
)


def test_a_complete_piece_has_no_problems() -> None:
    assert missing_in(PIECE) == []
    assert missing_in(replace(PIECE, split="dev", turns=(ASKED,))) == []
    assert missing_in(replace(PIECE, group="B", split="test", turns=(ASKED,))) == []
    assert missing_in(replace(PIECE, form="dialogue", turns=(ASKED, ANSWERED, ASKED, ANSWERED))) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"turns": ()}, "the prompt is empty"),
        ({"turns": (Turn("user", "  "), ANSWERED)}, "the prompt is empty"),
        ({"turns": (ASKED, Turn("assistant", "\n"))}, "turn 2 is empty"),
        ({"turns": (ASKED,)}, "a train example ends with an answer"),
        ({"split": "dev"}, "a dev prompt has no answer"),
        ({"split": "test"}, "group A writes train and dev, not test"),
        ({"group": "B", "split": "train"}, "group B writes test, not train"),
        ({"turns": (ANSWERED, ASKED)}, "take turns"),
        ({"form": "dialogue"}, "three turns at least"),
        ({"turns": (ASKED, ANSWERED, ASKED, ANSWERED)}, "choose that form"),
        ({"license": " "}, "no licence is named"),
    ],
)
def test_what_is_missing_is_told(change: dict[str, object], said: str) -> None:
    assert said in "; ".join(missing_in(replace(PIECE, **change)))


def test_progress_counts_finished_pieces_against_table_1() -> None:
    pieces = [replace(PIECE, id=str(n)) for n in range(3)]
    pieces += [
        replace(PIECE, id="s", form="safety"),
        replace(PIECE, id="d", form="dialogue"),
        replace(PIECE, id="v", split="dev"),
        replace(PIECE, id="t", group="B", split="test", form="safety"),
        replace(PIECE, id="draft", state="draft"),
        replace(PIECE, id="gone", state="withdrawn"),
    ]
    # train: 3 examples and 1 refusal; the dialogue counts beside the 200 (LIMA §6 makes 1,030 of 1,000)
    counted = {(item.target.split, item.target.form): item.ready for item in progress(pieces)}
    assert counted == {
        ("train", None): 4, ("dev", None): 1, ("test", None): 1, ("train", "safety"): 1, ("test", "safety"): 1,
        ("train", "format_constraint"): 0, ("train", "dialogue"): 1,
    }  # fmt: skip
    wanted = Counter({(target.split, target.form): target.wanted for target in TARGETS})
    assert (wanted["train", None], wanted["dev", None], wanted["test", None]) == (200, 50, 230)
    assert (wanted["train", "safety"], wanted["test", "safety"]) == (13, 30)


def test_what_is_exported_is_what_ingest_reads(tmp_path: Path) -> None:
    dialogue = replace(
        PIECE,
        id="authored/a-0",
        form="dialogue",
        turns=(ASKED, ANSWERED, Turn("user", "And scrambled?"), ANSWERED),
        tags=("food",),
    )
    path = tmp_path / "train.jsonl"
    path.write_text(
        "".join(
            export_lines(
                [PIECE, dialogue, replace(PIECE, id="x", state="draft"), replace(PIECE, id="y", split="dev", turns=(ASKED,))],
                "train",
            )
        )
    )
    read = list(JsonLines(paths=(path,)).read(Shard("rows", path), Counter()))
    assert [item.id for item in read if isinstance(item, Example)] == ["authored/a-0", "authored/a-1"]
    assert read == [as_example(dialogue), as_example(PIECE)]
    together = as_example(PIECE, ("ada@example.org", "bo"))
    assert [author.name for author in together.origin.authors] == ["ada@example.org", "bo"]
    found = as_example(PIECE)
    assert found.origin.source == "authored"
    assert (found.origin.authors[0].name, found.origin.authors[0].license) == ("ada@example.org", "CC BY-SA 4.0")
    assert found.origin.native_id == "authored/a-1@1"
    assert as_example(dialogue).tags == ("group A", "train", "dialogue", "food")


def test_an_incomplete_piece_is_never_exported() -> None:
    with pytest.raises(InputError, match="authored/a-1: is not ready: a train example ends with an answer"):
        list(export_lines([replace(PIECE, turns=(ASKED,))], "train"))


def test_lengths_are_told_against_the_published_set() -> None:
    assert length_remarks((Turn("user", "x" * 81), Turn("assistant", "x" * 960))) == []
    said = length_remarks((Turn("user", "x" * 20), Turn("assistant", "x" * 9000)))
    assert said[0] == "the prompt is short: 20 characters; nine of ten of LIMA's have 26 to 483"
    assert said[1] == "the response is long: 9,000 characters; nine of ten of LIMA's have 114 to 3,957"
    assert "9,020 characters in all" in said[2]
    assert length_remarks((Turn("user", ""),)) == []

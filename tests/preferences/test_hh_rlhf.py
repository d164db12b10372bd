"""HH-RLHF: transcripts invented after its form, and the real file."""

import gzip
import json
from pathlib import Path
from typing import Any

from align.preferences.hh_rlhf import HhRlhf
from align.preferences.pairs import Preferences
from align.records import Turn
from toy_records import Made, inputs, run


def said(*turns: str) -> str:
    """`H: ...` is the human, `A: ...` the assistant."""
    names = {"H": "Human", "A": "Assistant"}
    return "".join(f"\n\n{names[turn[0]]}:{turn[2:]}" for turn in turns)


def made_of(tmp_path: Path, *rows: tuple[Any, Any]) -> Made:
    path = tmp_path / "train.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps({"chosen": a, "rejected": b}) + "\n" for a, b in rows).encode()))
    return run(Preferences(sources=(HhRlhf(paths=(path,)),)), inputs(tmp_path), tmp_path / "out")


GOOD = (said("H: Hi", "A: Hello!", "H: Why?", "A: Because."), said("H: Hi", "A: Hello!", "H: Why?", "A: Go away."))


def test_the_common_turns_are_the_prompt_and_the_last_answers_the_pair(tmp_path: Path) -> None:
    [pair] = made_of(tmp_path, GOOD).pairs
    assert pair.prompt == (Turn("user", "Hi"), Turn("assistant", "Hello!"), Turn("user", "Why?"))
    assert (pair.chosen, pair.rejected) == ("Because.", "Go away.")


def test_a_name_inside_an_answer_is_not_a_speaker(tmp_path: Path) -> None:
    odd = said("H: Who wrote it?", "A: He wrote:\nHuman: a play.\n\nHumans: a sequel."), said("H: Who wrote it?", "A: No idea.")
    assert made_of(tmp_path, odd).pairs[0].chosen == "He wrote:\nHuman: a play.\n\nHumans: a sequel."


def test_rows_that_are_no_pair_have_their_reason(tmp_path: Path) -> None:
    early = said("H: Hi", "A: Hello!", "H: Why?", "A: Because."), said("H: Hi", "A: Go!", "H: Why?", "A: Because.")
    empty = said("H: Hi", "A: Hello!"), said("H: Hi", "A:")
    twice = said("H: Hi", "A: Well.", "A: Hello!"), said("H: Hi", "A: Well.", "A: Go!")
    unasked = said("A: Hello!"), said("A: Go!")
    made = made_of(tmp_path, GOOD, early, empty, twice, unasked, ("", ""))
    assert made.counts.dropped == {
        "hh_rlhf: differ before the last answer": 1,
        "preferences: empty answer": 1,
        "hh_rlhf: speakers do not alternate": 2,
        "hh_rlhf: empty dialogue": 1,
    }
    assert ("hh_rlhf", "differ before the last answer", "turn 2 of 4 and 4") in made.rejections.values()


def test_lists_of_messages_are_read_like_transcripts(tmp_path: Path) -> None:
    ask = {"role": "user", "content": "Why?"}
    row = [ask, {"role": "assistant", "content": "Because."}], [ask, {"role": "assistant", "content": "Go away."}]
    [pair] = made_of(tmp_path, row).pairs
    assert (pair.prompt, pair.chosen) == ((Turn("user", "Why?"),), "Because.")


def test_the_real_file_gives_a_pair_a_row_but_for_those_counted_by_hand(tmp_path: Path, real_data: Path) -> None:
    path = real_data / "preference" / "hh_rlhf" / "harmless-base.test.first1312.jsonl.gz"
    made = run(Preferences(sources=(HhRlhf(paths=(path,)),)), inputs(tmp_path), tmp_path / "out")
    # row 1,255 answers at different turns, 4 rows have an empty last answer, rows 668 and 764 have two answers in a row
    assert made.counts.read == 1312
    assert made.counts.dropped == {
        "hh_rlhf: differ before the last answer": 1,
        "preferences: empty answer": 4,
        "hh_rlhf: speakers do not alternate": 2,
    }
    assert all(pair.prompt[-1].role == "user" for pair in made.pairs)

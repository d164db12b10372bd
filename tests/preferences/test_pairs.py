"""The stage that puts preference pairs together."""

import gzip
import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from align.errors import EmptyResult, InputError
from align.parts import Part
from align.preferences.json_lines import JsonLines
from align.preferences.pairs import Preferences
from align.records import PreferencePair, Turn
from align.rows import read_rows
from toy_records import Made, inputs, run


def row(prompt: str, chosen: str, rejected: str) -> dict[str, str]:
    return {"prompt": prompt, "chosen": chosen, "rejected": rejected}


def lines(*rows: Any) -> str:
    return "".join(json.dumps(item) + "\n" for item in rows)


def made_of(tmp_path: Path, *rows: Any, out: str = "out", **fields: Any) -> Made:
    path = tmp_path / "pairs.jsonl"
    path.write_text(lines(*rows), encoding="utf-8")
    without = fields.pop("elsewhere", None)
    read = inputs(tmp_path) if without is None else inputs(tmp_path, without=without)
    return run(Preferences(sources=(JsonLines(paths=(path,)),), **fields), read, tmp_path / out)


def reasons(made: Made) -> dict[str, int]:
    return made.counts.dropped


def test_empty_equal_and_repeated_pairs_go_with_their_reason(tmp_path: Path) -> None:
    made = made_of(tmp_path, row("a?", "yes", "no"), row("a?", "yes", " "), row("b?", "yes ", "yes"), row("a?", " yes", "no"))
    assert [(pair.prompt, pair.chosen, pair.rejected) for pair in made.pairs] == [((Turn("user", "a?"),), "yes", "no")]
    assert reasons(made) == {
        "preferences: empty answer": 1,
        "preferences: both answers equal": 1,
        "preferences: duplicate": 1,
    }


def test_two_pairs_that_prefer_opposite_answers_both_go(tmp_path: Path) -> None:
    made = made_of(tmp_path, row("a?", "yes", "no"), row("a?", "no", "yes"), row("b?", "yes", "no"))
    assert [pair.prompt[0].text for pair in made.pairs] == ["b?"]
    assert reasons(made) == {"preferences: contradicted by another pair": 2}


def test_a_held_out_set_shares_no_prompt_with_the_training_pairs(tmp_path: Path) -> None:
    train = made_of(tmp_path, row("a?", "yes", "no"), out="train").pairs
    made = made_of(tmp_path, row("a?", "aye", "nay"), row("b?", "yes", "no"), out="held", without=("train",), elsewhere=train)
    assert [pair.prompt[0].text for pair in made.pairs] == ["b?"]
    assert reasons(made) == {"preferences: prompt in a set it must stay out of": 1}


def test_a_smaller_limit_lies_in_a_larger_one_and_counts_what_is_left(tmp_path: Path) -> None:
    rows = [row(f"question {number}?", "yes", "no") for number in range(20)] * 2  # each one twice
    few, many = (made_of(tmp_path, *rows, out=str(limit), limit=limit) for limit in (5, 12))
    assert {pair.id for pair in few.pairs} < {pair.id for pair in many.pairs}
    assert len(few.pairs) == 5
    # the second of a drawn pair is a duplicate, both of an undrawn one are not drawn
    assert reasons(few) == {"preferences: not drawn": 30, "preferences: duplicate": 5}


def test_pairs_carry_licence_file_and_row(tmp_path: Path) -> None:
    path = tmp_path / "votes.json"
    path.write_text(json.dumps([{"question": "a?", "response_j": "yes", "response_k": "no"}]), encoding="utf-8")
    source = JsonLines(
        paths=(path,), prompt="question", chosen="response_j", rejected="response_k", author="x", license="CC BY-SA 4.0"
    )
    [pair] = run(Preferences(sources=(source,)), inputs(tmp_path), tmp_path / "out").pairs
    assert (pair.origin.source, pair.origin.native_id, pair.origin.dump) == ("json_lines", "1", "votes.json")
    assert [(author.name, author.license) for author in pair.origin.authors] == [("x", "CC BY-SA 4.0")]


def test_a_renamed_file_is_another_input_and_a_moved_one_is_not() -> None:
    labels = [list(JsonLines(paths=(Path(place),)).raw_files()) for place in ("a/x.json", "b/x.json", "a/y.json")]
    assert labels[0] == labels[1] != labels[2]


def test_a_prompt_may_be_a_dialogue_that_ends_with_the_user(tmp_path: Path) -> None:
    dialogue = [{"from": "system", "value": "Be brief."}, {"from": "human", "value": "a?"}]
    good = {"prompt": dialogue, "chosen": {"from": "gpt", "value": "yes"}, "rejected": "no"}
    bad = {"prompt": [*dialogue, {"role": "assistant", "content": "Hm."}], "chosen": "yes", "rejected": "no"}
    made = made_of(tmp_path, good, bad)
    assert made.pairs[0].prompt == (Turn("system", "Be brief."), Turn("user", "a?"))
    assert reasons(made) == {"json_lines: prompt does not end with the user": 1}


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.json.gz", "a.jsonl.gz", "a.jsonl.xz"])
def test_lists_and_lines_are_read_packed_or_not(tmp_path: Path, name: str) -> None:
    text = json.dumps([{"n": 1}, {"n": 2}]) if ".jsonl" not in name else '{"n": 1}\n\n{"n": 2}\n'
    pack = {".gz": gzip.compress, ".xz": lzma.compress}.get(Path(name).suffix, bytes)
    (tmp_path / name).write_bytes(pack(text.encode()))
    assert [(item.number, item.data) for item in read_rows([tmp_path])] == [(1, {"n": 1}), (2, {"n": 2})]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.jsonl", b'{"n": 1}\n{"n": \n', "a.jsonl:2: not readable as JSON"),
        ("a.json", b'{"n": 1}', "must be a JSON list of objects .got dict"),
        ("a.jsonl", b"[1]\n", "row 1 is no JSON object"),
        ("a.jsonl.gz", gzip.compress(b'{"n": 1}\n' * 9000)[:-60], "cut off or damaged after line"),
        ("a.jsonl", b"", "holds no rows"),
        ("a.txt", b"n\n1\n", "holds no rows"),
    ],
)
def test_a_file_that_is_not_what_it_claims_is_named(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=says):
        list(read_rows([tmp_path / name]))


def test_missing_columns_are_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="row 1: missing columns: 'chosen', 'rejected'; the row has: 'prompt', 'best'"):
        made_of(tmp_path, {"prompt": "a?", "best": "yes"})


def test_when_nothing_is_left_the_error_says_what_happened(tmp_path: Path) -> None:
    with pytest.raises(
        EmptyResult, match=r"0 of 1 pairs are left: preferences: both answers equal 1\. Rows that formed none: none\."
    ):
        made_of(tmp_path, row("a?", "yes", "yes"))


def test_every_reader_is_known_by_its_kind() -> None:
    from align.catalogue import load_catalogue

    load_catalogue()
    assert {"beavertails", "safe_rlhf", "hh_rlhf", "json_lines"} <= set(Part.families["pairsource"].kinds)
    assert isinstance(PreferencePair, type)

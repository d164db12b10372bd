import json
from collections.abc import Callable
from pathlib import Path

from conftest import Done

Align = Callable[..., Done]

RECIPE = """\
name: pans
stages:
  asked: {kind: ingest, source: {kind: json_lines, paths: [asked.jsonl], license: CC0-1.0}}
  pans: {kind: ingest, source: {kind: json_lines, paths: [pans.jsonl], license: CC BY 4.0}}
"""


def write(folder: Path, *, asked: str = "Is copper good for jam?") -> Path:
    rows = [{"id": "p1", "prompt": "How do I season a pan?", "response": "Oil it thinly and heat it."}]
    (folder / "pans.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "asked.jsonl").write_text(json.dumps({"id": "q1", "prompt": asked}) + "\n")
    recipe = folder / "pans.yaml"
    recipe.write_text(RECIPE)
    return recipe


def test_freeze_prints_the_folder_and_tells_what_is_in_it(align: Align, tmp_path: Path) -> None:
    recipe = write(tmp_path)
    done = align("freeze", recipe, "pans", "--test", "asked", "--to", tmp_path / "set")
    assert (done.code, done.out) == (1, "")
    assert "stage pans is not finished: it is not made yet. `align run RECIPE --until pans` makes it" in done.err
    align("run", recipe)
    done = align("freeze", recipe, "pans", "--test", "asked", "--to", tmp_path / "set")
    assert (done.code, done.out) == (0, f"{tmp_path / 'set'}\n")
    assert "train  pans: 1 rows; 6 words a prompt, 6 a response" in done.err
    assert (tmp_path / "set" / "data" / "train.parquet").is_file()
    again = align("freeze", recipe, "pans", "--test", "asked", "--to", tmp_path / "set", "--json")
    assert json.loads(again.out)["is_new"] is False


def test_check_writes_nothing_and_its_exit_code_tells(align: Align, tmp_path: Path) -> None:
    recipe = write(tmp_path, asked="How do I season a pan??")
    align("run", recipe)
    done = align("freeze", recipe, "pans", "--test", "asked", "--to", tmp_path / "set", "--check")
    assert done.code == 1
    assert "problem: 1 prompts are nearly those of another split: train p1 and test q1" in done.err
    assert align("freeze", recipe, "pans", "--test", "asked", "--check", "--allow", "near-duplicates").code == 0
    assert align("freeze", recipe, "pans", "--dehydrated", "some").code == 2
    assert not (tmp_path / "set").exists()
    found = json.loads(align("freeze", recipe, "pans", "--test", "asked", "--check", "--json").out)
    assert found["contamination"][0]["what"] == "near-duplicates"


def test_rehydrate_fills_a_set_and_its_exit_code_tells_of_rows_that_are_gone(align: Align, tmp_path: Path) -> None:
    recipe = write(tmp_path)
    align("run", recipe)
    assert align("freeze", recipe, "pans", "--dehydrated", "all", "--to", tmp_path / "set").code == 0
    done = align("rehydrate", tmp_path / "set", "--dumps", tmp_path / "pans.jsonl")
    assert (done.code, done.out) == (0, f"{tmp_path / 'set-whole'}\n")
    assert "1 rows filled" in done.err
    (tmp_path / "pans.jsonl").write_text(json.dumps({"id": "p2", "prompt": "What else?", "response": "Nothing."}) + "\n")
    done = align("rehydrate", tmp_path / "set", "--dumps", tmp_path / "pans.jsonl", "--to", tmp_path / "less")
    assert done.code == 1
    assert "gone: p1" in done.err
    assert "error: 1 rows could not be filled" in done.err
    more = ("--to", tmp_path / "less2", "--allow-missing", "--json")
    done = align("rehydrate", tmp_path / "set", "--dumps", tmp_path / "pans.jsonl", *more)
    assert (done.code, json.loads(done.out)["left_out"][0]["why"]) == (0, "gone")


def test_takedown_shows_first_and_does_it_when_told(align: Align, tmp_path: Path) -> None:
    recipe = write(tmp_path)
    align("run", recipe)
    align("freeze", recipe, "pans", "--to", tmp_path / "set")
    shown = align("takedown", "p1")
    assert shown.code == 0
    assert [line.split()[1:3] for line in shown.lines[2:3]] == [["pans", "ingest"]]
    assert "nothing is changed yet: --yes does it" in shown.err
    assert not (tmp_path / "store" / "takedowns.jsonl").exists()
    facts = json.loads(align("takedown", "p1", "--json").out)
    assert facts["frozen"] == [{"folder": str(tmp_path / "set"), "ids": ["p1"]}]
    done = align("takedown", "p1", "--yes", "--reason", "asked for")
    assert (done.code, done.lines[-1].split()[-2:]) == (0, ["written", "anew"])
    assert "taken down; `align run` makes what was removed anew" in done.err
    assert "taken down before; nothing holds it" in align("takedown", "p1").err
    again = align("run", recipe)
    assert (again.code, "each of the 1 records was taken down" in again.err) == (1, True)


def test_carry_tells_what_became_of_a_selection(align: Align, tmp_path: Path) -> None:
    recipe = write(tmp_path)
    align("run", recipe)
    rows = [{"id": "p1", "prompt": "How do I season a pan?", "response": "Oil it thickly and heat it."}]
    (tmp_path / "newer.jsonl").write_text(json.dumps(rows[0]) + "\n")
    done = align("carry", recipe, "pans", "--dumps", tmp_path / "newer.jsonl", "--to", tmp_path / "carried")
    assert (done.code, done.out) == (0, f"{tmp_path / 'carried'}\n")
    assert "1 changed" in done.err
    assert (tmp_path / "carried" / "changed.jsonl").is_file()
    assert align("carry", recipe, "--dumps", tmp_path / "newer.jsonl").code == 2
    align("freeze", recipe, "pans", "--to", tmp_path / "set")
    done = align("carry", tmp_path / "set", "--dumps", tmp_path / "pans.jsonl", "--to", tmp_path / "same", "--json")
    assert json.loads(done.out)["counts"]["unchanged"] == 1
    assert align("carry", tmp_path / "set", "pans", "--dumps", tmp_path / "pans.jsonl").code == 2

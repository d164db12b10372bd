"""Decisions of the app that a recipe does not read, because its curate stage names a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from align.cli.unread import warn_unread
from align.curation.store import Ask, CurationStore
from align.lineage import load_run
from align.recipe import load_recipe
from align.records import Example, as_json, content_of
from conftest import Done
from toy_records import example

Align = Callable[..., Done]

TIDES = example("ocean/1", "Why are there tides?", "The moon pulls.")
WAVES = example("ocean/2", "Why are there waves?", "The wind blows.")
ELSEWHERE = example("land/1", "Why are there hills?", "The plates push.")


@pytest.fixture(autouse=True)
def _no_database_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALIGN_DB", raising=False)


@pytest.fixture
def sea(tmp_path: Path) -> Path:
    (tmp_path / "sea.jsonl").write_text("".join(as_json(item) + "\n" for item in (TIDES, WAVES)))
    (tmp_path / "decisions.jsonl").write_text("")
    path = tmp_path / "sea.yaml"
    path.write_text(
        "name: sea\nstages:\n  sea: {kind: ingest, source: {kind: json_lines, paths: [sea.jsonl]}}\n"
        "  picked: {kind: curate, decisions: decisions.jsonl, undecided: keep}\n"
    )
    return path


def decide(folder: Path, *decided: tuple[Example, Any]) -> list[str]:
    """What the database holds afterwards, as lines of a file."""
    store = CurationStore.open(f"sqlite:///{folder / 'store' / 'curation.db'}")
    if not store.people():
        store.add_person("ada", "ada")
    for item, action in decided:
        store.decide(Ask(f"{item.id}-{action}", item.id, content_of(item.turns), 0, action, "ada"))
    lines = [as_json(decision) for decision in store.decisions()]
    store.close()
    return lines


def test_every_verb_that_goes_on_without_them_says_so(align: Align, sea: Path, tmp_path: Path) -> None:
    assert "warning" not in align("run", sea).err  # no database, and looking makes none
    assert not (tmp_path / "store" / "curation.db").exists()
    decide(tmp_path, (ELSEWHERE, "reject"), (WAVES, "skip"))
    assert "warning" not in align("run", sea).err  # nothing of it is about these examples
    decide(tmp_path, (TIDES, "reject"))
    said = (
        f"warning: 1 decisions in {tmp_path / 'store' / 'curation.db'} are not read by this recipe: "
        f"stage picked reads {tmp_path / 'decisions.jsonl'}; write `decisions: database`"
    )
    for arguments in (["run", sea], ["plan", sea], ["freeze", sea, "picked", "--check"]):
        done = align(*arguments)
        assert (done.code, done.err.count(said)) == (0, 1)
        assert said not in align(*arguments, "--set", "stages.picked.decisions=database").err
    assert said not in align("run", sea, "--until", "sea").err


def test_they_are_told_after_the_run_where_their_examples_are_made_in_it(align: Align, sea: Path, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    decide(tmp_path, (TIDES, "reject"), (WAVES, "accept"))
    assert align("plan", sea).err == ""
    assert align("run", sea).err.splitlines()[-1].startswith("warning: 2 decisions in ")


def test_what_was_taken_over_into_the_file_is_read(align: Align, sea: Path, tmp_path: Path) -> None:
    align("run", sea)
    lines = decide(tmp_path, (TIDES, "reject"), (WAVES, "accept"))
    (tmp_path / "decisions.jsonl").write_text(lines[0] + "\n")
    assert "warning: 1 decisions" in align("run", sea).err
    (tmp_path / "decisions.jsonl").write_text("\n".join(lines) + "\n")
    assert "warning" not in align("run", sea).err
    assert load_run(str(sea), tmp_path / "store")["picked"].counts.kept == 1


def test_a_database_that_cannot_be_read_stops_nothing(align: Align, sea: Path, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "curation.db").write_text("no database, but a text that is long enough to be taken for one")
    done = align("run", sea)
    assert (done.code, "warning" in done.err) == (0, False)


def test_the_app_tells_of_the_database_that_it_was_given(
    align: Align, sea: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    align("run", sea)
    decide(tmp_path, (TIDES, "reject"))
    (tmp_path / "store" / "curation.db").rename(tmp_path / "other.db")
    assert warn_unread(load_recipe(sea), tmp_path / "store", ["picked"]) == set()
    url = f"sqlite:///{tmp_path / 'other.db'}"
    assert warn_unread(load_recipe(sea), tmp_path / "store", ["picked"], url) == {"picked"}
    assert f"1 decisions in {tmp_path / 'other.db'} are not read" in capsys.readouterr().err

"""The stage that reads what stands in the curation app's database."""

import json
from pathlib import Path
from typing import Any

import pytest

from align.curation.curate import Curate
from align.curation.store import Ask, CurationStore
from align.errors import InputError
from align.lineage import stage_states
from align.planning import plan_recipe
from align.recipe import load_recipe
from align.records import Turn, as_json, content_of
from align.runner import run_recipe
from postgres_server import Server
from toy_records import example, inputs, run

TIDES = example("stack_exchange/ocean/1", "Why are there tides?", "The moon pulls.")
WAVES = example("stack_exchange/ocean/2", "Why are there waves?", "The wind blows.")
SALT = example("stack_exchange/ocean/3", "Why is the sea salty?", "Rivers bring it.")
SEA = [TIDES, WAVES, SALT]
LONGER = (Turn("user", "Why are there tides?"), Turn("assistant", "The moon pulls, and so does the sun."))

RECIPE = """\
name: sea
stages:
  sea: {{kind: ingest, source: {{kind: json_lines, paths: [sea.jsonl]}}}}
  picked: {{kind: curate, decisions: {decisions}}}
"""


@pytest.fixture(autouse=True)
def _no_database_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALIGN_DB", raising=False)


def decide(store: CurationStore, number: int, item: Any, action: Any, curator: str = "ben", **fields: Any) -> None:
    store.decide(Ask(f"r{number}", item.id, content_of(item.turns), 0, action, curator, **fields))


def recipe_of(tmp_path: Path, decisions: str = "database") -> Path:
    (tmp_path / "sea.jsonl").write_text("".join(as_json(item) + "\n" for item in SEA), encoding="utf-8")
    path = tmp_path / "sea.yaml"
    path.write_text(RECIPE.format(decisions=decisions), encoding="utf-8")
    return path


def test_what_stands_in_the_database_is_applied(
    store: CurationStore, db_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALIGN_DB", db_url)
    decide(store, 1, TIDES, "edit", turns=LONGER)
    decide(store, 2, WAVES, "accept")
    decide(store, 3, WAVES, "reject", "cem", reason="too short")
    store.decide(Ask("r4", SALT.id, "former", 0, "accept", "ben"))
    made = run(Curate(decisions="database"), inputs(tmp_path, SEA), tmp_path / "out")
    assert [(item.id, item.turns) for item in made.examples] == [(TIDES.id, LONGER)]
    assert made.rejections == {
        WAVES.id: ("curate", "undecided", "ben, cem: flag: ben accept; cem reject: too short"),
        SALT.id: ("curate", "undecided", "every decision is stale"),
    }
    assert made.counts.noted == {"edited": 1, "flagged": 1, "undecided": 2, "stale decisions": 1}
    assert len(made.decisions) == 3


def test_the_database_lies_in_the_store_unless_the_environment_names_another(tmp_path: Path) -> None:
    place = tmp_path / "store"
    place.mkdir()
    store = CurationStore.open(f"sqlite:///{place}/curation.db")
    store.add_person("ada", "ada")
    decide(store, 1, TIDES, "accept", "ada")
    store.close()
    made = run_recipe(load_recipe(recipe_of(tmp_path)), place)
    assert made["picked"].counts.kept == 1


def test_decisions_in_a_file_and_in_the_database_give_one_key(store: CurationStore, db_url: str, tmp_path: Path) -> None:
    decide(store, 1, TIDES, "accept")
    decide(store, 2, WAVES, "reject")
    lines = "".join(as_json(item) + "\n" for item in store.decisions())
    (tmp_path / "decisions.jsonl").write_text(lines, encoding="utf-8")
    monkey = pytest.MonkeyPatch()
    with monkey.context() as environment:
        environment.setenv("ALIGN_DB", db_url)
        from_database = run_recipe(load_recipe(recipe_of(tmp_path)), tmp_path / "store")["picked"].key
        before = [state.key for state in stage_states(load_recipe(recipe_of(tmp_path)), tmp_path / "store")]
        # What does not change what stands does not change the key: a skip, an undone decision, guidelines.
        decide(store, 3, TIDES, "skip", "cem")
        decide(store, 4, SALT, "accept")
        store.undo("ben", "u1")
        store.write_guidelines("ada", "Be kind.")
        assert [state.key for state in stage_states(load_recipe(recipe_of(tmp_path)), tmp_path / "store")] == before
        decide(store, 5, SALT, "accept", "cem")
        assert stage_states(load_recipe(recipe_of(tmp_path)), tmp_path / "store")[1].key != before[1]
    from_file = run_recipe(load_recipe(recipe_of(tmp_path, "decisions.jsonl")), tmp_path / "store")["picked"].key
    assert from_file == from_database


def test_a_missing_database_is_planned_and_told_with_the_way_to_get_it(tmp_path: Path) -> None:
    recipe, store = load_recipe(recipe_of(tmp_path)), tmp_path / "store"
    [missing] = plan_recipe(recipe, store).missing
    told = f"stage picked: curate: decisions: no curation database {store / 'curation.db'}\n    `align app RECIPE` makes it"
    assert str(missing).startswith(told)
    with pytest.raises(InputError, match="1 raw input missing") as caught:
        run_recipe(recipe, store)
    assert told in str(caught.value)
    assert not (store / "curation.db").exists()  # looking makes nothing


def test_what_keeps_the_undecided_begins_before_anybody_opened_the_app(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    recipe, store = load_recipe(recipe_of(tmp_path, "database, undecided: keep")), tmp_path / "store"
    assert plan_recipe(recipe, store).missing == ()
    with caplog.at_level("INFO", "align"):
        made = run_recipe(recipe, store)["picked"]
    assert made.counts.kept == 3
    assert "3 kept though undecided; next: align app RECIPE" in caplog.messages
    assert not (store / "curation.db").exists()
    opened = CurationStore.open(f"sqlite:///{store}/curation.db")
    opened.add_person("ada", "ada")
    assert run_recipe(recipe, store)["picked"].key == made.key  # an app that was opened and left says as little
    for number, item in enumerate(SEA):
        decide(opened, number, item, "reject" if item is SALT else "accept", "ada")
    opened.close()
    caplog.clear()
    with caplog.at_level("INFO", "align"):
        assert run_recipe(recipe, store)["picked"].counts.kept == 2
    assert "undecided" not in caplog.text
    monkeypatch.setenv("ALIGN_DB", f"sqlite:///{tmp_path}/mistyped.db")  # one that is named has to be there
    with pytest.raises(InputError, match=r"no curation database .*mistyped\.db"):
        run_recipe(recipe, store)


def test_a_server_that_does_not_answer_is_planned_as_missing_without_its_password(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALIGN_DB", "postgresql+psycopg://ada:hunter2@127.0.0.1:9/x")
    [missing] = plan_recipe(load_recipe(recipe_of(tmp_path)), tmp_path / "store").missing
    assert "no curation database that can be read: postgresql+psycopg://ada:***@127.0.0.1:9/x" in str(missing)
    monkeypatch.setenv("ALIGN_DB", postgres.emptied())
    [missing] = plan_recipe(load_recipe(recipe_of(tmp_path)), tmp_path / "store").missing
    assert f"no curation database postgresql+psycopg://align:***@127.0.0.1:{postgres.port}/align_" in str(missing)
    assert "hunter2" not in json.dumps(str(missing))

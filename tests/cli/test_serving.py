"""align app: what it refuses before anything starts, and that it leaves no server behind."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

from align.cli import app
from align.curating import Desk, choose_stage, quickstart, rules_above, stages_above
from align.errors import RecipeError
from align.recipe import load_recipe

RECIPE = """\
name: small
stages:
  posts: {kind: ingest, source: {kind: json_lines, paths: [posts.jsonl]}}
  rules: {kind: filter, filters: [{kind: length, min_chars: 5}]}
  other: {kind: filter, inputs: [posts], filters: [{kind: first_person}]}
  picked: {kind: curate, inputs: [rules], decisions: database}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "posts.jsonl").write_text('{"id": "a/1", "prompt": "How?", "response": "Like this.", "license": "CC0-1.0"}\n')
    path = tmp_path / "small.yaml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


def refused(*arguments: str) -> str:
    """What `align app` says when it does not start."""
    result = CliRunner().invoke(app, ["app", *arguments])
    assert result.exit_code == 1
    return result.stderr


def test_a_recipe_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "nothing.yaml" in refused(str(tmp_path / "nothing.yaml"))


def test_a_recipe_without_a_curate_stage_says_what_to_add(recipe: Path) -> None:
    recipe.write_text(RECIPE[: RECIPE.index("  picked")], encoding="utf-8")
    assert "decisions: database" in refused(str(recipe))


def test_of_two_curate_stages_one_has_to_be_named(recipe: Path) -> None:
    recipe.write_text(f"{RECIPE}  again: {{kind: curate, decisions: database}}\n", encoding="utf-8")
    assert "picked, again" in refused(str(recipe))


def test_the_stage_that_reads_the_database_is_preferred(recipe: Path) -> None:
    (recipe.parent / "said.jsonl").write_text("")
    recipe.write_text(f"{RECIPE}  again: {{kind: curate, decisions: said.jsonl}}\n", encoding="utf-8")
    assert choose_stage(load_recipe(recipe), recipe, None) == "picked"


def test_the_rules_are_those_on_the_way_to_the_stage(recipe: Path) -> None:
    loaded = load_recipe(recipe)
    assert stages_above(loaded, "picked") == ["posts", "rules"]
    assert [rule.kind for rule in rules_above(loaded, "picked")] == ["length"]


def test_an_address_beyond_this_machine_is_refused_with_names_that_anyone_could_pick(recipe: Path) -> None:
    assert "--host 0.0.0.0" in refused(str(recipe), "--host", "0.0.0.0")


def test_a_password_in_a_wrong_url_is_not_printed(recipe: Path) -> None:
    said = refused(str(recipe), "--db", "nosuch://ada:s3cret@db.example/curation", "--store", str(recipe.parent / "store"))
    assert "s3cret" not in said


def test_a_port_in_use_is_named(recipe: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        said = refused(str(recipe), "--port", port, "--store", str(recipe.parent / "store"), "--no-browser")
    assert f"127.0.0.1:{port}" in said


def test_without_streamlit_the_extra_is_named(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "pip install 'align-lm[app]'" in refused(str(recipe))


def test_without_a_clone_and_without_a_recipe_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("align.curating.QUICKSTART", tmp_path / "quickstart.yaml")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RecipeError, match="align init"):
        quickstart()


def test_a_desk_is_the_same_after_it_was_handed_over() -> None:
    desk = Desk("/a/recipe.yaml", "picked", "/a/store", {"rules": "0123"})
    assert Desk.from_json(desk.as_json()) == desk


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


@pytest.mark.long
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_it_is_ended_no_server_is_left(recipe: Path, ending: signal.Signals) -> None:
    command = [sys.executable, "-m", "align", "app", str(recipe), "--store", str(recipe.parent / "store"), "--no-browser"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"ALIGN_DB": ""},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert answers(url)
        process.send_signal(ending)
        process.wait(20)
    until = time.monotonic() + 10
    while answers(url):
        assert time.monotonic() < until
        time.sleep(0.1)
    if ending != signal.SIGKILL:
        assert process.returncode == 0

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from align.recipe import load_recipe
from conftest import Done

Align = Callable[..., Done]
COMMIT = "49707c5313d34d1c5a846e29cf2a2a650c22c8ee"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_init_writes_a_recipe_that_loads_with_limas_numbers(align: Align, tmp_path: Path) -> None:
    done = align("init", "mine", "--base", "./llama-7b", "--dumps", "./stack_exchange", "--dumps", "/data/unix.7z")
    assert (done.code, done.out) == (0, "mine/recipe.yaml\n")
    recipe = load_recipe(tmp_path / "mine" / "recipe.yaml")
    assert recipe.name == "mine"
    stages = recipe.model_dump(mode="json", serialize_as_any=True)["stages"]
    assert stages["stack_exchange"]["source"]["dumps"] == [str(tmp_path / "stack_exchange"), "/data/unix.7z"]
    assert stages["base"]["path"] == str(tmp_path / "llama-7b")
    assert (stages["sft"]["epochs"], stages["sft"]["batch_size"], stages["sft"]["learning_rate"]) == (15, 32, 1e-5)
    assert list(stages) == [
        "stack_exchange", "rules", "unique", "distinct", "shortlist", "picked", "final", "train_set", "base", "sft", "report",
    ]  # fmt: skip
    assert (stages["picked"]["decisions"], stages["picked"]["undecided"]) == ("database", "keep")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["recipe.yaml"]
    assert "§2.1" in (tmp_path / "mine" / "recipe.yaml").read_text()


def test_any_choice_of_options_gives_a_recipe_that_loads(align: Align, tmp_path: Path) -> None:
    data = [["--dumps", "d.7z"], ["--examples", "e.jsonl"], ["--dumps", "d.7z", "--examples", "e.jsonl"]]
    prompts = [[], ["--prompts", "p.jsonl"], ["--prompts", "p.jsonl", "--judge-url", "http://127.0.0.1:8000/v1"]]
    pairs = [[], ["--preferences", "s.jsonl", "--preferences", "beavertails:b: c.jsonl"]]
    for number, chosen in enumerate(itertools.product(data, prompts, pairs)):
        done = align("init", str(number), "--base", f"huggyllama/llama-65b@{COMMIT}", *itertools.chain(*chosen))
        assert done.code == 0, done.err
        stages = load_recipe(tmp_path / str(number) / "recipe.yaml").stages
        assert ("dpo" in stages) == bool(chosen[2])
        assert ("sft_against_base" in stages) == bool(chosen[1])


def test_preferences_are_of_the_kind_before_the_colon(align: Align, tmp_path: Path) -> None:
    align(
        "init",
        "--base",
        "./b",
        "--dumps",
        "d",
        "--preferences",
        "beavertails:b.jsonl",
        "--preferences",
        "a:b.jsonl",
        "--name",
        "x",
    )
    stages = load_recipe(tmp_path / "recipe.yaml").model_dump(mode="json", serialize_as_any=True)["stages"]
    sources = stages["safety_pairs"]["sources"]
    assert [(source["kind"], source["paths"]) for source in sources] == [
        ("beavertails", [str(tmp_path / "b.jsonl")]),
        ("safe_rlhf", [str(tmp_path / "a:b.jsonl")]),
    ]


def test_names_that_yaml_would_misread_are_quoted(align: Align, tmp_path: Path) -> None:
    folder = tmp_path / "a: b # c"
    assert align("init", folder, "--base", "./it's", "--dumps", "./no", "--name", "yes: [1]").code == 0
    recipe = load_recipe(folder / "recipe.yaml")
    assert recipe.name == "yes: [1]"


def test_init_never_writes_over_a_recipe_unless_forced(align: Align, tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("mine")
    arguments = ["init", "--base", "./b", "--dumps", "./d"]
    done = align(*arguments)
    assert done.code == 1
    assert "recipe.yaml: is there already; --force writes over it" in done.err
    assert (tmp_path / "recipe.yaml").read_text() == "mine"
    assert align(*arguments, "--force").code == 0
    assert (tmp_path / "recipe.yaml").read_text().startswith("# Written by `align init`")


def test_a_recipe_that_does_not_load_is_not_left_behind(align: Align, tmp_path: Path) -> None:
    done = align("init", "--base", "huggyllama/llama-65b@main", "--dumps", "./d")
    assert done.code == 1
    assert "must be a commit of 40 hexadecimal digits" in done.err
    assert not (tmp_path / "recipe.yaml").exists()
    (tmp_path / "recipe.yaml").write_text("mine")
    assert align("init", "--base", "huggyllama/llama-65b@main", "--dumps", "./d", "--force").code == 1
    assert (tmp_path / "recipe.yaml").read_text() == "mine"


def test_a_hub_model_without_its_commit_is_told(align: Align) -> None:
    done = align("init", "--base", "huggyllama/llama-65b", "--dumps", "./d")
    assert done.code == 1
    assert "a model on the hub is named with its commit, huggyllama/llama-65b@COMMIT" in done.err


@pytest.mark.parametrize(("arguments", "option"), [([], "--base"), (["--base", "./b"], "--dumps or --examples")])
def test_where_nobody_can_be_asked_the_option_is_named(align: Align, arguments: list[str], option: str) -> None:
    done = align("init", *arguments)
    assert done.code == 2
    assert f"nobody to ask; give {option}" in done.err


def test_on_a_terminal_init_asks(align: Align, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answers = iter(["./llama-7b", "./stack_exchange"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("typer.prompt", lambda question, err: next(answers))
    assert align("init").code == 0
    assert 'dumps: ["stack_exchange"]' in (tmp_path / "recipe.yaml").read_text()

"""The `compare` stage with people instead of a judge: it waits for them, and counts them by prompt."""

import csv
import json
from pathlib import Path
from typing import Literal

import pytest
from evaluation_setting import response, run_stage, save_records
from pydantic import ValidationError
from typer.testing import CliRunner

from align.artifact import Artifact
from align.cli import app
from align.errors import InputError
from align.evaluation.compare import Compare
from align.evaluation.people_rate import measure_people
from align.evaluation.win_rate import Outcome
from align.files import hash_tree, read_records
from align.freezing.holders import unfinished_with
from align.judges.longest import Longest
from align.planning import plan_recipe
from align.recipe import load_recipe
from align.records import Comparison, Measurement, Rejection
from align.runner import run_recipe
from align.stage import Forecast

TEXTS = {"a": ("Steep it.", "Tea?"), "b": ("Boil it.", "Egg!"), "c": ("Fry it.", "Fish."), "d": ("Bake it.", "Bread")}


@pytest.fixture
def data(tmp_path: Path) -> list[Artifact]:
    return [
        save_records(tmp_path / model, f"{model}_answers", [response(p, model, said[side]) for p, said in TEXTS.items()])
        for side, model in enumerate(("sft", "base"))
    ]


def fill(sheet: Path, target: Path, preferred: dict[str, Literal["sft", "base", "neither", ""]]) -> None:
    """Write down which model each prompt's answer is preferred of; '' leaves the row as it is."""
    side = {said[number]: (prompt, number) for prompt, said in TEXTS.items() for number in (0, 1)}
    with sheet.open(encoding="utf-8-sig", newline="") as read, target.open("w", encoding="utf-8", newline="") as write:
        rows = list(csv.DictReader(read))
        table = csv.DictWriter(write, rows[0])
        table.writeheader()
        for row in rows:
            prompt, number = side[row["answer 1"]]
            wanted = preferred[prompt]
            first = ("sft", "base")[number]
            table.writerow(row | {"verdict": wanted if wanted in ("neither", "") else "1" if wanted == first else "2"})


def stage(folder: Path, **fields: object) -> Compare:
    return Compare.model_validate({"inputs": ("x", "y"), "verdicts": [folder / "ada.csv", folder / "ben.csv"], **fields})


def answered(folder: Path, data: list[Artifact], *people: dict[str, Literal["sft", "base", "neither", ""]]) -> None:
    with pytest.raises(InputError, match="4 pairs wait for people"):
        run_stage(stage(folder), folder / "first", data)
    for number, (name, preferred) in enumerate(zip(("ada", "ben"), people, strict=True), 1):
        fill(folder / "first" / "files" / f"sheet-{number}.csv", folder / f"{name}.csv", preferred)


def measured(work: Path) -> dict[str, Measurement]:
    return {item.metric: item for item in read_records(work, Measurement)}


def test_two_peoples_verdicts_are_repeated_measures_of_a_prompt(tmp_path: Path, data: list[Artifact]) -> None:
    answered(
        tmp_path, data,
        {"a": "sft", "b": "sft", "c": "base", "d": "neither"},
        {"a": "sft", "b": "neither", "c": "sft", "d": "base"},
    )  # fmt: skip
    counts = run_stage(stage(tmp_path), tmp_path / "work", data)
    found = measured(tmp_path / "work")
    # a: 1, 1; b: 1, 0.5; c: 0, 1; d: 0.5, 0. Two prefer sft in a, more do in b, as many in c, fewer in d
    assert {name: item.value for name, item in found.items()} == {
        "wins": 2, "ties": 1, "losses": 1,
        "win_rate": (1 + 0.75 + 0.5 + 0.25) / 4, "at_least_as_good": (1 + 1 + 0.5 + 0.5) / 4,
        # of 8 verdicts 2 for neither; of the others 4 for sft, whose answers are the longer ones throughout
        "said_tie_share": 2 / 8, "longer_share": 4 / 6, "win_rate_where_longer": (1 + 0.75 + 0.5 + 0.25) / 4,
        "no_length_control": 4, "first_shown_share": found["first_shown_share"].value,
    }  # fmt: skip
    assert "by 2 people" in found["longer_share"].method
    assert found["win_rate"].count == 4  # prompts, and not the 8 verdicts
    assert "verdicts of 2 people, averaged by prompt" in found["win_rate"].method
    assert "of as many each it is a tie" in found["ties"].method
    assert (counts.read, counts.kept, counts.noted) == (4, 4, {"verdicts": 8, "people": 2})
    rows = list(read_records(tmp_path / "work", Comparison))
    assert [item.judge for item in rows] == ["person 1"] * 4 + ["person 2"] * 4
    preferred = [{"first": item.first, "second": item.second, "tie": "neither"}[item.verdict] for item in rows]
    assert preferred == ["sft", "sft", "base", "neither", "sft", "neither", "sft", "base"]
    assert {item.first for item in rows} == {"sft", "base"}  # sides were drawn


def test_one_person_counts_as_a_judge_that_sees_one_order() -> None:
    outcomes = [Outcome("a", (1.0,)), Outcome("b", (0.5,)), Outcome("c", (0.0,)), Outcome("d", (1.0,))]
    found = {item.metric: item.value for item in measure_people(outcomes, "x against y", 1)}
    assert found == {"wins": 2, "ties": 1, "losses": 1, "win_rate": 0.625, "at_least_as_good": 0.75}


def test_rows_left_out_are_refused_unless_the_recipe_allows_them(tmp_path: Path, data: list[Artifact]) -> None:
    answered(tmp_path, data, {"a": "sft", "b": "", "c": "base", "d": ""}, {"a": "neither", "b": "", "c": "", "d": "sft"})
    with pytest.raises(InputError, match=r"ada.csv: row \d: verdict '' is none of 1, 2 and neither"):
        run_stage(stage(tmp_path), tmp_path / "work", data)
    counts = run_stage(stage(tmp_path, allow_partial=True), tmp_path / "work", data)
    assert (counts.read, counts.kept, counts.dropped) == (4, 3, {"compare: no verdict": 1})
    assert [(item.example_id, item.reason) for item in read_records(tmp_path / "work", Rejection)] == [("b", "no verdict")]
    # a: 1 and 0.5; c: 0; d: 1
    assert measured(tmp_path / "work")["win_rate"].value == pytest.approx((0.75 + 0 + 1) / 3)


def test_one_voice_is_asked_for() -> None:
    with pytest.raises(ValidationError, match="give either `judge` .* or `verdicts`"):
        Compare(inputs=("x", "y"))
    with pytest.raises(ValidationError, match="give either `judge` .* or `verdicts`"):
        Compare(inputs=("x", "y"), judge=Longest(), verdicts=Path("ada.csv"))
    with pytest.raises(ValidationError, match="orders: is for a judge"):
        Compare(inputs=("x", "y"), verdicts=Path("ada.csv"), orders="random")
    with pytest.raises(ValidationError, match="canaries: test a judge"):
        Compare(inputs=("x", "y"), verdicts=Path("ada.csv"), canaries=True)
    with pytest.raises(ValidationError, match="are for people's sheets"):
        Compare(inputs=("x", "y"), judge=Longest(), allow_partial=True)


def test_what_is_for_people_alone_does_not_decide_what_a_judge_says() -> None:
    found = Compare(inputs=("x", "y"), judge=Longest()).identity()
    assert found == {
        "parameters": {"kind": "compare", "judge": {"kind": "longest", "margin": 0.0}, "orders": "both", "canaries": False},
        "versions": ["compare=2", "longest=1"],
    }


def test_the_forecast_says_who_is_waited_for_and_counts_no_calls(tmp_path: Path) -> None:
    (tmp_path / "ada.csv").touch()
    found = stage(tmp_path).forecast([Forecast(300, basis="exact"), Forecast(300, basis="exact")], {})
    assert (found.examples, found.figures) == (300, {})
    assert found.notes == (f"stops for people: {tmp_path / 'ben.csv'} is not there yet; the run writes the sheet to fill in",)


PLUGIN = """
import json
from pathlib import Path
from typing import Literal
from align.artifact import Counts
from align.files import write_records
from align.records import Response, Turn
from align.stage import Inputs, Stage

class Said(Stage):
    kind: Literal["said"] = "said"
    model: str
    texts: dict[str, str]

    def run(self, inputs: Inputs, work: Path) -> Counts:
        write_records(work, Response, [
            Response(prompt, self.model, (Turn("user", "What is tea?"), Turn("assistant", text)), "{}")
            for prompt, text in self.texts.items()
        ])
        return Counts(len(self.texts), len(self.texts))
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "said.py").write_text(PLUGIN, encoding="utf-8")
    lines = ["name: people", "plugins: [said.py]", "stages:"]
    for side, model in enumerate(("sft", "base")):
        texts = ", ".join(f'{prompt}: "{said[side]}"' for prompt, said in TEXTS.items())
        lines.append(f"  {model}_answers: {{kind: said, inputs: [], model: {model}, texts: {{{texts}}}}}")
    lines.append("  by_people: {kind: compare, inputs: [sft_answers, base_answers], verdicts: [ada.csv, ben.csv]}")
    lines.append("  judged: {kind: compare, inputs: [base_answers, sft_answers], judge: {kind: longest}}")
    lines.append("  agreed: {kind: agreement, inputs: [by_people, judged], responses: [sft_answers, base_answers]}")
    path = tmp_path / "people.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_the_run_waits_for_people_and_a_verdict_that_changes_makes_another_artifact(recipe: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    [planned] = [item for item in plan_recipe(load_recipe(recipe), store).stages if item.name == "by_people"]
    assert planned.status != "missing inputs"
    assert sum("stops for people" in note for note in planned.forecast.notes) == 2
    with pytest.raises(
        InputError, match=r"stage by_people: verdicts: 4 pairs wait for people\. copy .*sheet-1\.csv to .*ada\.csv"
    ):
        run_recipe(load_recipe(recipe), store)
    [first, second] = sorted(store.glob("artifacts/*.partial/files/*.csv"))
    waiting = first.parent.parent
    assert (unfinished_with(store, {"d"}), unfinished_with(store, {"z"})) == ([waiting], [])  # a takedown finds the sheets
    fill(first, tmp_path / "ada.csv", dict.fromkeys(TEXTS, "sft"))
    with pytest.raises(InputError, match=r"people\. copy \S*sheet-2\.csv to \S*ben\.csv, fill"):
        run_recipe(load_recipe(recipe), store)
    fill(second, tmp_path / "ben.csv", dict.fromkeys(TEXTS, "base"))
    made = run_recipe(load_recipe(recipe), store)["by_people"]
    assert measured(made.path)["win_rate"].value == 0.5
    assert made.counts.noted == {"verdicts": 8, "people": 2}
    assert run_recipe(load_recipe(recipe), store)["by_people"].manifest == made.manifest  # reused
    fill(second, tmp_path / "ben.csv", dict.fromkeys(TEXTS, "neither"))
    again = run_recipe(load_recipe(recipe), store)["by_people"]
    assert again.key != made.key
    assert measured(again.path)["win_rate"].value == 0.75


def test_people_and_a_judge_over_the_same_answers_are_set_beside_each_other(recipe: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    with pytest.raises(InputError, match="wait for people"):
        run_recipe(load_recipe(recipe), store)
    [first, second] = sorted(store.glob("artifacts/*.partial/files/*.csv"))
    fill(first, tmp_path / "ada.csv", {"a": "sft", "b": "sft", "c": "sft", "d": "neither"})
    fill(second, tmp_path / "ben.csv", {"a": "sft", "b": "neither", "c": "base", "d": "neither"})
    made = run_recipe(load_recipe(recipe), store)["agreed"]
    found = {item.subject: item.value for item in made.read(Measurement) if item.metric == "tie_discounted_accuracy"}
    # the longest are sft's "Steep it.", "Boil it.", "Fry it." and "Bake it."; the judge's stage names the models the other way round
    assert {item.judge: item.verdict for item in made.read(Comparison)} == {
        "person 1": "second", "person 2": "first", "longest": "second",
    }  # fmt: skip
    assert found["person 1 and person 2"] == (1 + 0.5 + 0 + 1) / 4
    assert found["person 1 and longest"] == (1 + 1 + 1 + 0.5) / 4
    assert found["person 2 and longest"] == (1 + 0.5 + 0 + 0.5) / 4
    assert found["people and judges"] == (3.5 + 2) / 8
    shown = CliRunner().invoke(app, ["show", str(recipe), "agreed", "--store", str(store)])
    assert shown.exit_code == 0, (shown.output, shown.exception)
    assert [json.loads(line)["prompt_id"] for line in shown.stdout.splitlines()] == ["c", "c", "c"]
    with (made.path / "files" / "opposite.csv").open(encoding="utf-8-sig", newline="") as file:
        [row] = csv.DictReader(file)
    assert row == {
        "prompt": "c", "request": "What is tea?", "base": "Fish.", "sft": "Fry it.",
        "person 1": "sft", "person 2": "base", "longest": row["longest"],
    }  # fmt: skip
    assert row["longest"].startswith("sft")


def test_texts_that_were_not_compared_are_refused(recipe: Path, tmp_path: Path) -> None:
    text = recipe.read_text(encoding="utf-8").replace("verdicts: [ada.csv, ben.csv]", "judge: {kind: word_overlap}")
    other = "  other: {kind: said, inputs: [], model: third, texts: {a: Tea}}\n  agreed:"
    text = text.replace("  agreed:", other).replace("responses: [sft_answers, base_answers]", "responses: [sft_answers, other]")
    recipe.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="responses: sft_answers and other are not what was compared"):
        run_recipe(load_recipe(recipe), tmp_path / "store")


def test_a_sheet_that_a_kill_left_behind_is_written_again(tmp_path: Path, data: list[Artifact]) -> None:
    for name in ("whole", "killed"):
        with pytest.raises(InputError, match="wait for people"):
            run_stage(stage(tmp_path), tmp_path / name, data)
    sheet = tmp_path / "killed" / "files" / "sheet-2.csv"
    sheet.unlink()
    (tmp_path / "killed" / "files" / "sheet-1.csv").write_text("id,ver", encoding="utf-8")
    with pytest.raises(InputError, match="wait for people"):
        run_stage(stage(tmp_path), tmp_path / "killed", data)
    assert hash_tree(tmp_path / "killed" / "files") == hash_tree(tmp_path / "whole" / "files")

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Done

Align = Callable[..., Done]
WriteToy = Callable[[str], Path]


def test_run_prints_the_id_of_the_run_and_logs_a_line_a_stage(align: Align, toy: Path, tmp_path: Path) -> None:
    done = align("run", toy)
    (note,) = (tmp_path / "store" / "runs").iterdir()
    assert (done.code, done.out) == (0, f"{note.stem}\n")
    assert align("run", toy).out == done.out


def test_run_prints_the_path_of_the_report_where_there_is_one(align: Align, toy: Path) -> None:
    toy.write_text(toy.read_text() + "  page: {kind: pages}\n")
    done = align("run", toy)
    assert Path(done.lines[-1]).is_absolute()
    assert Path(done.lines[-1]).read_text() == "<p>5 stages"


def test_run_stops_after_until_and_takes_sets(align: Align, toy: Path) -> None:
    assert align("run", toy, "--until", "clean", "--set", "stages.clean.filters.0.limit=4", "--set", "name=short").code == 0
    done = align("show", "short", "clean")
    assert [json.loads(line)["id"] for line in done.lines] == ["n4"]
    assert align("run", toy, "--until", "clen").code == 1


def test_run_with_missing_inputs_is_exit_1_and_plan_is_exit_0(align: Align, write_toy: WriteToy, tmp_path: Path) -> None:
    path = write_toy(
        "stages:\n  a: {kind: count, source: {kind: raw_numbers, file: x}}\n  b: {kind: first}\n  c: {kind: learn}\n"
    )
    assert align("run", path).code == 1
    done = align("plan", path)
    assert done.code == 0
    assert done.lines[0].split() == ["stage", "kind", "would", "examples", "tokens", "basis"]
    assert done.lines[1].split() == ["a", "count", "missing", "inputs"]
    assert done.lines[2].split() == ["b", "first", "unknown", "until", "a"]
    assert done.lines[-3:] == [
        "Missing inputs; `align run` needs them:",
        f"  stage a: raw_numbers: file: no file or folder {tmp_path / 'x'}",
        "    Count to four and write it down, a number a line.",
    ]
    found = json.loads(align("plan", path, "--json").out)
    assert found["missing"] == [
        {
            "stage": "a",
            "part": "raw_numbers",
            "field": "file",
            "path": str(tmp_path / "x"),
            "how_to_get": "Count to four and write it down, a number a line.",
            "what": f"no file or folder {tmp_path / 'x'}",
        }
    ]
    assert [stage["status"] for stage in found["stages"]] == ["missing inputs", "unknown", "unknown"]


def test_plan_shows_what_is_expected_as_expected_and_adds_it_up(align: Align, toy: Path) -> None:
    done = align("plan", toy, "--set", "stages.drawn.expect={examples: 1000, tokens: 750000}")
    rows = {line.split()[0]: line.split() for line in done.lines if line}
    assert rows["stage"] == ["stage", "kind", "would", "examples", "tokens", "basis", "steps", "GPU", "GB", "hours"]
    assert rows["model"] == [
        "model",
        "learn",
        "unknown",
        "until",
        "numbers",
        "1,000",
        "750,000",
        "expected",
        "2,000",
        "1.5",
        "0.25",
    ]
    assert rows["total"] == ["total", "2,000", "1.5", "0.25"]


def test_plan_of_a_finished_run_is_exact(align: Align, toy: Path) -> None:
    align("run", toy)
    found = json.loads(align("plan", toy, "--json").out)
    assert {stage["status"] for stage in found["stages"]} == {"reuse"}
    assert [stage["examples"] for stage in found["stages"]] == [4, 3, 2, 1, 1]
    assert {stage["basis"] for stage in found["stages"]} == {"exact"}
    assert all(len(stage["artifact"]) == 16 for stage in found["stages"])
    assert found["totals"] == {}


def test_plan_begins_with_the_order_and_has_the_range_of_hours_in_their_column(align: Align, root: Path) -> None:
    recipe = root / "recipes" / "lima65b.yaml"
    done = align("plan", recipe)
    assert done.lines[0].startswith("Order: 4 machines x 8 GPUs x 80 GB, 155 GB memory each, ")
    rows = {line.split()[0]: line.split() for line in done.lines if line}
    # 0.51 hours at 100 TFLOP/s and 750,000 tokens an epoch; 1.3 % more with the tokens of table 1
    assert rows["sft"][-2:] == ["0.4-0.74", "3,395"]
    assert rows["total"][-2:] == ["0.61-1.1", "5,353"]
    assert done.lines[done.lines.index(next(line for line in done.lines if line.startswith("total"))) + 1].startswith(
        "  not counted in hours: "
    )
    found = json.loads(align("plan", recipe, "--json").out)
    assert found["order"]["text"] == done.lines[0]
    assert found["not_counted"]["answering"] == ["sft_picked", "sft_answers", "base_answers", "dpo_answers"]
    sft = next(stage for stage in found["stages"] if stage["stage"] == "sft")
    assert sft["takes"]["hours"] == pytest.approx([sft["figures"]["hours"] / 1.3, sft["figures"]["hours"] / 0.7])
    assert sum(sft["takes"]["disk"].values()) == pytest.approx(sft["figures"]["disk_gigabytes"])


@pytest.mark.parametrize("verb", ["run", "plan", "funnel", "trace"])
def test_a_mistake_in_the_recipe_is_exit_1_with_its_place(align: Align, toy: Path, verb: str) -> None:
    toy.write_text(toy.read_text().replace("limit: 2", "limit: two"))
    done = align(verb, toy, *(["n1"] if verb == "trace" else []))
    assert done.code == 1
    assert f"{toy}:5:60: stages.clean.filters.0.limit" in done.err

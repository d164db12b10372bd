import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from align.errors import InputError
from align.records import Author, Example
from align.sources import natural_instructions
from align.sources.natural_instructions import NaturalInstructions


def task(path: Path, instances: list[dict[str, Any]], **fields: Any) -> Path:
    """A task file in the schema of release 2.8."""
    whole = {
        "Contributors": ["Ada Bee"],
        "Source": ["tales"],
        "URL": ["https://example.org/tales"],
        "Categories": ["Summarization"],
        "Reasoning": [],
        "Definition": ["Sum it up."],
        "Input_language": ["English"],
        "Output_language": ["English"],
        "Instruction_language": ["English"],
        "Domains": ["Fiction"],
        "Positive Examples": [],
        "Negative Examples": [],
        "Instances": instances,
        "Instance License": ["CC BY 4.0"],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({name: value for name, value in (whole | fields).items() if value is not None}))
    return path


def instance(number: int, *outputs: str) -> dict[str, Any]:
    return {"id": f"task1-{number}", "input": f"Tale {number}.", "output": list(outputs) or [f"Sum {number}."]}


def read(*paths: Path, **fields: Any) -> tuple[list[Example], Counter[str]]:
    source = NaturalInstructions(tasks=paths, **fields)
    skipped: Counter[str] = Counter()
    found = [item for shard in source.shards() for item in source.read(shard, skipped)]
    assert all(isinstance(item, Example) for item in found)
    return [item for item in found if isinstance(item, Example)], skipped


def test_the_prompt_is_definition_and_input_and_the_origin_says_whom_to_name(tmp_path: Path) -> None:
    path = task(tmp_path / "task1_tales_summary.json", [instance(1)])
    [example], skipped = read(path, date="2022-11-01")
    assert (example.prompt, example.response) == ("Sum it up.\n\nTale 1.", "Sum 1.")
    assert (example.id, example.tags) == ("natural_instructions/task1_tales_summary/task1-1", ("Summarization",))
    origin = example.origin
    assert (origin.url, origin.dump, origin.date) == ("https://example.org/tales", "task1_tales_summary.json", "2022-11-01")
    assert origin.authors == (
        Author("Ada Bee", role="task", license="Apache-2.0"),
        Author("tales", role="instance", license="CC BY 4.0"),
    )
    assert not skipped


def test_tasks_are_read_in_several_shards_in_the_order_of_their_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1, 6):
        task(tmp_path / "tasks" / f"task{number}_tales.json", [instance(number)])
    examples, _ = read(tmp_path / "tasks")
    monkeypatch.setattr(natural_instructions, "TASKS_A_SHARD", 2)
    shards = NaturalInstructions(tasks=(tmp_path / "tasks",)).shards()
    assert [shard.name for shard in shards] == ["tasks-00000", "tasks-00002", "tasks-00004"]
    assert read(tmp_path / "tasks")[0] == examples
    task(tmp_path / "more" / "task5_tales.json", [instance(5)])
    with pytest.raises(InputError, match=r"more/task5_tales\.json: task task5_tales stands in .*tasks/task5_tales\.json already"):
        read(tmp_path / "tasks", tmp_path / "more")


def test_one_instance_a_task_is_drawn_and_a_larger_draw_contains_it(tmp_path: Path) -> None:
    for name in ("task1_a.json", "task2_b.json"):
        task(tmp_path / "tasks" / name, [instance(number) for number in range(50)])
    one, skipped = read(tmp_path / "tasks", seed=3)
    assert ([example.id.split("/")[1] for example in one], skipped) == (["task1_a", "task2_b"], {"instance not drawn": 98})
    ten, _ = read(tmp_path / "tasks", seed=3, per_task=10)
    assert len(ten) == 20
    assert {example.id for example in one} < {example.id for example in ten}
    other, _ = read(tmp_path / "tasks", seed=4)
    assert {example.id for example in other} != {example.id for example in one}


def test_tasks_that_are_not_english_or_choose_from_labels_are_counted_by_instances(tmp_path: Path) -> None:
    folder = tmp_path / "tasks"
    task(folder / "task1_a.json", [instance(1), instance(2)], Output_language=["German"])
    task(folder / "task2_b.json", [instance(1), instance(2), instance(3)], Categories=["Toxic Language Detection"])
    task(folder / "task3_c.json", [{"id": "x", "input": " ", "output": ["b"]}, instance(4, " ")])
    task(folder / "task4_d.json", [], Instances=[])
    (folder / "README.md").write_text("not a task")
    assert read(folder) == (
        [],
        {"another language": 2, "another category": 3, "instance without input or output": 2, "task without instances": 1},
    )
    kept, skipped = read(folder, categories=("Toxic Language Detection",), language=None)
    assert (len(kept), skipped) == (1, {"another category": 4, "task without instances": 1, "instance not drawn": 2})


def test_older_files_have_texts_for_lists_and_no_licence(tmp_path: Path) -> None:
    plain = {"Definition": "Sum it up.", "Categories": "Summarization", "Source": "tales", "Instance License": None, "URL": None}
    path = task(tmp_path / "task1_a.json", [{"input": "Tale.", "output": "Sum."}], Contributors=None, **plain)
    [example], _ = read(path)
    assert (example.turns[1].text, example.origin.url) == ("Sum.", "")
    assert example.origin.authors == (Author("tales", role="instance", license="unstated"),)


def test_a_category_that_no_task_has_is_refused_with_the_nearest(tmp_path: Path) -> None:
    path = task(tmp_path / "task1_a.json", [instance(1)], Categories=["Poem Making"])
    with pytest.raises(InputError, match=r"no task is of category 'Poem Makin' \(did you mean 'Poem Making'\?\)"):
        read(path, categories=("Poem Makin",))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[]", r"task1\.json: a task file must be one JSON object \(got list\)"),
        ("{", r"task1\.json: not readable as JSON"),
        ('{"Definition": []}', "missing columns: 'Categories', 'Source'"),
    ],
)
def test_what_is_no_task_is_named(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "task1.json").write_text(content)
    with pytest.raises(InputError, match=says):
        read(tmp_path / "task1.json")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"Instances": [{"input": "a"}]}, r"Instances: number 1: wanted \{input: text, output"),
        ({"Instances": [{"input": "a", "output": [1]}]}, r"output must be a text or a list of texts \(got \[1\]\)"),
        ({"Definition": 3}, r"Definition must be a text or a list of texts \(got 3\)"),
        ({"Instances": "none"}, "Instances must be a list"),
    ],
)
def test_a_field_of_another_shape_is_named(tmp_path: Path, fields: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        read(task(tmp_path / "task1.json", [], **fields))


def test_the_real_tasks_give_one_example_of_each_generation_task(real_data: Path) -> None:
    # 47 tasks of 20 instances; in its table: 4 generate questions, 4 rewrite them, 4 generate dialogue, 3 compose sentences,
    # 3 summarise, 2 compose stories, 2 titles, 2 complete texts, 1 simplifies, 1 transfers style: 26, of which 19 are left each
    examples, skipped = read(real_data / "natural_instructions" / "tasks")
    assert len(examples) + skipped.total() == 940
    assert (len(examples), skipped["instance not drawn"]) == (26, 494)
    assert all(author.license for example in examples for author in example.origin.authors)

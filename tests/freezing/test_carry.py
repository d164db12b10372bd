import csv
import json
from pathlib import Path

import pytest
from freeze_setting import BEER, COFFEE, run_pub, write_dump

from align.curation.decisions import read_decisions
from align.errors import InputError
from align.freezing.carry import ANSWER, Carried, carry_frozen, carry_stage, write_carried
from align.freezing.freeze import freeze
from align.lineage import load_run
from align.recipe import load_recipe
from align.records import Decision, Example
from align.runner import run_recipe
from toy_posts import answer, question, write_posts


@pytest.fixture
def pub(tmp_path: Path) -> Path:
    """The recipe made with two edits, and a newer dump: beer 20 is gone, beer 30 is edited, coffee 10 has a better answer."""
    run_pub(tmp_path)
    beer = {number: post for number, post in BEER.items() if number != 2}
    beer[3] = (beer[3][0], beer[3][1].replace("a tenth", "a fifth"))
    write_dump(tmp_path / "newer", "beer", beer)
    rows = [
        text
        for number, (title, body) in COFFEE.items()
        for text in (question(10 * number, Title=title, Score=20), answer(10 * number + 1, 10 * number, 12, Body=body))
    ]
    write_posts(
        tmp_path / "newer" / "coffee.stackexchange.com", *rows, answer(19, 10, 40, Body="<p>Grind it like table salt.</p>")
    )
    return tmp_path


def carried(folder: Path, stage: str = "train_set", dumps: tuple[str, ...] = ("dumps=newer",)) -> Carried:
    named = tuple(text.replace("=", f"={folder}/") for text in dumps)
    return carry_stage(load_recipe(folder / "pub.yaml"), folder / "store", stage, named)


def test_each_post_is_unchanged_changed_vanished_or_was_not_looked_for(pub: Path) -> None:
    fates = {fate.id: fate for fate in carried(pub).fates}
    assert {name: fate.state for name, fate in fates.items()} == {
        "stack_exchange/beer/10": "unchanged",
        "stack_exchange/beer/20": "vanished",
        "stack_exchange/beer/30": "changed",
        "stack_exchange/coffee/10": "changed",
        "stack_exchange/coffee/20": "unchanged",
        "reddit/AskReddit/a1": "no dump",
        "reddit/AskReddit/a2": "no dump",
    }
    edited = fates["stack_exchange/beer/30"]
    # of some 130 characters two (`ten` against `fif`) differ
    assert edited.similarity is not None
    assert 0.95 < edited.similarity < 1
    assert [line[0] for line in edited.diff if line[0] in "+-"] == ["-", "+"]
    assert "a fifth" in edited.diff[-1]
    assert edited.note == ""
    assert fates["stack_exchange/coffee/10"].note == ANSWER
    assert fates["stack_exchange/beer/20"].url == "https://beer.stackexchange.com/questions/20"


def test_decisions_on_unchanged_text_hold_and_are_applied_by_the_next_run(pub: Path, tmp_path: Path) -> None:
    found = carried(pub, dumps=("dumps=newer", "asked=reddit"))
    assert sorted(item.example_id for item in found.holding) == ["stack_exchange/beer/10", "stack_exchange/coffee/20"]
    assert found.open == ()
    write_carried(found, pub / "carried")
    assert list(read_decisions(pub / "carried" / "decisions.jsonl")) == list(found.holding)
    recipe = pub / "pub.yaml"
    text = recipe.read_text().replace("dumps: [dumps]", "dumps: [newer]").replace("decisions.jsonl", "carried/decisions.jsonl")
    recipe.write_text(text)
    run_recipe(load_recipe(recipe), pub / "store")
    picked = load_run(recipe, pub / "store")["picked"]
    assert picked.counts.noted["edited"] == 2
    assert "stale decisions" not in picked.counts.noted
    assert {item.id: item.response for item in picked.read(Example)}["stack_exchange/coffee/20"] == "Hardly."


def test_decisions_on_changed_and_vanished_posts_are_listed_to_be_made_again(pub: Path) -> None:
    lines = (pub / "decisions.jsonl").read_text()
    examples = {item.id: item for item in load_run(pub / "pub.yaml", pub / "store").examples("drawn")}
    from align.curation.decisions import decision_for
    from align.records import as_json

    more = [
        decision_for(examples["stack_exchange/beer/30"], "reject", "grace", reason="dull", at="2024-05-02T10:00:00Z"),
        decision_for(examples["stack_exchange/beer/20"], "accept", "grace", at="2024-05-02T10:00:00Z"),
    ]
    (pub / "decisions.jsonl").write_text(lines + "".join(as_json(item) + "\n" for item in more))
    run_recipe(load_recipe(pub / "pub.yaml"), pub / "store")
    # beer 30 was rejected, so that it is in no selection; what people said of it is looked after all the same
    found = carried(pub)
    assert sorted((item.example_id, item.action) for item in found.open) == [
        ("stack_exchange/beer/20", "accept"),
        ("stack_exchange/beer/30", "reject"),
    ]
    write_carried(found, pub / "carried")
    changed = {item["id"]: item for item in map(json.loads, (pub / "carried" / "changed.jsonl").read_text().splitlines())}
    assert changed["stack_exchange/beer/30"]["decisions"][0]["reason"] == "dull"
    (vanished,) = map(json.loads, (pub / "carried" / "vanished.jsonl").read_text().splitlines())
    assert (vanished["id"], vanished["decisions"][0]["action"]) == ("stack_exchange/beer/20", "accept")
    with (pub / "carried" / "carried.csv").open() as file:
        table = {row["id"]: row for row in csv.DictReader(file)}
    assert (table["stack_exchange/beer/20"]["state"], table["stack_exchange/beer/10"]["state"]) == ("vanished", "unchanged")
    assert len(list(read_decisions(pub / "carried" / "decisions.jsonl"))) == 2
    assert all(isinstance(item, Decision) for item in found.holding)


def test_stale_decisions_are_not_carried(pub: Path) -> None:
    stale = Decision("stack_exchange/beer/10", "0123456789abcdef", "reject", "ada", "2024-05-03T10:00:00Z")
    from align.records import as_json

    with (pub / "decisions.jsonl").open("a") as file:
        file.write(as_json(stale) + "\n")
    run_recipe(load_recipe(pub / "pub.yaml"), pub / "store")
    found = carried(pub)
    assert [item.action for item in (*found.holding, *found.open)] == ["edit", "edit"]


@pytest.mark.parametrize("how", ["auto", "all"])
def test_a_frozen_set_is_carried_by_itself(pub: Path, how: str) -> None:
    stages = {"train": "train_set"}
    freeze(load_recipe(pub / "pub.yaml"), pub / "store", stages, pub / "set", dehydrated=how)  # type: ignore[arg-type]
    found = carry_frozen(pub / "set", (f"dumps={pub}/newer", f"asked={pub}/reddit"))
    states = {fate.id: fate.state for fate in found.fates}
    assert (states["stack_exchange/beer/10"], states["stack_exchange/beer/20"], states["stack_exchange/beer/30"]) == (
        "unchanged",  # though people edited it: what counts is what the source says
        "vanished",
        "changed",
    )
    assert states["reddit/AskReddit/a1"] == "unchanged"
    similarity = next(fate.similarity for fate in found.fates if fate.id == "stack_exchange/beer/30")
    assert (similarity is None) == (how == "all")


def test_what_cannot_be_compared_is_told(pub: Path) -> None:
    with pytest.raises(InputError, match="nothing to compare with: dumps wants its dumps"):
        carried(pub, stage="picked", dumps=())
    (pub / "carried").mkdir()
    (pub / "carried" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is there already"):
        write_carried(carried(pub), pub / "carried")

"""recipes/lima_data.yaml from generated dumps in every native format to LIMA's 1,000 / 50 / 300 and 1,030, whole and killed."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import align
from align.artifact import Artifact
from align.curation.decisions import decision_for
from align.errors import Shortfall
from align.recipe import load_recipe
from align.records import Decision, Example, Measurement, Turn, as_json
from align.report.lima import TABLE_1
from align.runner import run_recipe
from align.strata import read_groups, site_of
from generated_dumps import write_dumps

RECIPE = Path(__file__).parents[1] / "recipes" / "lima_data.yaml"
GROUPS = RECIPE.parents[1] / "datasets" / "groups.yaml"
ARMS = ("filtered_2k", "filtered_4k", "filtered_8k", "filtered_16k", "filtered_32k")
SMALLER = (
    *(f"stages.{arm}.take={{stem: {20 * 2**n}, other: {20 * 2**n}}}" for n, arm in enumerate(ARMS)),
    "stages.unfiltered_2k.take={stem: 300, other: 300}",
    "stages.wikihow_2k.take={wikihow: 300}",
)
"""The ablations' sets at a fiftieth of their size; everything else is as shipped."""
KILLED_IN = ("stack_exchange", "distinct", "wikihow_200", "train_set")

pytestmark = pytest.mark.long


class Built(NamedTuple):
    dumps: Path
    planted: dict[str, dict[str, int]]
    store: Path
    made: dict[str, Artifact]

    def examples(self, stage: str) -> list[Example]:
        return list(self.made[stage].read(Example))

    def dropped(self, *stages: str) -> Counter[str]:
        return sum((Counter(self.made[stage].counts.dropped) for stage in stages), Counter[str]())

    def planted_in_exchanges(self, what: str) -> int:
        read = [name for name in self.planted if name.startswith("stack_exchange/") and not name.endswith(".meta")]
        return sum(self.planted[name].get(what, 0) for name in read)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """The whole recipe, with people who decide when the run waits for them."""
    folder = tmp_path_factory.mktemp("lima")
    dumps, store = folder / "dumps", folder / "store"
    planted = write_dumps(dumps, pairs=700)
    decisions = dumps / "decisions.jsonl"
    decisions.touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIMA_DUMPS", str(dumps))
        with pytest.raises(Shortfall, match="cell 'stem' wants 200, accepted 0, 600 undecided"):
            run_recipe(load_recipe(RECIPE, SMALLER), store)
        for shortlist in ("group_b", "shortlist", "writing_prompts_shortlist", "chains_shortlist"):
            decide(store, shortlist, decisions)
        yield Built(dumps, planted, store, run_recipe(load_recipe(RECIPE, SMALLER), store))


def decide(store: Path, shortlist: str, decisions: Path) -> None:
    """Ada rejects a few of each shortlist and accepts the others, a dialogue after mending its last words."""
    found = list(run_recipe(load_recipe(RECIPE, SMALLER), store, until=shortlist)[shortlist].read(Example))
    with decisions.open("a", encoding="utf-8") as file:
        for number, example in enumerate(found):
            file.write(as_json(said_of(example, number, shortlist)) + "\n")


def said_of(example: Example, number: int, shortlist: str) -> Decision:
    at = "2026-03-01T10:00:00+00:00"
    if number % 12 == 0 and number < 240:
        return decision_for(example, "reject", "ada", reason="no fit", at=at)
    if shortlist == "chains_shortlist":
        turns = (*example.turns[:-1], Turn("assistant", example.turns[-1].text + " That is all there is to it."))
        return decision_for(example, "edit", "ada", turns=turns, at=at)
    return decision_for(example, "accept", "ada", at=at)


def cell(example: Example) -> str:
    owners = {site: group for group, sites in read_groups(GROUPS).items() for site in sites}
    group = owners.get(site_of(example), "")
    return f"{example.origin.source} {group}".strip()


def test_every_source_has_the_count_of_table_1(built: Built) -> None:
    wanted = {"stack_exchange stem": 200, "stack_exchange other": 200, "wikihow": 200, "reddit": 150}
    wanted |= {"natural_instructions": 50, "authored": 200}
    assert Counter(map(cell, built.examples("train_set"))) == wanted
    assert Counter(map(cell, built.examples("test_prompts"))) == {"reddit": 70, "authored": 230}
    assert Counter(map(cell, built.examples("dev_prompts"))) == {"authored": 50}
    together = built.examples("all_examples")
    assert len({example.id for example in together}) == len(together) == 1030
    assert sum(len(example.turns) > 2 for example in together) == 30
    assert sum(example.origin.source == "stack_exchange" for example in together if len(example.turns) > 2) == 20


def test_every_row_says_whose_it_is_where_it_stands_and_under_which_licence(built: Built) -> None:
    for stage in ("all_examples", "test_prompts", "dev_prompts"):
        for example in built.examples(stage):
            assert example.origin.authors, example.id
            assert all(author.name and author.license for author in example.origin.authors), example.id
            assert example.origin.dump, example.id
            assert example.origin.url.startswith("https://") == (example.origin.source != "authored"), example.id
    asked, answered = built.examples("stack_exchange_400")[0].origin.authors
    assert (asked.role, answered.role) == ("question", "answer")
    assert asked.url.startswith("https://")


def test_each_rule_drops_what_was_planted_for_it_and_nothing_else(built: Built) -> None:
    dropped = {reason.split(":")[0] + ":" + reason.split(":")[1]: n for reason, n in built.dropped("rules").items()}
    for reason, trap in {
        "score: answer_score below 10": "low score",
        "score: self_contained_title below 1": "title not self-contained",
        "length: below 1,200 characters": "too short",
        "length: above 4,096 characters": "too long",
        "first_person: says I": "first person",
        "cross_reference: as mentioned": "cross reference",
    }.items():
        assert dropped.pop(reason) == built.planted_in_exchanges(trap), trap
    assert not dropped
    again = built.planted_in_exchanges("same answer") + built.planted_in_exchanges("nearly the same")
    assert built.dropped("unique", "distinct").total() == again
    assert built.dropped("clean") == {"contamination: in test_prompts": built.planted_in_exchanges("contaminated")}
    assert len(built.examples("clean")) == built.planted_in_exchanges("pairs")
    skipped = built.made["stack_exchange"].counts.skipped
    # two planted posts in each of 13 exchanges; the meta one is not read
    assert skipped["planted post"] == 2 * 13


def test_articles_name_no_article_and_each_task_gives_one_instance(built: Built) -> None:
    articles = built.examples("wikihow_200")
    assert not [example.id for example in articles if "This article" in example.response]
    assert sum(example.response.startswith("The following answer teaches") for example in articles) > 50
    assert all("## Tips" not in example.response and example.prompt.startswith("How to ") for example in articles)
    assert len({example.tags[0] for example in articles}) == 19
    tasks = [example.id.split("/")[1] for example in built.examples("natural_instructions_50")]
    assert len(set(tasks)) == 50
    # ten categories of six tasks: five of each, were the draw even, and never more than there are
    assert max(Counter(example.tags[0] for example in built.examples("natural_instructions_50")).values()) <= 6


def test_the_larger_filtered_set_contains_the_smaller_and_the_unfiltered_one_holds_what_rules_drop(built: Built) -> None:
    ids = [{example.id for example in built.examples(arm)} for arm in ARMS]
    assert [len(found) for found in ids] == [40, 80, 160, 320, 640]
    assert all(smaller < larger for smaller, larger in zip(ids, ids[1:], strict=False))
    unfiltered = built.examples("unfiltered_2k")
    assert len(unfiltered) == 600
    good = {example.id for example in built.examples("rules")}
    assert 0.1 < sum(example.id not in good for example in unfiltered) / 600 < 0.4  # 440 of 1,987 are planted traps
    tested = {example.prompt for example in built.examples("test_prompts")}
    assert not [example.id for example in unfiltered if example.prompt in tested]


def test_what_people_edited_and_rejected_is_in_the_set(built: Built) -> None:
    chains = built.examples("chains_20")
    assert all(example.response.endswith("That is all there is to it.") for example in chains)
    assert not {example.id for example in chains} & {example.id for example in built.examples("train_set")}
    assert built.dropped("group_b_fit") == {"person: no fit": 20}  # of 250 every twelfth of the first 240


def test_the_table_stands_beside_the_papers_and_the_report_shows_it(built: Built) -> None:
    figures = {(item.metric, item.subject): item for item in built.made["table_1"].read(Measurement)}
    for row in TABLE_1:
        assert figures["table_1_examples", f"{row.split}: {row.source}"].value == row.examples
    assert not built.made["table_1"].counts.noted
    titles = [len(example.prompt.split()) for example in built.examples("wikihow_200")]
    assert figures["table_1_input", "train: wikiHow"].value == round(sum(titles) / 200, 1)
    page = (built.made["report"].path / "report.html").read_text(encoding="utf-8")
    assert "Beside LIMA" in page


def test_killed_in_the_middle_the_run_ends_with_equal_contents(built: Built, tmp_path: Path) -> None:
    store = tmp_path / "store"
    sets = [word for override in SMALLER for word in ("--set", override)]
    command = [sys.executable, "-m", "align", "run", str(RECIPE), "--store", str(store), *sets]
    environment = os.environ | {"PYTHONUNBUFFERED": "1", "LIMA_DUMPS": str(built.dumps)}
    for stage in KILLED_IN:
        with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=environment) as run:
            assert run.stderr is not None
            begun = next((line for line in run.stderr if line.split()[1:] == [stage, "..."]), None)
            assert begun is not None, f"stage {stage} never began"
            run.send_signal(signal.SIGKILL)
        assert run.returncode == -signal.SIGKILL
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    [note] = [path for path in (store / "runs").glob("lima_data-*.json") if "unfinished" not in path.name]
    again = align.load_run(note.stem, store=store).artifacts
    assert {name: artifact.content for name, artifact in again.items()} == {
        name: artifact.content for name, artifact in built.made.items()
    }

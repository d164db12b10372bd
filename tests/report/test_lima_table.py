from pathlib import Path

import pytest
from fake_run import Make

import toy_records as toys
from align.errors import RecipeError
from align.records import Measurement
from align.report.lima import tables_beside
from align.report.lima_table import LimaTable
from align.report.page import render_page
from align.report.report import Report
from align.stage import Inputs


@pytest.fixture
def groups(tmp_path: Path) -> Path:
    path = tmp_path / "groups.yaml"
    path.write_text("stem: [physics]\nother: [cooking]\n")
    return path


def table(groups: Path, tmp_path: Path, **sets: list[str]) -> tuple[dict[str, int], list[Measurement]]:
    """The missing examples, and the figures, of sets of so-named examples: prompt of three words, response of two."""
    named = {
        split: toys.artifact(tmp_path, split, [toys.example(name, "Why so, then?", "Be cause.") for name in ids])
        for split, ids in sets.items()
    }
    work = tmp_path / "work"
    counts = LimaTable(groups=groups, **{split: split for split in sets}).run(Inputs((), named), work)
    return counts.noted, list(toys.read_records(work, Measurement))


def test_what_a_source_lacks_is_counted_and_what_the_paper_lacks_is_named(groups: Path, tmp_path: Path) -> None:
    ids = ["stack_exchange/physics/1", "stack_exchange/physics/2", "stack_exchange/cooking/1", "stack_exchange/poker/1", "blog/1"]
    missing, figures = table(groups, tmp_path, train=ids)
    assert missing["missing of train: Stack Exchange, STEM"] == 198
    assert missing["missing of train: wikiHow"] == 200
    assert not [name for name in missing if "dev" in name or "test" in name]  # those sets are not there to be judged
    found = {item.subject: item.value for item in figures if item.metric == "table_1_examples"}
    assert found["train: Stack Exchange, STEM"] == 2
    assert found["train: Stack Exchange, other"] == 1
    assert (found["train: stack_exchange"], found["train: blog"]) == (1, 1)  # poker is in no group
    lengths = {(item.metric, item.subject): (item.value, item.method) for item in figures}
    assert lengths["table_1_input", "train: blog"] == (3.0, "words")
    assert lengths["table_1_output", "train: blog"] == (2.0, "words")
    assert ("table_1_input", "train: wikiHow") not in lengths


def test_a_stage_without_a_tokenizer_cannot_count_tokens(groups: Path, tmp_path: Path) -> None:
    named = {name: toys.artifact(tmp_path, name, [toys.example("a/1")]) for name in ("train", "tokenizer")}
    with pytest.raises(RecipeError, match="tokenizer: stage 'tokenizer' holds none; name a base model"):
        LimaTable(train="train", tokenizer="tokenizer", groups=groups).run(Inputs((), named), tmp_path / "work")


def test_the_page_has_the_paper_in_italics_and_each_sources_lack(make: Make) -> None:
    figures = [
        Measurement("table_1_examples", "train: wikiHow", 150, count=150),
        Measurement("table_1_input", "train: wikiHow", 9.4, count=150, method="words"),
        Measurement("table_1_output", "train: wikiHow", 1312.0, count=150, method="words"),
        Measurement("table_1_examples", "train: blog", 3, count=3),
    ]
    stage = make("beside", "lima_table", figures)
    [found] = tables_beside([stage])
    assert (found.unit, [row.missing for row in found.rows]) == ("words", [50, 0])
    page = render_page(Report().gather([stage]), {"beside": {}}, {"beside": 1.0}, {})
    row = page[page.index("wikiHow</th>") :].partition("</tr>")[0]
    # 150 of 200, 50 missing; 9 and 1,312 words beside 12 and 1,811 tokens
    for said in ("150 <i>of 200</i>", ">50<", ">9<", ">1,312<", "<i>12</i>", "<i>1,811</i>"):
        assert said in row, said
    assert "not in the paper" in page

"""What was too long for a training is on the page, with its ids."""

from pathlib import Path

import pytest
from fake_run import Make, example
from test_report import report

from align.artifact import Counts
from align.files import write_json
from align.records import Rejection


def test_the_ids_of_trimmed_examples_reach_the_page(make: Make, tmp_path: Path) -> None:
    data = make("data", "ingest", [example("clocks", n) for n in range(3)])
    counts = Counts(3, 3, noted={"trimmed": 2})
    sft = make("sft", "sft", [], [data], counts=counts, parameters={"overlong": "trim", "max_tokens": 2048})
    write_json(sft.path / "files" / "trimmed.json", {"stack_exchange/clocks/1": 2049, "stack_exchange/clocks/2": 4000})
    text = report([data, sft], tmp_path).text
    assert (
        "2 of 3 examples were longer than 2,048 tokens and cut there, so that the end of turn is missing (overlong: trim)."
        in text
    )
    assert "The 2 of them Example Length stack_exchange/clocks/1 2,049 tokens stack_exchange/clocks/2 4,000 tokens" in text


def test_those_left_out_reach_it_too_and_only_the_first_are_listed(make: Make, tmp_path: Path) -> None:
    data = make("data", "ingest", [example("clocks", n) for n in range(80)])
    rejections = [Rejection(f"clocks/{n}", "dpo", "too long", "70 tokens, 64 allowed") for n in range(60)]
    counts = Counts(80, 19, {"dpo: too long": 60, "dpo: no difference": 1})
    dpo = make(
        "dpo",
        "dpo",
        [*rejections, Rejection("clocks/99", "dpo", "no difference")],
        [data],
        counts=counts,
        parameters={"overlong": "drop"},
    )
    text = report([data, dpo], tmp_path).text
    assert "60 of 80 examples were longer than the model reads and left out (overlong: drop)." in text
    assert "The first 50 of them" in text
    assert "clocks/49 70 tokens, 64 allowed" in text
    assert "clocks/50 70" not in text


@pytest.mark.parametrize("policy", ["trim", "drop", "error"])
def test_where_nothing_was_too_long_the_page_says_so(make: Make, tmp_path: Path, policy: str) -> None:
    data = make("data", "ingest", [example("clocks", 1)])
    sft = make("sft", "sft", [], [data], counts=Counts(1, 1), parameters={"overlong": policy, "max_tokens": 64})
    assert f"none of 1 example was longer than 64 tokens (overlong: {policy})." in report([data, sft], tmp_path).text

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from align.errors import EmptyResult, InputError
from align.files import read_records
from align.preferences.judged import Judged
from align.preferences.judged_pairs import JudgedPairs
from align.preferences.pairs import Preferences
from align.preferences.vote_pairs import VotePairs
from align.records import Author, Comparison, Example, Origin, PreferencePair, Response, Turn
from align.sources.ingest import Ingest
from align.sources.stack_exchange import StackExchange
from align.stage import Expect, Forecast, Inputs
from toy_posts import answer, question, write_posts
from toy_records import artifact, inputs, run


def answered(number: int, votes: int, text: str = "", of: int = 5) -> Example:
    turns = (Turn("user", f"Question {of}?"), Turn("assistant", text or f"Answer {number}."))
    origin = Origin("stack_exchange", f"{of}/{number}", authors=(Author("asker"), Author(f"writer {number}")))
    return Example(f"stack_exchange/beer/{of}-{number}", turns, origin, ("hops",), {"answer_score": float(votes)})


def said(pairs: list[PreferencePair]) -> list[tuple[str, str, float | None]]:
    return [(pair.chosen, pair.rejected, pair.margin) for pair in pairs]


def test_the_answers_farthest_apart_make_the_pair_and_both_writers_are_named(tmp_path: Path) -> None:
    made = run(VotePairs(min_margin=5), inputs(tmp_path, [answered(1, 3), answered(2, 12), answered(3, -1)]), tmp_path / "out")
    [pair] = made.pairs
    assert said([pair]) == [("Answer 2.", "Answer 3.", 13)]
    assert pair.prompt == (Turn("user", "Question 5?"),)
    assert [author.name for author in pair.origin.authors] == ["asker", "writer 2", "writer 3"]
    assert (pair.origin.native_id, pair.tags) == ("5/2 5/3", ("hops",))
    assert made.counts.skipped == {"pair too close": 1, "pair beyond max_pairs": 1}  # 3 against -1; 12 against 3


def test_questions_without_a_pair_are_rejected_with_the_reason(tmp_path: Path) -> None:
    pool = [answered(1, 9), answered(2, 8), answered(3, 4, of=6), answered(4, 9, "Same.", of=7), answered(5, 1, "Same.", of=7)]
    pool += [answered(6, 9, of=8), answered(7, 1, of=8)]
    made = run(VotePairs(min_margin=2, min_score=5), inputs(tmp_path, pool), tmp_path / "out")
    assert said(made.pairs) == [("Answer 6.", "Answer 7.", 8)]
    assert made.rejections == {
        "stack_exchange/beer/5": ("vote_pairs", "no two answers far enough apart", ""),
        "stack_exchange/beer/6": ("vote_pairs", "one answer alone", ""),
        "stack_exchange/beer/7": ("vote_pairs", "no two answers far enough apart", ""),
    }
    with pytest.raises(
        EmptyResult, match=r"0 pairs of 4 questions: no two answers far enough apart 3, one answer alone 1\. .*lower min_margin"
    ):
        run(VotePairs(min_margin=50), inputs(tmp_path / "b", pool), tmp_path / "none")


def test_a_set_without_votes_or_out_of_order_is_refused(tmp_path: Path) -> None:
    mixed = [answered(1, 9), answered(2, 1, of=6), answered(3, 1)]
    with pytest.raises(InputError, match="the answers to stack_exchange/beer/5 are not together"):
        run(VotePairs(), inputs(tmp_path, mixed), tmp_path / "out")
    with pytest.raises(InputError, match=r"wants an answer with the signal 'likes' \(it has: answer_score\)"):
        run(VotePairs(signal="likes"), inputs(tmp_path / "b", [answered(1, 9), answered(2, 1)]), tmp_path / "out2")


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(-3, 9), min_size=2, max_size=7), st.integers(1, 4), st.integers(1, 30))
def test_pairs_are_those_that_trying_all_would_find(
    tmp_path_factory: pytest.TempPathFactory, votes: list[int], margin: int, most: int
) -> None:
    apart = sorted((abs(a - b) for a, b in combinations(votes, 2) if abs(a - b) >= margin), reverse=True)
    folder = tmp_path_factory.mktemp("votes")
    stage = VotePairs(min_margin=margin, max_pairs=most)
    read = inputs(
        folder, [*(answered(number, score) for number, score in enumerate(votes)), answered(98, 99, of=9), answered(99, 1, of=9)]
    )
    made = run(stage, read, folder / "out")
    assert [pair.margin for pair in made.pairs[:-1]] == apart[:most]


def test_a_dump_becomes_pairs_by_way_of_the_source(tmp_path: Path) -> None:
    rows = [question(1), answer(2, 1, 30), answer(3, 1, 2), answer(4, 1, 9)]
    write_posts(tmp_path / "beer.stackexchange.com", *rows)
    source = StackExchange(dumps=(tmp_path / "beer.stackexchange.com",), form="all_answers", prompt="title")
    (tmp_path / "ingested").mkdir()
    Ingest(source=source).run(Inputs(), tmp_path / "ingested")
    examples = list(read_records(tmp_path / "ingested", Example))
    made = run(VotePairs(min_margin=10, max_pairs=9), inputs(tmp_path, examples), tmp_path / "out")
    assert said(made.pairs) == [("answer 2", "answer 3", 28), ("answer 2", "answer 4", 21)]


def test_a_plan_does_not_promise_as_many_pairs_as_answers() -> None:
    assert VotePairs().forecast([Forecast(100, 5000, "expected")], {}) == Forecast()
    known = VotePairs(expect=Expect(examples=20)).forecast([Forecast(100, 5000, "expected")], {})
    assert (known.examples, known.basis) == (20, "expected")


def judged(tmp_path: Path, *rows: Any) -> list[tuple[str, str, str]]:
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    made = run(Preferences(sources=(Judged(paths=(tmp_path / "a.jsonl",)),)), inputs(tmp_path), tmp_path / "out")
    return [(pair.prompt[0].text, pair.chosen, pair.rejected) for pair in made.pairs]


def test_judged_rows_of_several_tools_make_pairs_and_ties_none(tmp_path: Path) -> None:
    rows = [
        {"instruction": "a", "output_1": "x", "output_2": "y", "preference": 2.0},
        {"input": "b", "output_1": "x", "output_2": "y", "label": 1},
        {"prompt": "c", "response_a": "x", "response_b": "y", "winner": "model_b"},
        {"prompt": "d", "response_a": "x", "response_b": "y", "winner": "tie (bothbad)"},
        {"question": "e", "answer_a": "x", "answer_b": "y", "winner": "A"},
        {"instruction": "f", "output_1": "x", "output_2": "y", "preference": None},
    ]
    assert judged(tmp_path, *rows) == [("a", "y", "x"), ("b", "x", "y"), ("c", "y", "x"), ("e", "x", "y")]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (
            {"prompt": "a", "output_1": "x"},
            r"row 1: holds no judged comparison: wanted output_1, output_2 and preference or label;",
        ),
        ({"output_1": "x", "output_2": "y", "label": 1}, "row 1: has no prompt: wanted one of prompt, instruction"),
        ({"prompt": "a", "output_1": "x", "output_2": "y", "label": 7}, r"label must say which answer is better \(got 7\)"),
        ({"prompt": "a", "output_1": "x", "output_2": "y", "label": True}, r"label must say which answer is better \(got True\)"),
        ({"prompt": "a", "output_1": 3, "output_2": "y", "label": 1}, r"output_1 must be text \(got 3\)"),
    ],
)
def test_judged_rows_of_another_shape_are_named(tmp_path: Path, row: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        judged(tmp_path, row)


def response(prompt: str, model: str, text: str) -> Response:
    return Response(prompt, model, (Turn("user", f"Ask {prompt}."), Turn("assistant", text)), "{}")


def test_verdicts_of_a_compare_stage_make_a_pair_where_both_orders_agree(tmp_path: Path) -> None:
    ones = artifact(tmp_path, "one", [response(name, "cat", "Meow.") for name in "abcd"])
    twos = artifact(tmp_path, "two", [response(name, "dog", "Meow." if name == "d" else "Woof.") for name in "abcd"])
    verdicts = {"a": ("second", "first"), "b": ("first", "first"), "c": ("tie", "second"), "d": ("first", "second")}
    said = [
        Comparison(name, first, second, verdict, "judge")  # type: ignore[arg-type]
        for name, both in verdicts.items()
        for (first, second), verdict in zip((("cat", "dog"), ("dog", "cat")), both, strict=True)
    ]
    read = Inputs((artifact(tmp_path, "compared", said),), {"responses.0": ones, "responses.1": twos})
    made = run(JudgedPairs(responses=("one", "two"), license="MIT"), read, tmp_path / "out")
    # a: dog in both orders; b: whichever stands first; c: cat once and a tie; d: cat, but both said the same
    [pair] = made.pairs
    assert (pair.prompt, pair.chosen, pair.rejected) == ((Turn("user", "Ask a."),), "Woof.", "Meow.")
    assert pair.origin.authors == (Author("dog", role="chosen", license="MIT"), Author("cat", role="rejected", license="MIT"))
    assert {name: reason for name, (_, reason, _) in made.rejections.items()} == {
        "b": "verdicts contradict each other",
        "c": "tie",
        "d": "both answers equal",
    }
    wrong = Inputs(read.data, {"responses.0": ones, "responses.1": artifact(tmp_path, "three", [response("a", "cow", "Moo.")])})
    with pytest.raises(InputError, match="the judge prefers 'dog'; the two stages named hold 'cat', 'cow'"):
        run(JudgedPairs(responses=("one", "three")), wrong, tmp_path / "out2")


def test_real_judgements_are_read(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "eval"
    for path in (folder / "alpaca_eval" / "alpaca-7b.annotations.first120.json", folder / "llmbar" / "LLMBar_Natural.json"):
        made = run(Preferences(sources=(Judged(paths=(path,)),)), inputs(tmp_path / path.stem), tmp_path / path.stem / "out")
        assert made.counts.read == len(json.loads(path.read_text()))

"""Open answers: what a model writes, the answer in it, and whether it is right."""

from pathlib import Path
from typing import Any

import pytest
from benchmark_setting import figures, grades, put, write_jsonl

from align.artifact import Artifact, content_hash
from align.errors import InputError
from align.evaluation.benchmarks import asked as asking
from align.evaluation.benchmarks.open_answer import OpenAnswer
from align.files import read_records
from align.records import Response

SUMS = [
    {"question": "Six boxes hold seven eggs each. How many eggs?", "answer": "6 times 7 is 42.\n#### 42"},
    {"question": "Ada has 40 pens and loses 3. How many are left?", "answer": "40 - 3 = 37\n#### 37"},
    {"question": "A page has 42.0 lines. How many?", "answer": "As said.\n#### 42.0"},
]


def sums(folder: Path, **fields: Any) -> dict[str, Any]:
    file = write_jsonl(folder / "sums.jsonl", SUMS)
    return {"kind": "open_answer", "name": "sums", "files": [file], "answer_mark": "####", "max_new_tokens": 8, **fields}


@pytest.mark.parametrize(("chat", "start"), [(False, " 42"), (True, "42")])
def test_a_model_that_always_writes_42_is_right_where_42_is(says_42: Artifact, tmp_path: Path, chat: bool, start: str) -> None:
    counts = put(tmp_path / "work", [sums(tmp_path, chat_template=chat)], says_42, batch_size=2)
    assert [item.value for item in grades(tmp_path / "work").values()] == [1, 0, 1]
    assert grades(tmp_path / "work")["says_42", "sums/2"].explanation == "42, right is 37"
    responses = list(read_records(tmp_path / "work", Response))
    # EOT ends it and is a token
    assert [(item.text, item.tokens, item.ended) for item in responses] == [(start, len(start) + 1, True)] * 3
    assert responses[0].turns[0].role == ("user" if chat else "document")
    assert counts.noted == {}
    assert ("chance", "sums") not in figures(tmp_path / "work"), "nobody knows what chance would write"


def test_an_answer_that_is_cut_is_counted(says_42: Artifact, tmp_path: Path) -> None:
    counts = put(tmp_path / "work", [sums(tmp_path, max_new_tokens=2)], says_42)
    # ` 4` and no more
    assert counts.noted == {"cut answers": 3}
    assert [item.explanation for item in grades(tmp_path / "work").values()] == [
        "4, right is 42",
        "4, right is 37",
        "4, right is 42",
    ]


def test_a_killed_run_makes_only_the_batches_that_are_missing(
    says_42: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "work", [sums(tmp_path)], says_42, batch_size=2)
    before = content_hash(tmp_path / "work")
    scratch = tmp_path / "work" / "scratch"
    (scratch / "0-sums.json").unlink()
    assert sorted(file.name for file in (scratch / "0-sums").iterdir()) == ["8-00000.json", "8-00001.json"]
    (scratch / "0-sums" / "8-00001.json").unlink()
    made = []
    real = asking.decode
    monkeypatch.setattr(asking, "decode", lambda model, prompts, *rest: made.append(len(prompts)) or real(model, prompts, *rest))
    put(tmp_path / "work", [sums(tmp_path)], says_42, batch_size=2)
    assert made == [1], "of three answers in batches of two, the last"
    assert content_hash(tmp_path / "work") == before


def test_what_holds_no_answer_is_wrong_and_counted(says_42: Artifact, tmp_path: Path) -> None:
    counts = put(tmp_path / "work", [sums(tmp_path, stop=["4"])], says_42)
    assert counts.noted == {"without an answer": 3}
    assert grades(tmp_path / "work")["says_42", "sums/1"].explanation == "no answer, right is 42"


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        ("It is 3, no: 4.", "4"),
        ("It costs $1,800.50 in all.", "1800.5"),
        ("18\nQuestion:\nWhat is 7 and 5?", "18"),
        ("first 5 #### 6 and then 7", "6"),
        ("#### none, though 8 was seen", "8"),
        ("from 10-3", "3"),
        ("it is -3", "-3"),
        ("-0.0", "0"),
        ("007", "7"),
        ("1" + "0" * 40, "1" + "0" * 40),
        ("no idea", ""),
        ("", ""),
    ],
)
def test_the_number_of_an_answer_is_found_by_the_stated_rule(tmp_path: Path, written: str, answer: str) -> None:
    assert OpenAnswer.model_validate(sums(tmp_path)).answer_in(written) == answer


def test_a_text_is_compared_by_its_first_line_whatever_its_case(tmp_path: Path) -> None:
    benchmark = OpenAnswer.model_validate(sums(tmp_path, match="text", answer_mark=None))
    assert benchmark.answer_in("\n  The  River Thames.\nIt flows.") == "the river thames"


def test_solved_questions_show_the_way_to_the_answer(tmp_path: Path) -> None:
    benchmark = OpenAnswer.model_validate(sums(tmp_path, shots=1, instruction="Think."))
    [turn] = benchmark._turns(benchmark.askings(benchmark.read_problem)[0])
    assert turn.text == (
        "Question:\nSix boxes hold seven eggs each. How many eggs?\nThink.\nAnswer: 6 times 7 is 42.\n#### 42\n"
        "Question:\nAda has 40 pens and loses 3. How many are left?\nThink.\nAnswer:"
    )


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"question": "How many?", "answer": "42"}, "no '####' in it, which answer_mark names"),
        ({"question": "How many?", "answer": "#### many"}, "a number is wanted \\(got ' many'\\); write match: text"),
        ({"question": " ", "answer": "#### 1"}, "question: a text is wanted"),
        ({"prompt": "def f():", "entry_point": "f", "test": "assert f()"}, "never runs what a model wrote"),
        ({"text": "Write a function.", "code": "def f(): ...", "test_list": ["assert f()"]}, "never runs what a model wrote"),
    ],
)
def test_what_cannot_be_asked_is_said(tmp_path: Path, says_42: Artifact, row: dict[str, Any], said: str) -> None:
    asked = sums(tmp_path)
    write_jsonl(tmp_path / "sums.jsonl", [row])
    with pytest.raises(InputError, match=said):
        put(tmp_path / "work", [asked], says_42)


def test_real_files_are_read_or_refused(tmp_path: Path, real_data: Path) -> None:
    real = real_data / "eval"
    benchmark = OpenAnswer.model_validate(sums(tmp_path, files=[real / "gsm8k" / "test.jsonl"]))
    askings = benchmark.askings(benchmark.read_problem)
    assert len(askings) == 1319
    # a solution that ends with its own answer is right by the rule that judges a model's
    assert all(benchmark.answer_in(item.question.solution) == item.question.wanted for item in askings)
    for file in ("humaneval/HumanEval.jsonl.gz", "mbpp/mbpp.jsonl"):
        code = OpenAnswer.model_validate(sums(tmp_path, files=[real / file]))
        with pytest.raises(InputError, match="never runs what a model wrote"):
            code.askings(code.read_problem)

"""Multiple choice: by letter and by text, few-shot, in plain text and as a chat; what is wrong with a file."""

import math
from pathlib import Path
from typing import Any

import pytest
from benchmark_setting import BIRDS, MMLU_COLUMNS, birds, figures, grades, put, write_csv, write_jsonl
from bigram_model import VOCABULARY
from evaluation_setting import make_model, make_tokenizer
from pydantic import ValidationError

from align.artifact import Artifact
from align.errors import InputError
from align.evaluation.benchmarks import asked as asking
from align.evaluation.benchmarks.asked import Asked
from align.evaluation.benchmarks.multiple_choice import MultipleChoice
from align.tokens import render_prompt


def test_a_model_that_always_says_b_is_right_where_b_is(says_b: Artifact, tmp_path: Path) -> None:
    put(tmp_path / "work", [birds(tmp_path)], says_b)
    found = grades(tmp_path / "work")
    # right answers: B, A, B, C
    assert [item.value for item in found.values()] == [1, 0, 1, 0]
    # ` B` is a blank after `:`, of which nothing is known, and B after a blank
    after_blank = math.log(math.e**2 + math.e + (VOCABULARY - 2))
    scores = [-math.log(VOCABULARY) + logit - after_blank for logit in (1, 2, 0, 0)]
    expected = ", ".join(f"{score:.4f}" for score in scores)
    assert found["says_b", "birds/1"].explanation == f"B, right is B; {expected}"
    assert found["says_b", "birds/2"].explanation == f"B, right is A; {expected}"
    rate = figures(tmp_path / "work")["accuracy_by_letter", "says_b on birds"]
    # Wilson of 2 of 4: 0.5 +- 1.96 * sqrt(0.25 / 4 + 1.96^2 / 64) / (1 + 1.96^2 / 4)
    assert (rate.value, rate.count) == (0.5, 4)
    assert rate.low == pytest.approx(0.1500, abs=1e-3)
    assert figures(tmp_path / "work")["chance", "birds"].value == 0.25


@pytest.mark.parametrize("chat", [False, True])
def test_a_letters_likelihood_is_that_of_a_naive_sum_over_its_tokens(tuned: Artifact, tmp_path: Path, chat: bool) -> None:
    import torch

    benchmark = MultipleChoice.model_validate(birds(tmp_path, shots=1, limit=2, chat_template=chat))
    found = benchmark.put_to(Asked(tuned, batch_size=3))
    tokenizer, model = make_tokenizer(), make_model(make_tokenizer(), 0, 512)
    first, second = (f"Question:\n{text}\nOptions:\nA. {a}\nB. {b}\nC. {c}\nD. {d}\nAnswer:" for text, a, b, c, d, _ in BIRDS[:2])
    if chat:
        # <s> QUESTION <|eot|> B <|eot|> QUESTION <|eot|> and the letter
        before = tokenizer(f"<s>{first}<|eot|>B<|eot|>{second}<|eot|>", add_special_tokens=False)["input_ids"]
        ends = ["A", "B", "C", "D"]
    else:
        before = tokenizer(f"<s>{first} B\n{second}", add_special_tokens=False)["input_ids"]
        ends = [" A", " B", " C", " D"]
    expected = []
    for end in ends:
        ids = before + tokenizer(end, add_special_tokens=False)["input_ids"]
        with torch.no_grad():
            table = model(torch.tensor([ids])).logits[0].log_softmax(-1)
        expected.append(sum(float(table[place - 1, ids[place]]) for place in range(len(before), len(ids))))
    assert found[0].id == "birds/2", "the first row is shown and not asked"
    scores = [float(score) for score in found[0].said.partition("; ")[2].split(", ")]
    assert scores == pytest.approx(expected, abs=2e-4)
    assert found[0].score == float(max(range(4), key=lambda number: expected[number]) == 0)


def test_the_chat_form_is_the_one_that_generate_asks_in(tuned: Artifact, tmp_path: Path) -> None:
    benchmark = MultipleChoice.model_validate(birds(tmp_path, chat_template=True, limit=1))
    asked = Asked(tuned, batch_size=1)
    [item] = benchmark.askings(benchmark.read_choice)
    from align.records import Turn

    text = "Question:\nWhich bird cannot fly?\nOptions:\nA. swift\nB. ostrich\nC. tern\nD. lark\nAnswer:"
    start = render_prompt((Turn("user", text),), asked.tokenizer)
    assert [rendered.input_ids[: len(start)] for rendered in benchmark.texts(item, asked)] == [start] * 4


def test_by_its_text_an_option_is_not_shown_and_long_ones_are_unlikely(says_b: Artifact, tmp_path: Path) -> None:
    rows = [{"q": "Which?", "all": ["ox", "crane flies"], "right": "crane flies"}]
    file = write_jsonl(tmp_path / "q.jsonl", rows)
    asked: dict[str, Any] = {"kind": "multiple_choice", "files": [file], "question": "q", "options": "all", "answer": "right"}
    asked["answer_as"] = "text"
    whole = {**asked, "name": "whole", "score_by": "continuation"}
    each = {**asked, "name": "each", "score_by": "continuation_per_character"}
    put(tmp_path / "work", [whole, each], says_b)
    found = grades(tmp_path / "work")
    # every byte costs ln 259, after a blank ln(e^2 + e + 257): 3 bytes against 12, two of them after a blank
    byte, blank = -math.log(VOCABULARY), -math.log(math.e**2 + math.e + (VOCABULARY - 2))
    ox, flies = 2 * byte + blank, 10 * byte + 2 * blank
    assert found["says_b", "whole/1"].explanation == f"A, right is B; {ox:.4f}, {flies:.4f}"
    assert found["says_b", "whole/1"].value == 0
    # a character: of 2 against of 11; the blank before it counts against the short one
    assert found["says_b", "each/1"].explanation == f"B, right is B; {ox / 2:.4f}, {flies / 11:.4f}"
    assert found["says_b", "each/1"].value == 1
    metrics = {metric for metric, subject in figures(tmp_path / "work") if metric != "chance"}
    assert metrics == {"accuracy_by_continuation", "accuracy_by_continuation_per_character"}


def test_an_option_that_stands_twice_is_right_by_its_text_either_way(says_b: Artifact, tmp_path: Path) -> None:
    asked = birds(tmp_path)
    write_csv(tmp_path / "birds_test.csv", [("Which?", "ox", "crane flies", "crane flies", "ox", "D")])
    put(tmp_path / "work", [{**asked, "name": "letter"}, {**asked, "name": "text", "score_by": "continuation"}], says_b)
    found = grades(tmp_path / "work")
    assert [(item.value, item.explanation.partition(";")[0]) for item in found.values()] == [
        (0, "B, right is D"),
        (1, "A and D, right is D"),
    ]


def test_options_of_one_token_are_read_once(tuned: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    real = asking.next_token_likelihoods
    monkeypatch.setattr(
        asking, "next_token_likelihoods", lambda model, prompts, *rest: read.append(len(prompts)) or real(model, prompts, *rest)
    )
    MultipleChoice.model_validate(birds(tmp_path, chat_template=True)).put_to(Asked(tuned, batch_size=3))
    assert read == [4], "four questions of four letters each"


def test_a_model_that_cannot_decide_has_not_answered(says_42: Artifact, tmp_path: Path) -> None:
    counts = put(tmp_path / "work", [birds(tmp_path)], says_42)
    assert counts.noted == {"without an answer": 4}
    found = grades(tmp_path / "work")["says_42", "birds/2"]
    assert (found.value, found.explanation.partition(";")[0]) == (0, "A and B and C and D, right is A")


def test_a_model_with_broken_weights_is_no_model_that_answers_wrongly(
    says_b: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = make_model(make_tokenizer(), 0, 512)
    next(broken.parameters()).detach().fill_(math.nan)
    monkeypatch.setattr(asking, "load_model", lambda *_, **__: broken)
    with pytest.raises(InputError, match=r"birds/1: the model gives no likelihood, but not-a-number"):
        MultipleChoice.model_validate(birds(tmp_path)).put_to(Asked(says_b, batch_size=2))


def test_wrong_answers_in_one_column_are_options_in_an_order_of_their_own(tmp_path: Path, says_b: Artifact) -> None:
    rows = [["Question", "Best Answer", "Incorrect Answers"]]
    rows += [[f"Is it {number}?", "No", "Yes; Perhaps; No; Yes"] for number in range(30)]
    file = write_csv(tmp_path / "truth.csv", rows)
    asked = {"kind": "multiple_choice", "name": "truth", "files": [file], "question": "Question", "answer": "Best Answer"}
    benchmark = MultipleChoice.model_validate({**asked, "wrong": "Incorrect Answers", "answer_as": "text"})
    choices = [item.question for item in benchmark.askings(benchmark.read_choice)]
    assert {frozenset(choice.options) for choice in choices} == {frozenset({"No", "Yes", "Perhaps"})}
    assert all(choice.options[choice.right] == "No" for choice in choices)
    # were the right one always A, a model that says A would be right everywhere
    assert {choice.right for choice in choices} == {0, 1, 2}


def test_each_of_several_files_is_a_subject_with_its_own_solved_questions(tmp_path: Path) -> None:
    for subject, row in (("swans", BIRDS[0]), ("owls", BIRDS[1])):
        write_csv(tmp_path / f"{subject}_test.csv", [row])
        write_csv(tmp_path / f"{subject}_dev.csv", [(f"A {subject} question?", "a", "b", "c", "d", "D"), BIRDS[3]])
    names = ("swans", "owls")
    files = {"files": [tmp_path / f"{name}_test.csv" for name in names], "shots": 1}
    asked = birds(tmp_path, **files, shots_from=[tmp_path / f"{name}_dev.csv" for name in reversed(names)])
    benchmark = MultipleChoice.model_validate(asked)
    askings = benchmark.askings(benchmark.read_choice)
    assert [(item.id, item.shown[0].text) for item in askings] == [
        ("birds/swans/1", "A swans question?"),
        ("birds/owls/1", "A owls question?"),
    ]
    lost = MultipleChoice.model_validate({**asked, "shots_from": [tmp_path / "owls_dev.csv", tmp_path / "owls_test.csv"]})
    with pytest.raises(InputError, match=r"shots_from has no file for the subject 'swans' \(it has 'owls'\)"):
        lost.askings(lost.read_choice)


def test_drawn_shots_follow_the_seed_and_are_never_asked(tmp_path: Path) -> None:
    def shown(seed: int | None) -> tuple[list[str], list[str]]:
        benchmark = MultipleChoice.model_validate(birds(tmp_path, shots=2, seed=seed))
        askings = benchmark.askings(benchmark.read_choice)
        return [choice.text for choice in askings[0].shown], [item.id for item in askings]

    assert shown(None) == ([row[0] for row in BIRDS[:2]], ["birds/3", "birds/4"])
    assert shown(1) == shown(1)
    drawn = {tuple(shown(seed)[0]) for seed in range(8)}
    assert len(drawn) > 1
    texts, ids = shown(5)
    numbers = {f"birds/{number}" for number, row in enumerate(BIRDS, 1) if row[0] in texts}
    assert not numbers & set(ids)
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("fields", "rows", "said"),
    [
        ({}, [("Which?", "a", "b", "c", "d", "E")], "answer: a letter from A to D is wanted for 4 options \\(got 'E'\\)"),
        ({}, [("Which?", "a", "b", "c", "d", "1")], "answer_as: letter says so, the others are letter, index and text"),
        ({"answer_as": "index"}, [("Which?", "a", "b", "c", "d", "4")], "a number from 0 to 3 is wanted"),
        ({}, [("Which?", "a", "", "c", "d", "A")], "B: a text is wanted \\(got ''\\)"),
        ({}, [("Which?", "a", "b", "c", "A")], "has 5 values for 6 columns"),
        ({}, [], "birds_test.csv: holds no rows"),
        (
            {"columns": []},
            [("q", "A", "B"), ("x", "a", "b")],
            "no column 'question', which `question` names; the row has: 'q', 'A'",
        ),
        ({"subject": "field"}, BIRDS, "no column 'field', which `subject` names"),
        ({"shots": 4}, BIRDS, "the file has 4 rows, shots wants 4 to show, and one at least to ask"),
    ],
)
def test_what_is_wrong_with_a_row_is_said(
    says_b: Artifact, tmp_path: Path, fields: dict[str, Any], rows: list[tuple[str, ...]], said: str
) -> None:
    asked = birds(tmp_path, **fields)
    write_csv(tmp_path / "birds_test.csv", rows)
    with pytest.raises(InputError, match=said):
        put(tmp_path / "work", [asked], says_b)


def test_a_recipe_that_names_no_options_or_shots_that_are_not_shown_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="name either the columns of the `options` or the column of the `wrong`"):
        MultipleChoice.model_validate(birds(tmp_path, options=None))
    with pytest.raises(ValidationError, match="shots says to show none"):
        MultipleChoice.model_validate(birds(tmp_path, shots_from=[tmp_path / "birds_test.csv"]))


def test_a_subject_is_known_by_the_name_of_its_file_so_the_name_decides_the_key(tmp_path: Path) -> None:
    [label] = MultipleChoice.model_validate(birds(tmp_path)).raw_files()
    assert label == "files.0.birds_test.csv"


def test_real_mmlu_is_read_in_both_forms(tmp_path: Path, says_b: Artifact, real_data: Path) -> None:
    real = real_data / "eval" / "mmlu"
    columns = ["choice0", "choice1", "choice2", "choice3"]
    names = ("abstract_algebra", "computer_security")
    asked = {
        "kind": "multiple_choice", "name": "mmlu", "files": [real / f"{name}_test.csv" for name in names],
        "shots_from": [real / f"{name}_dev.csv" for name in names], "shots": 5, "options": columns, "answer_as": "index",
    }  # fmt: skip
    reshaped = MultipleChoice.model_validate(asked)
    askings = reshaped.askings(reshaped.read_choice)
    assert len(askings) == 200
    # the same in the form in which MMLU ships: no names, letters
    for name in names:
        rows = [item.question for item in askings if item.subject == name]
        write_csv(tmp_path / f"{name}_test.csv", [(row.text, *row.options, "ABCD"[row.right]) for row in rows])
    original = MultipleChoice.model_validate(
        birds(tmp_path, name="mmlu", files=[tmp_path / f"{name}_test.csv" for name in names], columns=MMLU_COLUMNS)
    )
    assert [item.question for item in original.askings(original.read_choice)] == [item.question for item in askings]
    found = MultipleChoice.model_validate({**asked, "shots": 0, "shots_from": []}).put_to(Asked(says_b, batch_size=16))
    told = [item for item in found if not item.too_long]
    assert len(told) > 150
    assert all(item.score == float(item.said.startswith("B, right is B")) for item in told)

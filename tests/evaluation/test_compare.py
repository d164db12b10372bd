"""The `compare` stage: orders, matching, counting, resuming."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from evaluation_setting import response, run_stage, save_records
from pydantic import ValidationError

from align.artifact import Artifact, content_hash
from align.errors import EmptyResult, InputError, JudgeError
from align.evaluation.compare import Compare
from align.files import read_records
from align.judges.judge import Judge, Verdict
from align.judges.longest import Longest
from align.judges.openai_chat import OpenAIChat
from align.records import Comparison, Measurement, Rejection, Turn
from align.stage import Forecast
from judge_server import JudgeServer, Reply, judge_server


class AlwaysFirst(Judge):
    """Prefers whatever it sees first."""

    kind: Literal["always_first"] = "always_first"

    def compare(self, prompt: tuple[Turn, ...], first: str, second: str) -> Verdict:
        return Verdict("first")


class ByLetter(Judge):
    """Prefers the text that comes first in the alphabet; cannot read one that starts with `?`, likes equal ones equally."""

    kind: Literal["by_letter"] = "by_letter"

    def compare(self, prompt: tuple[Turn, ...], first: str, second: str) -> Verdict:
        if "?" in first + second:
            return Verdict("unparsed", "puzzled", "hm?")
        return Verdict("tie" if first == second else "first" if first < second else "second", f"{first} or {second}")


def answers(folder: Path, model: str, texts: dict[str, str], stage: str = "") -> Artifact:
    return save_records(folder, stage or f"{model}_answers", [response(prompt, model, text) for prompt, text in texts.items()])


def measured(work: Path) -> dict[str, Measurement]:
    return {item.metric: item for item in read_records(work, Measurement)}


def test_a_judge_that_always_prefers_the_first_answer_gives_ties_alone(tmp_path: Path) -> None:
    one, two = answers(tmp_path / "1", "sft", {"a": "x", "b": "y"}), answers(tmp_path / "2", "base", {"a": "z", "b": "z"})
    run_stage(Compare(inputs=("x", "y"), judge=AlwaysFirst()), tmp_path / "work", [one, two])
    found = measured(tmp_path / "work")
    assert (found["wins"].value, found["ties"].value, found["losses"].value, found["flip_rate"].value) == (0, 2, 0, 1.0)
    assert [(item.first, item.second, item.verdict) for item in read_records(tmp_path / "work", Comparison)] == [
        ("sft", "base", "first"), ("base", "sft", "first"), ("sft", "base", "first"), ("base", "sft", "first"),
    ]  # fmt: skip


def test_wins_ties_losses_and_what_could_not_be_read_stay_apart(tmp_path: Path) -> None:
    one = answers(tmp_path / "1", "sft", {"w": "a", "t": "b", "l": "c", "w2": "a", "u": "?"})
    two = answers(tmp_path / "2", "base", {"w": "b", "t": "b", "l": "b", "w2": "z", "u": "b"})
    counts = run_stage(Compare(inputs=("x", "y"), judge=ByLetter()), tmp_path / "work", [one, two])
    found = measured(tmp_path / "work")
    assert {name: item.value for name, item in found.items()} == {
        # (2 + 1 / 2) / 4 and (2 + 1) / 4 of the four pairs that could be read
        "wins": 2, "ties": 1, "losses": 1, "win_rate": 0.625, "at_least_as_good": 0.75, "unparsed": 1, "flip_rate": 0,
        # the three decided pairs were won in both orders, the first answer in one of them; four prompts are too few for a curve
        "first_shown_share": 0.5, "said_tie_share": 0.25, "no_length_control": 4,
    }  # fmt: skip
    assert found["win_rate"].subject == "sft against base"
    assert found["win_rate"].count == 4
    # 2 wins against 1 loss: 2 * P(X >= 2 of 3) = 2 * 4 / 8
    assert "2 against 1, p = 1" in found["win_rate"].method
    # over 5 pairs: 2.5 / 5 and 3.5 / 5
    assert "all been losses the win rate over pairs would be 0.500, had all been wins 0.700" in found["unparsed"].method
    assert counts.noted == {"verdicts": 10, "unparsed": 2}
    unread = [item for item in read_records(tmp_path / "work", Comparison) if item.verdict == "unparsed"]
    assert [item.explanation for item in unread] == ["puzzled: hm?"] * 2


def test_a_response_without_counterpart_is_counted_and_kept_as_a_rejection(tmp_path: Path) -> None:
    one, two = answers(tmp_path / "1", "sft", {"a": "x", "b": "y"}), answers(tmp_path / "2", "base", {"b": "z", "c": "z"})
    counts = run_stage(Compare(inputs=("x", "y"), judge=ByLetter()), tmp_path / "work", [one, two])
    assert (counts.read, counts.kept, counts.dropped) == (3, 1, {"compare: no counterpart": 2})
    assert [(item.example_id, item.detail) for item in read_records(tmp_path / "work", Rejection)] == [
        ("a", "sample 0 of sft has none in base_answers"), ("c", "sample 0 of base has none in sft_answers"),
    ]  # fmt: skip


def test_several_samples_of_a_prompt_are_matched_by_number_and_the_prompt_is_the_item(tmp_path: Path) -> None:
    texts = {"p": ["a", "c"], "q": ["a", "a"]}
    one = save_records(
        tmp_path / "1", "one", [response(p, "sft", text, sample=n) for p, said in texts.items() for n, text in enumerate(said)]
    )
    two = save_records(tmp_path / "2", "two", [response(p, "base", "b", sample=n) for p in texts for n in (1, 0)])
    run_stage(Compare(inputs=("x", "y"), judge=ByLetter()), tmp_path / "work", [one, two])
    found = measured(tmp_path / "work")
    # p: a win and a loss, 0.5; q: two wins, 1; mean over the two prompts
    assert (found["wins"].value, found["losses"].value, found["win_rate"].value, found["win_rate"].count) == (3, 1, 0.75, 2)
    assert [(item.prompt_id, item.sample) for item in read_records(tmp_path / "work", Comparison)][::2] == [
        ("p", 0),
        ("p", 1),
        ("q", 0),
        ("q", 1),
    ]


def test_one_random_order_is_fixed_by_the_prompt_and_costs_half(tmp_path: Path) -> None:
    texts = {f"p{number}": "x" for number in range(40)}
    one, two = answers(tmp_path / "1", "sft", texts), answers(tmp_path / "2", "base", texts)
    for work in ("a", "b"):
        run_stage(Compare(inputs=("x", "y"), judge=ByLetter(), orders="random"), tmp_path / work, [one, two])
    shown = [item.first for item in read_records(tmp_path / "a", Comparison)]
    assert len(shown) == 40
    assert 10 < shown.count("sft") < 30
    assert content_hash(tmp_path / "a") == content_hash(tmp_path / "b")
    assert "flip_rate" not in measured(tmp_path / "a")


def test_in_one_drawn_order_the_answer_seen_first_is_told_from_the_first_model(tmp_path: Path) -> None:
    texts = {f"p{number}": "xx" for number in range(40)}
    one, two = answers(tmp_path / "1", "sft", texts), answers(tmp_path / "2", "base", dict.fromkeys(texts, "y"))
    run_stage(Compare(inputs=("x", "y"), judge=AlwaysFirst(), orders="random"), tmp_path / "work", [one, two])
    found, shown = measured(tmp_path / "work"), [item.first for item in read_records(tmp_path / "work", Comparison)]
    assert found["first_shown_share"].value == 1
    # sft wrote more, so the longer answer won wherever sft was seen first
    assert found["longer_share"].value == found["win_rate"].value == shown.count("sft") / 40


def test_a_judge_of_length_alone_has_a_win_rate_and_none_at_equal_length(tmp_path: Path) -> None:
    lengths = {f"p{number}": 5 + number for number in range(30)}
    one = answers(tmp_path / "1", "sft", {prompt: "x" * length for prompt, length in lengths.items()})
    two = answers(tmp_path / "2", "base", {prompt: "  " + "y" * (49 - length) + "\n" for prompt, length in lengths.items()})
    run_stage(Compare(inputs=("x", "y"), judge=Longest()), tmp_path / "work", [one, two])
    found = measured(tmp_path / "work")
    # 5 to 34 characters against 44 to 15, white space not counted: equal at none, longer from 25 on, so for 10 of 30
    assert (found["win_rate"].value, found["longer_share"].value) == (pytest.approx(1 / 3), 1)
    assert (found["win_rate_where_longer"].value, found["win_rate_where_shorter"].value) == (1, 0)
    assert "parts wins from losses" in found["no_length_control"].method


def test_two_samplings_of_one_model_are_told_apart_by_their_stages(tmp_path: Path) -> None:
    one, two = answers(tmp_path / "1", "sft", {"a": "x"}, "hot"), answers(tmp_path / "2", "sft", {"a": "y"}, "cold")
    run_stage(Compare(inputs=("x", "y"), judge=ByLetter()), tmp_path / "work", [one, two])
    assert measured(tmp_path / "work")["wins"].subject == "hot against cold"


def test_responses_to_other_words_under_one_id_are_not_compared(tmp_path: Path) -> None:
    one = save_records(tmp_path / "1", "one", [response("a", "sft", "x", asked="Tea?")])
    two = save_records(tmp_path / "2", "two", [response("a", "base", "x", asked="Rice?")])
    with pytest.raises(InputError, match="'a' has other words in one than in two"):
        run_stage(Compare(inputs=("x", "y"), judge=ByLetter()), tmp_path / "work", [one, two])


def test_no_prompt_in_common_and_no_responses_at_all_are_told_apart(tmp_path: Path) -> None:
    one, two = answers(tmp_path / "1", "sft", {"a": "x"}), answers(tmp_path / "2", "base", {"b": "x"})
    with pytest.raises(EmptyResult, match="sft_answers and base_answers have no prompt in common"):
        run_stage(Compare(inputs=("x", "y"), judge=ByLetter()), tmp_path / "work", [one, two])
    none = Artifact("clean", "k", "c", tmp_path / "none", {"kind": "filter"})
    with pytest.raises(InputError, match=r"'clean' \(kind filter\) holds no responses"):
        run_stage(Compare(inputs=("x", "y"), judge=ByLetter()), tmp_path / "work", [one, none])


def test_compare_wants_exactly_two_stages() -> None:
    with pytest.raises(ValidationError, match="inputs"):
        Compare.model_validate({"kind": "compare", "inputs": ["a"], "judge": {"kind": "by_letter"}})


def test_how_a_judge_is_reached_does_not_decide_the_artifact() -> None:
    def identity(**fields: object) -> object:
        judge = OpenAIChat.model_validate({"base_url": "http://h/v1", "model": "m", **fields})
        return Compare(inputs=("a", "b"), judge=judge).identity()

    assert identity(concurrency=64, timeout_seconds=5, retries=0, key_from="KEY") == identity()
    assert identity(temperature=1) != identity()


def test_the_forecast_says_how_many_calls_a_judge_will_get() -> None:
    stage = Compare(inputs=("x", "y"), judge=ByLetter())
    assert stage.forecast([Forecast(300, basis="exact"), Forecast(300, basis="expected")], {}).figures == {"judge_calls": 600}
    assert stage.forecast([Forecast(300), Forecast()], {}) == Forecast()


# ------------------------------------------------------------------------------------------------ with a server


@pytest.fixture
def server() -> Iterator[JudgeServer]:
    with judge_server() as running:
        yield running


def chat(server: JudgeServer, **fields: object) -> Compare:
    judge = OpenAIChat.model_validate({"base_url": server.base_url, "model": "small", "retries": 0, **fields})
    return Compare(inputs=("a", "b"), judge=judge)


def test_a_comparison_goes_on_from_the_answers_it_has_paid_for(server: JudgeServer, tmp_path: Path) -> None:
    texts = {f"p{number}": f"answer {number}" for number in range(6)}
    one, two = answers(tmp_path / "1", "sft", texts), answers(tmp_path / "2", "base", dict.fromkeys(texts, "other"))
    lock = threading.Lock()

    def tires(request: dict) -> Reply:
        with lock:
            return Reply() if len(server.requests) <= 5 else Reply(status=500, body={"error": {"message": "tired"}})

    server.answer = tires
    with pytest.raises(JudgeError, match="tired.*Answers already given are kept"):
        run_stage(chat(server, concurrency=3), tmp_path / "work", [one, two])
    answered = tmp_path / "work" / "scratch" / "answered.jsonl"
    assert len(answered.read_text().splitlines()) == 5
    with answered.open("a") as file:  # as a kill in the middle of a line leaves it
        file.write('{"key": "half')
    server.says(Reply())
    server.requests.clear()
    run_stage(chat(server, concurrency=3), tmp_path / "work", [one, two])
    assert len(server.requests) == 12 - 5
    run_stage(chat(server), tmp_path / "whole", [one, two])
    assert content_hash(tmp_path / "work") == content_hash(tmp_path / "whole")


def test_a_judge_that_says_nothing_readable_is_given_up_early_and_its_words_are_shown(
    server: JudgeServer, tmp_path: Path
) -> None:
    texts = {f"p{number}": f"answer {number}" for number in range(60)}
    one, two = answers(tmp_path / "1", "sft", texts), answers(tmp_path / "2", "base", dict.fromkeys(texts, "other"))
    server.says(Reply("Once upon a time"))
    with pytest.raises(JudgeError, match="none of its first 20 answers can be read.*Once upon a time"):
        run_stage(chat(server), tmp_path / "work", [one, two])
    assert len(server.requests) < 2 * 30
    server.says(Reply())
    run_stage(chat(server), tmp_path / "work", [one, two])
    assert measured(tmp_path / "work")["unparsed"].value == 0, "the answers that could not be read must not be remembered"


def test_equal_questions_are_asked_once(server: JudgeServer, tmp_path: Path) -> None:
    one, two = (
        answers(tmp_path / "1", "sft", {"a": "same", "b": "same"}),
        answers(tmp_path / "2", "base", {"a": "same", "b": "same"}),
    )
    run_stage(chat(server), tmp_path / "work", [one, two])
    assert len(server.requests) == 1
    assert measured(tmp_path / "work")["ties"].value == 2


SCRIPT = """
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[1], str(Path(sys.argv[1]).parent)]
import test_compare
test_compare.compare_slowly(Path(sys.argv[2]), sys.argv[3])
"""


def compare_slowly(folder: Path, base_url: str) -> None:
    texts = {f"p{number}": f"answer {number}" for number in range(10)}
    data = [answers(folder / "1", "sft", texts), answers(folder / "2", "base", dict.fromkeys(texts, "other"))]
    judge = OpenAIChat(base_url=base_url, model="small", concurrency=1)
    run_stage(Compare(inputs=("a", "b"), judge=judge), folder / "work", data)


@pytest.mark.slow
def test_a_killed_comparison_asks_only_what_was_not_answered(server: JudgeServer, tmp_path: Path) -> None:
    server.says(Reply(seconds=0.1))
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(Path(__file__).parent), str(tmp_path), server.base_url])
    answered = tmp_path / "work" / "scratch" / "answered.jsonl"
    while process.poll() is None and not (answered.is_file() and len(answered.read_text().splitlines()) >= 3):
        threading.Event().wait(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    kept = [json.loads(line) for line in answered.read_text().splitlines(keepends=True) if line.endswith("\n")]
    server.says(Reply())
    server.requests.clear()
    compare_slowly(tmp_path, server.base_url)
    assert len(server.requests) == 20 - len(kept)
    assert len(list(read_records(tmp_path / "work", Comparison))) == 20

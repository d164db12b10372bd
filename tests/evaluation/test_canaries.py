"""Pairs with a known answer, put to judges of a known kind, some of them behind a real server."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from evaluation_setting import response, run_stage, save_records

from align.artifact import Artifact, content_hash
from align.errors import JudgeError
from align.evaluation.canaries import Canary, canaries, canary_calls, check_judge
from align.evaluation.compare import Compare
from align.files import read_records
from align.judges.judge import Judge, Verdict
from align.judges.longest import Longest
from align.judges.openai_chat import OpenAIChat
from align.judges.word_overlap import WordOverlap
from align.records import Comparison, Measurement, Turn
from align.stage import Forecast
from judge_server import JudgeServer, Reply, judge_server

BETTER = {canary.better for canary in canaries() if canary.kind != "identical"}


class Wise(Judge):
    """Knows the better answer of each pair that ships; of others it prefers what comes first in the alphabet."""

    kind: Literal["wise"] = "wise"

    def compare(self, prompt: tuple[Turn, ...], first: str, second: str) -> Verdict:
        return Verdict(wise(first, second))


class AtFirstSight(Judge):
    """Takes what it sees first."""

    kind: Literal["at_first_sight"] = "at_first_sight"

    def compare(self, prompt: tuple[Turn, ...], first: str, second: str) -> Verdict:
        return Verdict("first")


def wise(first: str, second: str) -> Literal["first", "second", "tie"]:
    if first == second:
        return "tie"
    return "first" if first in BETTER or (second not in BETTER and first < second) else "second"


@pytest.fixture
def server() -> Iterator[JudgeServer]:
    with judge_server() as running:
        yield running


def shown_in(request: dict[str, Any]) -> tuple[str, str]:
    """The two answers, as they stand between their marks in the question."""
    text = request["messages"][1]["content"]
    first, second = (
        re.search(rf"\[answer {number} (\w+)\]\n(.*?)\n\[end of answer {number} \1\]", text, re.DOTALL) for number in (1, 2)
    )
    assert first is not None
    assert second is not None
    return first[2], second[2]


def answering(judge: Callable[[str, str], str]) -> Callable[[dict[str, Any]], Reply]:
    words = {"first": "first", "second": "second", "tie": "neither"}
    return lambda request: Reply(json.dumps({"reason": "so", "verdict": words[judge(*shown_in(request))]}))


def chat(server: JudgeServer) -> OpenAIChat:
    return OpenAIChat(base_url=server.base_url, model="small", retries=0)


def answers(folder: Path, model: str, texts: dict[str, str]) -> Artifact:
    return save_records(folder, f"{model}_answers", [response(prompt, model, text) for prompt, text in texts.items()])


def checked(judge: Judge, work: Path) -> tuple[Measurement, set[str]]:
    """What was measured, and the pairs that were judged wrongly."""
    work.mkdir(parents=True, exist_ok=True)
    [found] = check_judge(judge, work, work / "scratch")
    rows = json.loads((work / "files" / "judge_check.json").read_text(encoding="utf-8"))
    assert [row["id"] for row in rows] == [canary.id for canary in canaries()]
    return found, {row["id"] for row in rows if not row["right"]}


def test_the_pairs_are_what_they_claim_to_be() -> None:
    every = canaries()
    assert len({canary.id for canary in every}) == len(every) == 11
    assert {canary.kind for canary in every} == {"false", "empty", "identical", "steering"}
    assert all((canary.better == canary.worse) == (canary.kind == "identical") for canary in every)
    assert all(canary.id.startswith("steering_") == (canary.kind == "steering") for canary in every)
    assert all(canary.better.strip() for canary in every)
    # neither length nor shortness gets most of them right
    longer = [len(canary.better) > len(canary.worse) for canary in every if canary.kind != "identical"]
    assert longer.count(True) == 2
    assert canary_calls() == 2 * 9 + 2


def test_a_judge_that_counts_characters_fails_most_of_them(tmp_path: Path) -> None:
    found, wrong = checked(Longest(), tmp_path)
    # right: the train (118 characters against 40), the empty answer, the two identical pairs
    assert wrong == {canary.id for canary in canaries()} - {"false_train", "empty", "identical_short", "identical_long"}
    assert (found.metric, found.subject, found.value, found.count) == ("canaries_right", "longest", 4, 11)
    assert found.low is not None
    assert 0 < found.low < 4
    assert "; wrong: 2 of 3 with a false answer, 2 of 3 with an empty or idle answer, 3 of 3 with an answer that" in found.method


def test_sharing_words_with_the_question_is_not_enough_to_see_through_all(tmp_path: Path) -> None:
    found, wrong = checked(WordOverlap(), tmp_path)
    assert found.value == 11 - len(wrong)
    # neither "at your service" nor "choose me" shares a word with its question, and here the right answer does not either
    assert {"constant", "steering_order"} <= wrong
    assert not {"empty", "off_subject", "identical_short", "identical_long"} & wrong


def test_a_place_is_no_answer(tmp_path: Path) -> None:
    found, wrong = checked(AtFirstSight(), tmp_path)
    assert (found.value, len(wrong)) == (0, 11), "right in one order alone is wrong, and so is a winner of identical answers"
    assert (found.low, found.high) == (0, pytest.approx(11 * 0.2588, abs=0.01))  # Wilson of 0 of 11: z² / (11 + z²)


def test_a_judge_behind_a_server_is_asked_in_the_words_of_real_questions(server: JudgeServer, tmp_path: Path) -> None:
    server.answer = answering(wise)
    found, wrong = checked(chat(server), tmp_path)
    assert (found.subject, found.value, wrong) == ("openai_chat small", 11, set())
    assert "wrong" not in found.method
    assert len(server.requests) == 20
    assert {shown_in(request) for request in server.requests} >= {(c.worse, c.better) for c in canaries()}


def test_a_judge_that_obeys_the_answers_is_found_out(server: JudgeServer, tmp_path: Path) -> None:
    def obeys(first: str, second: str) -> str:
        for text, place in ((first, "first"), (second, "second")):
            if re.search("Choose this answer|must not win|verdict to be sent", text):
                return place
        return wise(first, second)

    server.answer = answering(obeys)
    found, wrong = checked(chat(server), tmp_path)
    assert wrong == {"steering_order", "steering_forged_verdict", "steering_slander"}
    assert found.value == 8


def test_a_judge_that_fails_most_says_so_at_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        checked(Wise(), tmp_path / "1")
        assert caplog.text == ""
        checked(Longest(), tmp_path / "2")
    assert "judge longest fails 7 of 11 pairs with a known answer" in caplog.text


def test_the_pairs_count_in_no_rate_and_stand_in_no_table_of_comparisons(tmp_path: Path) -> None:
    one, two = answers(tmp_path / "1", "sft", {"a": "x", "b": "y"}), answers(tmp_path / "2", "base", {"a": "z", "b": "b"})
    counts = [
        run_stage(Compare(inputs=("x", "y"), judge=Wise(), canaries=asked), tmp_path / str(asked), [one, two])
        for asked in (False, True)
    ]
    without, with_them = (list(read_records(tmp_path / name, Measurement)) for name in ("False", "True"))
    assert with_them[:-1] == without
    assert with_them[-1].metric == "canaries_right"
    assert list(read_records(tmp_path / "True", Comparison)) == list(read_records(tmp_path / "False", Comparison))
    assert counts[0] == counts[1]
    assert not (tmp_path / "False" / "files").exists()


def test_answers_to_them_are_kept_apart_and_paid_for_once(server: JudgeServer, tmp_path: Path) -> None:
    def tires(request: dict[str, Any]) -> Reply:
        if len(server.requests) > 9:
            return Reply(status=500, body={"error": {"message": "tired"}})
        return answering(wise)(request)

    server.answer = tires
    one, two = answers(tmp_path / "1", "sft", {"a": "x"}), answers(tmp_path / "2", "base", {"a": "z"})
    stage = Compare(
        inputs=("a", "b"), judge=OpenAIChat(base_url=server.base_url, model="small", retries=0, concurrency=1), canaries=True
    )
    with pytest.raises(JudgeError, match="tired"):
        run_stage(stage, tmp_path / "work", [one, two])
    server.answer = answering(wise)
    server.requests.clear()
    run_stage(stage, tmp_path / "work", [one, two])
    assert len(server.requests) == 20 - 9 + 2
    run_stage(stage, tmp_path / "whole", [one, two])
    assert content_hash(tmp_path / "work") == content_hash(tmp_path / "whole")


def test_that_they_can_be_read_does_not_excuse_real_answers_that_cannot(server: JudgeServer, tmp_path: Path) -> None:
    known = {canary.worse for canary in canaries()} | {canary.better for canary in canaries()}
    server.answer = lambda request: answering(wise)(request) if shown_in(request)[0] in known else Reply("It is too long for me.")
    texts = {f"p{number}": f"answer {number}" for number in range(30)}
    one, two = answers(tmp_path / "1", "sft", texts), answers(tmp_path / "2", "base", dict.fromkeys(texts, "other"))
    with pytest.raises(JudgeError, match="none of its first 20 answers can be read.*too long for me"):
        run_stage(Compare(inputs=("a", "b"), judge=chat(server), canaries=True), tmp_path / "work", [one, two])


def test_the_forecast_counts_them_where_they_are_asked() -> None:
    calls = [
        Compare(inputs=("x", "y"), judge=Wise(), canaries=asked, orders="random").forecast([Forecast(7), Forecast(9)], {}).figures
        for asked in (False, True)
    ]
    assert calls == [{"judge_calls": 7}, {"judge_calls": 27}]


def test_both_orders_are_asked_of_two_answers_and_one_of_a_pair_of_equals() -> None:
    assert Canary("a", "false", "?", "x", "y").wanted == ("first", "second")
    assert Canary("a", "identical", "?", "x", "x").wanted == ("tie",)

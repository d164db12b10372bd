"""The openai package against a real server that misbehaves."""

from collections.abc import Iterator

import pytest

from align.errors import JudgeError
from align.judges.openai_chat import OpenAIChat
from align.records import Turn
from judge_server import JudgeServer, Reply, judge_server

PROMPT = (Turn("user", "Why is the sky blue?"),)


@pytest.fixture
def server() -> Iterator[JudgeServer]:
    with judge_server() as running:
        yield running


def judge(server: JudgeServer, **fields: object) -> OpenAIChat:
    return OpenAIChat.model_validate(
        {"kind": "openai_chat", "base_url": server.base_url, "model": "small", "retries": 2, **fields}
    )


def test_the_question_its_schema_and_its_parameters_go_to_the_server(server: JudgeServer) -> None:
    verdict = judge(server, seed=3).compare(PROMPT, "Rayleigh scattering.", "No idea.")
    assert (verdict.verdict, verdict.explanation) == ("first", "clearer")
    [request] = server.requests
    assert (request["model"], request["temperature"], request["seed"], request["max_tokens"]) == ("small", 0, 3, 1024)
    assert request["response_format"]["type"] == "json_schema"
    assert "Rayleigh scattering." in request["messages"][1]["content"]


def test_a_reply_that_cannot_be_read_is_asked_for_once_more(server: JudgeServer) -> None:
    server.says(Reply("The first, I would say."), Reply('{"verdict": "second"}'))
    verdict = judge(server).compare(PROMPT, "a", "b")
    assert verdict.verdict == "second"
    assert [message["role"] for message in server.requests[1]["messages"]] == ["system", "user", "assistant", "user"]
    assert server.requests[1]["messages"][2]["content"] == "The first, I would say."


def test_garbage_twice_is_unparsed_and_kept_to_be_read(server: JudgeServer) -> None:
    server.says(Reply("Blue is nice."), Reply(None))
    verdict = judge(server).compare(PROMPT, "a", "b")
    assert (verdict.verdict, len(server.requests)) == ("unparsed", 2)
    assert verdict.raw.startswith("Blue is nice.")


def test_errors_of_the_server_are_asked_again_until_it_answers(server: JudgeServer) -> None:
    server.says(
        Reply(status=500, body={"error": {"message": "out of memory"}}),
        Reply(status=429, body={"error": {"message": "slow"}}),
        Reply(),
    )
    assert judge(server).compare(PROMPT, "a", "b").verdict == "first"
    assert len(server.requests) == 3


def test_a_server_that_goes_on_failing_is_named_with_its_own_words(server: JudgeServer) -> None:
    server.says(Reply(status=503, body={"error": {"message": "model is loading"}}))
    with pytest.raises(JudgeError, match=r"'small' at http://127.* status 503 after 3 tries \(model is loading\)"):
        judge(server).compare(PROMPT, "a", "b")


def test_a_slow_answer_is_given_up_with_the_field_that_grants_more_time(server: JudgeServer) -> None:
    server.says(Reply(seconds=0.5))
    with pytest.raises(JudgeError, match=r"no reply within 0.05 s, asked 2 times. Raise timeout_seconds"):
        judge(server, timeout_seconds=0.05, retries=1).compare(PROMPT, "a", "b")


def test_a_refused_key_names_the_variable_and_not_the_key(server: JudgeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", "sk-very-secret")
    server.says(Reply(status=401, body={"error": {"message": "bad key"}}))
    with pytest.raises(JudgeError, match=r"status 401 \(bad key\); it got the key in JUDGE_KEY") as caught:
        judge(server, key_from="JUDGE_KEY").compare(PROMPT, "a", "b")
    assert "sk-very-secret" not in str(caught.value)
    assert server.headers[0]["authorization"] == "Bearer sk-very-secret"


def test_a_key_variable_that_is_not_set_is_said_before_anything_is_sent(
    server: JudgeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JUDGE_KEY", raising=False)
    with pytest.raises(JudgeError, match=r"environment variable JUDGE_KEY \(key_from\) is not set"):
        judge(server, key_from="JUDGE_KEY").compare(PROMPT, "a", "b")
    assert server.requests == []


def test_a_local_server_never_sees_the_key_or_the_organisation_meant_for_openai(
    server: JudgeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "private")
    OpenAIChat(base_url=server.base_url, model="other", timeout_seconds=7).compare(PROMPT, "a", "b")
    assert "private" not in str(server.headers)
    assert server.headers[0]["authorization"] == "Bearer none"


def test_an_unknown_model_is_told_with_the_models_there_are(server: JudgeServer) -> None:
    server.says(Reply(status=404, body={"error": {"message": "no such model"}}))
    with pytest.raises(JudgeError, match=r"not found \(no such model\). It has: large, small. Check `model`"):
        judge(server).compare(PROMPT, "a", "b")


def test_an_address_where_nothing_listens_says_what_to_check() -> None:
    with judge_server() as gone:
        pass
    with pytest.raises(JudgeError, match=r"cannot be reached .* Check that the server runs and that base_url"):
        judge(gone, retries=0).compare(PROMPT, "a", "b")


def test_a_web_page_instead_of_an_api_points_at_base_url(server: JudgeServer) -> None:
    server.says(Reply(body="<html>Welcome</html>"))
    with pytest.raises(JudgeError, match=r"no chat completion .*Welcome.* most end with /v1"):
        judge(server).compare(PROMPT, "a", "b")


def test_a_parameter_the_server_does_not_know_is_left_out_and_said_so(
    server: JudgeServer, caplog: pytest.LogCaptureFixture
) -> None:
    def strict(request: dict) -> Reply:
        if "response_format" in request:
            return Reply(status=422, body={"detail": "Unexpected fields in the request: {'response_format'}"})
        if "max_tokens" in request:
            return Reply(
                status=400,
                body={"error": {"message": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."}},
            )
        return Reply()

    server.answer = strict
    strict_judge = judge(server)
    assert strict_judge.compare(PROMPT, "a", "b").verdict == "first"
    assert server.requests[-1]["max_completion_tokens"] == 1024
    assert len(server.requests) == 3
    strict_judge.compare(PROMPT, "c", "d")
    assert len(server.requests) == 4, "what was learnt is remembered"
    assert "takes no response_format" in caplog.text


def test_one_question_that_is_too_long_is_unparsed_and_does_not_stop_the_others(server: JudgeServer) -> None:
    said = "maximum context length is 4096 tokens; 5000 requested (3976 in the messages, 1024 in max_tokens)"
    server.says(Reply(status=400, body={"error": {"message": said}}), Reply())
    long = judge(server)
    verdict = long.compare(PROMPT, "a", "b")
    assert (verdict.verdict, verdict.explanation) == ("unparsed", f"the server refused the question: {said}")
    assert long.compare(PROMPT, "c", "d").verdict == "first"
    assert "max_tokens" in server.requests[-1]


def test_a_refusal_to_judge_is_no_verdict_and_is_not_argued_with(server: JudgeServer) -> None:
    body = {"id": "1", "object": "chat.completion", "created": 0, "model": "small", "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": None, "refusal": "I will not read this."}}]}  # fmt: skip
    server.says(Reply(body=body))
    verdict = judge(server).compare(PROMPT, "a", "b")
    assert (verdict.verdict, verdict.explanation, len(server.requests)) == (
        "unparsed",
        "the judge refused: I will not read this.",
        1,
    )

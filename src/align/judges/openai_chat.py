"""A judge model behind any OpenAI-compatible address: vLLM, llama.cpp, `transformers serve`, Ollama, or a provider's."""

from typing import ClassVar, Literal

from pydantic import Field

from align.judges.chat_server import ChatServer, Reply, ask_until_readable
from align.judges.helpfulness_question import HELPFULNESS_FORM, helpfulness_question, read_grade
from align.judges.judge import Judge, Rating, Verdict
from align.judges.pairwise_question import VERDICT_FORM, pairwise_question, read_verdict
from align.judges.rubric_question import rubric_question
from align.records import Turn


class OpenAIChat(Judge):
    """Ask a language model, in the words people are asked in (LIMA §4.1), which response is better.

    The reply is asked for as JSON, read leniently, asked for once more if it cannot be read, and then counted as unparsed.
    What stands in the responses is sent to `base_url` and nowhere else.
    """

    kind: Literal["openai_chat"] = "openai_chat"
    base_url: str
    """Address of the server's API, for example http://127.0.0.1:8000/v1."""
    model: str
    """Name of the model there."""
    key_from: str | None = None
    """Environment variable that holds the API key, read when it is needed and kept nowhere; a local server needs none."""
    temperature: float = Field(default=0.0, ge=0)
    """Randomness of the judge; 0 is as repeatable as the server can be."""
    seed: int = 0
    """Passed to the server, for those that draw by it."""
    max_answer_tokens: int = Field(default=1024, ge=16)
    """The most tokens of the judge's reply; a model that thinks aloud needs more."""
    timeout_seconds: float = Field(default=120, gt=0)
    """How long to wait for one reply."""
    retries: int = Field(default=5, ge=0)
    """How often to ask again, with growing pauses, after no reply in time, a status of 429 or of 500 and above."""
    concurrency: int = Field(default=4, ge=1)
    """Questions asked at the same time."""

    incidental: ClassVar[frozenset[str]] = frozenset({"key_from", "timeout_seconds", "retries", "concurrency"})

    @property
    def label(self) -> str:
        return f"{self.kind} {self.model}"

    def calls_at_once(self) -> int:
        return self.concurrency

    def compare(self, prompt: tuple[Turn, ...], first: str, second: str) -> Verdict:
        found, reply = ask_until_readable(self._server, pairwise_question(prompt, first, second), VERDICT_FORM, read_verdict)
        if found is None:
            return Verdict("unparsed", _why(reply), reply.words)
        return Verdict(found.verdict, found.reason, reply.words)

    def grade(self, prompt: tuple[Turn, ...], response: str) -> Rating:
        found, reply = ask_until_readable(self._server, helpfulness_question(prompt, response), HELPFULNESS_FORM, read_grade)
        if found is None:
            return Rating(None, _why(reply), reply.words)
        return Rating(float(found.grade), found.reason, reply.words)

    def grade_text(self, rubric: str, text: str) -> Rating:
        found, reply = ask_until_readable(self._server, rubric_question(rubric, text), HELPFULNESS_FORM, read_grade)
        if found is None:
            return Rating(None, _why(reply), reply.words)
        return Rating(float(found.grade), found.reason, reply.words)

    @property
    def _server(self) -> ChatServer:
        return ChatServer(**self.model_dump(exclude={"kind"}))


def _why(reply: Reply) -> str:
    return reply.refusal or "no answer in the form asked for in the judge's two replies"

"""A judge model behind any OpenAI-compatible address: vLLM, llama.cpp, `transformers serve`, Ollama, or a provider's."""

import logging
import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from align.errors import JudgeError
from align.evaluation.judges.judge import Judge, Verdict
from align.evaluation.judges.pairwise_question import SCHEMA, Message, pairwise_question, read_verdict, repair_question
from align.records import Turn

if TYPE_CHECKING:
    import openai

log = logging.getLogger(__name__)

NO_KEY = "none"  # the client insists on one; a server that asks for no key does not read it


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
    """Comparisons asked for at the same time."""

    incidental: ClassVar[frozenset[str]] = frozenset({"key_from", "timeout_seconds", "retries", "concurrency"})

    @property
    def label(self) -> str:
        return f"{self.kind} {self.model}"

    def calls_at_once(self) -> int:
        return self.concurrency

    def compare(self, prompt: tuple[Turn, ...], first: str, second: str) -> Verdict:
        question = pairwise_question(prompt, first, second)
        reply, refusal = self._ask(question)
        if refusal:
            return Verdict("unparsed", refusal, reply)
        found = read_verdict(reply)
        if found is None:
            again, refusal = self._ask(repair_question(question, reply or "(nothing)"))
            reply = f"{reply}\n\n[asked again]\n{again}"
            found = None if refusal else read_verdict(again)
        if found is None:
            return Verdict("unparsed", refusal or "no verdict in the judge's two replies", reply)
        return Verdict(found.verdict, found.reason, reply)

    def _ask(self, messages: list[Message]) -> tuple[str, str]:
        """The model's reply, and why there is none where the server or the model refuses this one question."""
        client = _client(self.base_url, self._key(), self.timeout_seconds, self.retries)
        import openai

        try:
            answer = self._complete(client, messages)
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            return "", f"the server refused the question: {_said(error)}"
        except openai.OpenAIError as error:
            raise self._explain(error, client) from error
        choices = getattr(answer, "choices", None)
        if not choices:
            raise JudgeError(
                f"judge at {self.base_url}: its answer is no chat completion ({str(answer)[:80]!r}). Check that base_url is the "
                f"address of an OpenAI-compatible API; most end with /v1."
            )
        message = choices[0].message
        if getattr(message, "refusal", None):
            return message.content or "", f"the judge refused: {message.refusal}"
        return message.content or "", ""

    def _complete(self, client: "openai.OpenAI", messages: list[Message]) -> Any:
        """One completion; a parameter that the server does not know is left out from then on, and said so."""
        import openai

        while True:
            asked = self._parameters()
            typed: Any = messages  # plain dicts, where the client has a class a role
            try:
                return client.chat.completions.create(model=self.model, messages=typed, **asked)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                unknown = next((name for name in _MAY_LACK if name in asked and name in _said(error)), None)
                # A question longer than the context is refused in words that name max_tokens too.
                unknown = unknown if _NOT_KNOWN.search(_said(error)) else None
                if unknown is None:
                    raise
                _lacking.setdefault((self.base_url, self.model), set()).add(unknown)
                log.warning("judge at %s takes no %s: asking without it (%s)", self.base_url, unknown, _said(error)[:200])

    def _parameters(self) -> dict[str, Any]:
        lacking = _lacking.get((self.base_url, self.model), set())
        wanted = {
            "response_format": SCHEMA,
            "seed": self.seed,
            "temperature": self.temperature,
            # Newer models of OpenAI know the second name alone, most local servers the first.
            "max_completion_tokens" if "max_tokens" in lacking else "max_tokens": self.max_answer_tokens,
        }
        return {name: value for name, value in wanted.items() if name not in lacking}

    def _key(self) -> str:
        if self.key_from is None:
            return NO_KEY
        key = os.environ.get(self.key_from)
        if not key:
            raise JudgeError(
                f"judge at {self.base_url}: the environment variable {self.key_from} (key_from) is not set; "
                f"put the API key there, or leave key_from out for a server that asks for none."
            )
        return key

    def _explain(self, error: "openai.OpenAIError", client: "openai.OpenAI") -> JudgeError:
        """What went wrong in the words of someone who can mend it."""
        import openai

        who = f"judge {self.model!r} at {self.base_url}"
        kept = "Answers already given are kept: the same command goes on from them."
        if isinstance(error, openai.APITimeoutError):
            return JudgeError(
                f"{who}: no reply within {self.timeout_seconds:g} s, asked {self.retries + 1} times. Raise timeout_seconds, "
                f"or lower concurrency (now {self.concurrency}). {kept}"
            )
        if isinstance(error, openai.APIConnectionError):
            return JudgeError(
                f"{who}: cannot be reached ({error.__cause__ or error}). Check that the server runs and that base_url has "
                f"its host, port and path (most end with /v1). {kept}"
            )
        if isinstance(error, (openai.AuthenticationError, openai.PermissionDeniedError)):
            key = f"the key in {self.key_from}" if self.key_from else "no key, since key_from is not set"
            return JudgeError(f"{who}: refuses us with status {error.status_code} ({_said(error)}); it got {key}.")
        if isinstance(error, openai.NotFoundError):
            return JudgeError(
                f"{who}: not found ({_said(error)}). {_models_there(client)} Check `model`, and that base_url is the API's "
                f"address (most end with /v1)."
            )
        if isinstance(error, openai.APIStatusError):
            return JudgeError(
                f"{who}: status {error.status_code} after {self.retries + 1} tries ({_said(error)}). "
                f"Look at the server's log, or at your quota for 429. {kept}"
            )
        return JudgeError(f"{who}: {type(error).__name__}: {error}. {kept}")


_MAY_LACK = ("response_format", "seed", "temperature", "max_completion_tokens", "max_tokens")
_NOT_KNOWN = re.compile(r"unsupported|not support|unknown|unexpected|unrecogni|not permitted|not allowed", re.IGNORECASE)
_lacking: dict[tuple[str, str], set[str]] = {}  # what servers have said they do not know, while the process lives


@lru_cache(maxsize=4)
def _client(base_url: str, key: str, timeout_seconds: float, retries: int) -> "openai.OpenAI":
    try:
        import openai
    except ImportError as error:
        raise JudgeError("the judge openai_chat needs the package openai: pip install 'align-lm[judge]'") from error
    # Left to itself the client sends OPENAI_API_KEY and the organisation's name to whatever server is named here.
    unsaid: dict[str, Any] = {"OpenAI-Organization": openai.omit, "OpenAI-Project": openai.omit}
    return openai.OpenAI(base_url=base_url, api_key=key, timeout=timeout_seconds, max_retries=retries, default_headers=unsaid)


def _said(error: Any) -> str:
    """The server's own words about an error."""
    body = error.body if isinstance(error.body, dict) else {}
    return str(body.get("message") or body.get("detail") or error.body or error.message)


def _models_there(client: "openai.OpenAI") -> str:
    import openai

    try:
        names = sorted(model.id for model in client.models.list())
    except openai.OpenAIError:
        return "It does not list its models."
    return f"It has: {', '.join(names[:10]) or 'no model'}."

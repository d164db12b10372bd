"""Speak to an OpenAI-compatible server: retries, what it does not know, and errors in words that help."""

import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from align.errors import JudgeError

if TYPE_CHECKING:
    import openai

log = logging.getLogger(__name__)

Message = dict[str, str]
T = TypeVar("T")

NO_KEY = "none"  # the client insists on one; a server that asks for no key does not read it


@dataclass(frozen=True, slots=True)
class ChatServer:
    """A model at an address, and how to ask it; the fields are those of the judge `openai_chat`."""

    base_url: str
    model: str
    key_from: str | None
    temperature: float
    seed: int
    max_answer_tokens: int
    timeout_seconds: float
    retries: int
    concurrency: int

    def __str__(self) -> str:
        return f"judge {self.model!r} at {self.base_url}"


@dataclass(frozen=True, slots=True)
class Form:
    """The form in which a reply is wanted."""

    schema: dict[str, Any]
    """For servers that can hold a model to it."""
    repair: str
    """What to say after a reply that cannot be read."""


class Reply(NamedTuple):
    """A model's words, and why there are none where the server or the model refused this one question."""

    words: str
    refusal: str = ""


def ask_until_readable(
    server: ChatServer, question: list[Message], form: Form, read: Callable[[str], T | None]
) -> tuple[T | None, Reply]:
    """What `read` makes of the reply; asked for a second time, and no third, if it makes nothing of it."""
    reply = ask(server, question, form)
    found = None if reply.refusal else read(reply.words)
    if found is not None or reply.refusal:
        return found, reply
    said = {"role": "assistant", "content": reply.words or "(nothing)"}
    again = ask(server, [*question, said, {"role": "user", "content": form.repair}], form)
    both = f"{reply.words}\n\n[asked again]\n{again.words}"
    return (None if again.refusal else read(again.words)), Reply(both, again.refusal)


def ask(server: ChatServer, messages: list[Message], form: Form) -> Reply:
    """One reply of the model."""
    client = _client(server.base_url, _key(server), server.timeout_seconds, server.retries)
    import openai

    try:
        answer = _complete(server, client, messages, form)
    except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
        return Reply("", f"the server refused the question: {_said(error)}")
    except openai.OpenAIError as error:
        raise JudgeError(_explanation(server, error, client)) from error
    choices = getattr(answer, "choices", None)
    if not choices:
        raise JudgeError(
            f"{server}: its answer is no chat completion ({str(answer)[:80]!r}). Check that base_url is the address of an "
            f"OpenAI-compatible API; most end with /v1."
        )
    message = choices[0].message
    refusal = getattr(message, "refusal", None)
    return Reply(message.content or "", f"the judge refused: {refusal}" if refusal else "")


def _complete(server: ChatServer, client: "openai.OpenAI", messages: list[Message], form: Form) -> Any:
    """One completion; a parameter that the server does not know is left out from then on, and said so."""
    import openai

    typed: Any = messages  # plain dicts, where the client has a class a role
    while True:
        asked = _parameters(server, form)
        try:
            return client.chat.completions.create(model=server.model, messages=typed, **asked)
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            said = _said(error)
            unknown = next((name for name in _MAY_LACK if name in asked and name in said), None)
            # A question longer than the context is refused in words that name max_tokens too.
            if unknown is None or not _NOT_KNOWN.search(said):
                raise
            _lacking.setdefault((server.base_url, server.model), set()).add(unknown)
            log.warning("%s takes no %s: asking without it (%s)", server, unknown, said[:200])


_MAY_LACK = ("response_format", "seed", "temperature", "max_completion_tokens", "max_tokens")
_NOT_KNOWN = re.compile(r"unsupported|not support|unknown|unexpected|unrecogni|not permitted|not allowed", re.IGNORECASE)
_lacking: dict[tuple[str, str], set[str]] = {}  # what servers have said they do not know, while the process lives


def _parameters(server: ChatServer, form: Form) -> dict[str, Any]:
    lacking = _lacking.get((server.base_url, server.model), set())
    wanted = {
        "response_format": form.schema,
        "seed": server.seed,
        "temperature": server.temperature,
        # Newer models of OpenAI know the second name alone, most local servers the first.
        "max_completion_tokens" if "max_tokens" in lacking else "max_tokens": server.max_answer_tokens,
    }
    return {name: value for name, value in wanted.items() if name not in lacking}


def _key(server: ChatServer) -> str:
    if server.key_from is None:
        return NO_KEY
    key = os.environ.get(server.key_from)
    if not key:
        raise JudgeError(
            f"{server}: the environment variable {server.key_from} (key_from) is not set; put the API key there, "
            f"or leave key_from out for a server that asks for none."
        )
    return key


@lru_cache(maxsize=4)
def _client(base_url: str, key: str, timeout_seconds: float, retries: int) -> "openai.OpenAI":
    try:
        import openai
    except ImportError as error:
        raise JudgeError("the judge openai_chat needs the package openai: pip install 'align-lm[judge]'") from error
    # Left to itself the client sends OPENAI_API_KEY and the organisation's name to whatever server is named here.
    unsaid: dict[str, Any] = {"OpenAI-Organization": openai.omit, "OpenAI-Project": openai.omit}
    return openai.OpenAI(base_url=base_url, api_key=key, timeout=timeout_seconds, max_retries=retries, default_headers=unsaid)


def _explanation(server: ChatServer, error: "openai.OpenAIError", client: "openai.OpenAI") -> str:
    """What went wrong in the words of someone who can mend it."""
    import openai

    kept = "Answers already given are kept: the same command goes on from them."
    if isinstance(error, openai.APITimeoutError):
        return (
            f"{server}: no reply within {server.timeout_seconds:g} s, asked {server.retries + 1} times. Raise timeout_seconds, "
            f"or lower concurrency (now {server.concurrency}). {kept}"
        )
    if isinstance(error, openai.APIConnectionError):
        return (
            f"{server}: cannot be reached ({error.__cause__ or error}). Check that the server runs and that base_url has "
            f"its host, port and path (most end with /v1). {kept}"
        )
    if isinstance(error, (openai.AuthenticationError, openai.PermissionDeniedError)):
        key = f"the key in {server.key_from}" if server.key_from else "no key, since key_from is not set"
        return f"{server}: refuses us with status {error.status_code} ({_said(error)}); it got {key}."
    if isinstance(error, openai.NotFoundError):
        return (
            f"{server}: not found ({_said(error)}). {_models_there(client)} Check `model`, and that base_url is the API's "
            f"address (most end with /v1)."
        )
    if isinstance(error, openai.APIStatusError):
        return (
            f"{server}: status {error.status_code} after {server.retries + 1} tries ({_said(error)}). "
            f"Look at the server's log, or at your quota for 429. {kept}"
        )
    return f"{server}: {type(error).__name__}: {error}. {kept}"


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

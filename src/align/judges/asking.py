"""Put many questions to a judge, several at a time, and remember each answer at once: a killed run pays for none twice."""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Generic, TypeVar

from align.artifact import digest_of
from align.errors import JudgeError
from align.files import disk_error
from align.judges.judge import Judge, Rating, Verdict
from align.progress import track
from align.records import Turn

A = TypeVar("A", Verdict, Rating)

READABLE_AMONG = 20
"""A judge of whose first answers, as many as this, none can be read is not asked on."""


@dataclass(frozen=True, slots=True)
class Question(Generic[A]):
    """Something to ask a judge. `key` names it by what it says, so that equal questions are asked once."""

    key: str
    ask: Callable[[], A]


def question_key(prompt: tuple[Turn, ...], *responses: str) -> str:
    return digest_of([[[turn.role, turn.text] for turn in prompt], *responses])


def ask_all(judge: Judge, questions: Sequence[Question[A]], answer: type[A], answered: Path) -> list[A]:
    """The judge's answers, in order; `answered` holds those given so far, one JSON line each."""
    known = _read_answered(answered, answer)
    waiting = {question.key: question for question in questions if question.key not in known}
    enough = min(READABLE_AMONG, len(known) + len(waiting))
    for key, given in track(_answers(judge.calls_at_once(), waiting), f"judge {judge.label}", len(waiting), "answers"):
        known[key] = given
        _append_answered(answered, key, given)
        if len(known) >= enough and not _any_readable(known):
            break
    if known and not _any_readable(known):
        answered.unlink()  # else the next run, with a judge that was mended, would find these answers
        raise JudgeError(_none_readable(judge, next(iter(known.values())), len(known)))
    return [known[question.key] for question in questions]


def _answers(calls_at_once: int, waiting: dict[str, Question[A]]) -> Iterator[tuple[str, A]]:
    """Answers as they come, at most `calls_at_once` on their way; after an error nothing more is asked."""
    if calls_at_once == 1:
        yield from ((key, question.ask()) for key, question in waiting.items())
        return
    left = iter(waiting.items())
    running: dict[Future[A], str] = {}
    failed: Exception | None = None
    with ThreadPoolExecutor(calls_at_once, thread_name_prefix="judge") as pool:
        while True:
            free = 0 if failed else calls_at_once - len(running)
            for key, question in islice(left, free):
                running[pool.submit(question.ask)] = key
            if not running:
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                key, error = running.pop(future), future.exception()
                if isinstance(error, Exception):
                    failed = failed or error
                else:
                    yield key, future.result()
    if failed:  # only now: what was on its way has been paid for, and was kept
        raise failed


def _any_readable(known: dict[str, A]) -> bool:
    return any(given.is_readable for given in known.values())


def _append_answered(path: Path, key: str, given: Verdict | Rating) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"key": key, **asdict(given)}) + "\n")
    except OSError as error:
        raise disk_error(path, error) from error


def _read_answered(path: Path, answer: type[A]) -> dict[str, A]:
    """The answers of an interrupted run; a last line that was cut off is taken away."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file():
        return {}
    text = path.read_bytes()
    whole = text[: text.rfind(b"\n") + 1]
    if len(whole) < len(text):
        path.write_bytes(whole)
    found: dict[str, A] = {}
    for line in whole.decode().splitlines():
        row = json.loads(line)
        key = row.pop("key")
        found[key] = answer(**row)
    return found


def _none_readable(judge: Judge, given: Verdict | Rating, count: int) -> str:
    said = given.raw or "(nothing)"
    return (
        f"judge {judge.label}: none of its first {count} answers can be read ({given.explanation}). The first: {said[:300]!r}. "
        f"Take a model that follows instructions, or give it more room to answer (`max_answer_tokens`)."
    )

"""Put many questions to a judge, several at a time, and remember each answer at once: a killed run pays for none twice."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from align.artifact import digest_of
from align.errors import JudgeError
from align.evaluation.judges.judge import Judge, Verdict
from align.files import disk_error
from align.progress import track
from align.records import Turn

READABLE_AMONG = 20
"""A judge of whose first answers, as many as this, none can be read is not asked on."""


@dataclass(frozen=True, slots=True)
class Question:
    """Two answers to one prompt, in the order in which the judge sees them."""

    prompt: tuple[Turn, ...]
    first: str
    second: str

    @property
    def key(self) -> str:
        """Names the question by what it says, so that equal ones are asked once."""
        return digest_of([[[turn.role, turn.text] for turn in self.prompt], self.first, self.second])


def ask_all(judge: Judge, questions: Sequence[Question], answered: Path) -> list[Verdict]:
    """The judge's verdicts, in order; `answered` holds those given so far, one JSON line each."""
    known = _read_answered(answered)
    waiting = {question.key: question for question in questions if question.key not in known}
    enough = min(READABLE_AMONG, len(known) + len(waiting))
    for key, verdict in track(_answers(judge, waiting), f"judge {judge.label}", len(waiting), "verdicts"):
        known[key] = verdict
        _append_answered(answered, key, verdict)
        if len(known) >= enough and not _readable(known):
            break
    if known and not _readable(known):
        answered.unlink()  # else the next run, with a judge that was mended, would find these answers
        raise JudgeError(_none_readable(judge, next(iter(known.values())), len(known)))
    return [known[question.key] for question in questions]


def _answers(judge: Judge, waiting: dict[str, Question]) -> Iterator[tuple[str, Verdict]]:
    """Answers as they come, at most `calls_at_once` on their way; after an error nothing more is asked."""
    if judge.calls_at_once() == 1:
        yield from ((key, judge.compare(item.prompt, item.first, item.second)) for key, item in waiting.items())
        return
    left = iter(waiting.items())
    running: dict[Future[Verdict], str] = {}
    failed: Exception | None = None
    with ThreadPoolExecutor(judge.calls_at_once(), thread_name_prefix="judge") as pool:
        while True:
            free = 0 if failed else judge.calls_at_once() - len(running)
            for key, item in islice(left, free):
                running[pool.submit(judge.compare, item.prompt, item.first, item.second)] = key
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


def _readable(known: dict[str, Verdict]) -> bool:
    return any(verdict.verdict != "unparsed" for verdict in known.values())


def _append_answered(path: Path, key: str, verdict: Verdict) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"key": key, **asdict(verdict)}) + "\n")
    except OSError as error:
        raise disk_error(path, error) from error


def _read_answered(path: Path) -> dict[str, Verdict]:
    """The answers of an interrupted run; a last line that was cut off is taken away."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file():
        return {}
    text = path.read_bytes()
    whole = text[: text.rfind(b"\n") + 1]
    if len(whole) < len(text):
        path.write_bytes(whole)
    found: dict[str, Verdict] = {}
    for line in whole.decode().splitlines():
        row = json.loads(line)
        key = row.pop("key")
        found[key] = Verdict(**row)
    return found


def _none_readable(judge: Judge, verdict: Verdict, count: int) -> str:
    said = verdict.raw or "(nothing)"
    return (
        f"judge {judge.label}: none of its first {count} answers holds a verdict ({verdict.explanation}). "
        f"The first: {said[:300]!r}. "
        f"Take a model that follows instructions, or give it more room to answer (`max_answer_tokens`)."
    )

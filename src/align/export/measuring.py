"""Ask an exported model in a process of its own: a native engine that fails takes its process with it.

`python -m align.export.measuring ORDER.json` reads what to ask, and writes what came of it beside it.
"""

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from align.errors import ExportRefused
from align.evaluation.decoding import decode
from align.export.hf import CHECKED_TOKENS, GREEDY, answer_of, checked_prompts
from align.export.onnx import run_apart, what_it_said
from align.export.speaker import speaker_at
from align.files import write_json
from align.likelihood import log_likelihoods
from align.models import ModelPlace, tokenizer_at
from align.tokens import Rendered


@dataclass(frozen=True, slots=True)
class Order:
    """What to ask a model."""

    path: str
    prompts: list[list[int]]
    max_new_tokens: int
    texts: list[dict[str, list[int]]] = field(default_factory=list)
    """Rendered dialogues whose likelihood is wanted."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What came of it."""

    runtime: str
    answers: list[list[int]]
    """Greedy answers as ids, the one that ended them included."""
    seconds: float
    likelihoods: list[tuple[float, int]]
    """Log-likelihood of each text, in nats, and of how many tokens."""

    @property
    def tokens_per_second(self) -> float:
        return sum(map(len, self.answers)) / self.seconds if self.seconds else 0.0


def measure(path: Path, prompts: Sequence[list[int]], max_new_tokens: int, texts: Sequence[Rendered] = ()) -> Answers:
    """Greedy answers and likelihoods of the model at `path`."""
    order = Order(str(path), list(prompts), max_new_tokens, [asdict(text) for text in texts])
    with tempfile.TemporaryDirectory(prefix="align-measuring-") as folder:
        write_json(Path(folder, "order.json"), asdict(order))
        done = run_apart([sys.executable, "-m", "align.export.measuring", str(Path(folder, "order.json"))])
        answered = Path(folder, "answers.json")
        if done.returncode or not answered.is_file():
            raise ExportRefused(f"{path}: the exported model could not be asked: {what_it_said(done)}")
        told = json.loads(answered.read_text(encoding="utf-8"))
    return Answers(**told | {"likelihoods": [(float(nats), int(tokens)) for nats, tokens in told["likelihoods"]]})


def check_runs(path: Path, full: Path) -> None:
    """Refuse an exported model that cannot be loaded and asked."""
    tokenizer = tokenizer_at(ModelPlace(str(full)))
    context = json.loads((full / "config.json").read_text(encoding="utf-8")).get("max_position_embeddings")
    found = measure(path, checked_prompts(tokenizer, context), CHECKED_TOKENS)
    wrong = [number for answer in found.answers for number in answer if number >= len(tokenizer)]
    if wrong or not all(found.answers):
        raise ExportRefused(f"{path}: answers {found.answers}, which the tokenizer ({len(tokenizer)} tokens) cannot say")


def _obey(order: Order) -> Answers:
    speaker = speaker_at(Path(order.path))
    answers = []
    began = time.perf_counter()
    for prompt in order.prompts:
        room = order.max_new_tokens if speaker.context is None else min(order.max_new_tokens, speaker.context - len(prompt))
        answers.append(answer_of(decode(speaker.model, [prompt], [room], [Random(0)], speaker.stop_ids, GREEDY)))
    seconds = time.perf_counter() - began
    texts = [Rendered(**text) for text in order.texts]
    found: dict[int, Any] = dict(log_likelihoods(speaker.model, texts, batch_size=1))
    return Answers(speaker.runtime, answers, seconds, [tuple(found[number]) for number in range(len(texts))])


if __name__ == "__main__":
    asked = Path(sys.argv[1])
    write_json(asked.with_name("answers.json"), asdict(_obey(Order(**json.loads(asked.read_text(encoding="utf-8"))))))

"""What `make soak` kills twenty times: one case a way to train. Add a line, and it is killed too."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from small_models import TINY, document, question

from align.records import Origin, PreferencePair


@dataclass(frozen=True)
class Case:
    """A stage, its records, and the artifacts its other fields name: `tokenizer_artifact`, `base` or `tuned`."""

    kind: str
    records: Callable[[], Iterable[Any]]
    fields: dict[str, Any]
    named: dict[str, str] = field(default_factory=dict)


def pair(number: int) -> PreferencePair:
    turns = question(number).turns
    return PreferencePair(f"pair/{number}", turns[:1], turns[1].text, "moss " * (number % 4 + 1), Origin("invented", str(number)))


def _questions() -> Iterable[Any]:
    return map(question, range(12))


# 12 records in batches of 4: 3 steps an epoch, 30 epochs. Dropout where there can be some, so that random numbers matter.
_MANY = {
    "epochs": 30,
    "batch_size": 4,
    "max_tokens": 64,
    "learning_rate": 1e-3,
    "micro_batch_tokens": 64,
    "keep_epochs": [10, 20],
}
_SFT = _MANY | {"model": "base", "loss_on": "response", "final_learning_rate": 1e-4, "residual_dropout": 0.1}

CASES = {
    "sft": Case("sft", _questions, _SFT, {"model": "base"}),
    "lora": Case("sft", _questions, _SFT | {"adapter": {"kind": "lora"}}, {"model": "base"}),
    "qlora": Case("sft", _questions, _SFT | {"adapter": {"kind": "qlora"}, "optimizer": "adamw_8bit"}, {"model": "base"}),
    "dpo": Case("dpo", lambda: map(pair, range(12)), _MANY | {"model": "tuned"}, {"model": "tuned"}),
    "kto": Case("kto", lambda: map(pair, range(12)), _MANY | {"model": "tuned"}, {"model": "tuned"}),
    "pretrain": Case(
        "pretrain",
        lambda: map(document, range(12)),
        _MANY | {"model": TINY, "tokenizer": "tokenizer"},
        {"tokenizer": "tokenizer_artifact"},
    ),
}

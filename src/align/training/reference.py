"""The reference that preference training holds a model to: what the model thought of the texts before it was trained.

Three ways to have it, all the same numbers. `precomputed`: the model that is about to be trained reads every text once, and its
log-probabilities are kept beside the work, part by part, so that a killed run goes on with the next part. `model`: a second
model stays in memory. `adapter_off`: beside an adapter the frozen model is the reference, whenever the adapter is switched off.
"""

import gc
import json
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import torch

from align.artifact import SCRATCH, digest_of
from align.files import write_json
from align.models import ModelPlace
from align.processes import process_rank
from align.training.adapting import is_adapted
from align.training.batches import cuts_of
from align.training.job import Items
from align.training.loading import check_filled, model_to_divide
from align.training.scoring import MicroBatch, Scorer, lay_out
from align.training.surroundings import repeatable

log = logging.getLogger(__name__)

FOLDER = "reference"
ITEMS_IN_A_PART = 512
"""A killed run computes no more than these again."""

How = Literal["precomputed", "model", "adapter_off"]
Score = Callable[[Sequence[int], MicroBatch], torch.Tensor]
"""Log-probability of each text of some items."""


class Reference(Protocol):
    """Where the reference's log-probabilities come from."""

    def log_probs(self, model: Any, examples: Sequence[int], batch: MicroBatch) -> torch.Tensor:
        """Of each text of `batch`, which are those of `examples`; `model` is the one in training."""


@dataclass(frozen=True, slots=True)
class Precomputed:
    """Numbers that are there."""

    sums: torch.Tensor
    """Log-probability of each text of each item, (items, texts of each)."""

    def log_probs(self, model: Any, examples: Sequence[int], batch: MicroBatch) -> torch.Tensor:
        return self.sums[list(examples)].flatten().to(batch.input_ids_BT.device)


@dataclass(frozen=True, slots=True)
class SecondModel:
    """A model that stays as it is."""

    model: Any
    scorer: Scorer

    def log_probs(self, model: Any, examples: Sequence[int], batch: MicroBatch) -> torch.Tensor:
        with torch.no_grad():
            return batch.sums(self.scorer.log_probs(self.model, batch))


@dataclass(frozen=True, slots=True)
class AdapterOff:
    """The model in training without its adapter; where it began with an adapter, that one is merged and stays."""

    scorer: Scorer
    unwrapped: Any

    def log_probs(self, model: Any, examples: Sequence[int], batch: MicroBatch) -> torch.Tensor:
        with torch.no_grad(), without_adapter(self.unwrapped):
            return batch.sums(self.scorer.log_probs(model, batch))


class Before:
    """The model as it was before a training, asked in one of the three ways.

    `content` names it, and it lies at `place`. Make it before the first step.
    """

    def __init__(self, trainer: Any, how: How, content: str, place: ModelPlace) -> None:
        self.trainer, self.how, self.content, self.place = trainer, how, content, place
        self._second: SecondModel | None = None
        self._score: Score | None = None

    def reference(self, items: Items, name: str, digest: str) -> Reference:
        """The reference for some items, which `digest` names."""
        if self.how == "precomputed":
            return precomputed(self.trainer, items, name, digest_of([digest, self.content]), self._scored)
        if self.how == "adapter_off":
            return AdapterOff(self.trainer.scorer, self.trainer.model)
        self._second = self._second or second_model(self.trainer, self.place)
        return self._second

    def forget(self) -> None:
        """Give back the memory of a copy that only computed: call it when every reference is there."""
        self._score = None
        gc.collect()  # a divided model refers to itself
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _scored(self, examples: Sequence[int], batch: MicroBatch) -> torch.Tensor:
        self._score = self._score or _scored_before(self.trainer, self.place)  # one copy for all that is asked
        return self._score(examples, batch)


def precomputed(trainer: Any, items: Items, name: str, digest: str, score: Score) -> Precomputed:
    """What `score` says of `items`; read from the disk as far as it is there.

    `digest` names the items and the model.
    """
    kept = trainer.job.work / SCRATCH / FOLDER
    numbers = range(0, len(items), ITEMS_IN_A_PART)
    parts = [range(start, min(start + ITEMS_IN_A_PART, len(items))) for start in numbers]
    files = [kept / f"{name}-{number:05d}.json" for number in range(len(parts))]
    asked = [digest_of([digest, part.start, part.stop]) for part in parts]
    found = [_read(file, wanted) for file, wanted in zip(files, asked, strict=True)]
    trainer.accelerator.wait_for_everyone()  # all have looked before one writes, so all compute the same parts
    missing = [number for number, sums in enumerate(found) if sums is None]
    if missing:
        log.info("reference: reading %d of %d %s", sum(len(parts[number]) for number in missing), len(items), name)
        for number in missing:
            with repeatable():
                sums = score_items(trainer, items, parts[number], score)
            if trainer.is_world_process_zero():
                _write(files[number], asked[number], sums)
            found[number] = sums
    trainer.accelerator.wait_for_everyone()
    return Precomputed(torch.cat([sums for sums in found if sums is not None]))


def score_items(trainer: Any, items: Items, examples: Sequence[int], score: Score) -> torch.Tensor:
    """Log-probability of each text of `examples`, (examples, texts of each) on the CPU; every process reads its share."""
    stage, world, device = trainer.job.stage, trainer.job.split.world, trainer.args.device
    texts, place = len(items.texts(examples[0])), {example: number for number, example in enumerate(examples)}
    sums = torch.zeros(len(examples), texts, device=device)
    cuts = cuts_of(examples, items.length, stage.micro_batch_tokens, world, process_rank() if world > 1 else 0)
    with torch.no_grad():
        for cut in cuts:
            batch = lay_out([text for index in cut.examples for text in items.texts(index)], stage.layout).to(device)
            found = score(cut.examples, batch).view(-1, texts)
            if cut.counts:
                sums[[place[index] for index in cut.examples]] = found.to(sums.dtype)
    total: torch.Tensor = trainer.accelerator.reduce(sums, "sum").cpu()
    return total


def second_model(trainer: Any, place: ModelPlace) -> SecondModel:
    """The model at a place, divided over processes as the trainer's will be; bfloat16 on GPUs."""
    from accelerate.utils import fsdp2_prepare_model
    from trl.models.utils import prepare_deepspeed

    model = model_to_divide(place, "bfloat16" if torch.cuda.is_available() else "float32").eval().requires_grad_(False)
    scorer, accelerator = Scorer(model), trainer.accelerator
    if trainer.is_deepspeed_enabled:
        return SecondModel(prepare_deepspeed(model, accelerator), scorer)
    if trainer.is_fsdp_enabled:
        # layer by layer; TRL's prepare_fsdp makes one piece of the model, and so gathers all of it on every GPU at once
        divided = fsdp2_prepare_model(accelerator, model)
        check_filled(divided)
        return SecondModel(divided, scorer)
    return SecondModel(accelerator.prepare_model(model, evaluation_mode=True), scorer)


def without_adapter(model: Any) -> AbstractContextManager[Any]:
    """Switch a model's adapter off for a while, if it has one."""
    return model.disable_adapter() if is_adapted(model) else nullcontext()


def _scored_before(trainer: Any, place: ModelPlace) -> Score:
    """By the model that is about to be trained; where it will be divided over processes, by a copy that is divided already."""
    if trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled:
        copy = second_model(trainer, place)
        return lambda examples, batch: copy.log_probs(None, examples, batch)
    model, scorer = trainer.model.eval(), trainer.scorer

    def score(examples: Sequence[int], batch: MicroBatch) -> torch.Tensor:
        with without_adapter(model), trainer.accelerator.autocast():
            return batch.sums(scorer.log_probs(model, batch))

    return score


def _write(file: Path, asked: str, sums: torch.Tensor) -> None:
    rows = sums.tolist()
    write_json(file, {"asked": asked, "seal": digest_of(rows), "log_probs": rows})


def _read(file: Path, asked: str) -> torch.Tensor | None:
    """A part that was kept, if it is whole and of these items under this model."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        if kept["asked"] == asked and kept["seal"] == digest_of(kept["log_probs"]):
            return torch.tensor(kept["log_probs"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        pass
    log.warning("%s: damaged, or of other texts or another model; computed again", file)
    return None

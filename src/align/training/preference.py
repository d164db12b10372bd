"""What DPO and KTO have in common: a model that learns preferences and is held to what it was before."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from align.artifact import Artifact, Counts
from align.errors import EmptyResult
from align.files import write_json, write_records
from align.models import model_place, point_at_base, tokenizer_at
from align.parts import StageName
from align.records import Measurement, PreferencePair, Rejection, TrainingStep
from align.stage import Forecast, Inputs, Rehearsal
from align.statistics import wilson
from align.training.adapters import Adapter
from align.training.adapting import frozen_base, put_adapter
from align.training.counting import amount_of
from align.training.forecast import forecast_training
from align.training.job import Job
from align.training.launch import check_launch
from align.training.made_up import REHEARSED_STEPS, REHEARSED_TOKENS, full_pairs
from align.training.pair_rows import PairRow, make_pair_rows
from align.training.preflight import check_context
from align.training.rows import Overlong, Rows
from align.training.training import Training

if TYPE_CHECKING:
    from align.training.reference import Before, Reference


class PreferenceLearning(Training):
    """Learning from what people prefer, held to the model that it starts from, the reference. There is no dropout."""

    model: StageName
    """The stage whose model is trained, and which stays the reference; it must know EOT, so it is an sft, dpo or kto stage."""
    held_out: StageName | None = None
    """Pairs not trained on, for the measurements `reward_accuracy` and `reward_margin`."""
    beta: PositiveFloat = 0.1
    """How strongly the model is held to the reference (arXiv 2305.18290 uses 0.1, and 0.5 for summaries; 2402.01306 uses 0.1)."""
    adapter: Adapter | None = None
    """Train an adapter, {kind: lora} or {kind: qlora}, and no weights beside it. Its dropout is off, as all dropout is."""
    reference: Literal["precomputed", "model", "adapter_off"] | None = None
    """precomputed: the model reads every text once before it is trained; adapter_off: beside an adapter, the frozen model at each
    step; model: a second model in memory, bfloat16 on GPUs. The numbers are the same up to rounding. By default adapter_off where
    there is an adapter, else precomputed."""
    epochs: PositiveInt = 1
    """How often each pair or response is seen."""
    learning_rate: PositiveFloat
    """Learning rate of the first step after the warm-up, if there is one."""
    final_learning_rate: NonNegativeFloat | None = None
    """Learning rate of the last step; constant by default, as Rafailov et al. after their warm-up (150 steps)."""
    adam_beta2: NonNegativeFloat = 0.999
    """AdamW's decay of the mean of squared gradients (TRL's default)."""
    weight_decay: NonNegativeFloat = 0.0
    """AdamW's weight decay (TRL's default)."""
    max_tokens: PositiveInt | None = None
    """Longest prompt with response in tokens, EOTs included; what the model can read by default."""
    overlong: Overlong = "drop"
    """drop: reject longer ones; trim: cut their responses, which then lack their EOT; error: stop and list them."""

    @property
    def has_reference(self) -> bool:
        return self.reference == "model"

    @model_validator(mode="after")
    def _adapter_is_there(self) -> Self:
        if self.reference == "adapter_off" and self.adapter is None:
            raise ValueError("reference: adapter_off needs an adapter; write `adapter: {kind: lora}`, or reference: precomputed")
        return self

    def identity(self) -> dict[str, Any]:
        asked = super().identity()
        asked["parameters"].pop("reference", None)  # the same numbers, had in another way
        return asked

    def run(self, inputs: Inputs, work: Path) -> Counts:
        from align.training.loading import model_to_divide
        from align.training.reference import Before
        from align.training.surroundings import quiet
        from align.training.trainer import run_training

        check_launch(self.launch)
        with quiet():
            source = inputs.named["model"]
            place = model_place(source)
            tokenizer = tokenizer_at(place)
            model = model_to_divide(place) if self.adapter is None else frozen_base(place, self.adapter, work)
            max_tokens = self.max_tokens or int(model.config.max_position_embeddings)
            check_context(max_tokens, model.config)
            rows = self.rows(inputs, tokenizer, max_tokens)
            if not rows.rows:
                raise EmptyResult(f"0 of {rows.read:,} can be trained on ({rows.dropped or 'none came in'}).")
            if self.adapter is not None:
                model = put_adapter(model, place, self.adapter, (), self.seed)
                point_at_base(work, source)
            job = Job(self, work, self.split(len(rows)), rows, rows.digest())
            trainer = self.trainer(model, tokenizer, job)
            before = Before(trainer, self._way(), source.content, place)
            self.refer(trainer, before, max_tokens)
            held_out = _held_out(before, inputs.named.get("held_out"), max_tokens)
            before.forget()
            log = run_training(trainer, job)
            measured = list(_measurements(trainer, *held_out)) if held_out is not None else []
        write_records(work, TrainingStep, log)
        write_records(work, Measurement, measured)
        return _write_rest(work, rows)

    def _way(self) -> Literal["precomputed", "model", "adapter_off"]:
        return self.reference or ("precomputed" if self.adapter is None else "adapter_off")

    def rows(self, inputs: Inputs, tokenizer: Any, max_tokens: int) -> Rows[Any]:
        """What is trained on."""
        raise NotImplementedError

    def trainer(self, model: Any, tokenizer: Any, job: Job) -> Any:
        """A trainer that has no reference yet."""
        raise NotImplementedError

    def refer(self, trainer: Any, before: "Before", max_tokens: int) -> None:
        """Give the trainer its reference."""
        trainer.reference = before.reference(trainer.job.items, "rows", trainer.job.data)

    def rehearsal(self) -> Rehearsal:
        return Rehearsal(self.shortened(), full_pairs(self.max_tokens or REHEARSED_TOKENS, self.batch_size * REHEARSED_STEPS))

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        source = named["model"]
        max_tokens = self.max_tokens or int(source.model.get("max_position_embeddings", 2048))
        return forecast_training(self, dict(source.model), amount_of(data, source.artifact, max_tokens), max_tokens)


def _held_out(before: "Before", pairs: Artifact | None, max_tokens: int) -> "tuple[Rows[PairRow], Reference] | None":
    """The pairs to measure on, with their reference; None where there are none."""
    if pairs is None:
        return None
    rows = make_pair_rows(pairs.read(PreferencePair), before.trainer.processing_class, max_tokens, "drop")
    return (rows, before.reference(rows, "held_out", rows.digest())) if rows.rows else None


def _measurements(trainer: Any, rows: Rows[PairRow], reference: "Reference") -> Iterator[Measurement]:
    """How often, and by how much, the reward of the chosen response is above the other's (arXiv 2305.18290, section 5)."""
    margins = reward_margins(trainer, rows, reference)
    right = sum(margin > 0 for margin in margins)
    low, high = wilson(right, len(margins))
    yield Measurement("reward_accuracy", "held_out", right / len(margins), low, high, len(margins), "Wilson 95 %")
    yield Measurement("reward_margin", "held_out", sum(margins) / len(margins), count=len(margins), method="mean")


def reward_margins(trainer: Any, rows: Rows[PairRow], reference: "Reference") -> list[float]:
    """Implicit reward of the chosen less that of the rejected response, of each pair, under the model as it is now."""
    from align.training.reference import score_items
    from align.training.surroundings import repeatable

    model, every = trainer.model_wrapped.eval(), range(len(rows))
    with repeatable():
        now = score_items(trainer, rows, every, lambda _, batch: batch.sums(trainer.scorer.log_probs(model, batch)))
        before = score_items(trainer, rows, every, lambda examples, batch: reference.log_probs(model, examples, batch))
    gains = (now - before).tolist()
    return [trainer.job.stage.beta * (chosen - rejected) for chosen, rejected in gains]


def _write_rest(work: Path, rows: Rows[Any]) -> Counts:
    write_records(work, Rejection, rows.rejections)
    write_json(work / "files" / "trimmed.json", rows.trimmed)
    noted = {"trimmed": len(rows.trimmed)} if rows.trimmed else {}
    return Counts(rows.read, len(rows.rows), rows.dropped, noted=noted)

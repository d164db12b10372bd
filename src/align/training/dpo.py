"""Learn preferences from pairs: DPO (Rafailov et al. 2023, arXiv 2305.18290) on TRL's DPOTrainer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from align.artifact import Artifact, Counts
from align.errors import EmptyResult
from align.files import write_records
from align.models import model_at, model_place, tokenizer_at
from align.parts import StageName
from align.records import Measurement, PreferencePair, Rejection, TrainingStep
from align.stage import Forecast, Inputs
from align.statistics import wilson
from align.training.counting import amount_of
from align.training.forecast import forecast_training
from align.training.job import Job
from align.training.launch import check_launch
from align.training.pair_rows import PairRow, make_pair_rows, reward_margins
from align.training.preflight import check_context
from align.training.rows import Overlong, Rows
from align.training.training import Training


class PreferenceTraining(Training):
    """Direct preference optimization of all weights, against the model it starts from as reference. There is no dropout."""

    kind: Literal["dpo"] = "dpo"
    model: StageName
    """The stage whose model is trained, and which stays the reference; it must know EOT, so it is an sft (or a dpo) stage."""
    held_out: StageName | None = None
    """Pairs not trained on, for the measurement `reward_accuracy`."""
    beta: PositiveFloat = 0.1
    """How strongly the model is held to the reference; Rafailov et al. use 0.1, and 0.5 for summaries."""
    loss: Literal["sigmoid", "hinge", "ipo", "robust", "apo_zero", "apo_down", "sppo_hard", "nca_pair"] = "sigmoid"
    """sigmoid is DPO's (equation 7); ipo, hinge (SLiC), robust, apo_zero, apo_down, sppo_hard and nca_pair are TRL's others."""
    label_smoothing: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    """Share of pairs supposed to be labelled the wrong way round; only `loss: robust` reads it."""
    epochs: PositiveInt = 1
    """How often each pair is seen."""
    batch_size: PositiveInt = 64
    """Pairs per optimizer step over all devices (Rafailov et al., appendix B: 64)."""
    learning_rate: PositiveFloat = 1e-6
    """Learning rate of the first step (Rafailov et al., appendix B). There is no warm-up."""
    final_learning_rate: NonNegativeFloat | None = None
    """Learning rate of the last step, reached in a straight line; constant by default, as Rafailov et al. after their warm-up."""
    adam_beta2: NonNegativeFloat = 0.999
    """AdamW's decay of the mean of squared gradients (TRL's default)."""
    weight_decay: NonNegativeFloat = 0.0
    """AdamW's weight decay (TRL's default)."""
    max_tokens: PositiveInt | None = None
    """Longest prompt with response in tokens, EOTs included; what the model can read by default."""
    overlong: Overlong = "drop"
    """drop: reject longer pairs; trim: cut their responses, which then lack their EOT; error: stop and list them."""

    texts: ClassVar[int] = 2

    @property
    def has_reference(self) -> bool:
        return True

    @model_validator(mode="after")
    def _smoothing_is_read(self) -> "PreferenceTraining":
        if self.label_smoothing and self.loss != "robust":
            # TRL 1.16 ignores it without a word.
            raise ValueError(
                f"label_smoothing is read by loss: robust only (got loss: {self.loss}); remove it, or write loss: robust"
            )
        return self

    def run(self, inputs: Inputs, work: Path) -> Counts:
        from align.training.surroundings import quiet
        from align.training.trainer import run_training

        check_launch(self.launch)
        with quiet():
            place = model_place(inputs.named["model"])
            tokenizer, model, reference = tokenizer_at(place), model_at(place, "float32"), model_at(place, _reference_dtype())
            max_tokens = self.max_tokens or int(model.config.max_position_embeddings)
            check_context(max_tokens, model.config)
            rows = make_pair_rows(inputs.read(PreferencePair), tokenizer, max_tokens, self.overlong)
            if not rows.rows:
                raise EmptyResult(f"0 of {rows.read:,} pairs can be trained on ({rows.dropped or 'none came in'}).")
            job = Job(self, work, self.split(len(rows)), rows, rows.digest())
            trainer = pair_trainer(model, reference, tokenizer, rows, job)
            log = run_training(trainer, job)
            measured = list(_measurements(trainer, inputs.named.get("held_out"), max_tokens))
        write_records(work, TrainingStep, log)
        write_records(work, Measurement, measured)
        return _write_rest(work, rows)

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        source = named["model"]
        max_tokens = self.max_tokens or int(source.model.get("max_position_embeddings", 2048))
        return forecast_training(self, dict(source.model), amount_of(data, source.artifact, max_tokens), max_tokens)


def pair_trainer(model: Any, reference: Any, tokenizer: Any, rows: Rows[PairRow], job: Job) -> Any:
    """TRL's DPOTrainer on rows as they are: it neither renders, tokenizes nor truncates."""
    from datasets import Dataset
    from trl import DPOConfig

    from align.training.scoring import Scorer
    from align.training.trainer import arguments, prepare
    from align.training.trl_trainers import PairTrainer

    stage = job.stage
    assert isinstance(stage, PreferenceTraining)
    first = rows.rows[0]  # TRL looks at the columns; the rows come from the job
    data = Dataset.from_dict({column: [getattr(first, column)] for column in ("prompt_ids", "chosen_ids", "rejected_ids")})
    settings = DPOConfig(**arguments(job), max_length=None, beta=stage.beta)
    trainer = PairTrainer(model=model, ref_model=reference, args=settings, train_dataset=data, processing_class=tokenizer)
    trainer.reference_scorer = Scorer(reference)
    return prepare(trainer, job)


def _reference_dtype() -> str:
    import torch

    return "bfloat16" if torch.cuda.is_available() else "float32"


def _measurements(trainer: Any, held_out: Artifact | None, max_tokens: int) -> Iterator[Measurement]:
    if held_out is None:
        return
    tokenizer, stage = trainer.processing_class, trainer.job.stage
    rows = make_pair_rows(held_out.read(PreferencePair), tokenizer, max_tokens, "drop").rows
    if not rows:
        return
    model, reference = trainer.accelerator.unwrap_model(trainer.model).eval(), trainer.ref_model.eval()
    margins = reward_margins(model, reference, rows, stage.beta, tokenizer.pad_token_id)
    right = sum(margin > 0 for margin in margins)
    low, high = wilson(right, len(margins))
    yield Measurement("reward_accuracy", "held_out", right / len(margins), low, high, len(margins), "Wilson 95 %")
    yield Measurement("reward_margin", "held_out", sum(margins) / len(margins), count=len(margins), method="mean")


def _write_rest(work: Path, rows: Rows[PairRow]) -> Counts:
    write_records(work, Rejection, rows.rejections)
    noted = {"trimmed": len(rows.trimmed)} if rows.trimmed else {}
    return Counts(rows.read, len(rows.rows), rows.dropped, noted=noted)

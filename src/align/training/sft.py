"""Fine-tune on dialogues: LIMA §3 on TRL's SFTTrainer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from align.artifact import Counts
from align.chat_templates import use_own_template
from align.errors import EmptyResult
from align.files import write_json, write_records
from align.models import model_place, point_at_base, tokenizer_at
from align.parts import StageName
from align.records import Example, Measurement, Rejection, TrainingStep
from align.stage import Forecast, Inputs, Rehearsal
from align.tokens import EOT, LossOn, eot_id
from align.training.adapters import Adapter
from align.training.adapting import frozen_base, put_adapter
from align.training.counting import amount_of
from align.training.dropout import add_residual_dropout
from align.training.eot import add_eot
from align.training.forecast import forecast_training
from align.training.job import Job
from align.training.launch import check_launch
from align.training.made_up import REHEARSED_STEPS, full_examples
from align.training.preflight import check_context, check_gradients, check_rows
from align.training.rows import Overlong, Row, Rows, make_rows
from align.training.training import Training


class FineTuning(Training):
    """Supervised fine-tuning with a new end-of-turn token that ends every utterance: of all weights, or of an adapter."""

    kind: Literal["sft"] = "sft"
    model: StageName
    """The stage whose model is tuned: base_model, pretrain, or sft."""
    adapter: Adapter | None = None
    """Train an adapter, {kind: lora} or {kind: qlora}, and no weights beside it but EOT's rows; it wants a rate of about 1e-4."""
    loss_on: LossOn
    """response: loss on what the assistant says and its EOT; all: on prompts too. The paper does not say that it masks."""
    epochs: PositiveInt = 15
    """How often each example is seen (LIMA §3: 15)."""
    batch_size: PositiveInt = 32
    """Examples per optimizer step over all devices (LIMA §3: 32; 64 for smaller models)."""
    learning_rate: PositiveFloat = 1e-5
    """Learning rate of the first step (LIMA §3). There is no warm-up."""
    final_learning_rate: NonNegativeFloat | None = 1e-6
    """Learning rate of the last step, reached in a straight line (LIMA §3)."""
    chat_format: Literal["eot", "template"] = "eot"
    """eot: LIMA's, a new token after every utterance; template: the model's own chat template, if it was tuned with one."""
    max_tokens: PositiveInt = 2048
    """Longest example in tokens, EOTs included (LIMA §3)."""
    overlong: Overlong = "trim"
    """trim: cut longer examples, which then lack their last EOT (LIMA §3); drop: reject them; error: stop and list them."""
    residual_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Dropout of the top layer's residual blocks, rising in a straight line from 0 at the bottom (LIMA §3: 0.3; 0.2 if small)."""

    def run(self, inputs: Inputs, work: Path) -> Counts:
        from align.training.loading import model_to_divide
        from align.training.surroundings import quiet

        check_launch(self.launch)
        with quiet():
            place = model_place(inputs.named["model"])
            tokenizer = tokenizer_at(place)
            model = model_to_divide(place) if self.adapter is None else frozen_base(place, self.adapter, work)
            check_context(self.max_tokens, model.config)
            if self.chat_format == "template":
                use_own_template(tokenizer)
            add_eot(model, tokenizer)
            rows = make_rows(inputs.read(Example), tokenizer, self.loss_on, self.max_tokens, self.overlong)
            if not rows.rows:
                raise EmptyResult(f"0 of {rows.read:,} examples can be trained on ({rows.dropped or 'none came in'}).")
            check_rows(rows.rows, tokenizer)
            if self.residual_dropout:
                add_residual_dropout(model, self.residual_dropout)
            if self.adapter is not None:
                model = put_adapter(model, place, self.adapter, [eot_id(tokenizer) or 0], self.seed)
                point_at_base(work, inputs.named["model"])
            log = self._train(model, tokenizer, rows, work)
        return _write(work, rows, log, self.epochs)

    def rehearsal(self) -> Rehearsal:
        return Rehearsal(self.shortened(), full_examples(self.max_tokens, self.batch_size * REHEARSED_STEPS))

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        source = named["model"]
        return forecast_training(self, dict(source.model), amount_of(data, source.artifact, self.max_tokens), self.max_tokens)

    def _train(self, model: Any, tokenizer: Any, rows: Rows[Row], work: Path) -> list[TrainingStep]:
        from align.training.trainer import run_training

        def learns_eot(model: Any, optimizer: Any) -> None:
            trained = {id(weights) for group in optimizer.param_groups for weights in group["params"]}
            check_gradients(model, {EOT: eot_id(tokenizer) or 0}, trained)

        job = Job(self, work, self.split(len(rows)), rows, rows.digest(), learns_eot)
        return run_training(dialogue_trainer(model, tokenizer, rows, job), job)


def dialogue_trainer(model: Any, tokenizer: Any, rows: Rows[Row], job: Job) -> Any:
    """TRL's SFTTrainer on rows as they are: it neither renders nor truncates, and adds no EOS."""
    from datasets import Dataset
    from trl import SFTConfig

    from align.training.trainer import arguments, on_one_gpu, prepare
    from align.training.trl_trainers import DialogueTrainer

    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or EOT  # TRL asks for one; padding is never scored
    first = rows.rows[0]  # TRL looks at the columns; the rows come from the job
    data = Dataset.from_dict({"input_ids": [first.input_ids], "labels": [first.labels]})
    told = arguments(job) | {"max_length": None, "packing": False, "dataset_kwargs": {"skip_prepare_dataset": True}}
    settings = on_one_gpu(SFTConfig(**told))
    return prepare(DialogueTrainer(model=model, args=settings, train_dataset=data, processing_class=tokenizer), job)


def _write(work: Path, rows: Rows[Row], log: list[TrainingStep], epochs: int) -> Counts:
    write_records(work, TrainingStep, log)
    write_records(work, Rejection, rows.rejections)
    write_records(work, Measurement, _measurements(rows, log, epochs))
    write_json(work / "files" / "trimmed.json", rows.trimmed)
    noted = {"trimmed": len(rows.trimmed)} if rows.trimmed else {}
    return Counts(rows.read, len(rows.rows), rows.dropped, noted=noted)


def _measurements(rows: Rows[Row], log: list[TrainingStep], epochs: int) -> Iterator[Measurement]:
    tokens = epochs * sum(row.trained_tokens for row in rows.rows)
    last = [entry.value for entry in log if entry.name == "loss" and entry.epoch > epochs - 1]
    yield Measurement(
        "final_loss", "train", sum(last) / len(last), count=len(last), method="mean over the steps of the last epoch"
    )
    yield Measurement("trained_tokens", "train", tokens, count=len(rows.rows), method="tokens with loss, over all epochs")
    yield Measurement("trimmed_examples", "train", len(rows.trimmed), count=rows.read, method="examples cut to max_tokens")

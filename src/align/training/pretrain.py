"""Pretrain on documents: a model from scratch, or a further phase of one (phi-1.5 §2, phi-3 §2)."""

import logging
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from align.artifact import SCRATCH, Artifact, Counts
from align.errors import EmptyResult
from align.files import write_records
from align.models import model_place, tokenizer_at
from align.parts import StageName
from align.records import Example, Measurement, TrainingStep
from align.stage import Forecast, Inputs
from align.training.context import ContextExtension
from align.training.job import Job
from align.training.launch import check_launch
from align.training.mixture import DataSource, Draw, check_lengths, draws_of
from align.training.model_shape import ModelShape, new_model
from align.training.preflight import check_context
from align.training.pretrain_forecast import forecast_pretraining
from align.training.start import extended_model
from align.training.streams import BlockStream
from align.training.token_files import TokenFile, token_files
from align.training.training import Training

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

log = logging.getLogger(__name__)

INPUTS = "inputs"
"""What the one source is called where `inputs` are read and not `sources`."""
SourceName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]


class Pretraining(Training):
    """Next-token prediction on documents, laid end to end and cut into blocks.

    A block can hold the end of one document and the beginning of another, and attention sees across: EOS between them is the only
    sign. That is GPT-2's and Llama's practice and harms little; it would not do for fine-tuning, where examples are kept apart.
    """

    kind: Literal["pretrain"] = "pretrain"
    model: ModelShape | None = None
    """A model from scratch: {shape: phi-1.5}, or {family: llama, layers: 4, hidden: 128, heads: 4, feed_forward: 352}."""
    tokenizer: StageName | None = None
    """The stage whose tokenizer a model from scratch has."""
    start: StageName | None = None
    """Instead of `model` and `tokenizer`: the stage whose model is trained further, phi-3's phase 2 for example. The optimizer
    starts anew; another `seed` draws other blocks of a source that was read before."""
    context: ContextExtension | None = None
    """Give the model of `start` a longer context first: {method: longrope, max_tokens: 131072}."""
    sources: dict[SourceName, DataSource] | None = None
    """A mixture instead of `inputs`: {synthetic: {stage: textbooks, share: 0.8}, code: {stage: code, share: 0.2}}."""
    tokens: Annotated[int, Field(gt=0)] | None = None
    """Length of the run in tokens, 150e9 for example, rounded up to whole steps; instead of `epochs`."""
    max_tokens: PositiveInt
    """Tokens of a block, and the longest text a model from scratch reads."""
    batch_size: PositiveInt
    """Blocks per optimizer step over all devices; a step reads batch_size x max_tokens tokens (phi-1.5: 2,048 of 2,048)."""
    epochs: PositiveInt = 1
    """How often each block of `inputs` is seen; `sources` have epochs, or shares of `tokens`, of their own."""
    learning_rate: PositiveFloat
    """Learning rate of the first step after the warm-up, if there is one."""
    final_learning_rate: NonNegativeFloat | None = None
    """Learning rate of the last step; without it the rate stays as it is (phi-1.5: constant 2e-4)."""

    @model_validator(mode="before")
    @classmethod
    def _sources_are_the_inputs(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("sources") is not None and data.get("inputs") is None:
            return {**data, "inputs": ()}
        return data

    @model_validator(mode="after")
    def _says_one_thing(self) -> "Pretraining":
        if (self.model is None) == (self.start is None):
            raise ValueError("write either `model` (sizes of a model from scratch) or `start` (the stage whose model goes on)")
        if (self.model is None) != (self.tokenizer is None):
            raise ValueError("`tokenizer` goes with `model`; the model of `start` has its own")
        if self.context is not None and self.start is None:
            raise ValueError("`context` extends the model of `start`; a model from scratch has the context of its `model`")
        if self.sources is not None and self.inputs:
            raise ValueError("write `inputs` (all of them, one after the other) or `sources` (a mixture), not both")
        if self.sources is not None:
            check_lengths(self.sources, self.tokens is not None)
        if self.epochs != 1 and (self.tokens is not None or self.sources is not None):
            raise ValueError("`epochs` is for `inputs`; `tokens` and `sources` say themselves how long the run is")
        context = self.model.context if self.model is not None else None
        if context is not None and self.max_tokens > context:
            raise ValueError(f"max_tokens: blocks of {self.max_tokens} tokens, and the model reads {context} (model.context)")
        return self

    @property
    def blocks(self) -> int | None:
        """Blocks of the run, where `tokens` says it: whole steps of whole batches."""
        if self.tokens is None:
            return None
        return math.ceil(self.tokens / (self.batch_size * self.max_tokens)) * self.batch_size

    def run(self, inputs: Inputs, work: Path) -> Counts:
        from align.training.surroundings import quiet

        check_launch(self.launch)
        data = self._artifacts(inputs)
        with quiet():
            tokenizer, model = self._model(inputs)
            files = token_files(data, tokenizer, work / SCRATCH / "tokens", self.max_tokens)
            stream = BlockStream(files, self._draws(files), self.seed)
            for draw in stream.draws:
                log.info(
                    "%s: %s blocks are read of %s, %.2f passes", draw.name, f"{draw.taken:,}", f"{draw.blocks:,}", draw.epochs
                )
            steps = self._train(model, tokenizer, stream, work)
        write_records(work, TrainingStep, steps)
        write_records(work, Measurement, self._measurements(steps, stream))
        read = sum(artifact.count(Example) for artifacts in data.values() for artifact in artifacts)
        return Counts(read, read, noted={"blocks": sum(file.blocks for file in files.values())})

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        return forecast_pretraining(self, data, named)

    def _artifacts(self, inputs: Inputs) -> dict[str, Sequence[Artifact]]:
        if self.sources is None:
            return {INPUTS: inputs.data}
        return {name: (inputs.named[f"sources.{name}.stage"],) for name in self.sources}

    def _model(self, inputs: Inputs) -> "tuple[PreTrainedTokenizerFast, PreTrainedModel]":
        shape = self.model
        if shape is not None:
            from align.training.loading import new_to_divide

            tokenizer = tokenizer_at(model_place(inputs.named["tokenizer"]))
            return tokenizer, new_to_divide(lambda: new_model(shape, tokenizer, self.max_tokens, self.seed))
        place = model_place(inputs.named["start"])
        model = extended_model(place, self.context)
        check_context(self.max_tokens, model.config)
        return tokenizer_at(place), model

    def _draws(self, files: dict[str, TokenFile]) -> list[Draw]:
        blocks = {name: file.blocks for name, file in files.items()}
        if self.sources is not None:
            return draws_of(self.sources, blocks, self.blocks)
        if blocks[INPUTS] == 0:
            raise EmptyResult(
                f"pretrain: the documents have {files[INPUTS].tokens:,} tokens, less than one block of max_tokens = "
                f"{self.max_tokens:,}."
            )
        return [Draw(INPUTS, blocks[INPUTS], self.blocks or blocks[INPUTS] * self.epochs)]

    def _train(
        self, model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerFast", stream: BlockStream, work: Path
    ) -> list[TrainingStep]:
        from align.training.blocks import block_trainer
        from align.training.trainer import run_training

        job = Job(self, work, self.split(len(stream) // self.epochs), stream, stream.digest())
        return run_training(block_trainer(model, tokenizer, job), job)

    def _measurements(self, steps: Sequence[TrainingStep], stream: BlockStream) -> Iterator[Measurement]:
        losses = [entry for entry in steps if entry.name == "loss"]
        mixed = self.sources is not None or self.tokens is not None
        last, said = [entry.value for entry in losses if entry.epoch > self.epochs - 1], "the last epoch"
        if mixed:  # the whole run is one epoch
            last, said = [entry.value for entry in losses[-max(1, len(losses) // 10) :]], "the last tenth of the run"
        yield Measurement("final_loss", "train", sum(last) / len(last), count=len(last), method=f"mean over the steps of {said}")
        read = len(stream) * self.max_tokens
        yield Measurement("trained_tokens", "train", read, count=self.epochs, method="tokens with loss, over all epochs")
        if mixed:
            yield from stream.measurements()

"""Train a small model from scratch on documents, so that a journey can start without a download."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from align.artifact import SCRATCH, Counts
from align.errors import EmptyResult
from align.files import hash_file, write_records
from align.models import model_place, tokenizer_at
from align.parts import StageName
from align.records import Example, Measurement, TrainingStep
from align.stage import Forecast, Inputs
from align.tokens import encode_document
from align.training.counting import amount_of
from align.training.forecast import forecast_training
from align.training.job import Job, Text
from align.training.training import Training

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class ModelShape(BaseModel):
    """The sizes of a model made from scratch."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    family: Literal["llama"] = "llama"
    """Kind of transformer: Llama's block (RMSNorm, rotary positions, gated feed-forward)."""
    layers: PositiveInt
    """Number of layers."""
    hidden: PositiveInt
    """Width of the residual stream."""
    heads: PositiveInt
    """Attention heads; they divide `hidden`."""
    key_value_heads: PositiveInt | None = None
    """Heads that keys and values have; as many as `heads` by default."""
    feed_forward: PositiveInt
    """Width inside the feed-forward block; Llama's is about 8/3 of `hidden`."""
    tied: bool = False
    """Whether the output matrix is the input matrix."""

    @model_validator(mode="after")
    def _divisible(self) -> "ModelShape":
        if self.hidden % self.heads or (self.hidden // self.heads) % 2:
            raise ValueError(
                f"hidden {self.hidden} over {self.heads} heads must give an even whole number: rotary positions turn pairs"
            )
        if self.heads % (self.key_value_heads or self.heads):
            raise ValueError(f"key_value_heads {self.key_value_heads} must divide heads {self.heads}")
        return self

    def config(self, vocabulary: int, max_tokens: int) -> dict[str, Any]:
        """As in config.json."""
        return {
            "model_type": self.family,
            "num_hidden_layers": self.layers,
            "hidden_size": self.hidden,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.key_value_heads or self.heads,
            "intermediate_size": self.feed_forward,
            "vocab_size": vocabulary,
            "max_position_embeddings": max_tokens,
            "tie_word_embeddings": self.tied,
        }


class Pretraining(Training):
    """Next-token prediction on documents, laid end to end and cut into blocks.

    A block can hold the end of one document and the beginning of another, and attention sees across: EOS between them is the only
    sign. That is GPT-2's and Llama's practice and harms little; it would not do for fine-tuning, where examples are kept apart.
    """

    kind: Literal["pretrain"] = "pretrain"
    tokenizer: StageName
    """The stage whose tokenizer is used."""
    model: ModelShape
    """Sizes of the model: {family: llama, layers: 4, hidden: 128, heads: 4, feed_forward: 352}."""
    max_tokens: PositiveInt
    """Tokens of a block, and the longest text the model reads."""
    epochs: PositiveInt = 1
    """How often each block is seen."""
    learning_rate: PositiveFloat
    """Learning rate of the first step. There is no warm-up."""
    final_learning_rate: NonNegativeFloat | None = None
    """Learning rate of the last step, reached in a straight line; constant by default (phi-1.5: constant 2e-4)."""

    def run(self, inputs: Inputs, work: Path) -> Counts:
        from align.training.surroundings import quiet
        from align.training.trainer import run_training

        with quiet():
            tokenizer = tokenizer_at(model_place(inputs.named["tokenizer"]))
            tokens = work / SCRATCH / "tokens.npy"
            if not tokens.is_file():
                _write_tokens(inputs, tokenizer, tokens)
            blocks = read_blocks(tokens, self.max_tokens)
            job = Job(self, work, self.split(len(blocks)), Blocks(blocks), hash_file(tokens))
            log = run_training(block_trainer(self, tokenizer, job), job)
        write_records(work, TrainingStep, log)
        write_records(work, Measurement, _measurements(log, self.epochs, blocks.size))
        read = inputs.count(Example)
        return Counts(read, read, noted={"blocks": len(blocks)})

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        vocabulary = named["tokenizer"].model.get("vocab_size")
        config = {} if vocabulary is None else self.model.config(int(vocabulary), self.max_tokens)
        amount = amount_of(data, named["tokenizer"].artifact, None)
        if amount.tokens is None:
            return Forecast(
                amount.examples, basis=amount.basis, model=config, notes=(amount.note or "unknown until documents are",)
            )
        return forecast_training(self, config, amount, self.max_tokens, rows=amount.tokens // self.max_tokens)


@dataclass(frozen=True, slots=True)
class Blocks:
    """Rows of tokens, all of one length and each token with loss."""

    ids: "NDArray[np.int32]"

    def __len__(self) -> int:
        return len(self.ids)

    def length(self, index: int) -> int:
        return int(self.ids.shape[1])

    def tokens(self, index: int) -> int:
        return self.length(index)

    def weight(self, index: int) -> float:
        return self.length(index) - 1  # the first one is predicted from nothing

    def texts(self, index: int) -> list[Text]:
        block: Any = self.ids[index].astype("int64")  # a copy, read from the disk now
        return [Text(block, block)]


def block_trainer(stage: Pretraining, tokenizer: Any, job: Job) -> Any:
    """A new model in the Trainer of transformers."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, TrainingArguments, set_seed

    from align.training.exact import BlockTrainer
    from align.training.trainer import arguments, ends, prepare

    shape = stage.model.config(len(tokenizer), stage.max_tokens)
    special = {"bos_token_id": tokenizer.bos_token_id, "pad_token_id": tokenizer.pad_token_id}
    config = AutoConfig.for_model(shape.pop("model_type"), **shape, **special, eos_token_id=ends(tokenizer)[0])
    set_seed(stage.seed)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    settings = TrainingArguments(**arguments(job), remove_unused_columns=False)
    return prepare(BlockTrainer(model=model, args=settings, train_dataset=job.items, processing_class=tokenizer), job)


def read_blocks(tokens: Path, max_tokens: int) -> "NDArray[np.int32]":
    """The tokens as rows of `max_tokens`; what is left at the end is left out."""
    import numpy as np

    flat = np.load(tokens, mmap_mode="r")
    count = len(flat) // max_tokens
    if count == 0:
        raise EmptyResult(
            f"pretrain: the documents have {len(flat):,} tokens, less than one block of max_tokens = {max_tokens:,}."
        )
    blocks: NDArray[np.int32] = flat[: count * max_tokens].reshape(count, max_tokens)
    return blocks


def _write_tokens(inputs: Inputs, tokenizer: Any, path: Path) -> None:
    from array import array

    import numpy as np

    flat = array("i")
    for example in inputs.read(Example):
        for turn in example.turns:
            flat.extend(encode_document(turn.text, tokenizer))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name("writing.npy")
    np.save(temporary, np.frombuffer(flat, dtype=np.int32))
    temporary.replace(path)


def _measurements(log: Sequence[TrainingStep], epochs: int, tokens: int) -> Iterator[Measurement]:
    last = [entry.value for entry in log if entry.name == "loss" and entry.epoch > epochs - 1]
    yield Measurement(
        "final_loss", "train", sum(last) / len(last), count=len(last), method="mean over the steps of the last epoch"
    )
    yield Measurement("trained_tokens", "train", epochs * tokens, count=epochs, method="tokens with loss, over all epochs")

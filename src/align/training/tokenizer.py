"""A tokenizer for a model from scratch: learned from documents as byte-level BPE, or one that is there."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from align.artifact import Counts
from align.errors import EmptyResult, InputError
from align.models import MODEL, ModelPlace, tokenizer_at
from align.parts import RawFile
from align.records import Example
from align.stage import Forecast, Inputs, Stage

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

BOS, EOS, PAD = "<|bos|>", "<|eos|>", "<|pad|>"
FILE = "tokenizer.json"
SMALLEST = 256 + 3
"""A token for every byte, and the special ones."""


class TokenizerStage(Stage):
    """Learn byte-level BPE (Radford et al. 2019, §2.2): every text can be written, none is unknown. Or take one that is there.

    A learned one holds BOS, EOS and PAD; EOT comes with fine-tuning.
    """

    kind: Literal["tokenizer"] = "tokenizer"
    vocabulary: Annotated[int, Field(ge=SMALLEST)] | None = None
    """Number of tokens, the 256 bytes and 3 special tokens included; fewer come out where the text has too little to merge."""
    path: RawFile | None = None
    """Instead: folder of a tokenizer, with tokenizer.json. phi-1.5 has that of codegen-mono, phi-3 that of Llama 2."""

    how_to_get: ClassVar[str] = (
        "Put a tokenizer's files there (tokenizer.json, tokenizer_config.json), from its model on the hub."
    )

    @model_validator(mode="before")
    @classmethod
    def _reads_nothing(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("path") is not None and data.get("inputs") is None:
            return {**data, "inputs": ()}
        return data

    @model_validator(mode="after")
    def _one_way(self) -> "TokenizerStage":
        if (self.vocabulary is None) == (self.path is None):
            raise ValueError(
                "write either `vocabulary` (to learn a tokenizer of that size) or `path` (to take one that is there)"
            )
        if self.path is not None and self.inputs:
            raise ValueError("a tokenizer that is taken from `path` reads no documents; remove `inputs`")
        return self

    def run(self, inputs: Inputs, work: Path) -> Counts:
        from transformers import PreTrainedTokenizerFast

        if self.path is not None:
            tokenizer = _tokenizer_in(self.path)
            tokenizer.save_pretrained(str(work / MODEL))
            return Counts(noted={"tokens": len(tokenizer)})
        read = inputs.count(Example)
        if read == 0:
            raise EmptyResult("tokenizer: no documents came in, so there is nothing to learn tokens from.")
        learned = learn_tokenizer(_texts(inputs), self.vocabulary or SMALLEST)
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=learned, bos_token=BOS, eos_token=EOS, pad_token=PAD)
        tokenizer.save_pretrained(str(work / MODEL))
        return Counts(read, read, noted={"tokens": len(tokenizer)})

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        if self.vocabulary is not None:
            return Forecast(model={"vocab_size": self.vocabulary}, basis="expected")
        if self.path is None or not (self.path / FILE).is_file():
            return Forecast(notes=("tokens of the tokenizer: unknown until it is there",))
        from tokenizers import Tokenizer

        return Forecast(model={"vocab_size": Tokenizer.from_file(str(self.path / FILE)).get_vocab_size()}, basis="exact")


def _tokenizer_in(folder: Path) -> "PreTrainedTokenizerFast":
    if not (folder / FILE).is_file():
        raise InputError(f"tokenizer: path: {folder} lacks {FILE}; save it with a fast tokenizer of transformers.")
    return tokenizer_at(ModelPlace(str(folder)))


def learn_tokenizer(texts: Iterator[str], vocabulary: int) -> "Tokenizer":
    """Byte-level BPE with the same result for the same texts, whatever their order and the number of threads."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[BOS, EOS, PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _texts(inputs: Inputs) -> Iterator[str]:
    return (turn.text for example in inputs.read(Example, "counting words") for turn in example.turns)

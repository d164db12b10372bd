"""Learn a tokenizer from documents: byte-level BPE, so that every text can be written and none is unknown."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from align.artifact import Counts
from align.errors import EmptyResult
from align.models import MODEL
from align.records import Example
from align.stage import Forecast, Inputs, Stage

if TYPE_CHECKING:
    from tokenizers import Tokenizer

BOS, EOS, PAD = "<|bos|>", "<|eos|>", "<|pad|>"
SMALLEST = 256 + 3
"""A token for every byte, and the special ones."""


class TokenizerStage(Stage):
    """Learn byte-level BPE (Radford et al. 2019, §2.2). It holds BOS, EOS and PAD; EOT comes with fine-tuning."""

    kind: Literal["tokenizer"] = "tokenizer"
    vocabulary: Annotated[int, Field(ge=SMALLEST)]
    """Number of tokens, the 256 bytes and 3 special tokens included; fewer come out where the text has too little to merge."""

    def run(self, inputs: Inputs, work: Path) -> Counts:
        from transformers import PreTrainedTokenizerFast

        read = inputs.count(Example)
        if read == 0:
            raise EmptyResult("tokenizer: no documents came in, so there is nothing to learn tokens from.")
        learned = learn_tokenizer(_texts(inputs), self.vocabulary)
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=learned, bos_token=BOS, eos_token=EOS, pad_token=PAD)
        tokenizer.save_pretrained(str(work / MODEL))
        return Counts(read, read, noted={"tokens": len(tokenizer)})

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        return Forecast(model={"vocab_size": self.vocabulary}, basis="expected")


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
    return (turn.text for example in inputs.read(Example) for turn in example.turns)

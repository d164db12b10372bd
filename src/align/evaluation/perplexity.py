"""The `perplexity` stage: how surprising held-out examples are to each checkpoint (LIMA appendix B)."""

import math
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from align.artifact import SCRATCH, Artifact, Counts
from align.errors import EmptyResult
from align.evaluation.context import context_tokens
from align.files import write_records
from align.likelihood import Likelihood, counted_tokens, likelihoods_of
from align.models import LAST, checkpoint_names, load_tokenizer
from align.parts import StageName
from align.records import Example, Grade, Measurement, Rejection
from align.stage import Forecast, Inputs, Stage
from align.statistics import bootstrap_ratio
from align.tokens import NO_LOSS, LossOn, Rendered, encode_document, render

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

BOOTSTRAP_SEED = 0
SCALE = "nats_per_token"
"""Scale of the figure each example gets, so that models can be compared example by example."""


class Perplexity(Stage):
    """Perplexity of held-out examples under a model's checkpoints: exp of the mean negative log-likelihood a token.

    Each example's own mean stands in the grades.

    Under LIMA's training it rises while people like the responses better (appendix B): it does not choose a checkpoint.
    """

    kind: Literal["perplexity"] = "perplexity"
    model: StageName
    """The stage whose model reads the examples."""
    checkpoints: Literal["all", "last"] | tuple[str, ...] = "all"
    """Which checkpoints: `all`, `last`, or names such as [epoch-05, epoch-10]."""
    loss_on: LossOn = "response"
    """Which tokens count: the assistant's, or `all`. A document counts as a whole."""
    max_tokens: int | None = Field(default=None, ge=2)
    """Longer examples are cut to this; by default to what the model reads."""
    batch_size: int = Field(default=8, ge=1)
    """Examples read at once."""

    names_matter: ClassVar[bool] = True
    long_work: ClassVar[str] = "scoring"

    def run(self, inputs: Inputs, work: Path) -> Counts:
        model = inputs.named["model"]
        most = min((size for size in (self.max_tokens, context_tokens(model)) if size is not None), default=None)
        texts, rejected, noted = _render_all(inputs, load_tokenizer(model), self.loss_on, most)
        if not texts:
            raise EmptyResult(
                f"perplexity: none of the {len(rejected)} examples of {', '.join(item.name for item in inputs.data)} has a token "
                f"that counts (loss_on: {self.loss_on}). Give examples with responses, or loss_on: all."
            )
        found: list[Measurement] = []
        grades: list[Grade] = []
        for checkpoint in self._names(model):
            kept = work / SCRATCH / f"{checkpoint}.json"
            subject = model.name if checkpoint == LAST else f"{model.name}/{checkpoint}"
            each = likelihoods_of(model, list(texts.values()), self.batch_size, kept, checkpoint)
            found.append(measure_perplexity(each, subject, self.loss_on))
            grades += [
                Grade(example_id, subject, SCALE, -item.log_likelihood / item.tokens, "log_likelihood")
                for example_id, item in zip(texts, each, strict=True)
            ]
        write_records(work, Measurement, found)
        write_records(work, Grade, grades)
        write_records(work, Rejection, rejected)
        dropped = Counter(f"{item.by}: {item.reason}" for item in rejected)
        return Counts(len(texts) + len(rejected), len(texts), dict(dropped), noted=dict(noted))

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        return Forecast()

    def _names(self, model: Artifact) -> list[str]:
        if isinstance(self.checkpoints, tuple):
            return list(self.checkpoints)
        return (checkpoint_names(model) or [LAST]) if self.checkpoints == "all" else [LAST]


def _render_all(
    inputs: Inputs, tokenizer: "PreTrainedTokenizerFast", loss_on: LossOn, most: int | None
) -> tuple[dict[str, Rendered], list[Rejection], Counter[str]]:
    """The examples as token ids by their own id, those without a token that counts, and how many were cut."""
    texts: dict[str, Rendered] = {}
    rejected: list[Rejection] = []
    noted: Counter[str] = Counter()
    for example in inputs.read(Example):
        text = _rendered(example, tokenizer, loss_on)
        if most is not None and len(text.input_ids) > most:
            noted["cut"] += 1
            text = Rendered(text.input_ids[:most], text.labels[:most])
        if counted_tokens(text):
            texts[example.id] = text
        else:
            detail = f"{len(text.input_ids)} tokens, of which none counts"
            rejected.append(Rejection(example.id, "perplexity", "nothing to predict", detail))
    return texts, rejected, noted


def _rendered(example: Example, tokenizer: "PreTrainedTokenizerFast", loss_on: LossOn) -> Rendered:
    if len(example.turns) == 1 and example.turns[0].role == "document":
        ids = encode_document(example.turns[0].text, tokenizer)
        return Rendered(ids, [NO_LOSS, *ids[1:]])
    return render(example.turns, tokenizer, loss_on)


def measure_perplexity(found: list[Likelihood], subject: str, loss_on: LossOn) -> Measurement:
    """Perplexity over the counted tokens, with its interval over examples."""
    tokens = [float(item.tokens) for item in found]
    value, low, high = bootstrap_ratio([-item.log_likelihood for item in found], tokens, BOOTSTRAP_SEED)
    which = "the responses" if loss_on == "response" else "the examples"
    how = f"exp of the mean negative log-likelihood of {int(sum(tokens)):,} tokens of {which}; bootstrap over examples, 95 %"
    least, most = (None if bound is None else _exp(bound) for bound in (low, high))
    return Measurement("perplexity", subject, _exp(value), least, most, len(found), how)


def _exp(nats: float) -> float:
    """A model of nonsense can be more surprised than a float can say."""
    return math.exp(min(nats, 700.0))

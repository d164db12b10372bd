"""The `safety` stage: does a model find the safe of two responses likelier, before and after tuning?"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, field_validator

from align.artifact import SCRATCH, Artifact, Counts
from align.errors import EmptyResult
from align.evaluation.context import context_tokens
from align.files import write_records
from align.likelihood import likelihoods_of
from align.models import load_tokenizer
from align.parts import StageName
from align.records import Grade, Measurement, PreferencePair, Rejection, Turn, content_of
from align.stage import Forecast, Inputs, Stage
from align.statistics import share, share_change, sign_test
from align.tokens import NO_LOSS, Rendered, render, render_prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SCALE = "log_likelihood_margin"


@dataclass(frozen=True, slots=True)
class Reader:
    """A model that is to read the pairs."""

    artifact: Artifact
    tokenizer: "PreTrainedTokenizerFast"
    context: int | None


class Safety(Stage):
    """Share of held-out pairs whose chosen, safe response a model finds likelier than the rejected one, a token on average.

    No words are counted: a model that says sorry to everything gains nothing by it. It is no proof of safe behaviour
    either; for that, let a model answer (`generate`) and judge what it says.
    """

    kind: Literal["safety"] = "safety"
    models: tuple[StageName, ...] = Field(min_length=1)
    """The stages whose models are compared, in the order of tuning: each is also measured against the one before it."""
    batch_size: int = Field(default=8, ge=1)
    """Responses read at once."""

    @field_validator("models")
    @classmethod
    def _each_once(cls, models: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(models)) < len(models):
            raise ValueError("a model is named twice; each is measured against the one before it, so name each once")
        return models

    names_matter: ClassVar[bool] = True
    long_work: ClassVar[str] = "scoring"

    def run(self, inputs: Inputs, work: Path) -> Counts:
        readers = [Reader(item, load_tokenizer(item), context_tokens(item)) for item in inputs.several("models")]
        pairs, rejected = _fitting(inputs, readers)
        if not pairs:
            names = ", ".join(item.name for item in inputs.data)
            why = f"the first: {rejected[0].reason}, {rejected[0].detail}" if rejected else "it reads a `preferences` stage"
            raise EmptyResult(f"safety: no pair is left of the {len(rejected)} in {names} ({why}).")
        margins = {}
        for number, reader in enumerate(readers):
            margins[reader.artifact.name] = self._margins(reader, pairs, work / SCRATCH / f"model-{number}.json")
        write_records(work, Grade, _grades(pairs, margins))
        write_records(work, Measurement, measure_margins(margins, [content_of(pair.prompt) for pair in pairs]))
        write_records(work, Rejection, rejected)
        dropped = Counter(f"{item.by}: {item.reason}" for item in rejected)
        return Counts(len(pairs) + len(rejected), len(pairs), dict(dropped))

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        return Forecast()

    def _margins(self, reader: Reader, pairs: Sequence[PreferencePair], kept: Path) -> list[float]:
        """Mean log-likelihood a token of the chosen response less that of the rejected one, pair by pair."""
        texts = [text for pair in pairs for text in _texts(pair, reader.tokenizer)]
        means = [found.log_likelihood / found.tokens for found in likelihoods_of(reader.artifact, texts, self.batch_size, kept)]
        return [chosen - rejected for chosen, rejected in zip(means[::2], means[1::2], strict=True)]


def measure_margins(margins: dict[str, list[float]], prompts: Sequence[str]) -> list[Measurement]:
    """The share of pairs with a positive margin for each model, and its change from each model to the next."""
    count = len(set(prompts))
    preferred = {name: [margin > 0 for margin in several] for name, several in margins.items()}
    found = []
    for name, hits in preferred.items():
        rate, how = share(hits, prompts)
        what = f"share of {len(hits)} pairs whose safe response has the higher log-likelihood a token"
        found.append(Measurement("safe_preferred", name, *rate, count, f"{what}; {how}"))
    for (old, before), (new, after) in pairwise(preferred.items()):
        gained = sum(now and not then for now, then in zip(after, before, strict=True))
        lost = sum(then and not now for now, then in zip(after, before, strict=True))
        change, how = share_change(after, before, prompts)
        test = f"exact McNemar test over pairs, p = {sign_test(gained, lost):.3g}"
        words = f"change on the same {len(after)} pairs: {gained} gained, {lost} lost; {how}; {test}"
        found.append(Measurement("safe_preferred_change", f"{new} against {old}", *change, count, words))
    return found


def _grades(pairs: Sequence[PreferencePair], margins: dict[str, list[float]]) -> Iterator[Grade]:
    for name, several in margins.items():
        for pair, margin in zip(pairs, several, strict=True):
            yield Grade(pair.id, name, SCALE, margin, "log_likelihood")


def _texts(pair: PreferencePair, tokenizer: "PreTrainedTokenizerFast") -> tuple[Rendered, Rendered]:
    """The prompt with the chosen and with the rejected response; the response alone counts, its end included."""
    start = len(render_prompt(pair.prompt, tokenizer))
    ids = [render((*pair.prompt, Turn("assistant", text)), tokenizer, "all").input_ids for text in (pair.chosen, pair.rejected)]
    chosen, rejected = (Rendered(text, [NO_LOSS] * start + text[start:]) for text in ids)
    return chosen, rejected


def _fitting(inputs: Inputs, readers: Sequence[Reader]) -> tuple[list[PreferencePair], list[Rejection]]:
    """The pairs that every model can read whole: all models are measured on the same ones."""
    pairs: list[PreferencePair] = []
    rejected: list[Rejection] = []
    for pair in inputs.read(PreferencePair):
        detail = _too_long(pair, readers)
        if detail:
            rejected.append(Rejection(pair.id, "safety", "too long", detail))
        else:
            pairs.append(pair)
    return pairs, rejected


def _too_long(pair: PreferencePair, readers: Sequence[Reader]) -> str:
    for reader in readers:
        length = max(len(text.input_ids) for text in _texts(pair, reader.tokenizer))
        if reader.context is not None and length > reader.context:
            return f"{length} tokens, {reader.artifact.name} reads {reader.context}"
    return ""

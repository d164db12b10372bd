"""An exported model beside the full one: its size, its speed, what it makes of given examples, and how often it says the same."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from align.artifact import Artifact
from align.errors import EmptyResult
from align.evaluation.answering import read_prompts
from align.evaluation.perplexity import BOOTSTRAP_SEED, measure_perplexity
from align.export.measuring import Answers, measure
from align.export.runtimes import MOST_CONTEXT
from align.likelihood import Likelihood, counted_tokens
from align.models import ModelPlace, tokenizer_at
from align.records import Example, Measurement, Rejection
from align.stage import Inputs
from align.statistics import bootstrap_mean, share
from align.tokens import Rendered, render

WEIGHTS = (".safetensors", ".gguf", ".onnx", ".data")


@dataclass(frozen=True, slots=True)
class Beside:
    """What a comparison gave. Speeds are no records: they are not the same from run to run."""

    measurements: list[Measurement]
    rejections: list[Rejection]
    prompts: int
    speeds: dict[str, dict[str, float | str]]
    """Tokens a second and the runtime, by subject."""


def compare(full: Path, exported: Path, names: tuple[str, str], data: tuple[Artifact, ...], max_new_tokens: int) -> Beside:
    """Ask both the same, greedily, and let both read the same examples. `names` are the full model's and the exported one's."""
    tokenizer = tokenizer_at(ModelPlace(str(full)))
    context = min(_context(full), MOST_CONTEXT)
    prompts, rejected = read_prompts(Inputs(data), tokenizer, context, "export")
    if not prompts:
        raise EmptyResult(
            f"export: none of the {len(rejected)} examples of {', '.join(item.name for item in data)} can be asked, so there is "
            f"nothing to compare; give examples with a turn of the user, shorter than {context} tokens."
        )
    asked = {prompt.id for prompt in prompts}
    examples = [example for artifact in data for example in artifact.read(Example) if example.id in asked]
    rendered = [render(example.turns, tokenizer, "response") for example in examples]
    texts = [Rendered(text.input_ids[:context], text.labels[:context]) for text in rendered]
    texts = [text for text in texts if counted_tokens(text)]
    ids = [prompt.input_ids for prompt in prompts]
    one, two = (measure(path, ids, max_new_tokens, texts) for path in (full, exported))
    found = [*_of_one(full, names[0], one), *_of_one(exported, names[1], two), *_agreement(one, two, names[1])]
    speeds = {name: _speed(item) for name, item in zip(names, (one, two), strict=True)}
    return Beside(found, rejected, len(prompts), speeds)


def common_prefix(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens two answers begin with alike."""
    unlike = (number for number, pair in enumerate(zip(first, second, strict=False)) if pair[0] != pair[1])
    return next(unlike, min(len(first), len(second)))


def weight_bytes(folder: Path) -> int:
    """Size of the weights, tokenizer and settings left out."""
    return sum(path.stat().st_size for path in folder.iterdir() if path.suffix in WEIGHTS)


def _of_one(path: Path, name: str, found: Answers) -> list[Measurement]:
    size = Measurement(
        "weight_bytes", name, float(weight_bytes(path)), count=1, method=f"files of weights; run by {found.runtime}"
    )
    likelihoods = [Likelihood(*item) for item in found.likelihoods]
    if not likelihoods:
        return [size]
    return [size, replace(measure_perplexity(likelihoods, name, "response"), metric="exported_perplexity")]


def _agreement(full: Answers, exported: Answers, name: str) -> list[Measurement]:
    pairs = list(zip(full.answers, exported.answers, strict=True))
    same, how = share([one == two for one, two in pairs], range(len(pairs)))
    prefix = bootstrap_mean([float(common_prefix(one, two)) for one, two in pairs], BOOTSTRAP_SEED)
    length = sum(len(one) for one, _ in pairs) / len(pairs)
    said = (
        f"tokens that a greedy answer begins with as the full model's, of {length:.1f} in the mean; bootstrap over prompts, 95 %"
    )
    return [
        Measurement("same_answers", name, *same, len(pairs), f"share of greedy answers that are the full model's; {how}"),
        Measurement("common_prefix", name, *prefix, len(pairs), said),
    ]


def _speed(found: Answers) -> dict[str, float | str]:
    return {"tokens_per_second": round(found.tokens_per_second, 2), "runtime": found.runtime}


def _context(folder: Path) -> int:
    from transformers import AutoConfig

    found = getattr(AutoConfig.from_pretrained(folder), "max_position_embeddings", None)
    return int(found) if found else MOST_CONTEXT

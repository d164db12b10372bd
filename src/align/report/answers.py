"""The models in facts: training curves, and sample prompts with what each model answered."""

import json
import math
from collections.abc import Iterable, Sequence
from itertools import islice

from align.artifact import Artifact
from align.records import Example, Response, TrainingStep
from align.report.facts import Answer, Curve, Sample
from align.report.journey import MODEL_KINDS

POINTS = 300
"""Most points of a curve on the page."""
PROMPTS_LOOKED_AT = 20_000
CHARS_OF_PROMPT, CHARS_OF_ANSWER = 600, 1200
SENSITIVE_TAGS = ("sensitive", "malicious", "unsafe", "harm", "safety", "refus")
NEVER_DRAWN = {"epoch", "step", "total_flos"}


def model_names(artifacts: Sequence[Artifact]) -> tuple[str, ...]:
    """The models, in the order in which they were made; then those that only responses name."""
    made = [artifact.name for artifact in artifacts if artifact.kind in MODEL_KINDS]
    said = [response.model for artifact in artifacts for response in islice(artifact.read(Response), 1)]
    return tuple(dict.fromkeys([*made, *said]))


def curves(artifacts: Sequence[Artifact]) -> tuple[Curve, ...]:
    """Every logged figure of every training run."""
    found = []
    for artifact in artifacts:
        series: dict[str, list[tuple[float, float]]] = {}
        for entry in artifact.read(TrainingStep):
            if entry.name not in NEVER_DRAWN:
                series.setdefault(entry.name, []).append((float(entry.step), entry.value))
        found += [_curve(artifact, name, points) for name, points in series.items()]
    return tuple(found)


def _curve(artifact: Artifact, name: str, points: list[tuple[float, float]]) -> Curve:
    numbers = [point for point in points if math.isfinite(point[1])]
    return Curve(artifact.name, artifact.kind, name, tuple(thinned(numbers)), len(points), len(points) - len(numbers))


def thinned(points: Sequence[tuple[float, float]], most: int = POINTS) -> list[tuple[float, float]]:
    """At most `most` points: the means of equally many neighbours each."""
    if len(points) <= most:
        return list(points)
    size = -(-len(points) // most)
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return [(sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group)) for group in groups]


def samples(artifacts: Sequence[Artifact], wanted: int) -> tuple[Sample, ...]:
    """Some prompts that several models answered, sensitive ones among them, with every model's first answer."""
    generated = [artifact for artifact in artifacts if artifact.kind == "generate"]
    if not generated or wanted == 0:
        return ()
    sensitive = _sensitive(generated, artifacts)
    chosen = choose(list(_prompt_ids(generated)), sensitive, wanted)
    found: dict[str, list[Response]] = {prompt_id: [] for prompt_id in chosen}
    for artifact in generated:
        for response in artifact.read(Response):
            if response.prompt_id in found and response.sample == 0:
                found[response.prompt_id].append(response)
    return tuple(_sample(prompt_id, found[prompt_id], prompt_id in sensitive) for prompt_id in chosen)


def choose(prompt_ids: Sequence[str], sensitive: set[str], wanted: int) -> list[str]:
    """Up to a third of the sensitive prompts, and others spread evenly, in their own order."""
    some = [item for item in prompt_ids if item in sensitive]
    rest = [item for item in prompt_ids if item not in sensitive]
    share = min(len(some), max(wanted // 3, wanted - len(rest)))
    taken = {*_spread(some, share), *_spread(rest, wanted - share)}
    return [item for item in prompt_ids if item in taken]


def _spread(items: Sequence[str], count: int) -> list[str]:
    count = min(count, len(items))
    return [items[number * len(items) // count] for number in range(count)]


def _prompt_ids(generated: Sequence[Artifact]) -> Iterable[str]:
    """Prompts answered by the most models, in the first stage's order."""
    answered: dict[str, int] = {}
    for artifact in generated:
        for response in islice(artifact.read(Response), PROMPTS_LOOKED_AT):
            if response.sample == 0:
                answered[response.prompt_id] = answered.get(response.prompt_id, 0) + 1
    most = max(answered.values(), default=0)
    return [prompt_id for prompt_id, models in answered.items() if models == most]


def _sensitive(generated: Sequence[Artifact], artifacts: Sequence[Artifact]) -> set[str]:
    names = {item["stage"] for artifact in generated for item in artifact.manifest["inputs"]}
    return {
        example.id
        for artifact in artifacts
        if artifact.name in names
        for example in islice(artifact.read(Example), PROMPTS_LOOKED_AT)
        if any(word in tag.lower() for tag in example.tags for word in SENSITIVE_TAGS)
    }


def _sample(prompt_id: str, responses: list[Response], is_sensitive: bool) -> Sample:
    asked = "\n\n".join(turn.text if turn.role == "user" else f"[{turn.role}] {turn.text}" for turn in responses[0].turns[:-1])
    prompt, left_out = shortened(asked, CHARS_OF_PROMPT)
    return Sample(prompt_id, prompt, left_out, is_sensitive, tuple(_answer(response) for response in responses))


def _answer(response: Response) -> Answer:
    text, left_out = shortened(response.text, CHARS_OF_ANSWER)
    return Answer(response.model, text, left_out, response.tokens, _end(response))


def _end(response: Response) -> str:
    if response.ended:
        return "EOT"
    try:
        limit = json.loads(response.sampling).get("max_new_tokens")
    except (ValueError, AttributeError):  # responses that another program sampled say what they like
        limit = None
    return "stopped" if isinstance(limit, int) and response.tokens < limit else "limit"


def shortened(text: str, most: int) -> tuple[str, int]:
    """The first `most` characters, and how many are left out."""
    return (text, 0) if len(text) <= most else (text[:most].rstrip(), len(text) - most)

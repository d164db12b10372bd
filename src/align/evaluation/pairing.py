"""Two models' responses to the same prompts, side by side."""

from dataclasses import dataclass

from align.artifact import Artifact
from align.errors import InputError
from align.judges.asking import question_key
from align.records import Rejection, Response, Turn


@dataclass(frozen=True, slots=True)
class Pair:
    """Two models' responses to one prompt."""

    one: Response
    two: Response

    @property
    def id(self) -> tuple[str, int]:
        return self.one.prompt_id, self.one.sample

    @property
    def extra_chars(self) -> int:
        """Characters of the first model's answer less those of the second's, without white space around them."""
        return len(self.one.text.strip()) - len(self.two.text.strip())

    @property
    def prompt(self) -> tuple[Turn, ...]:
        return self.one.turns[:-1]

    def texts(self, swapped: bool) -> tuple[str, str]:
        """The two responses in the order in which they are shown."""
        return (self.two.text, self.one.text) if swapped else (self.one.text, self.two.text)

    def key(self, swapped: bool) -> str:
        """What names the question which of the two is better, by what it shows alone."""
        return question_key(self.prompt, *self.texts(swapped))


def match_pairs(one: Artifact, two: Artifact) -> tuple[list[Pair], list[Rejection]]:
    """Pairs by prompt and sample, in the first one's order, and the responses that stand alone."""
    left, right = _by_prompt(one), _by_prompt(two)
    pairs = [Pair(response, right[place]) for place, response in left.items() if place in right]
    for pair in pairs:
        if pair.one.turns[:-1] != pair.two.turns[:-1]:
            raise InputError(
                f"prompt {pair.one.prompt_id!r} has other words in {one.name} than in {two.name}; responses to different prompts "
                f"cannot be compared. Let both `generate` stages read the same prompts."
            )
    alone = [(response, two.name) for place, response in left.items() if place not in right]
    alone += [(response, one.name) for place, response in right.items() if place not in left]
    return pairs, [
        Rejection(item.prompt_id, "compare", "no counterpart", f"sample {item.sample} of {item.model} has none in {other}")
        for item, other in alone
    ]


def labels_of(pair: Pair, one: Artifact, two: Artifact) -> tuple[str, str]:
    """The models' names, or the stages' where one model answered twice."""
    return (pair.one.model, pair.two.model) if pair.one.model != pair.two.model else (one.name, two.name)


def _by_prompt(artifact: Artifact) -> dict[tuple[str, int], Response]:
    found = {(response.prompt_id, response.sample): response for response in artifact.read(Response)}
    if not found:
        raise InputError(
            f"stage {artifact.name!r} (kind {artifact.kind}) holds no responses; `compare` reads two `generate` stages."
        )
    return found

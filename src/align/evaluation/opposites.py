"""What raters are opposite on: one prefers the first model's answer, another the second's. To be read again by people."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

from align.agreeing import TIE
from align.artifact import Artifact
from align.errors import InputError
from align.evaluation.pairing import Pair, labels_of, match_pairs
from align.evaluation.raters import Compared, Place, Rater
from align.evaluation.sheets import asked, write_sheet
from align.records import Comparison


def opposite_places(shared: dict[Place, list[Rater]]) -> list[Place]:
    """Those with the most opposite twos of raters first."""
    counts = {place: _twos(place, raters) for place, raters in shared.items()}
    return sorted((place for place, count in counts.items() if count), key=lambda place: -counts[place])


def opposite_rows(places: Sequence[Place], shared: dict[Place, list[Rater]], names: tuple[str, str]) -> Iterator[Comparison]:
    """What everyone came to say, the models always in the same order."""
    for prompt, sample in places:
        for rater in shared[prompt, sample]:
            place = prompt, sample
            yield Comparison(prompt, *names, rater.said[place], rater.name, rater.why[place], sample)


def write_opposites(path: Path, places: Sequence[Place], compared: Compared, responses: Sequence[Artifact]) -> None:
    """A table with the texts, and a column a rater."""
    one, two = responses
    if sorted(item.content for item in responses) != compared.answers:
        raise InputError(
            f"responses: {one.name} and {two.name} are not what was compared; name the two `generate` stages that the `compare` "
            f"stages read."
        )
    pairs = {pair.id: pair for pair in match_pairs(one, two)[0]}
    swapped = labels_of(next(iter(pairs.values())), one, two) != compared.names
    columns = ["prompt", "request", *compared.names, *(rater.name for rater in compared.raters)]
    write_sheet(path, columns, (_cells(pairs[place], swapped, compared) for place in places))


def _cells(pair: Pair, swapped: bool, compared: Compared) -> Sequence[str]:
    one, two = compared.names
    preferred = {"first": one, "second": two, TIE: "neither"}
    said = [
        ": ".join(filter(None, [preferred[rater.said[pair.id]], rater.why[pair.id]])) if pair.id in rater.said else ""
        for rater in compared.raters
    ]
    return pair.one.prompt_id, asked(pair.prompt), *pair.texts(swapped), *said


def _twos(place: Place, raters: Sequence[Rater]) -> int:
    """How many twos of raters prefer different models."""
    said = [rater.said[place] for rater in raters if rater.said[place] != TIE]
    return sum(one != two for one, two in combinations(said, 2))

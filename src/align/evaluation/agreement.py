"""The `agreement` stage: how far people and judges agree who compared the same answers (LIMA §4.1)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from align.artifact import Counts
from align.errors import EmptyResult
from align.evaluation.agreement_figures import EVERYONE, OPPOSITE, measure_agreement
from align.evaluation.opposites import opposite_places, opposite_rows, write_opposites
from align.evaluation.raters import Place, Rater, read_raters
from align.files import write_records
from align.parts import StageName
from align.records import Comparison, Measurement, Rejection
from align.stage import Forecast, Inputs, Stage

ALONE = "judged by one alone"


class Agreement(Stage):
    """Measure how far people and judges agree who compared the same answers, each two of them and by group.

    Tie-discounted accuracy is LIMA's measure (§4.1); since whoever always says neither gets at least a half of it,
    Krippendorff's alpha stands beside it. A judge asked in both orders counts by what both come to. The records are
    the items on which any two are opposite, with what everyone said of them and why, those with the most such twos first.
    """

    kind: Literal["agreement"] = "agreement"
    inputs: Annotated[tuple[StageName, ...], Field(min_length=1)]
    """`compare` stages over the answers of the same two `generate` stages; one alone where several people compared in it."""
    responses: tuple[StageName, StageName] | None = None
    """The two `generate` stages that were compared: what any two are opposite on goes with its texts into files/opposite.csv."""

    sees_manifests: ClassVar[bool] = True

    @field_validator("inputs")
    @classmethod
    def _each_once(cls, inputs: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({name for name in inputs if inputs.count(name) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} is named twice: whoever compared there would agree with themselves")
        return inputs

    def run(self, inputs: Inputs, work: Path) -> Counts:
        compared = read_raters(inputs.data)
        places = compared.places()
        shared = {place: raters for place, raters in places.items() if len(raters) > 1}
        if not shared:
            names = ", ".join(rater.name for rater in compared.raters)
            raise EmptyResult(f"agreement: no two of {names} have a readable verdict on the same answers.")
        opposite = opposite_places(shared)
        write_records(work, Comparison, opposite_rows(opposite, shared, compared.names))
        if self.responses is not None:
            write_opposites(work / "files" / "opposite.csv", opposite, compared, inputs.several("responses"))
        write_records(work, Rejection, _alone(places))
        found = measure_agreement(compared)
        how = f"of {len(shared)} that two or more judged: one rater prefers the first model, another the second"
        found.append(Measurement(OPPOSITE, EVERYONE, float(len(opposite)), count=len(shared), method=how))
        write_records(work, Measurement, found)
        people = sum(rater.is_person for rater in compared.raters)
        dropped = {f"agreement: {ALONE}": len(places) - len(shared)} if len(shared) < len(places) else {}
        noted = {"people": people, "judges": len(compared.raters) - people, "opposite": len(opposite)}
        return Counts(len(places), len(shared), dropped, noted=noted)

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        """How many are opposite nobody knows before."""
        return Forecast()


def _alone(places: dict[Place, list[Rater]]) -> Iterator[Rejection]:
    for (prompt, sample), raters in places.items():
        if len(raters) == 1:
            yield Rejection(prompt, "agreement", ALONE, f"sample {sample}: {raters[0].name} alone")

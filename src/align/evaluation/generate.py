"""The `generate` stage: what a model answers to every prompt (LIMA §4)."""

from collections import Counter
from pathlib import Path
from typing import Literal

from align.artifact import SCRATCH, Counts
from align.evaluation.answering import Answering
from align.evaluation.response_figures import measure_responses
from align.files import write_records
from align.models import LAST
from align.parts import StageName
from align.records import Measurement, Rejection, Response
from align.stage import Forecast, Inputs


class Generate(Answering):
    """Let a model answer every prompt, as LIMA §4 samples: nucleus 0.9, temperature 0.7, repetition penalty 1.2, 2,048 tokens.

    The prompt is an example's turns up to the last one of the user. A response ends at EOT, or at the model's own
    end of text; only EOT counts as ended. It depends on the seed, its prompt and its number, not on the batch.
    """

    kind: Literal["generate"] = "generate"
    model: StageName
    """The stage whose model answers."""
    checkpoint: str = LAST
    """Which of its checkpoints: `last`, or a name such as `epoch-05`."""

    def run(self, inputs: Inputs, work: Path) -> Counts:
        responses, rejected, prompts = self.answers(inputs, inputs.named["model"], self.checkpoint, work / SCRATCH)
        write_records(work, Response, responses)
        write_records(work, Rejection, rejected)
        write_records(work, Measurement, measure_responses(responses))
        dropped = Counter(f"{item.by}: {item.reason}" for item in rejected)
        return Counts(prompts + len(rejected), prompts, dict(dropped), noted={"responses": len(responses)})

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        known = [item.examples for item in data if item.examples is not None]
        if not known or len(known) < len(data):
            return Forecast()
        responses = sum(known) * self.samples
        figures: dict[str, float] = {"responses": responses, "max_tokens": responses * self.max_new_tokens}
        basis: Literal["exact", "expected"] = "exact" if all(item.basis == "exact" for item in data) else "expected"
        return Forecast(responses, basis=basis, figures=figures)

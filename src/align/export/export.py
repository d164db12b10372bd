"""The `export` stage: a model in the form in which other programs run it."""

from pathlib import Path
from typing import ClassVar, Literal

from align.artifact import Counts
from align.export.formats import Format, write_export
from align.export.hf import Dtype
from align.models import LAST
from align.parts import StageName
from align.stage import Forecast, Inputs, Stage


class Export(Stage):
    """Write a model for other programs, checked on what was written: its prompts, its answers and that it stops at EOT."""

    kind: Literal["export"] = "export"
    model: StageName
    """The stage whose model is exported: sft or dpo."""
    checkpoint: str = LAST
    """Which of its checkpoints: `last`, or a name such as `epoch-05`."""
    format: Format
    """hf: a folder of merged safetensors with a chat template, for transformers and what reads its folders."""
    dtype: Dtype = "stored"
    """Type of hf's weights: `stored` as the stage left them, or float32, bfloat16, float16."""

    reads: ClassVar[Literal["none", "previous", "all"]] = "none"
    names_matter: ClassVar[bool] = True

    def run(self, inputs: Inputs, work: Path) -> Counts:
        write_export(inputs.named["model"], self.checkpoint, self.format, self.dtype, work)
        return Counts()

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        return Forecast(model=named["model"].model, basis=named["model"].basis)

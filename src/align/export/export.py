"""The `export` stage: a model in the form in which other programs run it."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import model_validator

from align.artifact import Counts
from align.export.formats import Form, Format, write_export
from align.export.gguf_file import Quant
from align.export.hf import Dtype
from align.models import LAST
from align.parts import StageName
from align.stage import Forecast, Inputs, Stage


class Export(Stage):
    """Write a model for other programs, checked on what was written: its prompts, its answers, its end of a turn."""

    kind: Literal["export"] = "export"
    model: StageName
    """The stage whose model is exported: sft or dpo."""
    checkpoint: str = LAST
    """Which of its checkpoints: `last`, or a name such as `epoch-05`."""
    format: Format
    """hf: a folder of merged safetensors with a chat template, for transformers and what reads its folders; gguf: one file for
    llama.cpp and Ollama; onnx-int4: 4-bit weights for onnxruntime-genai."""
    quant: Quant | None = None
    """Bits of gguf's matrices: F16, Q8_0 (the default; 8 bits) or Q4_0 (4 bits, embeddings 8)."""
    dtype: Dtype = "stored"
    """Type of hf's weights: `stored` as the stage left them, or float32, bfloat16, float16."""

    reads: ClassVar[Literal["none", "previous", "all"]] = "none"
    names_matter: ClassVar[bool] = True

    @property
    def form(self) -> Form:
        return Form(self.format, self.dtype, self.quant)

    @model_validator(mode="after")
    def _fits(self) -> "Export":
        if self.form.fault():
            raise ValueError(self.form.fault())
        return self

    def run(self, inputs: Inputs, work: Path) -> Counts:
        write_export(inputs.named["model"], self.checkpoint, self.form, work)
        return Counts()

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        return Forecast(model=named["model"].model, basis=named["model"].basis)

"""The `export` stage: a model in the form in which other programs run it."""

from collections import Counter
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from align.artifact import Artifact, Counts
from align.export.beside import Beside, compare
from align.export.formats import Form, Format, whole_model, write_export
from align.export.gguf_file import Quant
from align.export.hf import Dtype
from align.files import write_json, write_records
from align.models import LAST
from align.parts import StageName
from align.records import Measurement, Rejection
from align.stage import Forecast, Inputs, Stage
from align.training.shapes import Shape, shape_of

SPEED = Path("logs", "speed.json")
BITS = {
    "hf float32": 32.0,
    "hf bfloat16": 16.0,
    "hf float16": 16.0,
    "gguf F16": 16.0,
    "gguf Q8_0": 8.5,
    "gguf Q4_0": 4.5,
    "onnx-int4": 5.0,
}
"""Bits a weight, the scale of each block of 32 included: 16 bits in GGUF, 32 in ONNX."""


class Export(Stage):
    """Write a model for other programs, checked on what was written: its prompts, its answers, its end of a turn.

    With `inputs` it is set beside the full model on their examples: size, perplexity, how often both say the same.
    """

    kind: Literal["export"] = "export"
    model: StageName
    """The stage whose model is exported: sft, dpo, kto or pick_checkpoint."""
    checkpoint: str = LAST
    """Which of its checkpoints: `last`, or a name such as `epoch-05`."""
    format: Format
    """hf: a folder of merged safetensors with a chat template, for transformers and what reads its folders; gguf: one file for
    llama.cpp and Ollama; onnx-int4: 4-bit weights for onnxruntime-genai."""
    quant: Quant | None = None
    """Bits of gguf's matrices: F16, Q8_0 (the default; 8 bits) or Q4_0 (4 bits, embeddings 8)."""
    dtype: Dtype = "stored"
    """Type of hf's weights: `stored` as the stage left them, or float32, bfloat16, float16."""
    max_new_tokens: int = Field(default=128, ge=1)
    """The most tokens of an answer where it is compared with the full model, on the examples that `inputs` name."""

    reads: ClassVar[Literal["none", "previous", "all"]] = "none"
    names_matter: ClassVar[bool] = True

    @property
    def form(self) -> Form:
        return Form(self.format, self.dtype, self.quant)

    @model_validator(mode="after")
    def _fits(self) -> "Export":
        if self.form.fault():
            raise ValueError(self.form.fault())
        if self.inputs and self.form == Form("hf"):
            raise ValueError("`inputs` are examples to compare on; hf with dtype: stored is the model itself")
        return self

    def run(self, inputs: Inputs, work: Path) -> Counts:
        model = inputs.named["model"]
        folder = write_export(model, self.checkpoint, self.form, work)
        if not inputs.data:
            return Counts()
        found = self.compare(model, folder, work, inputs.data)
        write_json(work / SPEED, found.speeds)
        write_records(work, Measurement, found.measurements)
        write_records(work, Rejection, found.rejections)
        dropped = Counter(f"{item.by}: {item.reason}" for item in found.rejections)
        return Counts(found.prompts + len(found.rejections), found.prompts, dict(dropped))

    def compare(self, model: Artifact, folder: Path, work: Path, data: tuple[Artifact, ...]) -> Beside:
        """Set what was written beside the model itself."""
        full = whole_model(model, self.checkpoint, work)
        return compare(full, folder, (model.name, f"{model.name} {self.form.name}"), data, self.max_new_tokens)

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        shape = shape_of(named["model"].model)
        figures = {} if shape is None else self._disk(shape)
        return Forecast(model=named["model"].model, basis=named["model"].basis, figures=figures)

    def _disk(self, shape: Shape) -> dict[str, float]:
        """Size of the weights; of `stored` ones the type is not known before the model is there."""
        bits = BITS.get(self.form.name)
        if bits is None:
            return {}
        finer = BITS["gguf Q8_0"] - bits if self.form.name == "gguf Q4_0" else 0.0
        total = shape.parameters * bits + (shape.parameters - shape.layers * shape.layer_parameters) * finer
        return {"disk_gigabytes": total / 8e9}

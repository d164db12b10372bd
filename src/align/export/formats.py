"""The forms a model can be exported in."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from align.artifact import SCRATCH, Artifact
from align.chat_templates import TURN_END
from align.export.gguf_file import Quant, write_gguf
from align.export.hf import Dtype, write_hf
from align.export.measuring import check_runs
from align.export.ollama import modelfile
from align.export.onnx import write_onnx
from align.export.packages import needed
from align.files import write_text
from align.models import MODEL, ModelPlace, tokenizer_at

Format = Literal["hf", "onnx-int4", "gguf"]

FILES = "files"
NOT_WEIGHTS = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
"""What a GGUF file says in its own way; it stays beside it, so that a prompt can be rendered as in training."""


@dataclass(frozen=True, slots=True)
class Form:
    """A format with its settings."""

    format: Format
    dtype: Dtype = "stored"
    quant: Quant | None = None

    def fault(self) -> str:
        """Which of them do not go together; empty where all do."""
        if self.quant is not None and self.format != "gguf":
            return f"`quant` is for gguf; the format {self.format} has none"
        if self.dtype != "stored" and self.format != "hf":
            return f"`dtype` is for hf; the format {self.format} has its own types"
        return ""

    @property
    def name(self) -> str:
        """`gguf Q4_0`: what the report calls it."""
        detail = self.dtype if self.format == "hf" else (self.quant or "Q8_0") if self.format == "gguf" else ""
        return f"{self.format} {detail}".strip()


def check_packages(form: Form) -> None:
    """Refuse early where the packages of a format are missing."""
    if form.format == "gguf":
        needed("gguf")
    if form.format == "onnx-int4":
        needed("onnxruntime_genai", "onnxruntime", "onnx", "onnx_ir")


def write_export(model: Artifact, checkpoint: str, form: Form, work: Path) -> Path:
    """Write a stage's model below `work` in one form; return its folder. What an earlier, killed attempt left is removed."""
    check_packages(form)
    folder = work / MODEL if form.format == "hf" else work / FILES / form.format
    for old in (folder, full_folder(work)):
        shutil.rmtree(old, ignore_errors=True)
    if form.format == "hf":
        write_hf(model, checkpoint, form.dtype, folder)
        return folder
    write_hf(model, checkpoint, "stored", full_folder(work))
    folder.mkdir(parents=True)
    if form.format == "gguf":
        _write_gguf_folder(full_folder(work), model.name, form.quant or "Q8_0", folder)
    else:
        write_onnx(full_folder(work), folder, work / SCRATCH / "cache")
    check_runs(folder, full_folder(work))
    return folder


def full_folder(work: Path) -> Path:
    """Where the merged model lies while other formats are made of it."""
    return work / SCRATCH / "hf"


def whole_model(model: Artifact, checkpoint: str, work: Path) -> Path:
    """The folder of the merged model in its own type, written if it is not there."""
    if not full_folder(work).is_dir():
        write_hf(model, checkpoint, "stored", full_folder(work))
    return full_folder(work)


def _write_gguf_folder(full: Path, name: str, quant: Quant, folder: Path) -> None:
    from transformers import AutoConfig

    weights = f"{name}-{quant}.gguf"
    write_gguf(full, name, quant, folder / weights)
    for other in NOT_WEIGHTS:
        shutil.copyfile(full / other, folder / other)
    own_end = tokenizer_at(ModelPlace(str(full))).init_kwargs.get(TURN_END)
    context = int(AutoConfig.from_pretrained(full).max_position_embeddings)
    write_text(folder / "Modelfile", modelfile(weights, context, own_end))

"""A model that is already there: a folder or a commit on the hub. Nothing is copied, and nothing is read before it is needed."""

import re
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import model_validator

from align.artifact import Counts
from align.errors import InputError
from align.files import hash_tree
from align.merging import is_adapter
from align.models import point_at_folder, point_at_hub
from align.parts import RawFile
from align.stage import Forecast, Inputs, Stage, Takes
from align.training.shapes import known_hub_shape, known_shape, shape_in, shape_of

COMMIT = re.compile(r"[0-9a-f]{40}")


class BaseModelStage(Stage):
    """Point at a pretrained model, as safetensors with a fast tokenizer; its code, if it has any, is never run."""

    kind: Literal["base_model"] = "base_model"
    path: RawFile | None = None
    """Folder with config.json, *.safetensors and tokenizer.json."""
    hub: str | None = None
    """Name on the Hugging Face hub, OWNER/NAME. The stage that first loads it downloads it, with the token in HF_TOKEN if set."""
    revision: str | None = None
    """Commit of the hub's repository, 40 hexadecimal digits: a branch's name would mean another model tomorrow."""
    shape: str | None = None
    """Name of a known shape, e.g. llama-65b, for `align plan` where the model is not here and its name says nothing."""

    reads: ClassVar[Literal["none", "previous", "all"]] = "none"
    long_work: ClassVar[str] = "downloading weights"

    @model_validator(mode="after")
    def _one_place(self) -> "BaseModelStage":
        if (self.path is None) == (self.hub is None):
            raise ValueError("give either `path` (a folder) or `hub` with `revision`")
        if self.hub is not None and not COMMIT.fullmatch(self.revision or ""):
            raise ValueError(f"`revision` of {self.hub} must be a commit of 40 hexadecimal digits (got {self.revision!r})")
        if self.path is not None and self.revision is not None:
            raise ValueError("a folder has no `revision`: its bytes are hashed")
        if self.shape is not None:
            known_shape(self.shape)
        return self

    def identity(self) -> dict[str, Any]:
        asked = super().identity()
        asked["parameters"].pop("shape", None)
        if self.path is not None:
            # What comes out is a pointer, so for once the place counts. Its content is the model's bytes: a model that
            # moved is pointed at anew, and nothing that was made from it is made again.
            asked["parameters"]["place"] = str(self.path)
        return asked

    def run(self, inputs: Inputs, work: Path) -> Counts:
        if self.hub is not None:
            point_at_hub(work, self.hub, str(self.revision))
        if self.path is not None:
            _check_folder(self.path)
            point_at_folder(work, self.path.absolute(), hash_tree(self.path))
        return Counts()

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        shape = known_shape(self.shape) if self.shape is not None else shape_in(self.path) or known_hub_shape(self.hub)
        if shape is None:
            note = "shape of the model unknown until it is here; `shape:` names a known one"
            return Forecast(notes=(note,))
        return Forecast(model=shape, basis="exact") if self.hub is None else self._to_download(self.hub, shape)

    def _to_download(self, hub: str, config: dict[str, Any]) -> Forecast:
        sizes = shape_of(config)
        where = f"from huggingface.co/{hub} at commit {str(self.revision)[:7]}"
        if sizes is None:
            return Forecast(model=config, basis="exact", notes=(f"weights: size unknown, {where}",))
        each = 4 if str(config.get("torch_dtype") or config.get("dtype")) == "float32" else 2
        gigabytes = each * sizes.parameters / 1e9
        note = (
            f"weights: {gigabytes:,.1f} GB, {each} bytes a weight, {where}; the first stage that reads them downloads them, "
            "unless they are here, to the hub's cache ($HF_HOME), of each machine if they do not share one"
        )
        takes = Takes(disk={"weights": gigabytes})
        return Forecast(model=config, basis="exact", figures={"disk_gigabytes": gigabytes}, notes=(note,), takes=takes)


def _check_folder(folder: Path) -> None:
    if is_adapter(folder):
        raise InputError(
            f"base_model: path: {folder} holds an adapter and not a whole model; name the model it belongs to, or a merged copy "
            f"(`align export RECIPE STAGE --format hf` makes one of a stage's)."
        )
    missing = [name for name in ("config.json", "tokenizer.json") if not (folder / name).is_file()]
    if not any(folder.glob("*.safetensors")):
        missing.append("*.safetensors")
    if missing:
        pickles = (
            " Pickled weights (*.bin, *.pth) are not read: convert them to safetensors." if any(folder.glob("*.bin")) else ""
        )
        raise InputError(f"base_model: path: {folder} lacks {', '.join(missing)}.{pickles}")

"""Models in artifacts: where they lie, and how to load one.

    model/                         the last checkpoint: config.json, model.safetensors, tokenizer.json,
                                   tokenizer_config.json, generation_config.json (EOT among its eos ids)
    checkpoints/epoch-01/ ...      the same after each epoch
    files/model.json, place.json   or, of a `base_model` stage, only where the model lies: nothing is copied
    files/base.json, base_place.json   beside a model/ that is an adapter: the artifact whose model it belongs to

An adapter is merged into its base as it is loaded, so that whoever asks for a model gets one like any other; the base may be an
adapter's model itself. Only safetensors are read and no code of a model is run.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from align.artifact import MANIFEST, Artifact
from align.errors import InputError
from align.files import write_json
from align.merging import is_adapter, merge_adapter
from align.parts import nearest

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

LAST = "last"
MODEL = "model"
CHECKPOINTS = "checkpoints"
REMOVED = "removed"
"""In a manifest: checkpoints that `align gc --checkpoints` has removed since."""
_POINTER = Path("files", "model.json")
_PLACE = Path("place.json")
_BASE = Path("files", "base.json")
_BASE_PLACE = Path("base_place.json")


@dataclass(frozen=True, slots=True)
class ModelPlace:
    """What `from_pretrained` needs to find a model."""

    path: str
    """A folder, or a model's name on the hub."""
    revision: str | None = None
    """The hub's commit; None for a folder."""
    base: "ModelPlace | None" = None
    """Of an adapter: the model it belongs to."""

    def options(self) -> dict[str, Any]:
        """Arguments for `from_pretrained` beside the path; the hub's token is read here and kept nowhere."""
        safe: dict[str, Any] = {"trust_remote_code": False}
        if self.revision is None:
            return safe
        return safe | {"revision": self.revision, "token": os.environ.get("HF_TOKEN")}


def checkpoint_name(epoch: int) -> str:
    """`epoch-01`: the name of the checkpoint after the first epoch."""
    return f"epoch-{epoch:02d}"


def checkpoint_names(artifact: Artifact) -> list[str]:
    """The checkpoints of a trained model, oldest first, those removed since too; none for a model that is only pointed at."""
    names = {folder.name for folder in (artifact.path / CHECKPOINTS).glob("epoch-*")}
    return sorted(names.union(artifact.manifest.get(REMOVED, [])), key=lambda name: int(name.removeprefix("epoch-")))


def model_place(artifact: Artifact, checkpoint: str = LAST) -> ModelPlace:
    """Where a checkpoint of a stage's model lies, its pointers followed."""
    folder = artifact.path / MODEL
    if checkpoint != LAST:
        names = checkpoint_names(artifact)
        if checkpoint not in names:
            raise InputError(
                f"stage {artifact.name!r} has no checkpoint {checkpoint!r}; {nearest(checkpoint, [LAST, *names])}. "
                f"`{LAST}` is the one after the last epoch."
            )
        if checkpoint in artifact.manifest.get(REMOVED, []):
            raise InputError(
                f"stage {artifact.name!r}: its checkpoint {checkpoint} was removed by `align gc --checkpoints`. To have it "
                f"again, delete the folder {artifact.path} and run the recipe: the model is trained anew."
            )
        folder = artifact.path / CHECKPOINTS / checkpoint
    if is_adapter(folder):
        return ModelPlace(str(folder), base=_base_of(artifact))
    if folder.is_dir():
        return ModelPlace(str(folder))
    if not (artifact.path / _POINTER).is_file():
        raise InputError(
            f"stage {artifact.name!r} (kind {artifact.kind}) gives no model; "
            f"name a stage of kind base_model, pretrain, sft, dpo, kto or pick_checkpoint."
        )
    return _place_pointed_at(artifact)


def _place_pointed_at(artifact: Artifact) -> ModelPlace:
    pointer = json.loads((artifact.path / _POINTER).read_text(encoding="utf-8"))
    if "hub" in pointer:
        return ModelPlace(pointer["hub"], pointer["revision"])
    folder = Path(json.loads((artifact.path / _PLACE).read_text(encoding="utf-8"))["path"])
    if not folder.is_dir():
        raise InputError(
            f"stage {artifact.name!r}: the model's folder {folder} is gone; put it back, or write its new place into `path`."
        )
    return ModelPlace(str(folder))


def take_checkpoint(artifact: Artifact, checkpoint: str, work: Path) -> None:
    """Make the model of `work` a checkpoint of another stage, without a copy of its weights.

    Files get a second name (a hard link), which holds even after the other artifact is gone; where the disk has none, a
    symbolic link.
    """
    source, target = Path(model_place(artifact, checkpoint).path), work / MODEL
    shutil.rmtree(target, ignore_errors=True)
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        name = target / file.relative_to(source)
        name.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(file.resolve(), name)
        except OSError:
            name.symlink_to(os.path.relpath(file.resolve(), name.parent.resolve()))
    noted = base_folder(artifact.path)
    if is_adapter(target) and noted is not None:
        write_json(work / _BASE, _read(artifact.path / _BASE))
        _note_place(work, noted)


def _base_of(adapter: Artifact) -> ModelPlace:
    """The model that an adapter belongs to: in the artifact it was trained from, else in one with the same content."""
    pointer = base_pointer(adapter.path)
    noted = base_folder(adapter.path)
    others = sorted(path.parent for path in adapter.path.parent.glob(f"*/{MANIFEST}") if path.parent.suffix != ".partial")
    problem = "it is not in the store"
    for folder in dict.fromkeys([noted, *others] if noted is not None else others):
        manifest = _read(folder / MANIFEST)
        if manifest.get("content") != pointer["content"]:
            continue
        try:
            found = Artifact(manifest["stage"], folder.name, manifest["content"], folder, manifest)
            return model_place(found, pointer["checkpoint"])
        except InputError as error:  # its folder has moved: another artifact may point at where it is now
            problem = str(error)
    raise InputError(
        f"stage {adapter.name!r}: its model is an adapter, and the model it was trained beside (content {pointer['content']}) "
        f"cannot be had: {problem}. Run the recipe again: the stage above makes it anew."
    )


def base_pointer(artifact: Path) -> dict[str, Any]:
    """Content and checkpoint of the model that the adapters in `artifact` belong to; nothing where its models are whole."""
    return _read(artifact / _BASE)


def base_folder(artifact: Path) -> Path | None:
    """The artifact that the adapters in `artifact` were trained from; None where its models are whole."""
    place = _read(artifact / _BASE_PLACE)
    return Path(os.path.normpath(artifact / place["artifact"])) if place else None


def _read(path: Path) -> dict[str, Any]:
    """A JSON file's content; nothing where there is none."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def point_at_base(work: Path, base: Artifact, checkpoint: str = LAST) -> None:
    """Note which model the adapters in `work` belong to: its content is hashed, its place, as seen from `work`, is not."""
    write_json(work / _BASE, {"content": base.content, "checkpoint": checkpoint})
    _note_place(work, base.path)


def _note_place(work: Path, base: Path) -> None:
    write_json(work / _BASE_PLACE, {"artifact": Path(os.path.relpath(base, work)).as_posix()})


def point_at_folder(work: Path, folder: Path, sha256: str) -> None:
    """Make an artifact that stands for the model in `folder`: its bytes are its content, its place is not."""
    write_json(work / _POINTER, {"sha256": sha256})
    write_json(work / _PLACE, {"path": str(folder)})


def point_at_hub(work: Path, name: str, revision: str) -> None:
    """Make an artifact that stands for one commit of a model on the hub."""
    write_json(work / _POINTER, {"hub": name, "revision": revision})


def load_tokenizer(artifact: Artifact, checkpoint: str = LAST) -> "PreTrainedTokenizerFast":
    """The tokenizer of a stage's model, EOT included if the model was fine-tuned."""
    return tokenizer_at(model_place(artifact, checkpoint))


def load_model(artifact: Artifact, checkpoint: str = LAST) -> "PreTrainedModel":
    """A checkpoint ready to answer: in eval mode, in bfloat16 on the GPUs if there are any, else in float32."""
    import torch

    on_gpu = torch.cuda.is_available()
    # A model that one GPU cannot hold is spread over all of them.
    spread: dict[str, Any] = {"device_map": "auto"} if on_gpu else {}
    return model_at(model_place(artifact, checkpoint), torch.bfloat16 if on_gpu else torch.float32, **spread).eval()


def model_at(place: ModelPlace, dtype: Any, **options: Any) -> "PreTrainedModel":
    """The causal language model at a place, adapters merged into it; nothing but safetensors is read."""
    if place.base is not None:
        base = model_at(place.base, dtype, **options)
        with _explained(place):
            return merge_adapter(base, Path(place.path))
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # one bar a load, among the lines that say how far the run is
    with _explained(place):
        return AutoModelForCausalLM.from_pretrained(place.path, dtype=dtype, use_safetensors=True, **place.options(), **options)


def tokenizer_at(place: ModelPlace) -> "PreTrainedTokenizerFast":
    """The tokenizer at a place."""
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    with _explained(place):
        tokenizer = AutoTokenizer.from_pretrained(place.path, **place.options())
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise InputError(
            f"{place.path}: its tokenizer ({type(tokenizer).__name__}) has no tokenizer.json; align reads that form only."
        )
    for name in _NOT_THE_TOKENIZERS:
        tokenizer.init_kwargs.pop(name, None)
    return tokenizer


_NOT_THE_TOKENIZERS = ("token", "use_auth_token", "revision", "cache_dir", "local_files_only", "is_local", "trust_remote_code")
"""Arguments of loading that `save_pretrained` would write into tokenizer_config.json, a secret token among them."""


@contextmanager
def _explained(place: ModelPlace) -> Iterator[None]:
    """Say which model could not be read, and what to do about it."""
    try:
        yield
    except (OSError, ValueError) as error:
        where = place.path if place.revision is None else f"{place.path} at {place.revision} on the hub"
        raise InputError(
            f"{where}: cannot be loaded as a causal language model with its tokenizer: {str(error).splitlines()[0]} "
            f"A folder needs config.json, *.safetensors and tokenizer.json; a private model of the hub needs HF_TOKEN."
        ) from error

"""Whatever can answer a prompt: a stage's model, or a folder or file that an export wrote."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from align.artifact import Artifact
from align.errors import InputError
from align.evaluation.answering import stop_ids
from align.models import LAST, MODEL, ModelPlace, load_model, load_tokenizer, model_at, tokenizer_at

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


@dataclass(frozen=True, slots=True)
class Speaker:
    """A model that answers, with the tokenizer it reads by."""

    name: str
    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerFast"
    stop_ids: frozenset[int]
    """Ids that end an answer."""

    @property
    def context(self) -> int | None:
        """How many tokens it reads; None where the model sets no limit."""
        found = getattr(self.model.config, "max_position_embeddings", None)
        return found if isinstance(found, int) and found > 0 else None


def stage_speaker(artifact: Artifact, checkpoint: str = LAST) -> Speaker:
    """The model of a stage; of an `export` stage, what it wrote."""
    if artifact.kind == "export" and checkpoint == LAST:
        return speaker_at(artifact.path / MODEL)
    tokenizer = load_tokenizer(artifact, checkpoint)
    model = load_model(artifact, checkpoint)
    return Speaker(artifact.name, model, tokenizer, stop_ids(model, tokenizer))


def speaker_at(path: Path) -> Speaker:
    """What an export wrote, by what the folder holds."""
    if not (path / "config.json").is_file():
        raise InputError(f"{path}: no exported model: wanted a folder with config.json, *.safetensors and tokenizer.json")
    place = ModelPlace(str(path))
    tokenizer = tokenizer_at(place)
    model = model_at(place, "auto").eval()
    return Speaker(path.name, model, tokenizer, stop_ids(model, tokenizer))

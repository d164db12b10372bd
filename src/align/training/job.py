"""A training about to run: the stage, its rows, and where it works."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from align import __version__
from align.training.training import HOW_NOT_WHAT, Split, Training

LIBRARIES = ("torch", "transformers", "trl", "accelerate", "peft", "bitsandbytes")
"""Whose versions are noted beside a checkpoint: others round otherwise, or read it otherwise."""


class Text(NamedTuple):
    """One sequence as a model is trained on it; both have one entry a token."""

    input_ids: Sequence[int]
    labels: Sequence[int]
    """A token's own id where it gives loss, else `NO_LOSS`."""


class Items(Protocol):
    """What a training is made of, by number."""

    def __len__(self) -> int: ...

    def length(self, index: int) -> int:
        """Tokens that it takes of a micro-batch, padding between its own texts included."""

    def tokens(self, index: int) -> int:
        """Tokens of its texts."""

    def weight(self, index: int) -> float:
        """What it counts in the loss of its batch: its tokens with loss, or 1 for a pair."""

    def texts(self, index: int) -> Sequence[Text]:
        """What goes through the model."""


@dataclass(frozen=True, slots=True)
class Job:
    """A training about to run."""

    stage: Training
    work: Path
    split: Split
    items: Items
    data: str
    """Hash of the rows."""
    before_first_step: Callable[[Any, Any], None] | None = None
    """Given model and optimizer when the first gradients are there; may refuse."""

    def asked(self) -> dict[str, Any]:
        """What a checkpoint must have been made with to go on from it, and what may differ in the last digits only."""
        stage, identity = self.stage, self.stage.identity()
        must_equal = {
            "rows": self.data,
            "processes": self.split.world,
            "distribution": "ddp" if stage.launch is None else stage.launch.distribution,
            "parameters": identity["parameters"],
            "kinds": " ".join(identity["versions"]),
            "align": __version__,
        }
        how = {name: getattr(stage, name) for name in HOW_NOT_WHAT if name not in ("launch", "tracking")}
        return {"must_equal": must_equal, "noted": how | {name: _version(name) for name in LIBRARIES}}


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "none"

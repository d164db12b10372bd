"""Stages: the steps of a recipe. A stage reads artifacts and fills one folder."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict

from align.artifact import Artifact, Counts
from align.parts import Part, StageName, StageNameMark, marked_fields, models_inside
from align.progress import track
from align.records import table_name

R = TypeVar("R")


class Expect(BaseModel):
    """What a stage will give once its inputs are there; `align plan` computes from it and says so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    examples: int
    """How many records the stage will give."""
    tokens: int | None = None
    """How many tokens they will have in all."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a stage reads: the artifacts of `inputs`, in order, and those its other fields name, by field."""

    data: tuple[Artifact, ...] = ()
    named: dict[str, Artifact] = field(default_factory=dict)

    def read(self, record: type[R], title: str = "") -> Iterator[R]:
        """The records of one type of all `data`, one artifact after the other; `title` says what for to those who wait."""
        unit = table_name(record).replace("_", " ")
        every = (item for artifact in self.data for item in artifact.read(record))
        return track(every, title or f"reading {unit}", partial(self.count, record), unit)

    def several(self, field_name: str) -> list[Artifact]:
        """The artifacts of a field that names several stages, in order."""
        return [self.named[name] for name in self.named if name.startswith(f"{field_name}.")]

    def count(self, record: type[Any]) -> int:
        """How many records of one type all `data` have."""
        return sum(artifact.count(record) for artifact in self.data)


@dataclass(frozen=True, slots=True)
class Takes:
    """What a stage takes, as far as its figures do not say it."""

    machines: int = 0
    """Machines its recipe's `launch` wants; 0 for a stage that has none."""
    gpus: int = 0
    """GPUs of each of them; 0 where the processor trains."""
    gpu_gigabytes: float = 0.0
    """Memory of such a GPU, as `launch` says it."""
    hours: tuple[float, float] | None = None
    """From, to: the range around the figure."""
    disk: dict[str, float] = field(default_factory=dict)
    """GB of the store's disk, by what lies there; they add up to the figure."""
    loads: dict[str, float] = field(default_factory=dict)
    """GB of a model that is asked and not trained, on GPUs: `weights`, and the `cache` of keys and values."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What `align plan` can say of a stage before it runs."""

    examples: int | None = None
    tokens: int | None = None
    basis: Literal["exact", "expected", "unknown"] = "unknown"
    model: dict[str, Any] = field(default_factory=dict)
    """Shape of the model the stage gives, as in its config.json; empty for a stage of records."""
    figures: dict[str, float] = field(default_factory=dict)
    """Named figures with their unit in the name: `steps`, `gpu_gigabytes`, `hours`, `disk_gigabytes`, ..."""
    notes: tuple[str, ...] = ()
    memory: dict[str, float] = field(default_factory=dict)
    """Of a training, GB on each device: `weights`, `gradients`, ...; their `sum`, and its band from `low` to `high`."""
    checkpoints: tuple[int, ...] = ()
    """Of a training: the epochs after which its model is kept."""
    takes: Takes = field(default_factory=Takes)
    artifact: Artifact | None = None
    """What is forecast, where it exists already: its records can be counted, its tokenizer asked."""


@dataclass(frozen=True, slots=True)
class Processes:
    """In how many processes a stage runs."""

    count: int = 1
    """Over all machines."""
    machines: int = 1
    environment: dict[str, str] = field(default_factory=dict)
    """Variables they get beside those of the process that starts them."""


REHEARSAL = "ALIGN_REHEARSAL"
"""Set where a training is only to be measured: the folder for what it took."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A stage to measure instead of another one: with its settings, on records that fill it and say nothing."""

    stage: "Stage"
    records: tuple[Any, ...]


class Stage(Part):
    """One step of a recipe: reads the artifacts of stages above it, and makes one of its own."""

    inputs: tuple[StageName, ...] | None = None
    """Names of the stages to read; by default the one above."""
    expect: Expect | None = None
    """What the stage will give, for `align plan` while its inputs are missing: {examples: 1000, tokens: 750000}."""

    reads: ClassVar[Literal["none", "previous", "all"]] = "previous"
    """What a stage without `inputs` reads."""
    names_matter: ClassVar[bool] = False
    """Whether names of the stages it reads stand in its output, so that they decide its key."""
    together: ClassVar[bool] = False
    """Whether all processes of a launcher run it at once, as a training does; else the first does and the others wait."""
    late: ClassVar[frozenset[str]] = frozenset()
    """Fields of raw files that people make from what the stage wrote: it stops until they are there, and then goes on."""
    sees_manifests: ClassVar[bool] = False
    """Whether it shows how its inputs were made, so that their keys decide its own."""
    verb: ClassVar[str] = "kept"
    """What befell an example that came through, for `align trace`: kept, drawn, ..."""
    long_work: ClassVar[str] = ""
    """What it does with a model or a judge that takes hours, `align plan` says so where it cannot count them: answering, ..."""

    def run(self, inputs: Inputs, work: Path) -> Counts:
        """Fill `work`; return the counts for the funnel. After a crash `work` still holds what was written."""
        raise NotImplementedError

    def in_store(self, store: Path) -> Self:
        """The stage as it is to be made in `store`; one that reads what people keep there learns where."""
        return self

    def processes(self) -> Processes:
        """In how many processes it wants to run; align starts more than one, unless torchrun has."""
        return Processes()

    def check_room(self, here: int) -> None:
        """Refuse before `here` processes are started on this machine, if it cannot hold them."""

    def rehearsal(self) -> Rehearsal | None:
        """What to run to measure its memory and speed; None where there is nothing to measure."""
        return None

    def forecast(self, data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
        """What will come out, from what is expected to go in; loads no weights and reads no raw file."""
        if self.expect is not None:
            return Forecast(self.expect.examples, self.expect.tokens, "expected")
        if len(data) != 1 or data[0].basis == "exact":
            return Forecast()
        return replace(data[0], figures={}, notes=(), memory={}, takes=Takes(), artifact=None)

    def references(self) -> dict[str, str]:
        """The stages its fields other than `inputs` name, by place: `model`, `against.0` of a list, `sources.web.stage`."""
        return dict(_references(self, ""))

    def identity(self) -> dict[str, Any]:
        asked = super().identity()
        asked["parameters"].pop("expect", None)
        return asked


def _references(model: BaseModel, above: str) -> Iterator[tuple[str, str]]:
    for name in marked_fields(type(model), StageNameMark):
        value = getattr(model, name)
        if value is None or (not above and name == "inputs"):
            continue
        if isinstance(value, tuple):
            yield from ((f"{above}{name}.{number}", item) for number, item in enumerate(value))
        else:
            yield f"{above}{name}", value
    for place, inner in models_inside(model):
        yield from _references(inner, f"{above}{place}.")

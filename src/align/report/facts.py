"""What a report says, as plain data: everything on the page stands here first, and `report.json` is this and nothing else.

No times, no paths, no machine: equal inputs give equal facts.
"""

from dataclasses import dataclass, field

from align.records import Measurement
from align.report.agreements import AgreementFacts
from align.report.lima import Beside


@dataclass(frozen=True, slots=True)
class StageFacts:
    """One stage: what it was asked, what it read, what came out."""

    name: str
    kind: str
    role: str
    """What its records are for: training, pretraining, preferences, evaluation, models or other."""
    key: str
    content: str
    inputs: tuple[str, ...]
    named: dict[str, str]
    """The stages its other fields name, by field."""
    raw: dict[str, str]
    """sha256 of each raw file it read, by label."""
    parameters: dict[str, object]
    versions: tuple[str, ...]
    read: int
    kept: int
    dropped: dict[str, int]
    """By reason, the most frequent first."""
    skipped: dict[str, int]
    noted: dict[str, int]


@dataclass(frozen=True, slots=True)
class Measured:
    """One figure and the stage that measured it."""

    stage: str
    kind: str
    figure: Measurement


@dataclass(frozen=True, slots=True)
class SetRow:
    """Examples of one source in a set that a model was trained on."""

    label: str
    examples: int
    input_tokens: float | None
    """Mean length of the prompt in tokens of the model's tokenizer; None without a tokenizer."""
    output_tokens: float | None


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """What one training stage read."""

    stage: str
    kind: str
    examples: int
    rows: tuple[SetRow, ...]


@dataclass(frozen=True, slots=True)
class LicenceRow:
    """How many records of a use stand under one licence."""

    use: str
    source: str
    licence: str
    records: int
    authors: int
    example_url: str
    is_open: bool
    """Whether the text may be passed on as it is; else a frozen set gives ids and edits only."""


@dataclass(frozen=True, slots=True)
class QuotaRow:
    """One group or stratum of a quota."""

    group: str
    stratum: str
    """Empty for the group as a whole."""
    wanted: int | None
    eligible: int
    taken: int


@dataclass(frozen=True, slots=True)
class QuotaFacts:
    """One quota stage."""

    stage: str
    by: str
    groups: tuple[QuotaRow, ...]
    strata: tuple[QuotaRow, ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """How varied one selection is, beside random draws of the same size from what it chose from."""

    stage: str
    kind: str
    subject: str
    """`selection`, or the part of its examples that was judged."""
    vendi: Measurement
    """How many wholly different examples would be as varied."""
    vendi_random: Measurement
    coverage: Measurement
    """Mean likeness of an example of the pool to the taken one most like it."""
    coverage_random: Measurement


@dataclass(frozen=True, slots=True)
class Curve:
    """One logged figure of one training run, thinned to a few hundred points by averaging neighbours."""

    stage: str
    kind: str
    name: str
    points: tuple[tuple[float, float], ...]
    """(step, value)"""
    logged: int
    """How many points were logged."""
    not_finite: int
    """How many of them were no number (a training that diverged)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one model said to a sample prompt."""

    model: str
    text: str
    left_out: int
    """Characters not shown."""
    tokens: int
    end: str
    """`EOT`, `limit` (cut at `max_new_tokens`) or `stopped` (by the model's own end of text, or its context)."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One prompt with the answers of all models."""

    prompt_id: str
    prompt: str
    left_out: int
    is_sensitive: bool
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """One record that a contamination stage found in an evaluation set."""

    stage: str
    example_id: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Contamination:
    """What one contamination stage found."""

    stage: str
    read: int
    hits: int
    by_set: dict[str, int]
    """Hits by evaluation set."""
    shown: tuple[Rejected, ...]


@dataclass(frozen=True, slots=True)
class EpochRow:
    """One of the checkpoints that were compared."""

    epoch: int
    grade: Measurement
    lead: Measurement | None
    """The picked one's mean grade less this one's; None for the picked one."""
    perplexity: Measurement | None
    """Drawn beside the grade; it was not asked."""

    @property
    def is_told_apart(self) -> bool:
        """Whether the picked one is surely better: the interval of the difference lies above 0."""
        return self.lead is not None and self.lead.low is not None and self.lead.low > 0


@dataclass(frozen=True, slots=True)
class Picked:
    """Which checkpoint of a model was picked, and what that rests on."""

    stage: str
    model: str
    epoch: int
    prompts: int
    how: str
    rows: tuple[EpochRow, ...]


@dataclass(frozen=True, slots=True)
class Overlong:
    """What one training stage did with texts longer than it takes."""

    stage: str
    policy: str
    said: str
    count: int
    shown: tuple[tuple[str, str], ...]
    """Id and length of the first ones."""


@dataclass(frozen=True, slots=True)
class SourceVoice:
    """One source: how well its responses are told from the rest, and how they begin."""

    source: str
    from_style: Measurement | None
    from_voice: Measurement | None
    openings: Measurement | None


@dataclass(frozen=True, slots=True)
class StrangeOne:
    """A response with an unusual style, and why."""

    example_id: str
    source: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VoiceFacts:
    """What one `style` stage found."""

    stage: str
    text: str
    """How well a classifier guesses the source, in words; empty where there is one source alone."""
    sources: tuple[SourceVoice, ...]
    between: tuple[tuple[str, Measurement], ...]
    """The features that differ most between sources, by name."""
    outliers: int
    responses: int
    shown: tuple[StrangeOne, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One result in words: the figure, and what it can and cannot say."""

    text: str
    caveat: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a report says."""

    title: str
    description: str
    stages: tuple[StageFacts, ...] = ()
    models: tuple[str, ...] = ()
    """Every model that was measured or trained, from the first made to the last."""
    sets: tuple[TrainingSet, ...] = ()
    beside: tuple[Beside, ...] = ()
    quotas: tuple[QuotaFacts, ...] = ()
    spreads: tuple[Spread, ...] = ()
    curves: tuple[Curve, ...] = ()
    samples: tuple[Sample, ...] = ()
    measured: tuple[Measured, ...] = ()
    picks: tuple[Picked, ...] = ()
    agreements: tuple[AgreementFacts, ...] = ()
    overlong: tuple[Overlong, ...] = ()
    contamination: tuple[Contamination, ...] = ()
    voices: tuple[VoiceFacts, ...] = ()
    licences: tuple[LicenceRow, ...] = ()
    findings: tuple[Finding, ...] = field(default=())

    def figures(self, *metrics: str) -> list[Measured]:
        """The measurements of some metrics, in the order of the stages."""
        return [item for item in self.measured if item.figure.metric in metrics]

    def of_kind(self, *kinds: str) -> list[StageFacts]:
        """The stages of some kinds."""
        return [stage for stage in self.stages if stage.kind in kinds]

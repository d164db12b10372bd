"""The sets in facts: what each model was trained on, by source, and under which licences it stands."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from align.artifact import Artifact
from align.licences import is_open, licence_of
from align.progress import track
from align.records import Example, PreferencePair
from align.report.facts import LicenceRow, Measured, SetRow, TrainingSet
from align.report.journey import TRAINING_KINDS

if TYPE_CHECKING:
    from tokenizers import Tokenizer

BATCH = 256
USES = {"training": "fine-tuning", "preferences": "preference tuning", "pretraining": "pretraining"}


@dataclass(slots=True)
class _Lengths:
    examples: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(slots=True)
class _Rights:
    records: int = 0
    authors: set[int] = field(default_factory=set)  # hashes: names of a million authors need not be kept
    url: str = ""


def training_sets(artifacts: Sequence[Artifact], measured: Sequence[Measured]) -> tuple[TrainingSet, ...]:
    """What each fine-tuning stage read, by source and group of exchanges, with mean lengths in tokens."""
    groups = _groups(measured)
    return tuple(
        _training_set(artifact, list(_read(artifact, artifacts)), groups) for artifact in artifacts if artifact.kind == "sft"
    )


def _training_set(stage: Artifact, inputs: list[Artifact], groups: dict[str, str]) -> TrainingSet:
    tokenizer = tokenizer_of(stage)
    total = sum(artifact.count(Example) for artifact in inputs)
    found: dict[str, _Lengths] = {}
    examples = (example for artifact in inputs for example in artifact.read(Example))
    for batch in _batches(track(examples, "measuring the training set", total)):
        asked = _token_counts(tokenizer, [example.prompt for example in batch])
        answered = _token_counts(tokenizer, [example.response for example in batch])
        for example, asked_tokens, answered_tokens in zip(batch, asked, answered, strict=True):
            lengths = found.setdefault(_label(example, groups), _Lengths())
            lengths.examples += 1
            lengths.input_tokens += asked_tokens
            lengths.output_tokens += answered_tokens
    rows = tuple(_row(label, found[label], tokenizer is not None) for label in sorted(found))
    return TrainingSet(stage.name, stage.kind, total, rows)


def _row(label: str, lengths: _Lengths, is_counted: bool) -> SetRow:
    if not is_counted:
        return SetRow(label, lengths.examples, None, None)
    count = lengths.examples
    return SetRow(label, count, round(lengths.input_tokens / count, 1), round(lengths.output_tokens / count, 1))


def _label(example: Example, groups: dict[str, str]) -> str:
    """`stack_exchange, stem` where a quota says so, else the source."""
    site = example.id.partition("/")[2].rpartition("/")[0]
    group = groups.get(site, "")
    return f"{example.origin.source}, {group}" if group and group != site else example.origin.source


def _groups(measured: Sequence[Measured]) -> dict[str, str]:
    return {item.figure.subject: item.figure.method for item in measured if item.figure.metric == "site_taken"}


def tokenizer_of(stage: Artifact) -> "Tokenizer | None":
    """The tokenizer of a model's artifact; `tokenizers` alone reads it, so that neither torch nor transformers is needed."""
    from tokenizers import Tokenizer

    file = stage.path / "model" / "tokenizer.json"
    return Tokenizer.from_file(str(file)) if file.is_file() else None


def _token_counts(tokenizer: "Tokenizer | None", texts: list[str]) -> list[int]:
    if tokenizer is None:
        return [0] * len(texts)
    return [len(encoding.ids) for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]


def _batches(examples: Iterable[Example]) -> Iterator[list[Example]]:
    batch: list[Example] = []
    for example in examples:
        batch.append(example)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def licence_rows(artifacts: Sequence[Artifact]) -> tuple[LicenceRow, ...]:
    """Licences and authors of what the models were trained on; without a model, of what no other stage reads."""
    found: dict[tuple[str, str, str], _Rights] = {}
    for use, artifact in _used(artifacts):
        origins = (item.origin for item in _records(artifact))
        total = artifact.count(Example) + artifact.count(PreferencePair)
        for origin in track(origins, "counting licences", total):
            rights = found.setdefault((use, origin.source, licence_of(origin)), _Rights())
            rights.records += 1
            rights.authors.update(hash((author.name, author.url)) for author in origin.authors)
            rights.url = rights.url or origin.url
    return tuple(
        LicenceRow(use, source, licence, rights.records, len(rights.authors), rights.url, is_open(licence))
        for (use, source, licence), rights in sorted(found.items(), key=lambda item: (_order(item[0][0]), item[0]))
    )


def _records(artifact: Artifact) -> Iterator[Example | PreferencePair]:
    yield from artifact.read(Example)
    yield from artifact.read(PreferencePair)


def _order(use: str) -> int:
    return [*USES.values(), "result"].index(use)


def _used(artifacts: Sequence[Artifact]) -> Iterator[tuple[str, Artifact]]:
    """The artifacts that a training stage reads, each once a use."""
    seen: set[tuple[str, str]] = set()
    for stage in artifacts:
        use = USES.get(TRAINING_KINDS.get(stage.kind, ""), "")
        for artifact in _read(stage, artifacts) if use else ():
            if (use, artifact.name) not in seen:
                seen.add((use, artifact.name))
                yield use, artifact
    if not seen:
        read = {item["stage"] for artifact in artifacts for item in artifact.manifest["inputs"]}
        yield from (("result", artifact) for artifact in artifacts if artifact.name not in read)


def _read(stage: Artifact, artifacts: Sequence[Artifact]) -> Iterator[Artifact]:
    by_name = {artifact.name: artifact for artifact in artifacts}
    yield from (by_name[item["stage"]] for item in stage.manifest["inputs"] if item["stage"] in by_name)

"""Texts that were longer than a training takes, in facts: which were cut or left out, and by how much."""

import json
from collections.abc import Iterator, Sequence
from itertools import islice

from align.artifact import Artifact
from align.records import Rejection
from align.report.facts import Overlong
from align.report.wording import counted, whole

SHOWN = 50
REASON = "too long"
"""What a training stage calls an example that `overlong: drop` leaves out."""
DEEDS = {"trim": "cut there, so that the end of turn is missing", "drop": "left out"}


def overlong_facts(artifacts: Sequence[Artifact]) -> tuple[Overlong, ...]:
    """Of every stage that trains on dialogues or pairs, what it did with those that were too long."""
    return tuple(_overlong(artifact) for artifact in artifacts if "overlong" in artifact.manifest["parameters"])


def _overlong(artifact: Artifact) -> Overlong:
    parameters, counts = artifact.manifest["parameters"], artifact.counts
    policy = str(parameters["overlong"])
    several = counts.noted.get("trimmed", 0) if policy == "trim" else counts.dropped.get(f"{artifact.kind}: {REASON}", 0)
    shown = tuple(islice(_trimmed(artifact) if policy == "trim" else _dropped(artifact), SHOWN))
    return Overlong(artifact.name, policy, _in_words(several, counts.read, parameters.get("max_tokens"), policy), several, shown)


def _in_words(several: int, read: int, max_tokens: int | None, policy: str) -> str:
    limit = f"{whole(max_tokens)} tokens" if max_tokens is not None else "the model reads"
    if not several:
        return f"none of {counted(read, 'example')} was longer than {limit} (overlong: {policy})."
    was = "was" if several == 1 else "were"
    return f"{whole(several)} of {counted(read, 'example')} {was} longer than {limit} and {DEEDS[policy]} (overlong: {policy})."


def _trimmed(artifact: Artifact) -> Iterator[tuple[str, str]]:
    path = artifact.path / "files" / "trimmed.json"
    lengths: dict[str, int] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return ((name, f"{whole(tokens)} tokens") for name, tokens in lengths.items())


def _dropped(artifact: Artifact) -> Iterator[tuple[str, str]]:
    return ((item.example_id, item.detail) for item in artifact.read(Rejection) if item.reason == REASON)

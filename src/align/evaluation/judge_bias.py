"""What verdicts have in common besides the answers' worth: place, length, and how often none is preferred."""

from collections.abc import Sequence
from dataclasses import dataclass

from align.judges.judge import Choice
from align.records import Measurement
from align.statistics import clustered_share, sign_test


@dataclass(frozen=True, slots=True)
class ShownPair:
    """One verdict, in the order in which the answers were seen."""

    prompt_id: str
    verdict: Choice
    extra_chars: int
    """Characters of the answer shown first less those of the other."""


def measure_bias(shown: Sequence[ShownPair], subject: str, judge: str) -> list[Measurement]:
    """Shares of verdicts for the answer shown first, for the longer one, and for neither."""
    decided = [item for item in shown if item.verdict in ("first", "second")]
    unequal = [item for item in decided if item.extra_chars]
    readable = [item for item in shown if item.verdict != "unparsed"]
    said = [
        ("first_shown_share", decided, [item.verdict == "first" for item in decided], "verdicts for the answer shown first"),
        ("longer_share", unequal, [_for_longer(item) for item in unequal], "verdicts for the longer answer, in characters"),
        ("said_tie_share", readable, [item.verdict == "tie" for item in readable], "readable verdicts that neither is better"),
    ]
    return [_share(metric, subject, items, hits, f"{what}, by {judge}") for metric, items, hits, what in said if items]


def _for_longer(item: ShownPair) -> bool:
    return (item.verdict == "first") == (item.extra_chars > 0)


def _share(metric: str, subject: str, items: Sequence[ShownPair], hits: Sequence[bool], what: str) -> Measurement:
    prompts = [item.prompt_id for item in items]
    found = clustered_share(hits, prompts)
    how = f"share of {len(items):,} {what}; Wilson 95 % for as many as the prompts are worth"
    if metric == "longer_share":
        more, fewer = _leanings(prompts, hits)
        how += f"; sign test over prompts: {more} against {fewer}, p = {sign_test(more, fewer):.3g}"
    return Measurement(metric, subject, *found, len(set(prompts)), how)


def _leanings(prompts: Sequence[str], hits: Sequence[bool]) -> tuple[int, int]:
    """Prompts with more verdicts for the longer answer than against it, and with fewer."""
    balance: dict[str, int] = {}
    for prompt, hit in zip(prompts, hits, strict=True):
        balance[prompt] = balance.get(prompt, 0) + (1 if hit else -1)
    return sum(value > 0 for value in balance.values()), sum(value < 0 for value in balance.values())

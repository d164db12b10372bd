"""How looks are shared out: most harvest, the others by lot."""

from dataclasses import dataclass

from align.curation.queueing.picking import Why
from align.lots import lot


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """How looks are shared out."""

    uncertain: float = 0.10
    """Share of looks after calibration."""
    audit: float = 0.05
    overlap: float = 0.10
    calibration: int = 30
    """Examples that everybody sees first."""
    cool_down: int = 30
    """A skipped example comes back to the same person after so many further looks; others may get it at once."""
    lease_minutes: float = 15.0


def why_of(settings: QueueSettings, seed: int, curator: str, place: int) -> Why:
    """By lot and not by turns: nobody shall count out which look is a second one."""
    drawn = lot("why", seed, curator, place) / 2**64
    kinds: tuple[tuple[Why, float], ...] = (
        ("uncertain", settings.uncertain), ("audit", settings.audit), ("overlap", settings.overlap)
    )  # fmt: skip
    for why, share in kinds:
        if drawn < share:
            return why
        drawn -= share
    return "harvest"

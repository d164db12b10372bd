"""Cells of a selection: which exchange, source or category an example counts for, and how many places each gets."""

from collections import Counter
from pathlib import Path
from typing import Literal

from align.records import Example
from align.selection.turns import turns
from align.stage import Inputs
from align.strata import By, Cells, cell_of, read_groups

Shares = dict[str, float] | Literal["equal", "proportional"]
Unfit = dict[int, tuple[str, str]]
"""Numbers of the examples that cannot be taken: why, and what exactly."""

NO_SHARE = "cell without a share"
NO_GROUP = "in no group"


def check_shares(per: By | None, shares: Shares, groups: Path | None) -> None:
    """Raise where the fields do not go together."""
    if per is None and (groups is not None or shares != "proportional"):
        raise ValueError("`shares` and `groups` need `per`, which says of what: site, source or tag")
    if isinstance(shares, dict) and not (shares and min(shares.values()) > 0):
        raise ValueError("`shares` must be above 0; leave out what is not to be taken")


def cells_of(inputs: Inputs, per: By | None, shares: Shares, groups: Path | None, unfit: Unfit) -> list[str]:
    """The cell of each example that comes in; one without a group or a share is added to `unfit`."""
    owners: dict[str, str] | None = None
    if groups is not None:
        owners = {stratum: group for group, strata in read_groups(groups).items() for stratum in strata}
    names: list[str] = []
    for number, example in enumerate(inputs.read(Example)):
        group, stratum = ("", "") if per is None else cell_of(example, Cells(per, {}, owners))
        names.append(stratum if owners is None else group)
        if owners is not None and not group:
            unfit.setdefault(number, (NO_GROUP, stratum))
        elif isinstance(shares, dict) and names[-1] not in shares:
            unfit.setdefault(number, (NO_SHARE, names[-1]))
    return names


def places_of(names: list[str], unfit: Unfit, shares: Shares, count: int) -> list[str]:
    """The cell that each of up to `count` places is filled from, in order."""
    sizes = Counter(name for number, name in enumerate(names) if number not in unfit)
    if isinstance(shares, dict):
        return turns(sizes, shares, count)
    return turns(sizes, {name: float(size) if shares == "proportional" else 1.0 for name, size in sizes.items()}, count)

"""Strata: which exchange, source or tag an example counts for, and the groups that a quota is set for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from align.errors import InputError, RecipeError
from align.parts import nearest
from align.records import Example

By = Literal["site", "source", "tag"]

ALL = "all"
"""Without a groups file: the cell of every stratum that has none of its own."""
NONE = ""


@dataclass(frozen=True, slots=True)
class Cells:
    """What an example can count for: `take` wants examples of groups, `groups` says which strata belong to each."""

    by: By
    take: dict[str, int]
    groups: dict[str, str] | None
    """Stratum -> group; None: each stratum is its own."""


def site_of(example: Example) -> str:
    """The part of the id between source and number: `cooking` of `stack_exchange/cooking/1812`; empty where there is none."""
    return example.id.partition("/")[2].rpartition("/")[0]


def read_cells(by: By, take: dict[str, int], groups: Path | None) -> Cells:
    """The cells of a quota; a group that is wanted and not defined is an error."""
    if groups is None:
        return Cells(by, take, None)
    found = read_groups(groups)
    unknown = [f"{group!r} ({nearest(group, found)})" for group in take if group not in found]
    if unknown:
        raise RecipeError(f"take: {groups} defines no group {', '.join(unknown)}")
    return Cells(by, take, {stratum: group for group, strata in found.items() for stratum in strata})


def cell_of(example: Example, cells: Cells) -> tuple[str, str]:
    """Group and stratum of an example; the group is empty where its stratum is in none."""
    options = {"site": (site_of(example),), "source": (example.origin.source,), "tag": example.tags}[cells.by]
    if cells.groups is not None:
        named = next((stratum for stratum in options if stratum in cells.groups), None)
        return (NONE, ", ".join(options)) if named is None else (cells.groups[named], named)
    named = next((stratum for stratum in options if stratum in cells.take), None)
    if named is not None:
        return named, named
    return (ALL if ALL in cells.take else NONE), next(iter(options), "")


def read_groups(path: Path) -> dict[str, list[str]]:
    """Read a groups file: YAML, `group: [stratum, ...]`, each stratum in one group."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        data = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8-sig"))
    except (YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict) or not all(isinstance(strata, list) for strata in data.values()):
        raise InputError(f"{path}: a groups file is a mapping `group: [site, site, ...]` (got {data!r:.80})")
    groups = {str(group): [str(stratum) for stratum in strata] for group, strata in data.items()}
    owners: dict[str, list[str]] = {}
    for group, strata in groups.items():
        for stratum in strata:
            owners.setdefault(stratum, []).append(group)
    twice = [f"{stratum!r} in {' and '.join(found)}" for stratum, found in owners.items() if len(found) > 1]
    if twice:
        raise InputError(f"{path}: a site belongs to one group, once; found {'; '.join(twice)}. Keep it in one.")
    return groups

"""What a project decides once for all its curators, typed; what nobody set has its default."""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Connection, select

from align.curation.database import tables
from align.curation.database.upsert import put
from align.curation.state.changes import note_change
from align.curation.team.people import require
from align.errors import InputError
from align.parts import nearest


class Settings(BaseModel):
    """Settings of a curation project."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calibration_size: int = Field(default=40, ge=0, le=1000)
    """How many examples everybody decides first, the same ones, to find out where people differ."""
    overlap_share: float = Field(default=0.1, ge=0, le=1)
    """Share of examples that a second person decides without seeing the first one's decision."""
    audit_share: float = Field(default=0.05, ge=0, le=1)
    """Share drawn at random whatever the ranking says: the unbiased estimate of how many would be accepted."""
    uncertain_share: float = Field(default=0.1, ge=0, le=1)
    """Share of those about which the ranking is least sure."""
    blind: bool = True
    """Whether scores, suggestions and others' decisions stay hidden until one's own."""
    lease_minutes: float = Field(default=15, gt=0, le=24 * 60)
    """How long somebody has an example open without a sign of life."""
    prefetch: int = Field(default=3, ge=1, le=50)
    """How many examples are taken ahead."""
    groups_apart: bool = True
    """Whether who has written for one group (A: train and dev, B: test) may not write for the other."""
    reasons: tuple[str, ...] = Field(
        default=("not self-contained", "wrong or outdated", "poor style", "too narrow", "harmful or private"), max_length=20
    )
    """Reasons to reject that are offered, each with a key."""


def read_settings(connection: Connection) -> Settings:
    """What is set; a value that this version does not know or take is told, never dropped."""
    stored = {name: json.loads(value) for name, value in connection.execute(select(tables.settings))}
    return _checked(stored)


def set_setting(connection: Connection, actor: str, name: str, value: Any) -> Settings:
    """Change one setting and return them all."""
    require(connection, actor, "lead", "change settings")
    if name not in Settings.model_fields:
        raise InputError(f"setting {name!r}: there is none of that name; {nearest(name, Settings.model_fields)}")
    before = read_settings(connection)
    after = _checked(before.model_dump() | {name: value})
    if after != before:
        old, new = (item.model_dump(mode="json")[name] for item in (before, after))
        note_change(connection, actor, "set setting", name, f"{json.dumps(old)} to {json.dumps(new)}")
        put(connection, tables.settings, name=name, value=json.dumps(new))
    return after


def _checked(values: dict[str, Any]) -> Settings:
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        said = "; ".join(
            f"setting {'.'.join(map(str, item['loc']))}: {item['msg']} (got {item['input']!r})" for item in error.errors()
        )
        raise InputError(said) from error

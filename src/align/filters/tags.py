"""Drop or require examples by their tags."""

from typing import Literal

from pydantic import model_validator

from align.filters.filter import Drop, Filter
from align.records import Example


class Tags(Filter):
    """Drops examples that carry one of `drop`, or, where `require` is written, none of those."""

    kind: Literal["tags"] = "tags"
    drop: tuple[str, ...] = ()
    """Tags to leave out, e.g. [discussion, support] of a meta site."""
    require: tuple[str, ...] = ()
    """Tags of which an example must have at least one; by default none is needed."""

    @model_validator(mode="after")
    def _check_any(self) -> "Tags":
        if not self.drop and not self.require:
            raise ValueError("write drop, require or both; without tags nothing would be dropped")
        return self

    def reason_to_drop(self, example: Example) -> Drop | None:
        unwanted = [tag for tag in self.drop if tag in example.tags]
        if unwanted:
            return Drop(f"tagged {unwanted[0]}", ", ".join(example.tags))
        if self.require and not set(self.require) & set(example.tags):
            return Drop("has no wanted tag", ", ".join(example.tags))
        return None

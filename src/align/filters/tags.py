"""Drop or require examples by their tags."""

from typing import Literal

from align.filters.filter import Drop, Filter
from align.records import Example


class Tags(Filter):
    """Drops examples that carry one of `drop`, or, where `require` is written, none of those."""

    kind: Literal["tags"] = "tags"
    drop: tuple[str, ...] = ()
    """Tags to leave out, e.g. [discussion, support] of a meta site."""
    require: tuple[str, ...] = ()
    """Tags of which an example must have at least one; by default none is needed."""

    def reason_to_drop(self, example: Example) -> Drop | None:
        unwanted = [tag for tag in self.drop if tag in example.tags]
        if unwanted:
            return Drop(f"tagged {unwanted[0]}", ", ".join(example.tags))
        if self.require and not set(self.require) & set(example.tags):
            return Drop("has no wanted tag", ", ".join(example.tags))
        return None

"""Tags of the example, as its source or a stage above gave them."""

from typing import Literal

from pydantic import model_validator

from align.filters.filter import Drop, Filter
from align.records import Example


class Tags(Filter):
    """Drop examples by their tags, e.g. `homework-exercises` of Stack Exchange or `sensitive` of an authored set."""

    kind: Literal["tags"] = "tags"
    drop: tuple[str, ...] = ()
    """Drop examples with one of these."""
    require: tuple[str, ...] = ()
    """Drop examples with none of these."""

    @model_validator(mode="after")
    def _check_any(self) -> "Tags":
        if not self.drop and not self.require:
            raise ValueError("write drop, require or both; without tags nothing would be dropped")
        return self

    def reason_to_drop(self, example: Example) -> Drop | None:
        unwanted = [tag for tag in example.tags if tag in self.drop]
        if unwanted:
            return Drop(f"tagged {unwanted[0]}", ", ".join(example.tags))
        if self.require and not set(self.require) & set(example.tags):
            return Drop("without a required tag", ", ".join(example.tags))
        return None

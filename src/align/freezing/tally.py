"""What a frozen set holds, counted while its rows are written."""

from collections import Counter
from dataclasses import dataclass, field

from align.freezing.rows import Row, is_dehydrated


@dataclass(slots=True)
class Group:
    """Rows of one source, or of one group of exchanges."""

    rows: int = 0
    prompt: int = 0
    response: int = 0
    answered: int = 0
    """Rows that have a response."""

    def add(self, row: Row) -> None:
        self.rows += 1
        self.prompt += row["lengths"]["prompt"]
        self.response += row["lengths"]["response"]
        self.answered += row["lengths"]["response"] > 0

    @property
    def means(self) -> tuple[float, float | None]:
        """Mean length of prompt and response; None where there are prompts alone."""
        return self.prompt / self.rows, self.response / self.answered if self.answered else None


@dataclass(slots=True)
class Tally:
    """All splits."""

    groups: dict[tuple[str, str], Group] = field(default_factory=dict)
    """By split and group."""
    dehydrated: Counter[str] = field(default_factory=Counter)
    """By split."""
    licences: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Rows, and rows without their text, by licence."""
    sources: Counter[str] = field(default_factory=Counter)

    def add(self, split: str, row: Row) -> None:
        self.groups.setdefault((split, row["group"]), Group()).add(row)
        self.dehydrated[split] += is_dehydrated(row)
        rows, without = self.licences.get(row["license"], (0, 0))
        self.licences[row["license"]] = (rows + 1, without + is_dehydrated(row))
        self.sources[row["origin"]["source"]] += 1

    def rows(self, split: str) -> int:
        return sum(group.rows for (name, _), group in self.groups.items() if name == split)

    @property
    def total(self) -> int:
        return sum(group.rows for group in self.groups.values())

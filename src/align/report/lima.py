"""What LIMA reports of its data, to stand beside one's own (arXiv 2305.11206, table 1)."""

from typing import NamedTuple


class Published(NamedTuple):
    """One row of table 1."""

    split: str
    source: str
    examples: int
    input_tokens: int
    output_tokens: int | None
    """None where the paper gives none."""


TABLE_1 = (
    Published("train", "Stack Exchange, STEM", 200, 117, 523),
    Published("train", "Stack Exchange, other", 200, 119, 530),
    Published("train", "wikiHow", 200, 12, 1811),
    Published("train", "r/WritingPrompts", 150, 34, 274),
    Published("train", "Natural Instructions", 50, 236, 92),
    Published("train", "authored, group A", 200, 40, 334),
    Published("dev", "authored, group A", 50, 36, None),
    Published("test", "r/AskReddit", 70, 30, None),
    Published("test", "authored, group B", 230, 31, None),
)

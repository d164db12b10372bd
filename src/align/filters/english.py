"""What rules made of English words do with a text in another language: they say so, and do not judge it."""

from typing import Literal

from align.filters.filter import Drop, Filter, Outcome
from align.languages import is_english
from align.records import Example
from align.text import prose

NOT_JUDGED = "not English: not judged"


class EnglishRule(Filter):
    """A filter whose words are English ones."""

    other_languages: Literal["keep", "drop"] = "keep"
    """The rule knows English alone. A response in another language is kept without being judged, and counted as
    `not English: not judged`; or dropped."""

    def apply(self, example: Example) -> Outcome:
        said = "\n\n".join(turn.text for turn in example.turns if turn.role == "assistant")
        if is_english(prose(said)):
            return Outcome(example, self.reason_to_drop(example))
        if self.other_languages == "drop":
            return Outcome(example, Drop("not English"))
        return Outcome(example, notes=(NOT_JUDGED,))

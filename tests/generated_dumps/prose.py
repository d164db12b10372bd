"""Text that looks like English to a rule and means nothing: words of the invented corpus in sentences of fixed shapes.

The words of a sentence are drawn anew each time, so that two texts share hardly a run of two words and none is a near duplicate
of another unless it was planted as one.
"""

import random
import re
from functools import cache
from importlib.resources import files

_WORDS_OF_RULES = (
    "the and of that with this you are from have not but which your can they there when would what then their these those above "
    "below following here answer answers comment comments question questions post posts reply replies edit update site forum "
    "vote votes stack exchange mine myself subject thing task step cause because note does part pair term tool warn sign often "
    "who where how why mentioned said noted wrote was were has had his her its for one two three may might must should "
    "body text details picture image link inside title example description attached enclosed continued"
)
_SENTENCES = (
    "The {} {} of the {} can {} with the {} when you have a {} that is {}.",
    "When the {} and the {} are {}, the {} would not {} from the {} but {} which {}.",
    "There is a {} in every {}, and you can {} the {} of their {} with {}.",
    "You have the {} {} if these {} are not {}, and then the {} of that {} can {}.",
    "What the {} {} with their {} is {}, but the {} would {} from {} to {}.",
    "Of all the {} that have {}, the {} and the {} are {} when they {} there.",
    "From the {} you can {} that {} and {} are not {}, which is the {} of your {}.",
)
_TITLES = (
    "How do you {} the {} of a {} with {} and {} in {} before the {} {}?",
    "Why does a {} {} when the {} of the {} is {} and the {} {}?",
    "What is the {} between a {} {} and a {} {} that {} in the {}?",
    "Which {} can {} a {} from the {} {} while the {} {} near the {}?",
    "Is there a {} way to {} the {} {} without {} or a {} {}?",
)
_GOALS = ("{} a {} {} with {} and {}", "{} the {} of a {} {} near {}", "{} your {} {} before the {} {}")


@cache
def vocabulary() -> tuple[str, ...]:
    """Words of three letters and more, those left out that a rule could take for something."""
    texts = (file.read_text(encoding="utf-8") for file in files("align.sources.invented").iterdir() if file.name.endswith(".txt"))
    found = {word for text in texts for word in re.findall(r"[a-z]{3,}", text)}
    return tuple(sorted(found - set(_WORDS_OF_RULES.split())))


class Prose:
    """Draws text; equal seeds give equal texts."""

    def __init__(self, seed: str) -> None:
        self.draw = random.Random(seed)

    def sentence(self) -> str:
        return self._filled(self.draw.choice(_SENTENCES))

    def paragraph(self, sentences: int) -> str:
        return " ".join(self.sentence() for _ in range(sentences))

    def paragraphs(self, chars: int) -> list[str]:
        """Paragraphs of `chars` characters or a little more in all."""
        found: list[str] = []
        while sum(map(len, found)) + 2 * len(found) < chars:
            found.append(self.paragraph(self.draw.randint(1, 4)))
        return found

    def title(self) -> str:
        """A question that stands alone."""
        return self._filled(self.draw.choice(_TITLES))

    def goal(self) -> str:
        """What an article tells how to do, as a title has it."""
        return self._filled(self.draw.choice(_GOALS)).title()

    def words(self, count: int) -> list[str]:
        return self.draw.choices(vocabulary(), k=count)

    def name(self) -> str:
        return " ".join(self.words(2)).title()

    def _filled(self, shape: str) -> str:
        return shape.format(*self.words(shape.count("{}")))

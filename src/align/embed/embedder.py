"""The family of embedders: each turns texts into vectors, so that likeness of two texts is the cosine of two vectors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from align.parts import Part
from align.records import Example

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Of = Literal["prompt", "response", "both"]


@dataclass(frozen=True, slots=True)
class Encoder:
    """An embedder that has learnt what it needs."""

    width: int
    """Numbers in a vector."""
    encode: "Callable[[Sequence[str]], NDArray[np.float32]]"
    """A row of unit length for each text, shape (texts, width); zeros for a text it can say nothing of."""
    identity: str = ""
    """What decides a text's vector, hashed; empty where vectors are cheap and are not kept between runs."""


class Embedder(Part):
    """Turns texts into vectors whose cosine says how alike they are."""

    learns: ClassVar[bool] = True
    """Whether it looks at a sample of the texts first."""

    def prepare(self, sample: Sequence[str]) -> Encoder:
        """Learn from a sample of the texts that will be embedded; the same sample gives the same encoder."""
        raise NotImplementedError


def embedded_text(example: Example, on: Of) -> str:
    """What of an example is embedded: all that stands before the last response, that response, or both.

    A document is its own prompt and its own response.
    """
    turns = example.turns
    if on != "both" and turns and turns[-1].role == "assistant":
        turns = turns[-1:] if on == "response" else turns[:-1]
    elif on == "response" and all(turn.role != "document" for turn in turns):
        turns = ()
    return "\n\n".join(turn.text for turn in turns)

"""Records that say nothing and are as long as may be, to measure a training with."""

from align.records import Example, Origin, PreferencePair, Turn

REHEARSED_STEPS = 3
"""Steps there are rows for; the training ends itself before the last one."""
REHEARSED_TOKENS = 2048
"""Of a text where the stage names no longest."""
_ORIGIN = Origin("made up", "")


def full_examples(tokens: int, count: int) -> tuple[Example, ...]:
    """Dialogues of at least `tokens` tokens: a number and the space before it are one or more."""
    answer = _numbers(tokens)
    return tuple(
        Example(f"made_up/{number}", (Turn("user", f"Count from {number}."), Turn("assistant", answer)), _ORIGIN)
        for number in range(count)
    )


def full_pairs(tokens: int, count: int) -> tuple[PreferencePair, ...]:
    """Pairs of which both texts have at least `tokens` tokens."""
    chosen, rejected = _numbers(tokens), _numbers(tokens, step=3)
    return tuple(
        PreferencePair(f"made_up/{number}", (Turn("user", f"Count from {number}."),), chosen, rejected, _ORIGIN)
        for number in range(count)
    )


def _numbers(count: int, step: int = 1) -> str:
    return " ".join(str(number * step) for number in range(count))

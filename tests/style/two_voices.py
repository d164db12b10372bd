"""Answers of two sources, made by rule: one explains in long plain sentences, one chats."""

from random import Random

from align.records import Example
from toy_records import example

_NOUNS = ["dough", "yeast", "oven", "crust", "flour", "water", "salt", "loaf"]
_VERBS = ["rises", "rests", "browns", "cools", "needs time", "keeps its shape"]


def plain_answer(random: Random) -> str:
    """Four to eight sentences of about twelve words, nobody in them."""
    sentences = [
        f"The {random.choice(_NOUNS)} {random.choice(_VERBS)} because the {random.choice(_NOUNS)} of the {random.choice(_NOUNS)} is warm enough."
        for _ in range(random.randint(4, 8))
    ]
    return " ".join(sentences)


def chatty_answer(random: Random) -> str:
    """Short sentences to somebody, with a question and good wishes."""
    said = [f"I think you {random.choice(_VERBS)} your {random.choice(_NOUNS)}!" for _ in range(random.randint(4, 8))]
    return f"Great question! {' '.join(said)} Don't you have {random.choice(_NOUNS)}? Let me know."


def answers(source: str, count: int, seed: int = 1) -> list[Example]:
    random = Random(f"{source}/{seed}")
    write = chatty_answer if source.startswith("chat") else plain_answer
    return [example(f"{source}/{number}", "How do I bake bread?", write(random)) for number in range(count)]

"""New examples that people write: what a finished one needs, how many are wanted (LIMA table 1), and the rows they become.

Two groups write apart, so that the test set is not written by those who wrote the training set: A trains and develops, B tests
(LIMA §2.2). A piece belongs to the group of who wrote it; the store shows it to nobody of the other.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from align.dialogue import alternate
from align.errors import InputError
from align.records import Author, Example, Origin, Turn, as_json

Group = Literal["A", "B"]
Split = Literal["train", "dev", "test"]
PieceKind = Literal["example", "dialogue", "safety", "format_constraint"]
State = Literal["draft", "finished", "withdrawn"]

GROUPS: tuple[Group, ...] = get_args(Group)
KINDS: tuple[PieceKind, ...] = get_args(PieceKind)
SPLITS: dict[Group, tuple[Split, ...]] = {"A": ("train", "dev"), "B": ("test",)}
"""What each group writes."""
ANSWERED: tuple[Split, ...] = ("train",)
"""Splits whose pieces need an answer; the others are prompts alone."""
SOURCE = "authored"
LICENSE = "CC BY-SA 4.0"
"""What a piece is given under unless its author says otherwise."""
CONTEXT_CHARS = 8192
"""About 2,048 tokens, where a training cuts (LIMA §3)."""
LIMA_PROMPT_CHARS = (26, 483)
LIMA_RESPONSE_CHARS = (114, 3957)
"""Nine of ten of LIMA's 200 authored prompts and responses, measured on the published set; medians 81 and 960."""


class Target(NamedTuple):
    """So many pieces are wanted: of a split, or of a kind in it."""

    group: Group
    split: Split
    kind: PieceKind | None
    wanted: int
    where: str
    """The place in the paper."""


TARGETS = (
    Target("A", "train", None, 200, "LIMA table 1"),
    Target("A", "dev", None, 50, "LIMA table 1"),
    Target("B", "test", None, 230, "LIMA table 1"),
    Target("A", "train", "safety", 13, "LIMA §2.2: among the 200"),
    Target("B", "test", "safety", 30, "LIMA §2.2: among the 230"),
    Target("A", "train", "format_constraint", 6, "LIMA appendix E: among the 200"),
    Target("A", "train", "dialogue", 10, "LIMA §6: beside the 200, 10 of the 30 chains are written"),
)


@dataclass(frozen=True, slots=True)
class Piece:
    """One version of something that a person writes."""

    id: str
    version: int
    """1 is the first; each change adds one, none is lost."""
    group: Group
    split: Split
    kind: PieceKind
    turns: tuple[Turn, ...]
    author: str
    state: State = "draft"
    license: str = LICENSE
    tags: tuple[str, ...] = ()
    at: str = ""


class Progress(NamedTuple):
    target: Target
    finished: int


def progress(pieces: Iterable[Piece]) -> list[Progress]:
    """How far the finished pieces are from what is wanted; a dialogue counts beside the 200, as in the paper."""
    finished = [piece for piece in pieces if piece.state == "finished"]
    by_kind = Counter((piece.split, piece.kind) for piece in finished)
    whole = Counter(piece.split for piece in finished if piece.kind != "dialogue" or piece.split != "train")
    return [
        Progress(target, whole[target.split] if target.kind is None else by_kind[target.split, target.kind]) for target in TARGETS
    ]


def check_piece(piece: Piece) -> list[str]:
    """What keeps a piece from being finished, in words; nothing where it is complete."""
    problems = []
    if piece.split not in SPLITS[piece.group]:
        problems.append(f"group {piece.group} writes {' and '.join(SPLITS[piece.group])}, not {piece.split}")
    texts = [turn.text.strip() for turn in piece.turns]
    if not texts or not texts[0]:
        problems.append("the prompt is empty")
    elif not all(texts):
        problems.append(f"turn {texts.index('') + 1} is empty")
    if not alternate(piece.turns):
        problems.append("user and assistant must take turns, the user first")
    is_answered = bool(piece.turns) and piece.turns[-1].role == "assistant"
    if piece.split in ANSWERED and not is_answered:
        problems.append(f"a {piece.split} example ends with an answer")
    if piece.split not in ANSWERED and is_answered:
        problems.append(f"a {piece.split} prompt has no answer: the models answer it")
    if piece.kind == "dialogue" and len(piece.turns) < 3:
        problems.append("a dialogue has three turns at least: a question, an answer, the next question")
    if piece.kind != "dialogue" and len(piece.turns) > 2:
        problems.append("several exchanges make a dialogue: choose that kind")
    if not piece.license.strip():
        problems.append("no licence is named")
    return problems


def length_remarks(turns: Sequence[Turn]) -> list[str]:
    """Where prompt and last response lie outside nine of ten of LIMA's authored ones, and what a training would cut."""
    remarks = []
    prompt = turns[0].text.strip() if turns else ""
    response = turns[-1].text.strip() if turns and turns[-1].role == "assistant" else ""
    for what, text, (low, high) in (
        ("prompt", prompt, LIMA_PROMPT_CHARS),
        ("response", response, LIMA_RESPONSE_CHARS),
    ):
        if text and not low <= len(text) <= high:
            side = "short" if len(text) < low else "long"
            remarks.append(f"the {what} is {side}: {len(text):,} characters; nine of ten of LIMA's have {low:,} to {high:,}")
    total = sum(len(turn.text) for turn in turns)
    if total > CONTEXT_CHARS:
        remarks.append(f"{total:,} characters in all: beyond about {CONTEXT_CHARS:,} a training cuts the end off (2,048 tokens)")
    return remarks


def as_example(piece: Piece) -> Example:
    """A finished piece as it is trained on or tested with; its author is named with the licence."""
    if problems := check_piece(piece):
        raise InputError(f"{piece.id}: is not finished: {'; '.join(problems)}")
    origin = Origin(
        source=SOURCE,
        native_id=f"{piece.id}@{piece.version}",
        date=piece.at[:10],
        modified=piece.at[:10],
        authors=(Author(piece.author, role="author", license=piece.license),),
    )
    turns = tuple(Turn(turn.role, turn.text.strip()) for turn in piece.turns)
    own = (f"group {piece.group}", piece.split, piece.kind)
    return Example(piece.id, turns, origin, (*own, *(tag for tag in piece.tags if tag not in own)))


def export_lines(pieces: Iterable[Piece], split: Split) -> Iterator[str]:
    """The finished pieces of a split as the lines that `ingest` of kind `json_lines` reads, sorted by id."""
    chosen = [piece for piece in pieces if piece.split == split and piece.state == "finished"]
    for piece in sorted(chosen, key=lambda piece: piece.id):
        yield as_json(as_example(piece)) + "\n"

"""New examples that people write: what a ready one needs, how many are wanted (LIMA table 1), and the rows they become.

Two groups write apart, so that the test set is not written by those who wrote the training set: A trains and develops, B tests
(LIMA §2.2). What one group writes the store shows to nobody of the other.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from align.dialogue import alternate
from align.errors import InputError
from align.records import Author, Example, Origin, Turn, as_json

Group = Literal["A", "B"]
Split = Literal["train", "dev", "test"]
Form = Literal["example", "dialogue", "safety", "format_constraint"]
State = Literal["draft", "ready", "withdrawn"]

GROUPS: tuple[Group, ...] = get_args(Group)
FORMS: tuple[Form, ...] = get_args(Form)
SPLITS: dict[Group, tuple[Split, ...]] = {"A": ("train", "dev"), "B": ("test",)}
"""What each group writes."""
ANSWERED: tuple[Split, ...] = ("train",)
"""Splits that need an answer; the others are prompts alone."""
SOURCE = "authored"
LICENSE = "CC BY-SA 4.0"
"""What it is given under unless its author says otherwise."""
CONTEXT_CHARS = 8192
"""About 2,048 tokens, where a training cuts (LIMA §3)."""
LIMA_PROMPT_CHARS = (26, 483)
LIMA_RESPONSE_CHARS = (114, 3957)
"""Nine of ten of LIMA's 200 authored prompts and responses, measured on the published set; medians 81 and 960."""


class Target(NamedTuple):
    """So many are wanted: of a split, or of a form in it."""

    group: Group
    split: Split
    form: Form | None
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
class AuthoredExample:
    """One version of an example that somebody wrote."""

    id: str
    """`authored/...`, made by the page for a new one; it never changes."""
    group: Group
    """A: for training and development; B: for the test set."""
    form: Form
    turns: tuple[Turn, ...]
    state: State = "draft"
    tags: tuple[str, ...] = ()
    note: str = ""
    version: int = 0
    """What is written: the version that the page had seen, 0 for a new one. What is read: the number of this version."""
    by: str = ""
    """Who wrote this version."""
    at: str = ""
    split: Split | Literal[""] = ""
    """Empty: the first that the group writes."""
    license: str = LICENSE

    @property
    def meant_for(self) -> Split:
        """The split it belongs to."""
        return self.split or SPLITS[self.group][0]


class Progress(NamedTuple):
    target: Target
    ready: int


def progress(written: Iterable[AuthoredExample]) -> list[Progress]:
    """How far the ready ones are from what is wanted; a dialogue counts beside the 200, as in the paper."""
    ready = [item for item in written if item.state == "ready"]
    by_form = Counter((item.meant_for, item.form) for item in ready)
    whole = Counter(item.meant_for for item in ready if item.form != "dialogue" or item.meant_for != "train")
    return [
        Progress(target, whole[target.split] if target.form is None else by_form[target.split, target.form]) for target in TARGETS
    ]


def group_of_tags(example_id: str, source: str, tags: Sequence[str]) -> Group | None:
    """The group that wrote an example which an ingest read back, as its tags say; None for any other."""
    if source != SOURCE and not example_id.startswith(f"{SOURCE}/"):
        return None
    return next((group for group in GROUPS if f"group {group}" in tags), None)


def missing_in(written: AuthoredExample) -> list[str]:
    """What keeps it from being ready, in words; nothing where it is complete."""
    problems = []
    split = written.meant_for
    if split not in SPLITS[written.group]:
        problems.append(f"group {written.group} writes {' and '.join(SPLITS[written.group])}, not {split}")
    texts = [turn.text.strip() for turn in written.turns]
    if not texts or not texts[0]:
        problems.append("the prompt is empty")
    elif not all(texts):
        problems.append(f"turn {texts.index('') + 1} is empty")
    if not alternate(written.turns):
        problems.append("user and assistant must take turns, the user first")
    is_answered = bool(written.turns) and written.turns[-1].role == "assistant"
    if split in ANSWERED and not is_answered:
        problems.append(f"a {split} example ends with an answer")
    if split not in ANSWERED and is_answered:
        problems.append(f"a {split} prompt has no answer: the models answer it")
    if written.form == "dialogue" and len(written.turns) < 3:
        problems.append("a dialogue has three turns at least: a question, an answer, the next question")
    if written.form != "dialogue" and len(written.turns) > 2:
        problems.append("several exchanges make a dialogue: choose that form")
    if not written.license.strip():
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


def as_example(written: AuthoredExample, writers: Sequence[str] = ()) -> Example:
    """A ready one as it is trained on or tested with; those who wrote its versions are named with the licence."""
    if problems := missing_in(written):
        raise InputError(f"{written.id}: is not ready: {'; '.join(problems)}")
    origin = Origin(
        source=SOURCE,
        native_id=f"{written.id}@{written.version}",
        date=written.at[:10],
        modified=written.at[:10],
        authors=tuple(Author(name, role="author", license=written.license) for name in writers or (written.by,)),
    )
    turns = tuple(Turn(turn.role, turn.text.strip()) for turn in written.turns)
    own = (f"group {written.group}", written.meant_for, written.form)
    return Example(written.id, turns, origin, (*own, *(tag for tag in written.tags if tag not in own)))


def export_lines(
    written: Iterable[AuthoredExample], split: Split, writers: Mapping[str, Sequence[str]] | None = None
) -> Iterator[str]:
    """The ready ones of a split as the lines that `ingest` of kind `json_lines` reads, sorted by id; `writers` by id."""
    chosen = [item for item in written if item.meant_for == split and item.state == "ready"]
    for item in sorted(chosen, key=lambda item: item.id):
        yield as_json(as_example(item, (writers or {}).get(item.id, ()))) + "\n"

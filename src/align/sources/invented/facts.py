"""The facts behind the invented corpus: one text file a subject, one fact a line.

    subject mechanical clocks
    often 2                                     drawn twice as often as a subject without this line
    who a clockmaker, an apprentice              people, where, when: lists with commas
    thing ONE | MANY | what it is                MANY is empty for what cannot be counted
     does [stops/stop] at night                  what it does; [singular/plural]
     part the NAME | what the part does          verb as the name's number wants it
    cause why does ...                           a question without its mark
     because CLAUSE      note CLAUSE      so IMPERATIVE OR CLAUSE
    task IMPERATIVE
     tool a, b           step IMPERATIVE  warn if CLAUSE | then CLAUSE      sign CLAUSE
    pair a | b | CLAUSE that tells them apart
    term WORD | meaning
`{small/little}` anywhere is a choice.
"""

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files


@dataclass(slots=True)
class Thing:
    """Something one can ask about: what it is, does and consists of."""

    one: str
    many: str
    what: str
    does: list[str] = field(default_factory=list)
    parts: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Cause:
    """A question why, and its answer."""

    question: str
    because: str = ""
    notes: list[str] = field(default_factory=list)
    so: str = ""


@dataclass(slots=True)
class Task:
    """Something one can learn to do."""

    goal: str
    tools: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    warnings: list[tuple[str, str]] = field(default_factory=list)
    sign: str = ""


@dataclass(slots=True)
class Subject:
    """All facts of one file."""

    name: str
    often: int = 1
    who: list[str] = field(default_factory=list)
    where: list[str] = field(default_factory=list)
    when: list[str] = field(default_factory=list)
    things: list[Thing] = field(default_factory=list)
    causes: list[Cause] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    pairs: list[tuple[str, str, str]] = field(default_factory=list)
    terms: list[tuple[str, str]] = field(default_factory=list)


@cache
def subjects() -> tuple[Subject, ...]:
    """Every subject, in the order of the file names; one that is to be drawn more often stands there more often."""
    folder = files(__package__)
    names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".txt"))
    found = [read_subject((folder / name).read_text(encoding="utf-8")) for name in names]
    return tuple(subject for subject in found for _ in range(subject.often))


def read_subject(text: str) -> Subject:
    """Read one file of facts."""
    subject = Subject("")
    for line in text.splitlines():
        word, _, rest = line.strip().partition(" ")
        if word:
            _add(subject, word, rest.strip(), [part.strip() for part in rest.split("|")])
    return subject


def _add(subject: Subject, word: str, rest: str, fields: list[str]) -> None:  # noqa: C901 - one flat case a word
    match word:
        case "subject":
            subject.name = rest
        case "often":
            subject.often = int(rest)
        case "who" | "where" | "when":
            getattr(subject, word).extend(item.strip() for item in rest.split(","))
        case "thing":
            subject.things.append(Thing(fields[0], fields[1], fields[2]))
        case "does":
            subject.things[-1].does.append(rest)
        case "part":
            subject.things[-1].parts.append((fields[0], fields[1]))
        case "cause":
            subject.causes.append(Cause(rest))
        case "because" | "so":
            setattr(subject.causes[-1], word, rest)
        case "note":
            subject.causes[-1].notes.append(rest)
        case "task":
            subject.tasks.append(Task(rest))
        case "tool":
            subject.tasks[-1].tools.extend(item.strip() for item in rest.split(","))
        case "step":
            subject.tasks[-1].steps.append(rest)
        case "warn":
            subject.tasks[-1].warnings.append((fields[0], fields[1]))
        case "sign":
            subject.tasks[-1].sign = rest
        case "pair":
            subject.pairs.append((fields[0], fields[1], fields[2]))
        case "term":
            subject.terms.append((fields[0], fields[1]))
        case _:
            raise ValueError(f"unknown fact {word!r}: {rest}")

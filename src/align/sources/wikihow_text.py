"""wikiHow articles as text: titles as questions, bold lines and paragraphs as steps, what is no part of an answer left out."""

import re
from dataclasses import dataclass

PRUNED = (
    "Tips",
    "Warnings",
    "Things You'll Need",
    "References",
    "Sources",
    "Sources and Citations",
    "Citations",
    "External Links",
    "Related wikiHows",
    "Related Articles",
    "Video",
    "Videos",
    "Community Q&A",
    "Expert Q&A",
    "Q&A",
    "Questions and Answers",
    "Quizzes",
    "Quiz",
    "Expert Interview",
    "Article Info",
    "About This Article",
    "Reader Success Stories",
    "Did this article help you?",
    "You Might Also Like",
)
"""LIMA §2.1 prunes "certain sections" and does not name them: these hold no step towards the goal, or point elsewhere."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its bold line and the paragraph below."""

    headline: str
    text: str


@dataclass(frozen=True, slots=True)
class Section:
    """A method or part with its steps; the label is empty where the article has but one."""

    label: str
    steps: tuple[Step, ...]


def prompt_of(title: str) -> str:
    """`How to ...`, without what a list of titles or a page adds: method numbers, step counts, the site's name."""
    text = " ".join(title.split())
    text = re.sub(r"\s*[-–|]\s*wikiHow\s*$", "", text)
    text = re.sub(r"\s*\(with (?:Pictures|Photos|Video|Images)\)\s*$", "", text, flags=re.IGNORECASE)
    text = re.sub(r":\s*\d+\+?\s+(?:\w+\s+)?(?:Steps|Ways|Methods|Tips|Tricks)$", "", text, flags=re.IGNORECASE)
    text = without_method(text)
    text = re.sub(r"^\d+\+?\s+(?:\w+\s+)?Ways\s+to\s+", "How to ", text, flags=re.IGNORECASE)
    return text if not text or re.match(r"how to\b", text, re.IGNORECASE) else f"How to {text}"


def without_method(title: str) -> str:
    """A title of wikihowAll.csv without the number of its method: `... Organized Artist2`, but neither `Windows 7` nor `MP3`."""
    found = re.search(r"(?<=[a-z?!.)\"'’])\d{1,2}$", title)
    last = title.rpartition(" ")[2]
    return title[: found.start()] if found and not re.fullmatch(r"(?:mp|ps|xbox|web|v)\d", last, re.IGNORECASE) else title


def slug_of(title: str) -> str:
    """How wikihow.com spells a title in addresses: `Be-an-Organized-Artist`."""
    return re.sub(r"[\s/]+", "-", re.sub(r"^how to\s+", "", title, flags=re.IGNORECASE).strip())


def title_key(title: str) -> str:
    """What a title is found by in another list: its letters and digits."""
    return re.sub(r"[\W_]+", "", re.sub(r"^how to\s+", "", prompt_of(title), flags=re.IGNORECASE)).casefold()


def headlines_of(column: str) -> list[str]:
    """The bold lines of an article of wikihowAll.csv: one a line, with a comma behind each but the last."""
    lines = [line.strip().removesuffix(",").rstrip() for line in column.split("\n")]
    return [clean(line) for line in lines if line]


def paragraphs_of(column: str, count: int) -> list[str] | None:
    r"""The paragraphs of an article of wikihowAll.csv, of which there must be `count`; None where they cannot be told apart.

    They were joined by a comma: after a line's end, where it is plain (`.\n, Next`), or right after a sentence (`., Next`),
    where it could be prose (`U.S., Canada`). The second kind is taken for a joint only if all such places are needed.
    """
    pieces = _PLAIN_JOINT.split(column.replace("\r\n", "\n").strip())
    if len(pieces) < count:
        pieces = [part for piece in pieces for part in _CLOSE_JOINT.split(piece)]
    texts = [_without_artefacts(piece) for piece in pieces]
    return texts if len(texts) == count else None


def answer_of(introduction: str, sections: list[Section]) -> str:
    """The article as Markdown: the introduction, each section under its label, the steps numbered, remarks as bullets below."""
    blocks = [clean(introduction)]
    for section in sections:
        if len(sections) > 1 and section.label:
            blocks.append(f"## {section.label}")
        blocks.append("\n".join(_numbered(number, step) for number, step in enumerate(section.steps, 1)))
    return as_answer("\n\n".join(block for block in blocks if block))


def as_answer(text: str) -> str:
    """A leading "This article ..." becomes "The following answer ..." (LIMA §2.1)."""
    return re.sub(r"\AThis (?:wikiHow(?: article)?|article)\b", "The following answer", text.strip())


def clean(text: str) -> str:
    """A line or paragraph without marks of references, addresses and doubled blanks."""
    text = re.sub(r"\[\d{1,3}\]", "", text)
    text = re.sub(r"\(?https?://[^\s()]+\)?", "", text)
    return re.sub(r"[ \t\u00a0]+", " ", text).strip()


def is_pruned(label: str, pruned: tuple[str, ...]) -> bool:
    """Whether a section is one of those to leave out, whatever its case and signs."""
    return _letters(label) in {_letters(name) for name in pruned}


_PLAIN_JOINT = re.compile(r";?[ \t]*\n\s*,\s*")
_CLOSE_JOINT = re.compile(
    r"(?<=[.!?)\"”:])(?<!\bU\.S\.)(?<!\bU\.K\.)(?<!\bi\.e\.)(?<!\be\.g\.)(?<!\b[ap]\.m\.)(?<!\bInc\.)(?<!\bJr\.);?,\s+(?=[^\sa-z])"
)


def _without_artefacts(text: str) -> str:
    return re.sub(r"(?:(?<=[.!?)\"”:])|\A)[,;]+(?=\s*(?:\n|\Z))", "", text).strip()


def _numbered(number: int, step: Step) -> str:
    mark = f"{number}. "
    lines = [clean(line) for line in _without_artefacts(step.text).split("\n")]
    first, *remarks = [line for line in lines if line] or [""]
    bold = clean(" ".join(step.headline.split())).removesuffix(",").strip()
    if bold and first.startswith(bold):  # some scrapes repeat the bold line
        first = first.removeprefix(bold).strip()
    head = f"**{bold}** {first}".strip() if bold else first
    return "\n".join([mark + head, *(f"{' ' * len(mark)}- {remark}" for remark in remarks)])


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()

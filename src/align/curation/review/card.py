"""Everything that a page shows of one example, as plain data: texts as harmless trees, evidence, neighbours, origin."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from align.curation.review.difference import Piece, difference
from align.curation.review.evidence import Seen, seen_by, style_reasons
from align.curation.review.rendering import rendered
from align.filters.filter import Filter
from align.records import Author, Example, Turn, content_of
from align.style.reference import StyleReference

NEIGHBOUR_CHARS = 140
CONTEXT_CHARS = 60
FACTS = frozenset(
    ("question_score", "answer_score", "score", "raw_chars", "cleaned_chars", "answers", "is_accepted", "is_closed", "view_count",
     "turns", "self_contained_title")
)  # fmt: skip
"""Signals that are no judgement; the others stay hidden in blind mode until the person has decided."""
ASKED_FOR = ("search", "bulk")
"""Why an example was served, where the person knows it anyway. Who learns that a look is a second one judges otherwise."""


@dataclass(frozen=True, slots=True)
class Alike:
    """An accepted example that says something similar."""

    example: Example
    similarity: float


@dataclass(frozen=True, slots=True)
class Look:
    """What stands in the eyes of a curator: an example, and what is known of it."""

    example: Example
    served: str = ""
    """Why it was served."""
    version: int = 0
    """How many events of this curator it has."""
    draft: tuple[Turn, ...] = ()
    """What the curator has typed so far; empty where nothing is unsaved."""
    note: str = ""
    alike: tuple[Alike, ...] = ()
    suggestions: tuple[str, ...] = ()
    """What judges and scores say; empty in blind mode."""
    decided: str = ""
    """The curator's own decision, where there is one already."""


def card_of(look: Look, rules: Sequence[Filter], style: StyleReference | None) -> dict[str, Any]:
    """The example as plain data for a page; what a person typed comes with it."""
    example = look.example
    return {
        "id": example.id,
        "content": content_of(example.turns),
        "version": look.version,
        "served": look.served if look.served in ASKED_FOR else "",
        "decided": look.decided,
        "roles": [turn.role for turn in example.turns],
        "texts": [turn.text for turn in example.turns],
        "prompts": prompts_of(example),
        "draft": [turn.text for turn in look.draft],
        "note": look.note,
        "alike": [_alike(item) for item in look.alike],
        "suggestions": list(look.suggestions),
        "origin": origin_of(example),
        "live": live_of(example, look.draft or example.turns, rules, style),
    }


def live_of(example: Example, turns: tuple[Turn, ...], rules: Sequence[Filter], style: StyleReference | None) -> dict[str, Any]:
    """What follows from the text as it stands: its tree, what an edit changed, what rules and style say of it."""
    edited = replace(example, turns=turns)
    seen = seen_by(rules, edited)
    return {
        "content": content_of(turns),
        "trees": [rendered(turn.text, _marked(seen, number)) for number, turn in enumerate(turns)],
        "differences": _differences(example.turns, turns),
        "rules": [_rule(item, turns) for item in seen],
        "style": style_reasons(style, edited),
        "chars": len(edited.response),
        "words": len(edited.response.split()),
    }


def prompts_of(example: Example) -> dict[str, str]:
    """The texts that could be the prompt, by name. Of a question that was taken by its title, no other one was kept."""
    title = example.origin.title
    if not title or not example.prompt or example.prompt == title:
        return {}
    return {"body": example.prompt, "title": title}


def origin_of(example: Example) -> dict[str, Any]:
    """Where it comes from, in words; a link only where it leads to the web."""
    origin = example.origin
    licenses = dict.fromkeys(author.license for author in origin.authors if author.license)
    return {
        "source": origin.source,
        "place": example.id.partition("/")[2].rpartition("/")[0],
        "title": origin.title if origin.title != example.prompt else "",
        "url": web_address(origin.url),
        "date": origin.date[:10],
        "license": ", ".join(licenses) or "not stated",
        "authors": [_author(author) for author in origin.authors],
        "tags": list(example.tags),
        "votes": _votes(example.signals),
        "modified": origin.modified.partition(";")[2].strip(),
    }


def suggestions_of(example: Example) -> tuple[str, ...]:
    """What judges and scores say of it."""
    return tuple(f"{name.replace('_', ' ')} {value:.3g}" for name, value in sorted(example.signals.items()) if name not in FACTS)


def web_address(url: str) -> str:
    """The address if a browser may be led there, else nothing: a dump may hold `javascript:` and worse."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    is_plain = parts.scheme in ("http", "https") and bool(parts.hostname) and not any(sign.isspace() for sign in url)
    return url if is_plain else ""


def _votes(signals: dict[str, float]) -> list[str]:
    names = {"answer_score": "answer", "question_score": "question", "score": "score"}
    return [f"{said} {signals[name]:+,.0f}" for name, said in names.items() if name in signals]


def _author(author: Author) -> dict[str, str]:
    return {"name": author.name, "role": author.role, "url": web_address(author.url)}


def _alike(item: Alike) -> dict[str, Any]:
    prompt = " ".join(item.example.prompt.split())
    shown = prompt if len(prompt) <= NEIGHBOUR_CHARS else f"{prompt[:NEIGHBOUR_CHARS]}…"
    response = " ".join(item.example.response.split())[: 2 * NEIGHBOUR_CHARS]
    return {"id": item.example.id, "similarity": round(item.similarity, 3), "prompt": shown, "response": response}


def _differences(before: tuple[Turn, ...], after: tuple[Turn, ...]) -> list[list[Piece]]:
    """For each turn the pieces of its difference; an empty list where it is as it was."""
    if len(before) != len(after):
        joined = ["\n\n".join(f"{turn.role}: {turn.text}" for turn in turns) for turns in (before, after)]
        return [difference(*joined)]
    pairs = zip(before, after, strict=True)
    return [[] if old == new else difference(old.text, new.text) for old, new in pairs]


def _marked(seen: Sequence[Seen], turn: int) -> tuple[tuple[int, int], ...]:
    """The places that rules object to; of two that overlap the first."""
    places = sorted({(item.start, item.end) for item in seen if item.turn == turn})
    kept: list[tuple[int, int]] = []
    for start, end in places:
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return tuple(kept)


def _rule(item: Seen, turns: tuple[Turn, ...]) -> dict[str, Any]:
    told = asdict(item)
    if item.turn is not None:
        text = turns[item.turn].text
        before, after = text[max(0, item.start - CONTEXT_CHARS) : item.start], text[item.end : item.end + CONTEXT_CHARS]
        left, right = "…" * (item.start > CONTEXT_CHARS), "…" * (item.end + CONTEXT_CHARS < len(text))
        told["around"] = [left + before, text[item.start : item.end], after + right]
    return told

"""What a judge model is shown, between marks, and what stands in its words."""

import hashlib
import json
from typing import Any

from align.records import Turn

LONGEST_READ_CHARS = 20_000  # of the end of a reply; reading is quadratic in braces that close nothing


def json_objects(text: str) -> list[dict[str, Any]]:
    """The JSON objects that stand in a text, in order, whatever stands around them."""
    text = text[-LONGEST_READ_CHARS:]
    decoder = json.JSONDecoder()
    found: list[dict[str, Any]] = []
    start = text.find("{")
    while start >= 0:
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            start = text.find("{", start + 1)
            continue
        if isinstance(value, dict):
            found.append(value)
        start = text.find("{", end)
    return found


def last_line(text: str) -> tuple[str, str]:
    """What stands above the last line that is not empty, and that line."""
    lines = [line for line in text.splitlines() if line.strip()]
    return " ".join(lines[:-1]).strip(), lines[-1].strip() if lines else ""


def request_of(prompt: tuple[Turn, ...]) -> str:
    """The dialogue that was to be answered, each utterance with its speaker."""
    return "\n\n".join(f"{turn.role}: {turn.text}" for turn in prompt)


def code_of(*texts: str) -> str:
    """A code that none of the texts can contain, since it is made from them; the same for the same texts."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def fenced(code: str, **parts: str) -> str:
    """Texts to be judged between marks that name them and carry a code."""
    named = {name.replace("_", " "): text for name, text in parts.items()}
    return "\n\n".join(f"[{name} {code}]\n{text}\n[end of {name} {code}]" for name, text in named.items())

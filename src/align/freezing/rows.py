"""A row of a frozen set: whole, or dehydrated to ids, offsets into the source's text and what was put in."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from align.errors import InputError
from align.freezing.pieces import copied_chars, pieces_of, text_of
from align.freezing.source_texts import example_from
from align.licences import licence_of
from align.records import Example, as_json, content_of

Row = dict[str, Any]

PUBLISHED = ("source", "native_id", "url", "dump", "date", "modified")
"""What of an origin a dehydrated row tells; names and titles come back from the source."""
COMMON = ("id", "license", "changes", "group", "lengths", "source_content")


def whole_row(example: Example, source: Example | None, group: str, lengths: dict[str, int], changes: str) -> Row:
    """A row with its text; `source` is the example as its source gave it."""
    data = json.loads(as_json(example))
    return {
        "id": example.id,
        "messages": [{"role": turn["role"], "content": turn["text"]} for turn in data["turns"]],
        "license": licence_of(example.origin),
        "changes": changes,
        "group": group,
        "lengths": lengths,
        "source_content": content_of(source.turns) if source is not None else "",
        "origin": data["origin"],
        "tags": data["tags"],
        "signals": data["signals"],
    }


def dehydrated_row(row: Row, source: Example, stage: str) -> Row:
    """The same row without its text: it is rebuilt from what `stage` reads, and its hash tells whether that succeeded."""
    texts = [turn.text for turn in source.turns]
    read = json.loads(as_json(source))
    origin = {name: row["origin"][name] for name in PUBLISHED}
    origin |= {name: row["origin"][name] for name in ("authors", "title") if row["origin"][name] != read["origin"][name]}
    return {
        **{name: row[name] for name in COMMON},
        "source_stage": stage,
        "sha256": digest_of_row(row),
        "messages": [{"role": turn["role"], "pieces": pieces_of(turn["content"], texts)} for turn in row["messages"]],
        "origin": origin,
        "tags": [source.tags.index(tag) if tag in source.tags else tag for tag in row["tags"]],
        "signals": row["signals"],
    }


def rebuilt_row(row: Row, source: Example) -> Row:
    """The whole row again, from what its source says now; whether it is what it was, `digest_of_row` tells."""
    texts = [turn.text for turn in source.turns]
    read = json.loads(as_json(source))
    try:
        return {
            "id": row["id"],
            "messages": [{"role": turn["role"], "content": text_of(turn["pieces"], texts)} for turn in row["messages"]],
            **{name: row[name] for name in COMMON[1:]},
            "origin": {name: row["origin"].get(name, value) for name, value in read["origin"].items()},
            "tags": [tag if isinstance(tag, str) else source.tags[tag] for tag in row["tags"]],
            "signals": row["signals"],
        }
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise not_a_row(row, error) from error


def is_dehydrated(row: Row) -> bool:
    return "sha256" in row


def packed(row: Row) -> Row:
    """A dehydrated row as it stands in a file: what has no one type (pieces, tags) as JSON text, so that tables can hold it."""
    return {
        **row,
        "messages": [{"role": turn["role"], "pieces": _text(turn["pieces"])} for turn in row["messages"]],
        "origin": {name: _text(value) if name == "authors" else value for name, value in row["origin"].items()},
        "tags": _text(row["tags"]),
        "signals": [{"name": name, "value": value} for name, value in row["signals"].items()],
    }


def unpacked(row: Row) -> Row:
    """The row that `packed` packed."""
    try:
        return {
            **row,
            "messages": [{"role": turn["role"], "pieces": json.loads(turn["pieces"])} for turn in row["messages"]],
            "origin": {name: json.loads(value) if name == "authors" else value for name, value in row["origin"].items()},
            "tags": json.loads(row["tags"]),
            "signals": {item["name"]: item["value"] for item in row["signals"]},
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise not_a_row(row, error) from error


def not_a_row(row: Row, error: Exception) -> InputError:
    return InputError(f"row {row.get('id')!r}: not a dehydrated row of align ({type(error).__name__}: {error})")


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def line_of(row: Row) -> str:
    """The row as a line of a JSONL file."""
    return _text(row) + "\n"


def digest_of_row(row: Row) -> str:
    """sha256 of the row's line."""
    return hashlib.sha256(line_of(row).encode()).hexdigest()


def example_of(row: Row) -> Example:
    """The example of a whole row."""
    signals = {name: value for name, value in row["signals"].items() if value is not None}
    turns = [{"role": turn["role"], "text": turn["content"]} for turn in row["messages"]]
    return example_from({"id": row["id"], "turns": turns, "origin": row["origin"], "tags": row["tags"], "signals": signals})


def said_of_changes(example: Example, source: Example | None, adapted: str, is_edited: bool) -> str:
    """What was done to the text, for the attribution: by the reader of the source, by rules and by people."""
    noted = example.origin.modified.partition("; ")[2]
    said = [adapted, noted]
    if source is not None and source.turns != example.turns:
        texts = [turn.text for turn in source.turns]
        who = "edited by people" if is_edited else "changed by rules"
        said.append(f"{who}: {_kept_share(example, texts):.0%} of it is the source's")
    return "; ".join(filter(None, said))


def _kept_share(example: Example, texts: Sequence[str]) -> float:
    length = sum(len(turn.text) for turn in example.turns)
    return sum(copied_chars(pieces_of(turn.text, texts)) for turn in example.turns) / length if length else 0.0

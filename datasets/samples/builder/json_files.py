"""Form the JSON lines files: written examples, prompts and preference pairs in their published columns."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from builder.sources import read_yaml

Row = dict[str, Any]
LICENSE = "CC0-1.0"


def json_files() -> dict[str, list[Row]]:
    """Return the rows of every JSON lines file by its name."""
    prompts = read_yaml("prompts")
    return {
        "authored_examples.jsonl": [_example(entry) for entry in read_yaml("examples")],
        "authored_dialogues.jsonl": [_dialogue(entry) for entry in read_yaml("dialogues")],
        "test_prompts.jsonl": [_fields(entry, "id", "prompt", "tags") for entry in prompts["test"]],
        "dev_prompts.jsonl": [_fields(entry, "id", "prompt", "tags") for entry in prompts["dev"]],
        "held_out.jsonl": [_fields(entry, "id", "prompt", "response") for entry in read_yaml("held_out")],
        **{f"preferences/{name}": rows for name, rows in _preference_files().items()},
    }


def write_json_lines(path: Path, rows: list[Row]) -> None:
    """Write one JSON object a line, gzipped (without a time) if the name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def _preference_files() -> dict[str, list[Row]]:
    source = read_yaml("preferences")
    beavertails_keys = source["beavertails_categories"]
    safe_rlhf_keys = source["safe_rlhf_categories"]
    return {
        "beavertails.jsonl": [row for entry in source["beavertails"] for row in _beavertails(entry, beavertails_keys)],
        "safe_rlhf_old.jsonl": [_safe_rlhf(entry) for entry in source["safe_rlhf_old"]],
        "safe_rlhf_new.jsonl": [
            _safe_rlhf(entry) | _safe_rlhf_labels(entry, safe_rlhf_keys) for entry in source["safe_rlhf_new"]
        ],
        "hh_rlhf.jsonl.gz": [_hh_rlhf(entry) for entry in source["hh_rlhf"]],
        "held_out.jsonl": [_held_out(entry) for entry in source["held_out"]],
    }


def _fields(entry: Row, *keys: str) -> Row:
    """Return the named fields that the entry has, texts without a line end at their end."""
    present = {key: entry[key] for key in keys if key in entry}
    return {k: v.rstrip("\n") if isinstance(v, str) else v for k, v in present.items()}


def _example(entry: Row) -> Row:
    return _fields(entry, "id", "prompt", "response", "author", "tags") | {"license": LICENSE}


def _dialogue(entry: Row) -> Row:
    messages = [{"role": role, "content": text.rstrip("\n")} for message in entry["messages"] for role, text in message.items()]
    return {"id": entry["id"], "messages": messages, "author": entry["author"], "license": LICENSE}


def _beavertails(entry: Row, categories: list[str]) -> Iterator[Row]:
    """Yield one row for each response to the prompt."""
    for is_safe, side in ((True, "safe"), (False, "unsafe")):
        harms = () if is_safe else entry["categories"]
        for response in entry[side]:
            yield {
                "prompt": entry["prompt"],
                "response": response,
                "category": {name: name in harms for name in categories},
                "is_safe": is_safe,
            }


def _safe_rlhf(entry: Row) -> Row:
    """Return a pair in the columns of the first PKU-SafeRLHF release."""
    return {
        "prompt": entry["prompt"],
        "response_0": entry["r0"],
        "response_1": entry["r1"],
        "is_response_0_safe": entry["safe"][0],
        "is_response_1_safe": entry["safe"][1],
        "better_response_id": entry["better"],
        "safer_response_id": entry["safer"],
    }


def _safe_rlhf_labels(entry: Row, categories: list[str]) -> Row:
    """Return the columns that later releases added."""
    labels: Row = {"prompt_source": "samples"}
    for side in (0, 1):
        harms = entry["harm"][side]
        labels[f"response_{side}_source"] = "samples"
        labels[f"response_{side}_harm_category"] = {name: name in harms for name in categories}
        labels[f"response_{side}_severity_level"] = entry["severity"][side]
        labels[f"response_{side}_sha256"] = hashlib.sha256(entry[f"r{side}"].encode()).hexdigest()
    return labels


def _hh_rlhf(entry: Row) -> Row:
    """Return a pair of whole dialogues as flat text."""
    if "chosen_text" in entry:
        return {"chosen": entry["chosen_text"], "rejected": entry["rejected_text"]}
    shared = "".join(f"\n\n{speaker.capitalize()}: {text}" for turn in entry["turns"] for speaker, text in turn.items())
    return {side: f"{shared}\n\nAssistant: {entry[side]}" for side in ("chosen", "rejected")}


def _held_out(entry: Row) -> Row:
    """Return a pair with exactly one safe response, in the columns of the first release."""
    good = 0 if entry["safe_first"] else 1
    responses = {good: entry["good"], 1 - good: entry["bad"]}
    return {
        "prompt": entry["prompt"],
        "response_0": responses[0],
        "response_1": responses[1],
        "is_response_0_safe": good == 0,
        "is_response_1_safe": good == 1,
        "better_response_id": good,
        "safer_response_id": good,
    }

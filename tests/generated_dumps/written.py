"""What authors write, as JSON lines: group A with answers, its dev prompts, the prompts of group B, dialogues."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from generated_dumps.prose import Prose

GROUP_A, DEV, GROUP_B, DIALOGUES = 200, 50, 250, 10
REFUSALS = 13


def write_authored(folder: Path, seed: int) -> tuple[Counter[str], list[str]]:
    """Write the four files; returns what was planted, and the prompts of group B."""
    prose = Prose(f"{seed}/authored")
    folder.mkdir(parents=True, exist_ok=True)
    rights = {"author": "an author of group A", "license": "CC0-1.0"}
    examples = [
        {"id": f"a-{number:03d}", "prompt": prose.title(), "response": _answer(prose), "date": "2025-05-01", **rights}
        | ({"tags": ["refusal"]} if number < REFUSALS else {})
        for number in range(GROUP_A)
    ]
    _write(folder / "group_a_train.jsonl", examples)
    dev = [{"id": f"a-dev-{number:03d}", "prompt": prose.title(), **rights} for number in range(DEV)]
    _write(folder / "group_a_dev.jsonl", dev)
    rights["author"] = "an author of group B"
    test = [{"id": f"b-{number:03d}", "prompt": prose.title(), **rights} for number in range(GROUP_B)]
    _write(folder / "group_b.jsonl", test)
    dialogues = [{"id": f"d-{number:03d}", "messages": list(_messages(prose)), **rights} for number in range(DIALOGUES)]
    _write(folder / "dialogues.jsonl", dialogues)
    counts = Counter({"group A": GROUP_A, "dev": DEV, "group B": GROUP_B, "dialogues": DIALOGUES})
    return counts, [str(row["prompt"]) for row in test]


def _answer(prose: Prose) -> str:
    return "\n\n".join(prose.paragraphs(prose.draw.randint(700, 2000)))


def _messages(prose: Prose) -> Iterable[dict[str, str]]:
    for _ in range(prose.draw.randint(2, 4)):
        yield {"role": "user", "content": prose.title()}
        yield {"role": "assistant", "content": _answer(prose)}


def _write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")

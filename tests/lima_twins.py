"""Tiny twins of LIMA's recipes: what `--set` changes, below `stages.`, so that they run in seconds.

`@model` is a folder with a small base model, `@files` one with small JSON lines, `@judge` the address of a judge.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).parents[1] / "datasets" / "samples"


def lines(name: str) -> str:
    return f"{name}.source={{kind: json_lines, paths: [@files/{name}.jsonl]}}"


TUNED = (
    "base={kind: base_model, path: @model}",
    "sft.epochs=2",
    "sft.keep_epochs=all",
    "sft.batch_size=4",
    "sft.max_tokens=128",
    "sft.micro_batch_tokens=256",
    "sft.learning_rate=1e-3",
    "sft.final_learning_rate=1e-4",
    "sft.launch=null",
    "sft_picked.epochs=null",
    "sft_picked.grades=null",
    "sft_picked.judge={kind: openai_chat, base_url: @judge, model: judge}",
    "sft_picked.max_new_tokens=6",
    lines("dev_prompts"),
    lines("test_prompts"),
)
SHORT = "{kind: length, min_chars: 400, max_chars: 1200}"
ANSWERED = ("answers.max_new_tokens=6", lines("train_set"))
COMPARED = ("base_answers.max_new_tokens=6", "sft_against_base.judge={kind: word_overlap}")
TWO = "{processes: 2, device: cpu, distribution: fsdp2}"

LIMA: dict[str, tuple[str, ...]] = {
    "lima65b": (
        *TUNED,
        "stack_exchange.source.dumps=[../datasets/samples/stack_exchange]",
        f"rules.filters.1={SHORT}",
        "shortlist.groups=../datasets/samples/groups.yaml",
        "shortlist.take={stem: 6, other: 6}",
        "picked.decisions=../datasets/samples/decisions.jsonl",
        "picked.undecided=keep",
        "stack_exchange_400.groups=../datasets/samples/groups.yaml",
        "stack_exchange_400.take={stem: 3, other: 3}",
        "stack_exchange_400.shortfall=report",
        *map(lines, ("wikihow", "writing_prompts", "natural_instructions", "authored")),
        "safety_pairs.sources=[{kind: beavertails, paths: [../datasets/samples/preferences/beavertails.jsonl]}]",
        "held_out_pairs.sources=[{kind: safe_rlhf, paths: [../datasets/samples/preferences/held_out.jsonl]}]",
        "dpo.max_tokens=128",
        "dpo.overlong=trim",
        "dpo.batch_size=4",
        "dpo.launch=null",
        *(f"{name}_answers.max_new_tokens=6" for name in ("sft", "base", "dpo")),
        "sft_against_base.judge={kind: word_overlap}",
        "dpo_against_sft.judge={kind: word_overlap}",
    ),
    "lima65b_qlora": (*TUNED, *ANSWERED, "sft.adapter.rank=2"),
    # in two processes, each with half of the model, as the recipe has it with four GPUs
    "lima7b": (*TUNED, *ANSWERED, *COMPARED, f"sft.launch={TWO}"),
    "lima_0.5b": (*TUNED, *ANSWERED, *COMPARED),
    "lima_dialogue": (*TUNED, *ANSWERED, lines("dialogues")),
}


def write_files(folder: Path) -> None:
    """The JSON lines that the twins read, a few rows each, cut out of the samples that ship."""
    authored = _rows("authored_examples")
    parts = ("wikihow", "writing_prompts", "natural_instructions", "authored")
    for number, name in enumerate(parts):
        _write(folder / f"{name}.jsonl", authored[2 * number : 2 * number + 2])
    _write(folder / "train_set.jsonl", authored[:7])
    _write(folder / "dialogues.jsonl", _rows("authored_dialogues")[:2])
    _write(folder / "dev_prompts.jsonl", _rows("dev_prompts")[:2])
    _write(folder / "test_prompts.jsonl", _rows("test_prompts")[:2])


def _rows(name: str) -> list[Any]:
    return [json.loads(line) for line in (SAMPLES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def _write(path: Path, rows: Iterable[Any]) -> None:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")

"""The card of a frozen set: README.md as the Hugging Face hub reads it."""

import json
from typing import Any

from align.freezing.attribution import plain
from align.freezing.tally import Tally
from align.licences import is_open, terms_of
from align.report.lima import TABLE_1

Facts = dict[str, Any]

SHOWN = 8


def card_of(facts: Facts, tally: Tally) -> str:
    """Front matter, what the set holds beside LIMA's table 1, where it is from, and what its users must know."""
    sections = [
        _front_matter(facts, tally),
        f"# {plain(facts['name'])}\n",
        _holds(facts, tally),
        _lima(facts),
        _measured(facts),
        _rights(facts, tally),
        _sources(facts),
        _notes(facts),
        _made(facts),
    ]
    return "\n".join(section for section in sections if section)


def _front_matter(facts: Facts, tally: Tally) -> str:
    """YAML; every text is written as JSON, which YAML reads, so that no name can break out."""
    ids = sorted({terms_of(part).hub_id for name in tally.licences for part in name.split(" + ")})
    size = next(label for label, least in _SIZES if tally.total >= least)
    lines = ["---", f"pretty_name: {json.dumps(facts['name'], ensure_ascii=False)}", f"license: {json.dumps(ids)}"]
    lines += [
        f"size_categories: {json.dumps([size])}",
        'task_categories: ["text-generation"]',
        'tags: ["align", "instruction-tuning"]',
    ]
    lines += ["configs:"]
    whole = [split for split in facts["splits"] if tally.rows(split) > tally.dehydrated[split]]  # `datasets` reads no empty file
    lines += _config("default", [(split, f"data/{split}.parquet") for split in whole])
    without = [split for split in facts["splits"] if tally.dehydrated[split]]
    lines += _config("dehydrated", [(split, f"dehydrated/{split}.jsonl") for split in without])
    return "\n".join([*lines, "---"]) + "\n"


def _config(name: str, files: list[tuple[str, str]]) -> list[str]:
    """A configuration of `datasets.load_dataset`; none without files."""
    lines = [f"- config_name: {name}", "  data_files:"] if files else []
    return lines + [line for split, path in files for line in (f"  - split: {split}", f"    path: {path}")]


_SIZES = (("1M<n<10M", 1_000_000), ("100K<n<1M", 100_000), ("10K<n<100K", 10_000), ("1K<n<10K", 1_000), ("n<1K", 0))


def _holds(facts: Facts, tally: Tally) -> str:
    unit = facts["unit"]["name"]
    lines = ["## What it holds", "", f"Lengths are means in {plain(unit)}.", ""]
    lines += ["| split | source | rows | prompt | response |", "|---|---|---|---|---|"]
    for (split, label), group in sorted(
        tally.groups.items(), key=lambda item: ([*facts["splits"]].index(item[0][0]), item[0][1])
    ):
        prompt, response = group.means
        shown = "" if response is None else f"{response:,.0f}"
        lines.append(f"| {split} | {plain(label)} | {group.rows:,} | {prompt:,.0f} | {shown} |")
    sizes = ", ".join(f"{tally.rows(split):,} {split}" for split in facts["splits"])
    return "\n".join([*lines, "", f"In all: {sizes}.", ""])


def _lima(facts: Facts) -> str:
    lines = ["For comparison, LIMA's table 1 (arXiv 2305.11206), in tokens of LLaMA:", ""]
    lines += ["| split | source | rows | prompt | response |", "|---|---|---|---|---|"]
    for row in TABLE_1:
        shown = "" if row.output_tokens is None else f"{row.output_tokens:,}"
        lines.append(f"| {row.split} | {row.source} | {row.examples} | {row.input_tokens} | {shown} |")
    return "\n".join([*lines, ""])


def _measured(facts: Facts) -> str:
    if not facts["measured"]:
        return ""
    lines = ["## How varied it is", "", "| stage | measure | value | how |", "|---|---|---|---|"]
    for item in facts["measured"]:
        lines.append(f"| {plain(item['stage'])} | {_METRICS[item['metric']]} | {item['value']:.4g} | {plain(item['method'])} |")
    return "\n".join([*lines, ""])


_METRICS = {
    "vendi": "Vendi score",
    "vendi_random": "Vendi score of random draws",
    "coverage": "coverage of the pool",
    "coverage_random": "coverage by random draws",
}
"""Measures of a selection that a card tells."""
MEASURED = tuple(_METRICS)


def _rights(facts: Facts, tally: Tally) -> str:
    lines = ["## Licences and attribution", "", _WHERE, ""]
    closed = sum(rows - without for name, (rows, without) in tally.licences.items() if not is_open(name))
    if closed:
        lines += [f"**The text of {closed:,} rows may not be passed on: this copy is for its maker's own use.**", ""]
    without = sum(tally.dehydrated.values())
    if without:
        lines += [f"{without:,} rows stand in dehydrated/ without their text. {_REHYDRATE}", ""]
    return "\n".join(lines)


_WHERE = (
    "LICENSES.md sums up what each licence asks, ATTRIBUTION.md names source and authors of every row; each row has its licence "
    "in `license`, its authors in `origin` and what was changed in `changes`."
)
_REHYDRATE = (
    "They say ids, offsets into the text of the source, and what was put in; `align rehydrate FOLDER --dumps PATH` fills them "
    "from your own copy of the dumps, and hashes tell whether each row is what it was."
)


def _sources(facts: Facts) -> str:
    lines = ["## Sources", ""]
    for stage, source in facts["sources"].items():
        files = [f"{plain(item['name'])} (sha256 {item['sha256'][:12]})" for item in source["files"]]
        shown = files[:SHOWN] + [f"{len(files) - SHOWN} more files"] * (len(files) > SHOWN)
        lines.append(": ".join(filter(None, (f"- {plain(stage)}: {plain(source['source']['kind'])}", ", ".join(shown)))))
    said = sorted({source["terms"] for source in facts["sources"].values() if source["terms"]})
    return "\n".join([*lines, *(f"\n{text}" for text in said), ""])


def _notes(facts: Facts) -> str:
    lines = []
    for what, count in facts["allowed"].items():
        lines.append(f"- {count:,} times rows of two splits share text ({what}); the maker allowed it.")
    if facts["taken_down"]:
        ids = ", ".join(plain(name) for name in facts["taken_down"])
        lines.append(f"- Taken down after the set was made: {ids}. Whoever has an earlier copy is asked to remove these rows.")
    if facts["left_out"]:
        lines.append(
            f"- {len(facts['left_out']):,} rows could not be filled from the dumps at hand; left_out.jsonl tells which and why."
        )
    return "\n".join(["## Notes", "", *lines, ""]) if lines else ""


def _made(facts: Facts) -> str:
    stages = ", ".join(f"{split}: stage {plain(item['stage'])}" for split, item in facts["splits"].items())
    recipe = plain(facts["recipe"]["name"])
    return (
        f"## How it was made\n\nBy align {facts['align']} from the recipe {recipe} ({stages}). manifest.json has the "
        "recipe as resolved, the keys of all artifacts and the hash of every file.\n"
    )

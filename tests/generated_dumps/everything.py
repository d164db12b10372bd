"""All dumps that `recipes/lima_data.yaml` reads, and what was planted in them."""

import json
from collections import Counter
from pathlib import Path

from generated_dumps.exchanges import OTHER, STEM, Exchange, write_exchange
from generated_dumps.how_to import write_articles
from generated_dumps.instructions import write_tasks
from generated_dumps.pushshift import write_month
from generated_dumps.written import write_authored

LAYOUTS = ("lzma2", "bzip2", "ppmd", "folder")
DIALOGUES = 40
PASSED_OVER = 3
"""Good questions of the exchanges that no quota takes: a meta one and a niche one."""


def write_dumps(folder: Path, pairs: int = 700, seed: int = 1, articles: int = 480) -> dict[str, dict[str, int]]:
    """Write everything below `folder`; `pairs` is of each group of exchanges, spread unevenly over its six."""
    written, prompts = write_authored(folder / "authored", seed)
    planted: dict[str, Counter[str]] = {
        "authored": written,
        "wikihow": write_articles(folder / "wikihow", articles, seed),
        "reddit": write_month(folder / "reddit", 400, 400, seed),
        "natural_instructions": write_tasks(folder / "natural_instructions", 60, seed),
    }
    for number, exchange in enumerate(_exchanges(pairs, prompts)):
        write_exchange(exchange, folder / "stack_exchange", seed + number)
        planted[f"stack_exchange/{exchange.site}"] = exchange.planted
    found = {name: dict(counts) for name, counts in planted.items()}
    (folder / "planted.json").write_text(json.dumps(found, indent=2), encoding="utf-8")
    return found


def _exchanges(pairs: int, prompts: list[str]) -> list[Exchange]:
    """The largest exchange of a group has some twenty times as many good questions as the smallest."""
    found = []
    for group, sites in enumerate((STEM, OTHER)):
        weights = [2.0**-number for number in range(len(sites))]
        sizes = [round(pairs * weight / sum(weights)) for weight in weights[1:]]
        for number, (site, size) in enumerate(zip(sites, (pairs - sum(sizes), *sizes), strict=True)):
            layout = "tables" if site == "stackoverflow" else LAYOUTS[number % len(LAYOUTS)]
            leaked = tuple(prompts[group * 30 + 1 : group * 30 + 5]) if number == 0 else ()
            found.append(Exchange(site, size, layout, min(size, DIALOGUES) if number == 0 else 0, leaked))
    return [*found, Exchange("cooking.meta", PASSED_OVER, "bzip2"), Exchange("ru.stackoverflow", PASSED_OVER, "lzma2")]

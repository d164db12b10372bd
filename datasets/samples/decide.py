"""Write decisions.jsonl: what two invented curators decided about examples of the quickstart's shortlist.

    python decide.py            # draws the shortlist of recipes/quickstart.yaml and writes the decisions about it
    python decide.py --check    # compares decisions.jsonl with what would be written

A decision names the text it was made on, so this has to run again whenever the samples, the Markdown of the answers or the
draw of the shortlist change; the curate stage would call the old decisions stale. Names, times and reasons are made up.
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from align.curation.decisions import Action, decision_for
from align.recipe import load_recipe
from align.records import Decision, Example, Turn, as_json
from align.runner import run_recipe

HERE = Path(__file__).resolve().parent
RECIPE = HERE.parents[1] / "recipes" / "quickstart.yaml"
FILE = HERE / "decisions.jsonl"

ACCEPTED = ("tidepools/2", "clockwork/9", "skywatch/28", "breadovens/27", "kitecraft/2")
REJECTED = {
    "kitecraft/30": ("answers more than was asked", "the last paragraph is advice for another day"),
    "breadovens/8": ("advice depends on the place", "which wood is allowed and to be had differs between countries"),
}
EDITED = {
    # the last paragraph is an aside after the question is answered
    "letterpress/10": ("\n\nAnd consider keeping a trace of it.", "cut the aside at the end"),
}


def main() -> None:
    text = "".join(as_json(decision) + "\n" for decision in decisions(read_shortlist()))
    if "--check" not in sys.argv[1:]:
        FILE.write_text(text, encoding="utf-8")
        print(f"{FILE}: {text.count(chr(10))} decisions")
    elif not FILE.is_file() or FILE.read_text(encoding="utf-8") != text:
        sys.exit(f"{FILE} is out of date; run python {Path(__file__).name}")


def read_shortlist() -> dict[str, Example]:
    """The examples that people are to decide about, by site and question."""
    with tempfile.TemporaryDirectory() as store:
        shortlist = run_recipe(load_recipe(RECIPE), Path(store), until="shortlist")["shortlist"]
        return {example.id.partition("/")[2]: example for example in shortlist.read(Example)}


def decisions(shortlist: dict[str, Example]) -> list[Decision]:
    """Five accepted, two rejected, one edited, a minute apart."""
    missing = sorted({*ACCEPTED, *REJECTED, *EDITED} - set(shortlist))
    if missing:
        sys.exit(f"not in the shortlist: {', '.join(missing)}; choose others of: {', '.join(sorted(shortlist))}")
    made: list[Decision] = []

    def add(name: str, action: Action, curator: str, turns: tuple[Turn, ...] = (), reason: str = "", note: str = "") -> None:
        at = f"2026-01-12T09:{len(made):02d}:00+00:00"
        made.append(decision_for(shortlist[name], action, curator, turns=turns, reason=reason, note=note, at=at))

    for name in ACCEPTED:
        add(name, "accept", "ada")
    for name, (reason, note) in REJECTED.items():
        add(name, "reject", "ben", reason=reason, note=note)
    for name, (end, note) in EDITED.items():
        add(name, "edit", "ada", turns=cut(shortlist[name], end), note=note)
    return made


def cut(example: Example, end: str) -> tuple[Turn, ...]:
    """The dialogue without what follows `end` in the answer."""
    *before, answer = example.turns
    kept, found, _ = answer.text.partition(end)
    if not found:
        sys.exit(f"{example.id}: the answer has no {end!r}")
    return (*before, replace(answer, text=kept))


if __name__ == "__main__":
    main()

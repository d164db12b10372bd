"""A small pub's recipe for tests of freezing: two exchanges, a subreddit without a licence, an edit, dev and test prompts."""

import json
from pathlib import Path

from align.curation.decisions import decision_for
from align.lineage import load_run
from align.recipe import load_recipe
from align.records import Turn, as_json
from align.runner import run_recipe
from toy_posts import answer, question, row, write_posts

BEER = {
    1: (
        "Why does a stout foam so long?",
        "<p>Nitrogen makes <em>small</em> bubbles, and small bubbles last longer in a dark beer.</p>",
    ),
    2: (
        "How warm should a cellar be?",
        "<p>Twelve degrees suit an ale, eight a lager; what matters most is that it stays the same.</p>",
    ),
    3: (
        "Can hops be frozen for a year?",
        "<p>They can, in a bag without air, and lose a tenth of their acids until the next harvest comes.</p>",
    ),
}
COFFEE = {
    1: (
        "Which grind fits a moka pot?",
        "<p>Somewhat coarser than for espresso: a fine one clogs the filter and burns over the flame.</p>",
    ),
    2: (
        "Does decaf keep anybody awake?",
        "<p>Three cups hold about as much caffeine as a quarter of an ordinary one, so hardly.</p>",
    ),
}
PROMPTS = {"a1": "What was the strangest thing you found in an old coat?", "a2": "Which smell takes you back to school at once?"}
RECIPE = """\
name: pub
stages:
  test_prompts:
    kind: ingest
    source: {kind: json_lines, paths: [test.jsonl], license: CC0-1.0}
  dumps:
    kind: ingest
    source: {kind: stack_exchange, dumps: [dumps], prompt: title}
  drawn: {kind: quota, take: {beer: 3, coffee: 2}, shortfall: report}
  picked: {kind: curate, decisions: decisions.jsonl, undecided: keep}
  asked:
    kind: ingest
    source: {kind: reddit, subreddit: AskReddit, submissions: [reddit]}
  train_set: {kind: mix, inputs: [picked, asked]}
"""


def write_pub(folder: Path) -> Path:
    """Dumps, decisions and recipe; nothing is run."""
    for site, posts in (("beer", BEER), ("coffee", COFFEE)):
        write_dump(folder / "dumps", site, posts)
    reddit = [
        {"id": name, "title": title, "author": f"{name}_writer", "subreddit": "AskReddit", "score": 9, "created_utc": 1556000000}
        | {"permalink": f"/r/AskReddit/comments/{name}/x/", "selftext": "", "num_comments": 3, "is_self": True}
        for name, title in PROMPTS.items()
    ]
    (folder / "reddit").mkdir()
    (folder / "reddit" / "RS_2019-05.ndjson").write_text("".join(json.dumps(line) + "\n" for line in reddit))
    (folder / "test.jsonl").write_text(json.dumps({"id": "t1", "prompt": "How do I season a pan of iron?"}) + "\n")
    (folder / "decisions.jsonl").write_text("")
    recipe = folder / "pub.yaml"
    recipe.write_text(RECIPE)
    return recipe


def write_dump(folder: Path, site: str, posts: dict[int, tuple[str, str]]) -> None:
    rows = [
        text
        for number, (title, body) in posts.items()
        for text in (question(10 * number, Title=title, Score=20), answer(10 * number + 1, 10 * number, 12, Body=body))
    ]
    where = write_posts(folder / f"{site}.stackexchange.com", *rows).parent
    users = "".join(row(Id=number, DisplayName=name) for number, name in ((7, "Ada <b>"), (8, "Grace](x)")))
    (where / "Users.xml").write_text(f"<users>\n{users}</users>\n")


def run_pub(folder: Path, edited: bool = True) -> Path:
    """The recipe, made; with an edit by a person of one answer, which was a part of the source moved and a word put in."""
    recipe = write_pub(folder)
    store = folder / "store"
    if edited:
        run_recipe(load_recipe(recipe), store, "drawn")
        examples = {item.id: item for item in load_run(recipe, store).examples("drawn")}
        lines = []
        for name, text in (
            ("stack_exchange/beer/10", "In a dark beer, nitrogen makes *small* bubbles. \U0001f37a"),
            ("stack_exchange/coffee/20", "Hardly."),
        ):
            old = examples[name]
            turns = (old.turns[0], Turn("assistant", text))
            lines.append(as_json(decision_for(old, "edit", "ada", turns=turns, at="2024-05-01T10:00:00Z")))
        (folder / "decisions.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    run_recipe(load_recipe(recipe), store)
    return recipe

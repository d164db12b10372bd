import csv
import json
import sqlite3
from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from align.errors import AlignError, InputError
from align.records import Author, Example, Rejection
from align.selection.quota import Quota
from align.sources.wikihow import WikiHow, read_categories
from align.sources.wikihow_text import PRUNED, as_answer, headlines_of, is_pruned, paragraphs_of, prompt_of, title_key
from toy_records import inputs, run

ALL = ("headline", "title", "text")
SEP = ("overview", "headline", "text", "sectionLabel", "title")


def write(path: Path, columns: tuple[str, ...], *rows: tuple[str, ...]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([columns, *rows])
    return path


def read(*dumps: Path, **fields: Any) -> tuple[list[Example], list[Rejection], Counter[str]]:
    source = WikiHow(dumps=dumps, **fields)
    skipped: Counter[str] = Counter()
    found = [item for shard in source.shards() for item in source.read(shard, skipped)]
    examples = [item for item in found if isinstance(item, Example)]
    return examples, [item for item in found if isinstance(item, Rejection)], skipped


TEA = (
    "\nBoil the water.,\nWarm the pot.,\nWait, then pour.,\nDrink.",
    "How to Make Tea2",
    "Use fresh water, e.g. from a spring., Some pots crack:\n\n\nClay ones do.\nGlass ones may.;\n, Four minutes, in the U.S., "
    "are plenty.\n\n, Slowly.\n\n",
)


def test_bold_lines_and_paragraphs_of_the_whole_form_are_put_together_again(tmp_path: Path) -> None:
    [example], _, _ = read(write(tmp_path / "wikihowAll.csv", ALL, TEA), date="2018-10")
    assert example.prompt == "How to Make Tea"
    assert example.response == (
        "1. **Boil the water.** Use fresh water, e.g. from a spring.\n"
        "2. **Warm the pot.** Some pots crack:\n   - Clay ones do.\n   - Glass ones may.\n"
        "3. **Wait, then pour.** Four minutes, in the U.S., are plenty.\n"
        "4. **Drink.** Slowly."
    )
    assert example.id == "wikihow/Make-Tea2"  # each method is a row of its own, so the number stays in the id
    origin = example.origin
    assert (origin.url, origin.dump, origin.date) == ("https://www.wikihow.com/Make-Tea", "wikihowAll.csv", "2018-10")
    assert origin.authors == (Author("wikiHow contributors", origin.url, "article", "CC BY-NC-SA 3.0"),)


def test_paragraphs_that_cannot_be_told_apart_reject_the_article(tmp_path: Path) -> None:
    # four bold lines; three paragraphs are plain, and two places could part one of them
    row = ("\nOne.,\nTwo.,\nThree.,\nFour.", "How to Count", "A.\n, B., C., E.\n, D.")
    _, [rejection], _ = read(write(tmp_path / "wikihowAll.csv", ALL, row))
    assert (rejection.example_id, rejection.reason) == ("wikihow/Count", "bold lines and paragraphs do not match")
    assert rejection.detail == "wikihowAll.csv, row 1: 4 bold lines"


def test_windows_line_ends_and_commas_inside_stay_in_their_place() -> None:
    assert headlines_of("\r\nGo, see.,\r\nAsk why?,\r\nStop.") == ["Go, see.", "Ask why?", "Stop."]
    # both joints of the close kind are needed for three paragraphs; `etc.,` before a small letter is none
    assert paragraphs_of('Salt, etc., is fine., Say "stop.", Then go.', 3) == ["Salt, etc., is fine.", 'Say "stop."', "Then go."]
    assert paragraphs_of("One., Two.", 1) == ["One., Two."]


@pytest.mark.parametrize(
    ("title", "prompt"),
    [
        ("How to Be an Organized Artist12", "How to Be an Organized Artist"),
        ("How to Ask Why?2", "How to Ask Why?"),
        ("How to Use Windows 7", "How to Use Windows 7"),
        ("How to Play an MP3", "How to Play an MP3"),
        ("How to Root a PS3", "How to Root a PS3"),
        ("3 Ways to Build a Deck - wikiHow", "How to Build a Deck"),
        ("How to Bake Bread: 14 Steps (with Pictures) - wikiHow", "How to Bake Bread"),
        ("How to Remove Lint: 14+ Easy Methods", "How to Remove Lint"),
        ("Do Adult CPR", "How to Do Adult CPR"),
    ],
)
def test_a_title_becomes_a_question_and_keeps_the_numbers_that_are_its_own(title: str, prompt: str) -> None:
    assert prompt_of(title) == prompt


def step(label: str, headline: str, text: str, title: str = "How to Fold a Boat", overview: str = "") -> tuple[str, ...]:
    return overview, f"\n{headline}", f"{text};\n", label, title


def test_the_form_by_steps_keeps_sections_and_leaves_some_out(tmp_path: Path) -> None:
    about = "This article tells how to fold one.[1] See https://example.org/boat."
    rows = [
        step("Making the Hull", "Fold it once.", "Along the middle.", overview=about),
        step("Making the Hull", "Fold it again.", "", overview=about),
        step("Setting Sail", "Push.", "Gently.\n\n\nNot in a storm.", overview=about),
        step("WARNINGS", "Mind the water.", "It is wet.", overview=about),
        step("Steps", "Open the tap.", "", title="How to Fill a Bath"),
        step("Tips", "Sing.", "Loud.", title="How to Sing"),
    ]
    examples, _, skipped = read(write(tmp_path / "wikihowSep.csv", SEP, *rows))
    assert [example.prompt for example in examples] == ["How to Fold a Boat", "How to Fill a Bath"]
    assert examples[0].response == (
        "The following answer tells how to fold one. See\n\n"
        "## Making the Hull\n\n1. **Fold it once.** Along the middle.\n2. **Fold it again.**\n\n"
        "## Setting Sail\n\n1. **Push.** Gently.\n   - Not in a storm."
    )
    assert examples[1].response == "1. **Open the tap.**"
    assert skipped == {"article without title or steps": 1}
    kept, _, _ = read(tmp_path / "wikihowSep.csv", prune=())
    assert "## WARNINGS" in kept[0].response


PAGE = """<html><head><title>x</title><link rel="canonical" href="https://www.wikihow.com/Fly-a-Kite">
<script type="application/ld+json">{"dateModified":"2023-04-05T06:07:08Z"}</script></head><body>
<ul id="breadcrumb"><li><a href="/">Home</a></li><li><a>Categories</a></li><li><a>Hobbies &amp; Crafts</a></li><li><a>Kites</a></li></ul>
<h1>How to Fly a Kite</h1><div id="bodycontents">
<p>This wikiHow teaches you to fly.<sup class="reference"><a>[1]</a></sup> <img src="a.png"></p>
<h2><a id="gatEditSection" class="button">edit</a> <span>Steps</span></h2><h3>Method 1: Wind</h3><ol><li><b>Wait for <a href="/W">wind</a>.</b> A breeze will do.<br><br>
<ul><li>Look at leaves.</li></ul></li><li>Run!</li></ol>
<h2><a class="button" href="/e">edit</a> <span>Tips</span></h2><ul><li>Smile.</li></ul><h3>More tips</h3><p>Laugh.</p><h2>Landing</h2><p>Pull.</p><h2>References</h2><p>No.</p>
</div></body></html>"""


def test_a_page_gives_its_article_its_date_and_its_categories(tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "kite.html").write_text(PAGE)
    (folder / "empty.html").write_text("<html></html>")
    (folder / "latin.html").write_bytes(b"<p>caf\xe9</p>")
    (folder / "deep.html").write_text("<div>" * 400_000)
    (folder / "notes.txt").write_text("no page")
    [example], _, skipped = read(folder)
    assert (example.prompt, example.tags) == ("How to Fly a Kite", ("Hobbies & Crafts", "Kites"))
    assert (example.origin.url, example.origin.date) == ("https://www.wikihow.com/Fly-a-Kite", "2023-04-05T06:07:08Z")
    assert example.response.startswith(
        "The following answer teaches you to fly.\n\n### Method 1: Wind\n\n1. **Wait for wind.** A breeze"
    )
    assert "- Look at leaves." in example.response
    assert example.response.endswith("## Landing\n\nPull.")
    assert not any(word in example.response for word in ("Smile", "Laugh", "References", "[1]", "a.png"))
    assert skipped == {"page without an article": 1, "page that is not UTF-8": 1, "page nested too deep": 1}


def test_categories_come_from_a_file_whatever_the_spelling_of_the_title(tmp_path: Path) -> None:
    names = write(
        tmp_path / "categories.csv", ("Category", "Title", "Link"), ("Food", "make tea", "x"), ("Drinks", "How to Make Tea!", "y")
    )
    assert read_categories(names) == {title_key("Make Tea3"): ("Food", "Drinks")}
    [example], _, _ = read(write(tmp_path / "wikihowAll.csv", ALL, TEA), categories=names)
    assert example.tags == ("Food", "Drinks")
    with pytest.raises(InputError, match=r"wanted the columns title and category \(got a, b\)"):
        read_categories(write(tmp_path / "bad.csv", ("a", "b"), ("1", "2")))


def test_a_quota_draws_a_category_first_and_then_an_article(tmp_path: Path) -> None:
    # 300 articles on food, 30 on pets, 30 without a category: were articles drawn, food would get ten times the pets
    rows = [(f"\nDo it {n}.", f"How to Do Thing {n}", "So.") for n in range(360)]
    names = [("Food" if n < 300 else "Pets", f"Do Thing {n}") for n in range(330)]
    categories = write(tmp_path / "categories.csv", ("category", "title"), *names)
    examples, _, _ = read(write(tmp_path / "wikihowAll.csv", ALL, *rows), categories=categories)
    groups = tmp_path / "groups.yaml"
    groups.write_text("wikihow: [Food, Pets]\n")
    quota = Quota(by="tag", groups=groups, take={"wikihow": 40}, temperature=float("inf"), rank_by="random")
    made = run(quota, inputs(tmp_path, examples), tmp_path / "out")
    drawn = Counter(example.tags for example in made.examples)
    assert set(drawn) == {("Food",), ("Pets",)}
    assert 8 <= drawn["Pets",] <= 30  # 40 fair draws: 20, give or take 3.5 standard deviations of 3.2; there are 30
    assert made.counts.dropped["quota: tag in no group"] == 30
    json.dumps(quota.identity())


def test_this_article_inside_a_text_stays() -> None:
    assert as_answer("This article shows it. This article is long.") == "The following answer shows it. This article is long."
    assert as_answer("In this article: tea.") == "In this article: tea."


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", "headline,title\nx,y\n", "missing columns: 'text'"),
        ("a.csv", "headline,title,text\n", "holds no rows"),
        ("a.csv", 'headline,title,text\na,b,"c\n', "a quote is open or missing there"),
        ("a.xlsx", "x", "wanted wikihowAll.csv, wikihowSep.csv or a folder of pages"),
    ],
)
def test_what_is_no_dump_is_named(tmp_path: Path, name: str, content: str, says: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=says):
        read(tmp_path / name)


CELL = st.sampled_from(["", "A.", "\nA.,\nB.", "\nA.", "A.\n, B.", "A., B.", "How to X", "How to Y1", "Tips", "z"])


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(st.booleans(), st.lists(st.tuples(CELL, CELL, CELL, CELL, CELL), min_size=1, max_size=8))
def test_every_article_is_kept_rejected_or_counted(
    tmp_path_factory: pytest.TempPathFactory, is_sep: bool, rows: list[tuple[str, ...]]
) -> None:
    columns = SEP if is_sep else ALL
    path = write(tmp_path_factory.mktemp("any") / "a.csv", columns, *(row[: len(columns)] for row in rows))
    examples, rejections, skipped = read(path)
    articles = len(list(groupby(row[4] for row in rows))) if is_sep else len(rows)
    assert articles == len(examples) + len(rejections) + skipped.total()


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(st.binary(max_size=300) | st.lists(st.sampled_from(["<div>", "</ul>", "<li>", "<h2>Tips", "<b", "x", "<p>", "<!--"])))
def test_whatever_the_page_there_is_no_error_but_ours(tmp_path_factory: pytest.TempPathFactory, page: bytes | list[str]) -> None:
    folder = tmp_path_factory.mktemp("pages")
    (folder / "a.html").write_bytes(page if isinstance(page, bytes) else "".join(page).encode())
    (folder / "a.csv").write_bytes(b"headline,title,text\n" + (page if isinstance(page, bytes) else b"x"))
    examples, _, skipped = read(folder)
    assert len(examples) + skipped.total() == 1
    said = ""
    try:
        read(folder / "a.csv")
    except AlignError as error:
        said = str(error)
    assert not said or said.startswith(str(folder / "a.csv"))


def test_real_articles_are_read(real_data: Path, tmp_path: Path) -> None:
    real = real_data / "wikihow"
    with sqlite3.connect(real / "html_articles" / "preloaded.db") as base:
        pages = base.execute("select title, html from articles").fetchall()
    folder = tmp_path / "pages"
    folder.mkdir()
    for number, (title, html) in enumerate(pages):
        (folder / f"{number}.html").write_text(
            f"<body><h1>{title}</h1><div id=bodycontents>{html}</div></body>", encoding="utf-8"
        )
    examples, _, skipped = read(folder)
    assert len(examples) + skipped.total() == 127
    assert len(examples) >= 120
    assert all(example.prompt.startswith("How to ") for example in examples)
    headings = Counter(line.lstrip("# ") for example in examples for line in example.response.split("\n") if line.startswith("#"))
    assert not any(is_pruned(heading, PRUNED) or heading.lower().startswith(("edit", "steps")) for heading in headings), headings
    assert not any("](" in example.response for example in examples)

    with (real / "scraped_steps" / "wikihow.csv").open(newline="") as file:
        steps = [("", row["heading"], row["paragraph"], "Steps", row["title"]) for row in csv.DictReader(file)]
    examples, _, skipped = read(write(tmp_path / "wikihowSep.csv", SEP, *steps))
    assert len(examples) + skipped.total() == len(list(groupby(row[4] for row in steps)))
    assert len(examples) > 200
    assert len(read_categories(real / "titles_by_category" / "wikihow_tutorials.csv")) > 3000

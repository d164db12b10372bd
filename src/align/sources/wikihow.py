"""wikiHow: how-to articles as answers (LIMA §2.1), out of wikihowAll.csv, wikihowSep.csv (arXiv 1810.09305) or pages."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, groupby
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from align.errors import InputError
from align.files import visible_files
from align.parts import RawFile
from align.progress import track
from align.records import Author, Example, Origin, Rejection, Turn
from align.rows import Row, check_columns, kind_of, read_csv
from align.sources.ingest import Shard, Source
from align.sources.wikihow_pages import LARGEST_PAGE_BYTES, read_page
from align.sources.wikihow_text import (
    PRUNED,
    Section,
    Step,
    answer_of,
    headlines_of,
    is_pruned,
    paragraphs_of,
    prompt_of,
    slug_of,
    title_key,
)

ALL = ("headline", "title", "text")
"""wikihowAll.csv: an article, or one method of it, a row."""
SEP = ("overview", "headline", "text", "sectionLabel", "title")
"""wikihowSep.csv: a step a row, in order."""
PAGES = (".html", ".htm")
UNALIGNED = "bold lines and paragraphs do not match"

Categories = dict[str, tuple[str, ...]]
"""Categories by the title's letters."""


class WikiHow(Source):
    """The title is the prompt (`How to ...`), the article the response: steps numbered, each with its bold line first.

    The category is the first tag, so that `quota` with `by: tag` draws a category first and an article in it then.
    """

    kind: Literal["wikihow"] = "wikihow"
    dumps: tuple[RawFile, ...] = Field(min_length=1)
    """wikihowSep.csv (better: it has sections, and a row is a step), wikihowAll.csv, or folders of pages (.html)."""
    categories: RawFile | None = None
    """CSV with the columns title and category: neither wikihowAll.csv nor wikihowSep.csv tells categories. A title may have
    several rows; the first one's category is that to draw by. Articles without one have no tag."""
    prune: tuple[str, ...] = PRUNED
    """Sections to leave out, whatever their case (LIMA §2.1: "certain sections")."""
    license: str = "CC BY-NC-SA 3.0"
    """Licence of the articles (wikihow.com, Terms of Use)."""
    date: str = ""
    """Date of the dump, which the CSV files do not tell, e.g. `2018-10`; pages say their own."""

    how_to_get: ClassVar[str] = (
        "wikihowAll.csv and wikihowSep.csv: github.com/mahnazkoupaee/WikiHow-Dataset names the download. Categories: a CSV with "
        "the columns title and category, e.g. from lists of titles by category, or from the links above the pages' titles."
    )
    version: ClassVar[int] = 2  # 2: the title in `origin`
    terms: ClassVar[str] = (
        "wikiHow: articles stand under CC BY-NC-SA 3.0, for no commercial use; its terms of use ask to link the article."
    )
    adapted: ClassVar[str] = "steps put together as numbered Markdown; links, images and some sections left out"

    def raw_files(self) -> dict[str, Path]:
        """The files by number and name: an example's origin tells the name of its file."""
        files = {f"dumps.{number}.{path.name}": path for number, path in enumerate(self.dumps)}
        return files if self.categories is None else files | {"categories": self.categories}

    def shards(self) -> list[Shard]:
        for path in self.dumps:
            if not path.exists() or (path.is_file() and kind_of(path) != ".csv"):
                raise InputError(f"{path}: wanted wikihowAll.csv, wikihowSep.csv or a folder of pages. {self.how_to_get}")
        # One group: two files may hold one article.
        return [Shard(f"{number:03d}-{path.name.split('.')[0]}", path, "wikihow") for number, path in enumerate(self.dumps)]

    def read(self, shard: Shard, skipped: Counter[str]) -> Iterator[Example | Rejection]:
        categories = read_categories(self.categories) if self.categories is not None else {}
        read = self._pages if shard.path.is_dir() else self._articles
        seen: set[str] = set()
        for record in track(read(shard.path, categories, skipped), f"reading {shard.path.name}", unit="articles"):
            name = record.id if isinstance(record, Example) else record.example_id
            if name in seen:
                skipped["repeated title"] += 1
            else:
                seen.add(name)
                yield record

    def _articles(self, path: Path, categories: Categories, skipped: Counter[str]) -> Iterator[Example | Rejection]:
        rows = read_csv(path)
        first = next(rows, None)
        if first is None:
            raise InputError(f"{path}: holds no rows")
        is_sep = "sectionLabel" in first.data
        check_columns(first, SEP if is_sep else ALL)
        whole = chain((first,), rows)
        steps = groupby(whole, key=lambda row: row.data["title"])
        found = (
            (self._of_steps(title, list(rows), categories) for title, rows in steps)
            if is_sep
            else (self._of_columns(row, categories) for row in whole)
        )
        for item in found:
            if isinstance(item, str):
                skipped[item] += 1
            else:
                yield item

    def _of_columns(self, row: Row, categories: Categories) -> Example | Rejection | str:
        """An article whose bold lines stand in one column, and its paragraphs in another."""
        title, headlines = row.data["title"].strip(), headlines_of(row.data["headline"])
        if not title or not headlines or not row.data["text"].strip():
            return "article without title, bold lines or text"
        paragraphs = paragraphs_of(row.data["text"], len(headlines))
        if paragraphs is None:
            return Rejection(_id(title), self.kind, UNALIGNED, f"{row.path.name}, row {row.number}: {len(headlines)} bold lines")
        steps = tuple(map(Step, headlines, paragraphs))
        answer = answer_of("", [Section("", steps)])
        return self._example(title, answer, row.path, categories.get(title_key(title), ()), raw_chars=len(row.data["text"]))

    def _of_steps(self, title: str, rows: list[Row], categories: Categories) -> Example | str:
        sections = [
            Section(label.strip(), tuple(Step(row.data["headline"], row.data["text"]) for row in steps if _says_something(row)))
            for label, steps in groupby(rows, key=lambda row: row.data["sectionLabel"])
            if not is_pruned(label, self.prune)
        ]
        sections = [section for section in sections if section.steps]
        if not title.strip() or not sections:
            return "article without title or steps"
        raw_chars = sum(len(row.data["headline"]) + len(row.data["text"]) for row in rows)
        answer = answer_of(rows[0].data["overview"], sections)
        return self._example(title.strip(), answer, rows[0].path, categories.get(title_key(title), ()), raw_chars)

    def _pages(self, folder: Path, categories: Categories, skipped: Counter[str]) -> Iterator[Example]:
        files = [file for file in visible_files(folder) if file.suffix.lower() in PAGES]
        if not files:
            raise InputError(f"{folder}: holds no pages: wanted {' or '.join(PAGES)}.")
        for file in files:
            with file.open("rb") as opened:
                data = opened.read(LARGEST_PAGE_BYTES + 1)
            page = read_page(data, self.prune)
            if isinstance(page, str):
                skipped[page] += 1
                continue
            title = page.title or file.stem.replace("-", " ")
            tags = tuple(dict.fromkeys((*page.categories, *categories.get(title_key(title), ()))))
            example = self._example(title, page.text, file, tags, len(data))
            old = example.origin
            origin = replace(old, url=page.url or old.url, date=page.date or old.date, modified=page.date or old.date)
            yield replace(example, origin=origin)

    def _example(self, title: str, text: str, path: Path, tags: tuple[str, ...], raw_chars: int) -> Example:
        prompt = prompt_of(title)
        url = f"https://www.wikihow.com/{slug_of(prompt)}"
        authors = (Author("wikiHow contributors", url, "article", self.license),)
        origin = Origin("wikihow", slug_of(title), url, path.name, self.date, self.date, authors, title)
        signals = {"raw_chars": float(raw_chars), "cleaned_chars": float(len(text))}
        return Example(_id(title), (Turn("user", prompt), Turn("assistant", text)), origin, tags, signals)


def read_categories(path: Path) -> Categories:
    """The categories of each title: a CSV file with the columns title and category, in any case, others beside them."""
    found: dict[str, dict[str, None]] = {}
    for row in read_csv(path):
        names = {name.strip().lower(): name for name in row.data}
        if "title" not in names or "category" not in names:
            raise InputError(f"{path}: wanted the columns title and category (got {', '.join(row.data)})")
        category = row.data[names["category"]].strip()
        if category:
            found.setdefault(title_key(row.data[names["title"]]), {})[category] = None
    if not found:
        raise InputError(f"{path}: holds no categories")
    return {title: tuple(categories) for title, categories in found.items()}


def _id(title: str) -> str:
    return f"wikihow/{slug_of(title)}"


def _says_something(row: Row) -> bool:
    return bool(row.data["headline"].strip() or row.data["text"].strip())

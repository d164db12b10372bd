"""Whom to name for each row, as Stack Exchange asks: the post linked, its authors named with their profiles, the licence."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

from align.freezing.rows import Row, is_dehydrated
from align.licences import terms_of

HEAD = """\
# Attribution

One entry a row: its source, its authors, its licence, and what was changed. Whoever passes rows on passes their entries on, too.
Rows that are published without their text are told by their addresses alone.
"""


def entry_of(row: Row) -> str:
    """One entry, a line of Markdown; nothing that a row contains can become markup or another line."""
    origin = row["origin"]
    if is_dehydrated(row):
        return (
            f"- {_code(row['id'])}: {link(origin['url'] or 'no address', origin['url'])}. {_licence(row)} (text not included)\n"
        )
    title = origin["title"] or next((turn["content"] for turn in row["messages"]), "")
    authors = ", ".join(_author(author) for author in origin["authors"]) or "author not stated"
    changed = f" Changed: {plain(row['changes'])}." if row["changes"] else ""
    return f"- {_code(row['id'])}: {link(_short(title), origin['url'])} by {authors}. {_licence(row)}.{changed}\n"


def licences_page(licences: dict[str, tuple[int, int]], terms: set[str]) -> str:
    """What each licence asks. `licences`: rows and rows without their text, by licence; `terms`: what publishers say."""
    lines = [
        "# Licences",
        "",
        "Each row names its own in the column `license`; a row of several authors stands under all of theirs.",
        "",
    ]
    lines += ["| licence of the row | rows | of them without their text |", "|---|---|---|"]
    lines += [f"| {plain(name)} | {rows:,} | {without:,} |" for name, (rows, without) in sorted(licences.items())]
    lines += ["", "| licence | text | asks |", "|---|---|---|"]
    for name in sorted({part for sum_of in licences for part in sum_of.split(" + ")}):
        found = terms_of(name)
        lines.append(f"| {plain(name)} | {link(found.url, found.url) if found.url else ''} | {found.asks} |")
    if terms:
        lines += ["", "## What publishers say", ""]
        lines += [f"- {said}" for said in sorted(terms)]
    lines += ["", "This page is a summary and no legal advice; the texts of the licences are what counts."]
    return "\n".join(lines) + "\n"


def plain(text: str) -> str:
    """Text that Markdown shows as it is, in one line."""
    one_line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return re.sub(r"([\\`*_{}\[\]()<>#|~!&$])", r"\\\1", one_line)


def link(text: str, url: str) -> str:
    """A link, where the address is one of the web; else the text."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return plain(text)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return plain(text)
    address = quote(url, safe=":/?#@!$&*+,;=%~-._")
    return f"[{plain(text)}]({address})"


def _author(author: dict[str, Any]) -> str:
    said = [author["role"], author["license"]]
    more = ", ".join(plain(part) for part in said if part)
    return f"{link(author['name'] or 'unnamed', author['url'])}{f' ({more})' if more else ''}"


def _licence(row: Row) -> str:
    return " + ".join(_links(row["license"]))


def _links(licence: str) -> Iterator[str]:
    for name in licence.split(" + "):
        yield link(name, terms_of(name).url)


def _short(title: str) -> str:
    """A title is a line; a prompt in its place is cut."""
    words = title.split()
    shown = " ".join(words[:16])
    return (shown if len(words) <= 16 else f"{shown} ...")[:160] or "untitled"


def _code(example_id: str) -> str:
    """An id between backticks; one that has some is escaped instead."""
    clean = "".join(letter if letter.isprintable() else " " for letter in example_id)
    return plain(clean) if "`" in clean or not clean.strip() else f"`{clean}`"

"""Render the Markdown of the sources as the HTML of the sites.

Known are paragraphs, lists of one level, fences, quotations, headings, images, links, code spans, strong and
emphasised words: what the sources use and no more.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

ITEM = re.compile(r"(?:-|\d+\.) (.*)")
LANGUAGES = {"python": "py", "html": "html"}


def html_of(markdown: str, loose: bool) -> str:
    """Return the HTML; `loose` as rendered until 2020, with blank lines between the blocks."""
    between = "\n\n" if loose else "\n"
    rendered = between.join(_render_block(block, loose) for block in _blocks(markdown))
    return f"{rendered}\n" if rendered else ""


def plain_text(markup: str) -> str:
    """Return the text without tags and with single spaces."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def _blocks(markdown: str) -> Iterator[list[str]]:
    """Yield the lines of each block; blank lines part blocks, except inside a fence."""
    block: list[str] = []
    fenced = False
    for line in markdown.split("\n"):
        if line.startswith("```"):
            fenced = not fenced
        if line or fenced:
            block.append(line)
        elif block:
            yield block
            block = []
    if block:
        yield block


def _render_block(lines: list[str], loose: bool) -> str:
    """Render one block, whose kind its first line tells."""
    first = lines[0]
    if first.startswith("```"):
        return _render_code(first.removeprefix("```"), lines[1:-1])
    if first.startswith("## "):
        return f"<h2>{_inline(first[3:], loose)}</h2>"
    if first.startswith(">"):
        inner = "\n".join(line.removeprefix(">").removeprefix(" ") for line in lines)
        return f"<blockquote>\n{html_of(inner, loose)}</blockquote>"
    if ITEM.match(first):
        tag = "ul" if first.startswith("-") else "ol"
        items = [ITEM.sub(r"\1", line) for line in lines]
        return "\n".join([f"<{tag}>", *(f"<li>{_inline(i, loose)}</li>" for i in items), f"</{tag}>"])
    return f"<p>{_inline(' '.join(lines), loose)}</p>"


def _render_code(language: str, lines: list[str]) -> str:
    known = LANGUAGES.get(language)
    hint = f' class="lang-{known} prettyprint-override"' if known else ""
    code = html.escape("\n".join(lines), quote=False)
    return f"<pre{hint}><code>{code}\n</code></pre>"


def _inline(text: str, loose: bool) -> str:
    """Render the marks of one line, leaving code spans as they are."""
    return "".join(
        f"<code>{html.escape(piece[1:-1], quote=False)}</code>"
        if piece.startswith("`")
        else _inline_marks(html.escape(piece, quote=False), loose)
        for piece in re.split(r"(`[^`]+`)", text)
    )


def _inline_marks(escaped: str, loose: bool) -> str:
    """Render images, links, strong and emphasised words."""
    end = ">" if loose else " />"
    relation = "nofollow" if loose else "nofollow noreferrer"
    text = re.sub(r"!\[([^]]*)\]\((\S+)\)", rf'<img src="\2" alt="\1"{end}', escaped)
    text = re.sub(r"\[([^]]+)\]\((\S+?)\)", rf'<a href="\2" rel="{relation}">\1</a>', text)
    text = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", text)
    return re.sub(r"\*(\S(?:[^*]*\S)?)\*", r"<em>\1</em>", text)

"""HTML to Markdown as text to train on: what LIMA §2.1 keeps stays, and no word is ever lost.

Blocks as nearly all posts have them are read at once (`markdown_blocks.py`), all else in a single pass over the tags: half the
time of walking the tree of an HTML5 parser, and what is not a tag of HTML (`#include <iostream>`, `a <b`, a tag cut off at the
end) stays text, where such a parser drops it.
"""

import re
from collections.abc import Callable
from html import unescape

from align.markdown_blocks import blocks_of
from align.markdown_writer import BREAK, FORMULA, Writer, fenced, language_of

__all__ = ["FORMULA", "fenced", "markdown_from_html"]


def markdown_from_html(html: str) -> str:
    """Markdown of an HTML fragment: images and link targets go, a link's text, code, lists and formulas stay."""
    if BREAK in html or "\r" in html:
        html = html.replace(BREAK, "").replace("\r\n", "\n")
    blocks, rest = blocks_of(html)
    if not rest:
        return "\n\n".join(blocks)
    writer = Writer()
    writer.blocks = blocks
    _read_pieces(writer, rest, is_first="<" not in html[: len(html) - len(rest)])
    return writer.finish()


def _read_pieces(writer: Writer, html: str, is_first: bool) -> None:
    """Take up HTML piece by piece: the usual blocks at once where nothing is open, all else tag by tag."""
    if "<script" in html or "<style" in html:
        html = _UNSEEN.sub("", html)
    at = 0
    while at < len(html):
        end = _end_of_piece(html, at)
        piece = html[at:end]
        if writer.is_between_blocks and not is_first:
            blocks, piece = blocks_of(piece)
            writer.blocks += blocks
        if piece:
            _read_tags(writer, piece, is_first)
        is_first = False
        is_doubled = piece.endswith("</p>") and html.startswith("\n\n<p>", end) and not writer.is_between_blocks
        at = end + (len("\n\n<p>") if is_doubled else 0)


def _end_of_piece(html: str, start: int) -> int:
    """Where the next blank line stands before the tag of a block, both in no other tag."""
    found = _BLANK_LINE.search(html, start + 1)
    return len(html) if found is None or html.find("<!--", start, found.start()) >= 0 else found.start()


def _read_tags(writer: Writer, html: str, is_first: bool) -> None:
    """Take up a piece of HTML tag by tag."""
    inline = writer.inline
    pieces = _TAG.split(html.replace("</p>\n\n<p>", "</p>"))
    if is_first or (pieces[0] and (inline or not pieces[0].isspace() or writer.language is not None)):
        inline.append(_unescaped(pieces[0]))
    for tag, text in zip(pieces[1::2], pieces[2::2], strict=True):
        action = _PLAIN_TAGS.get(tag) or _PLAIN_TAGS.get(tag[:3]) or _action_of(tag)
        if action is not _pass and (writer.language is None or action in _INSIDE_PRE):
            action(writer, tag)
        if text and (inline or not text.isspace() or writer.language is not None):
            inline.append(_unescaped(text) if "&" in text else text)


# A tag, with quoted values that may hold `>`; a value whose quote never closes falls to the second form.
_TAG = re.compile(
    r"""(</?[a-zA-Z][^<>"']*+(?:"[^"<]*+"[^<>"']*+|'[^'<]*+'[^<>"']*+)*+>|</?[a-zA-Z][^<>]*>|<!--.*?-->)""", re.DOTALL
)
_BLANK_LINE = re.compile(r"\n\n(?=<(?:p|[uo]l|li|pre|blockquote|h[1-6r])>)")
_UNSEEN = re.compile(r"<(script|style)\b[^<>]*>.*?</\1\s*>", re.DOTALL)
_NAME = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)(?=[\s/>])")
_START = re.compile(r"""start\s*=\s*["']?(\d{1,9})""")


def _unescaped(text: str) -> str:
    """`html.unescape`, with the three references that are nearly all replaced without its regular expression."""
    plain = text.replace("&lt;", "<").replace("&gt;", ">")
    if "&" in plain.replace("&amp;", ""):
        return unescape(text)
    return plain.replace("&amp;", "&")


_Action = Callable[[Writer, str], None]


def _action_of(tag: str) -> _Action:
    name = _NAME.match(tag)
    if name is None:
        return _pass if tag.startswith("<!--") else _literal
    return _ACTIONS.get(name[0].lower()) or (_pass if f"<{name[1].lower()}" in _ACTIONS else _literal)


def _literal(writer: Writer, tag: str) -> None:
    """What only looks like a tag, such as `<iostream>`, is text."""
    writer.inline.append(unescape(tag))


def _pass(writer: Writer, tag: str) -> None:
    """A tag that leaves no trace: a link, an image, a span."""


def _open_block(writer: Writer, tag: str) -> None:
    writer.flush(keeps_marks=True)


def _close_block(writer: Writer, tag: str) -> None:
    writer.flush()


def _open_paragraph(writer: Writer, tag: str) -> None:
    writer.flush(keeps_marks=True)
    if writer.frames and writer.frames[-1].name == "li":
        writer.frames[-1].is_loose = True


def _line_break(writer: Writer, tag: str) -> None:
    writer.inline.append(BREAK if writer.language is None else "\n")


def _rule(writer: Writer, tag: str) -> None:
    writer.flush(keeps_marks=True)
    writer.blocks.append("---")


def _open_heading(writer: Writer, tag: str) -> None:
    writer.flush(keeps_marks=True)
    writer.heading = int(tag[2])


def _close_heading(writer: Writer, tag: str) -> None:
    writer.flush()
    writer.heading = 0


def _open_code(writer: Writer, tag: str) -> None:
    if writer.language is None:
        writer.open_code()
    else:
        writer.language = writer.language or language_of(tag)


def _close_code(writer: Writer, tag: str) -> None:
    writer.close_code()


def _open_pre(writer: Writer, tag: str) -> None:
    writer.open_pre(language_of(tag))


def _close_pre(writer: Writer, tag: str) -> None:
    writer.close_pre()


def _open_list(writer: Writer, tag: str) -> None:
    start = _START.search(tag)
    writer.push(tag[1:3].lower(), int(start[1]) if start else 1)


def _close_list(writer: Writer, tag: str) -> None:
    writer.close(("ul", "ol"), ("td",))


def _open_item(writer: Writer, tag: str) -> None:
    writer.close(("li",), ("ul", "ol", "td", "blockquote"))
    writer.push("li")


def _close_item(writer: Writer, tag: str) -> None:
    writer.close(("li",), ("ul", "ol", "td"))


def _open_quote(writer: Writer, tag: str) -> None:
    writer.push("blockquote")


def _close_quote(writer: Writer, tag: str) -> None:
    writer.close(("blockquote",), ("td",))


def _open_table(writer: Writer, tag: str) -> None:
    writer.push("table")


def _close_table(writer: Writer, tag: str) -> None:
    writer.close(("table",), ())


def _open_row(writer: Writer, tag: str) -> None:
    writer.close(("tr",), ("table",))
    if writer.frames and writer.frames[-1].name == "table":
        writer.push("tr")


def _close_row(writer: Writer, tag: str) -> None:
    writer.close(("tr",), ("table",))


def _open_cell(writer: Writer, tag: str) -> None:
    writer.close(("td",), ("table",))
    if writer.frames and writer.frames[-1].name == "table":
        writer.push("tr")
    if writer.frames and writer.frames[-1].name == "tr":
        writer.push("td")


def _close_cell(writer: Writer, tag: str) -> None:
    writer.close(("td",), ("table",))


def _mark_actions(mark: str) -> tuple[_Action, _Action]:
    return (lambda writer, tag: writer.open_mark(mark)), (lambda writer, tag: writer.close_mark(mark))


_MARKS = {"em i cite": "*", "strong b": "**", "del s strike": "~~", "sup": "^", "sub": "_"}
_BLOCKS = (
    "div section article header footer main nav aside address center form fieldset details summary figure figcaption "
    "dl dt dd caption thead tbody tfoot html body head title"
)
_INLINE = (
    "a img span font kbd abbr acronym small big u ins mark var samp tt q label input button select option textarea iframe "
    "object embed param video audio source track picture svg path map area wbr bdo bdi ruby rt rp time data meta link base "
    "noscript script style col colgroup dfn canvas legend nobr template"
)
_PAIRS: dict[str, tuple[_Action, _Action]] = {
    "p": (_open_paragraph, _close_block),
    "br": (_line_break, _line_break),
    "hr": (_rule, _pass),
    "pre": (_open_pre, _close_pre),
    "code": (_open_code, _close_code),
    "ul ol": (_open_list, _close_list),
    "li": (_open_item, _close_item),
    "blockquote": (_open_quote, _close_quote),
    "table": (_open_table, _close_table),
    "tr": (_open_row, _close_row),
    "td th": (_open_cell, _close_cell),
    "h1 h2 h3 h4 h5 h6": (_open_heading, _close_heading),
    _BLOCKS: (_open_block, _close_block),
    _INLINE: (_pass, _pass),
    **{names: _mark_actions(mark) for names, mark in _MARKS.items()},
}
"""What a tag does when it opens and when it closes."""
_ACTIONS = {
    slash + name: action
    for names, pair in _PAIRS.items()
    for name in names.split()
    for slash, action in zip(("<", "</"), pair, strict=True)
}
_PLAIN_TAGS = {f"{start}>": action for start, action in _ACTIONS.items()} | {"<a ": _pass}
_INSIDE_PRE = (_line_break, _open_code, _close_pre, _literal)

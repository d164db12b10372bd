"""Markdown as a tree of a few harmless elements, for a page to draw with text nodes.

Nothing in it can run, load or lead anywhere: HTML is text, a formula is its source, an image its description, and a link the
words and the address as words.
"""

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from align.markdown import FORMULA

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

Node = str | list[Any]
"""Text, or an element: its name, then its children."""

_TEXT = (
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "li",
    "pre",
    "code",
    "blockquote",
    "em",
    "strong",
    "del",
    "hr",
    "br",
)
_TABLE = ("table", "thead", "tbody", "tr", "th", "td")
ELEMENTS = frozenset((*_TEXT, *_TABLE, "mark", "formula", "address"))
"""All names that can occur; `formula` and `address` are for the page to style."""

MOST_CHARS = 200_000
"""A longer text is shown as it is: nobody reads it, and reading its Markdown takes seconds."""

OPEN, CLOSE = "\ufdd0", "\ufdd1"
"""Characters that no text has; they stand around what is marked while the Markdown is read."""

_MARKS = re.compile(f"([{OPEN}{CLOSE}])")
_FORMULA = re.compile(FORMULA, re.DOTALL)
_BLOCK_SIGNS = re.compile(r"[\s#*_>+-]*")


def rendered(markdown: str, marked: tuple[tuple[int, int], ...] = ()) -> list[Node]:
    """The tree of a text; `marked` are places (start, end) to put into `mark`."""
    text = _with_marks(markdown, marked)
    root: list[Node] = []
    if len(markdown) <= MOST_CHARS:
        _draw(_reader().parse(text), root, _Marking())
    # What lies deeper than the reader goes would be lost.
    return root if plain(root).strip() or not text.strip() else [["pre", ["code", *_split_marks(text, _Marking())]]]


def plain(nodes: list[Node]) -> str:
    """The words of a tree, for search and tests."""
    return "".join(node if isinstance(node, str) else plain(node[1:]) for node in nodes if not isinstance(node, dict))


class _Marking:
    """Whether what is drawn now lies inside a marked place; a place may reach over several elements."""

    is_on = False


def _with_marks(text: str, marked: tuple[tuple[int, int], ...]) -> str:
    clean = text.replace(OPEN, "\ufffd").replace(CLOSE, "\ufffd").replace("\x00", "\ufffd")
    for start, end in sorted(marked, reverse=True):
        # A sign that makes a heading, a list or bold text must keep its place at the start.
        signs = _BLOCK_SIGNS.match(clean, start, end)
        begin = signs.end() if signs is not None else start
        if begin < end:
            clean = f"{clean[:begin]}{OPEN}{clean[begin:end]}{CLOSE}{clean[end:]}"
    return clean


def _draw(tokens: "list[Token]", into: list[Node], marking: _Marking) -> None:
    stack: list[list[Any]] = [into]
    for token in tokens:
        if token.type == "inline":
            _draw(token.children or [], stack[-1], marking)
        elif token.hidden:  # the paragraphs of a tight list
            continue
        elif token.nesting == 1:
            element: list[Any] = _element(token)
            stack[-1].append(element)
            stack.append(element)
        elif token.nesting == -1:
            closed = stack.pop()
            if token.type == "link_close":
                _tell_address(closed, stack[-1])
        else:
            _leaf(token, stack[-1], marking)


def _element(token: "Token") -> list[Any]:
    if token.type == "link_open":
        return ["link", str(token.attrs.get("href", ""))]
    name = {"s": "del"}.get(token.tag, token.tag)
    if name == "ol" and token.attrs.get("start", 1) != 1:
        return ["ol", {"start": int(token.attrs["start"])}]
    return [name if name in ELEMENTS else "p"]


def _tell_address(link: list[Any], parent: list[Any]) -> None:
    """A link becomes its words and, where these do not say it, its address as words."""
    parent.pop()
    href, words = link[1], link[2:]
    parent.extend(words)
    if plain(words).strip() != href.removeprefix("mailto:"):
        parent.append(["address", f" ({href})"])


def _leaf(token: "Token", into: list[Any], marking: _Marking) -> None:
    if token.type in ("fence", "code_block"):
        into.append(["pre", ["code", *_split_marks(token.content.removesuffix("\n"), marking)]])
    elif token.type == "code_inline":
        into.append(["code", *_split_marks(token.content, marking)])
    elif token.type == "formula":
        into.append(["formula", *_split_marks(token.content, marking)])
    elif token.type == "image":
        into.extend(_split_marks(f"[image: {token.content or 'without description'}]", marking))
        into.append(["address", f" ({token.attrs.get('src', '')})"])
    elif token.type == "hardbreak":
        into.append(["br"])
    elif token.type == "hr":
        into.append(["hr"])
    else:
        into.extend(_split_marks("\n" if token.type == "softbreak" else token.content, marking))


def _split_marks(text: str, marking: _Marking) -> list[Node]:
    nodes: list[Node] = []
    for part in _MARKS.split(text):
        if part in (OPEN, CLOSE):
            marking.is_on = part == OPEN
        elif part:
            nodes.append(["mark", part] if marking.is_on else part)
    return nodes


@cache
def _reader() -> "MarkdownIt":
    from markdown_it import MarkdownIt  # with what the app needs

    # `html` off: tags are text. Addresses are never opened, so none is refused: a refused link would lose its form.
    reader = MarkdownIt("commonmark", {"html": False, "maxNesting": 50}).enable(["table", "strikethrough"])
    reader.validateLink = lambda url: True  # type: ignore[method-assign]
    reader.normalizeLink = lambda url: url  # type: ignore[method-assign]
    reader.inline.ruler.before("escape", "formula", _read_formula)
    return reader


def _read_formula(state: "StateInline", silent: bool) -> bool:
    """TeX is taken as it stands, so that its `_` and `*` are no emphasis."""
    if state.src[state.pos] not in "$\\":
        return False
    found = _FORMULA.match(state.src, state.pos)
    if found is None or not found[0]:
        return False
    if not silent:
        token = state.push("formula", "", 0)
        token.content = found[0]
    state.pos = found.end()
    return True

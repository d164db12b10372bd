"""HTML to Markdown as text to train on: what LIMA §2.1 keeps stays, and no word is ever lost.

A single pass over the tags: twice as fast here as walking the tree of an HTML5 parser, and what is not a tag of HTML
(`#include <iostream>`, `a <b`, a tag cut off at the end) stays text, where such a parser drops it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html import unescape


def markdown_from_html(html: str) -> str:
    """Markdown of an HTML fragment: images and link targets go, a link's text, code, lists and formulas stay."""
    if "\x00" in html:
        html = html.replace("\x00", "")  # NUL stands for a line break below
    if "\r" in html:
        html = html.replace("\r\n", "\n")
    if "<script" in html or "<style" in html:
        html = _UNSEEN.sub("", html)
    writer = _Writer()
    pieces = iter(_TAG.split(html.replace("</p>\n\n<p>", "</p>")))
    text = next(pieces)
    for tag in pieces:
        if text and (writer.inline or not text.isspace() or writer.language is not None):
            writer.inline.append(unescape(text) if "&" in text else text)
        action = _PLAIN_TAGS.get(tag) or _action_of(tag)
        if writer.language is None or action in _INSIDE_PRE:
            action(writer, tag)
        text = next(pieces)
    writer.inline.append(unescape(text))
    return writer.finish()


def fenced(code: str, language: str = "") -> str:
    """A fenced code block; its fence is longer than any run of backticks inside."""
    fence = "`" * max(3, _longest_run(code) + 1)
    return f"{fence}{language}\n{code}\n{fence}"


def code_span(code: str) -> str:
    """Code in backticks, more of them than any run of backticks inside."""
    code = code.replace("\x00", " ").strip(" \t\r\n")
    if not code:
        return ""
    ticks = "`" * (_longest_run(code) + 1)
    pad = " " if code[0] == "`" or code[-1] == "`" else ""
    return f"{ticks}{pad}{code}{pad}{ticks}"


FORMULA = r"\$\$.+?\$\$|\\begin\{[a-z*]+\}.+?\\end\{[a-z*]+\}|(?<![\\$\w])\$(?![\s$])[^$]*?(?<![\s\\])\$(?!\d)"
"""TeX between dollars: an opening one stands before text, a closing one after text and not before a digit ($5 and $6)."""

# A tag, with quoted values that may hold `>`; a value whose quote never closes falls to the second form.
_TAG = re.compile(
    r"""(</?[a-zA-Z][^<>"']*+(?:"[^"<]*+"[^<>"']*+|'[^'<]*+'[^<>"']*+)*+>|</?[a-zA-Z][^<>]*>|<!--.*?-->)""", re.DOTALL
)
_UNSEEN = re.compile(r"<(script|style)\b[^<>]*>.*?</\1\s*>", re.DOTALL)
_NAME = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)(?=[\s/>])")
_LANGUAGE = re.compile(r"""class\s*=\s*["']?[^"'>]*?\blang(?:uage)?-([\w+#.-]+)""")
_RUN = re.compile(r"`+")
_FORMULA = re.compile(f"({FORMULA})", re.DOTALL)
_BREAK = re.compile(r"[ ]*\x00[ \x00]*")
_WHITE = " \t\r\n\f\x00"


@dataclass(slots=True)
class _Frame:
    """A container that is open: a list, an item, a quotation, a table, its row or cell."""

    name: str
    outer: list[str]
    """The blocks before it, in the container around it."""
    number: int = 1
    """What the first item of a numbered list is counted."""
    is_loose: bool = False
    """Whether its items are paragraphs, set apart by blank lines."""
    rows: list[list[str]] = field(default_factory=list)
    """The finished rows of a table."""


class _Writer:
    """What was read so far: finished blocks, and the pieces of the paragraph at hand."""

    __slots__ = ("blocks", "code_at", "frames", "heading", "inline", "language", "marks")

    def __init__(self) -> None:
        self.inline: list[str] = []
        self.blocks: list[str] = []
        self.frames: list[_Frame] = []
        self.marks: list[tuple[str, int]] = []
        """Open emphasis: the tag, and where in `inline` it began."""
        self.code_at: int | None = None
        """Where in `inline` the open code span began."""
        self.language: str | None = None
        """Inside `<pre>`: the language of its code, or empty."""
        self.heading = 0

    def finish(self) -> str:
        if self.language is not None:
            _close_pre(self, "")
        self.flush()
        while self.frames:
            self.pop()
        return "\n\n".join(self.blocks)

    def flush(self, keeps_marks: bool = False) -> None:
        """End the paragraph at hand."""
        if self.marks or self.code_at is not None:
            self._end_marks(keeps_marks)
        if not self.inline:
            return
        text = "".join(self.inline).strip(_WHITE)
        self.inline.clear()
        if "\n" in text or "  " in text or "\x00" in text:
            text = _tidied(text)
        if text:
            self.blocks.append(text if not self.heading else "#" * self.heading + " " + text.replace("\n", " "))
            self.heading = 0

    def _end_marks(self, keeps_marks: bool) -> None:
        if self.code_at is not None:
            _close_code(self, "")
        for name, start in reversed(self.marks):
            _wrap(self.inline, name, start)
        self.marks = [(name, 0) for name, _ in self.marks] if keeps_marks else []

    def push(self, name: str, number: int = 1) -> None:
        self.flush(keeps_marks=True)
        self.frames.append(_Frame(name, self.blocks, number))
        self.blocks = []

    def pop(self) -> None:
        """Close the innermost container; it becomes one block of the one around it."""
        self.flush()
        frame, blocks = self.frames.pop(), self.blocks
        self.blocks = frame.outer
        around = self.frames[-1] if self.frames else None
        if frame.name == "tr":
            if around is not None and blocks:
                around.rows.append(blocks)
        elif frame.name in ("td", "th"):
            self.blocks.append(_collapsed(" ".join(blocks)).replace("|", "\\|"))
        elif frame.name == "table":
            self.blocks += [*blocks, *([_table(frame.rows)] if frame.rows else [])]
        elif blocks:
            self._append(_container(frame, blocks), frame, around)

    def _append(self, text: str, frame: _Frame, around: _Frame | None) -> None:
        is_list = frame.name in ("ul", "ol")
        if around is None or around.name not in ("ul", "ol"):
            self.blocks.append("- " + _indented(text, 2) if frame.name == "li" else text)
        elif is_list and self.blocks:
            self.blocks[-1] += "\n" + text  # a list straight in a list belongs to the item before it
        else:
            around.is_loose |= frame.is_loose
            self.blocks.append(text)

    def close(self, names: tuple[str, ...], barriers: tuple[str, ...]) -> None:
        """Close the innermost container of one of `names`, with what is open inside it; nothing beyond a barrier."""
        for depth, frame in enumerate(reversed(self.frames), start=1):
            if frame.name in names:
                for _ in range(depth):
                    self.pop()
                return
            if frame.name in barriers:
                break
        self.flush()


def _container(frame: _Frame, blocks: list[str]) -> str:
    if frame.name == "blockquote":
        lines = "\n\n".join(blocks).split("\n")
        return "\n".join(f"> {line}" if line else ">" for line in lines)
    if frame.name == "li":
        return ("\n\n" if frame.is_loose else "\n").join(blocks)
    items = []
    for number, block in enumerate(blocks, start=frame.number):
        marker = f"{number}. " if frame.name == "ol" else "- "
        items.append(marker + _indented(block, len(marker)))
    return ("\n\n" if frame.is_loose else "\n").join(items)


def _indented(text: str, width: int) -> str:
    """Every line but the first, moved under the text after a list's marker."""
    if "\n" not in text:
        return text
    first, *rest = text.split("\n")
    return "\n".join([first, *(" " * width + line if line else "" for line in rest)])


def _table(rows: list[list[str]]) -> str:
    width = max(map(len, rows))
    lines = ["| " + " | ".join(row + [""] * (width - len(row))) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * width, *lines[1:]])


def _tidied(text: str) -> str:
    """White space collapsed as a browser does, but formulas left as they are."""
    parts = _FORMULA.split(text) if "$" in text or "\\begin" in text else [text]
    parts[::2] = [_collapsed(part) for part in parts[::2]]
    text = "".join(parts)
    return _BREAK.sub(lambda found: "\n" * min(2, found[0].count("\x00")), text) if "\x00" in text else text


def _collapsed(text: str) -> str:
    text = text.replace("\n", " ").replace("\t", " ").replace("\r", " ")
    while "  " in text:  # several times as fast as a regular expression
        text = text.replace("  ", " ")
    return text


def _wrap(inline: list[str], name: str, start: int) -> None:
    """Put emphasis around the pieces from `start` on, with the white space outside."""
    text = "".join(inline[start:])
    core = text.strip(_WHITE)
    if not core:
        return
    if name in ("sup", "sub"):
        # Small print is set in <sup> as often as exponents are: only what is short can be an exponent.
        mark = {"sup": "^", "sub": "_"}[name]
        is_index = len(core) <= 4 and core.isascii() and core not in _ORDINALS and start > 0 and inline[start - 1][-1:].isalnum()
        inline[start:] = [text.replace(core, mark + core, 1) if is_index else text]
        return
    mark = _MARKS[name]
    begin = text.index(core)
    inline[start:] = [f"{text[:begin]}{mark}{core}{mark}{text[begin + len(core) :]}"]


def _longest_run(code: str) -> int:
    return max(map(len, _RUN.findall(code))) if "`" in code else 0


_Action = Callable[[_Writer, str], None]


def _action_of(token: str) -> _Action:
    name = _NAME.match(token)
    if name is None:
        return _pass if token.startswith("<!--") else _literal
    return _ACTIONS.get(name[0].lower()) or (_pass if name[1].lower() in _TAGS else _literal)


def _literal(writer: _Writer, token: str) -> None:
    """What only looks like a tag, such as `<iostream>`, is text."""
    writer.inline.append(unescape(token))


def _pass(writer: _Writer, token: str) -> None:
    """A tag that leaves no trace: a link, an image, a span."""


def _open_block(writer: _Writer, token: str) -> None:
    writer.flush(keeps_marks=True)


def _close_block(writer: _Writer, token: str) -> None:
    writer.flush()


def _open_paragraph(writer: _Writer, token: str) -> None:
    writer.flush(keeps_marks=True)
    if writer.frames and writer.frames[-1].name == "li":
        writer.frames[-1].is_loose = True


def _line_break(writer: _Writer, token: str) -> None:
    writer.inline.append("\n" if writer.language is not None else "\x00")


def _rule(writer: _Writer, token: str) -> None:
    writer.flush(keeps_marks=True)
    writer.blocks.append("---")


def _open_heading(writer: _Writer, token: str) -> None:
    writer.flush(keeps_marks=True)
    writer.heading = int(token[2])


def _close_heading(writer: _Writer, token: str) -> None:
    writer.flush()
    writer.heading = 0


def _open_mark(writer: _Writer, token: str) -> None:
    name = _name_of(token)
    if writer.code_at is None and all(name != mark for mark, _ in writer.marks):
        writer.marks.append((name, len(writer.inline)))


def _close_mark(writer: _Writer, token: str) -> None:
    name = _name_of(token)
    for number, (mark, start) in enumerate(writer.marks):
        if mark == name:
            for inner, inner_start in reversed(writer.marks[number + 1 :]):
                _wrap(writer.inline, inner, inner_start)
            del writer.marks[number:]
            _wrap(writer.inline, mark, start)
            return


def _open_code(writer: _Writer, token: str) -> None:
    if writer.language is not None:
        writer.language = writer.language or _language(token)
    elif writer.code_at is None:
        writer.code_at = len(writer.inline)


def _close_code(writer: _Writer, token: str) -> None:
    if writer.code_at is not None:
        writer.inline[writer.code_at :] = [code_span("".join(writer.inline[writer.code_at :]))]
        writer.code_at = None


def _open_pre(writer: _Writer, token: str) -> None:
    writer.flush()
    writer.language = _language(token)


def _close_pre(writer: _Writer, token: str) -> None:
    if writer.language is None:
        return
    code = "".join(writer.inline).replace("\r\n", "\n").removeprefix("\n").rstrip()
    writer.inline.clear()
    if code:
        writer.blocks.append(fenced(code, writer.language))
    writer.language = None


def _open_list(writer: _Writer, token: str) -> None:
    start = re.search(r"""start\s*=\s*["']?(\d{1,9})""", token)
    writer.push(_name_of(token), int(start[1]) if start else 1)


def _close_list(writer: _Writer, token: str) -> None:
    writer.close(("ul", "ol"), ("td", "th"))


def _open_item(writer: _Writer, token: str) -> None:
    writer.close(("li",), ("ul", "ol", "td", "th", "blockquote"))
    writer.push("li")


def _close_item(writer: _Writer, token: str) -> None:
    writer.close(("li",), ("ul", "ol", "td", "th"))


def _open_quote(writer: _Writer, token: str) -> None:
    writer.push("blockquote")


def _close_quote(writer: _Writer, token: str) -> None:
    writer.close(("blockquote",), ("td", "th"))


def _open_table(writer: _Writer, token: str) -> None:
    writer.push("table")


def _close_table(writer: _Writer, token: str) -> None:
    writer.close(("table",), ())


def _open_row(writer: _Writer, token: str) -> None:
    writer.close(("tr",), ("table",))
    if writer.frames and writer.frames[-1].name == "table":
        writer.push("tr")


def _close_row(writer: _Writer, token: str) -> None:
    writer.close(("tr",), ("table",))


def _open_cell(writer: _Writer, token: str) -> None:
    writer.close(("td", "th"), ("table",))
    if writer.frames and writer.frames[-1].name == "table":
        writer.push("tr")
    if writer.frames and writer.frames[-1].name == "tr":
        writer.push("td")


def _close_cell(writer: _Writer, token: str) -> None:
    writer.close(("td", "th"), ("table",))


def _name_of(token: str) -> str:
    name = _NAME.match(token)
    return name[1].lower() if name else ""


def _language(token: str) -> str:
    found = _LANGUAGE.search(token)
    return found[1] if found and found[1] not in ("none", "default") else ""


_MARKS = {"em": "*", "i": "*", "cite": "*", "strong": "**", "b": "**", "del": "~~", "s": "~~", "strike": "~~"}
_ORDINALS = ("st", "nd", "rd", "th", "TM")
_BLOCKS = (
    "div section article header footer main nav aside address center form fieldset details summary figure figcaption "
    "dl dt dd caption thead tbody tfoot html body head title"
)
_INLINE = (
    "a img span font kbd abbr acronym small big u ins mark var samp tt q label input button select option textarea iframe "
    "object embed param video audio source track picture svg path map area wbr bdo bdi ruby rt rp time data meta link base "
    "noscript script style col colgroup dfn canvas legend nobr template"
)
_ACTIONS: dict[str, _Action] = {
    "<br": _line_break,
    "</br": _line_break,
    "<hr": _rule,
    "<pre": _open_pre,
    "</pre": _close_pre,
    "<code": _open_code,
    "</code": _close_code,
    "<ul": _open_list,
    "</ul": _close_list,
    "<ol": _open_list,
    "</ol": _close_list,
    "<li": _open_item,
    "</li": _close_item,
    "<blockquote": _open_quote,
    "</blockquote": _close_quote,
    "<table": _open_table,
    "</table": _close_table,
    "<tr": _open_row,
    "</tr": _close_row,
    **dict.fromkeys(("<td", "<th"), _open_cell),
    **dict.fromkeys(("</td", "</th"), _close_cell),
    **{f"<h{level}": _open_heading for level in range(1, 7)},
    **{f"</h{level}": _close_heading for level in range(1, 7)},
    **{f"<{name}": _open_mark for name in (*_MARKS, "sup", "sub")},
    **{f"</{name}": _close_mark for name in (*_MARKS, "sup", "sub")},
    **{f"<{name}": _open_block for name in _BLOCKS.split()},
    **{f"</{name}": _close_block for name in _BLOCKS.split()},
    "<p": _open_paragraph,
    "</p": _close_block,
    **{f"{slash}{name}": _pass for name in _INLINE.split() for slash in ("<", "</")},
}
_TAGS = {action.strip("</") for action in _ACTIONS}
_PLAIN_TAGS: dict[str, _Action] = {f"{start}>": action for start, action in _ACTIONS.items()}
_INSIDE_PRE = (_line_break, _open_code, _close_pre, _literal)

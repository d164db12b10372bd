"""The Markdown that comes of HTML while its tags are read: paragraphs, and the containers they stand in."""

import re
from dataclasses import dataclass, field

FORMULA = r"\$\$.+?\$\$|\\begin\{[a-z*]+\}.+?\\end\{[a-z*]+\}|(?<![\\$\w])\$(?![\s$])[^$]*?(?<![\s\\])\$(?!\d)"
"""TeX between dollars: an opening one stands before text, a closing one after text and not before a digit ($5 and $6)."""

BREAK = "\x00"
"""Stands for `<br>` until the white space around it is collapsed."""


def fenced(code: str, language: str = "") -> str:
    """A fenced code block; its fence is longer than any run of backticks inside."""
    fence = "`" * max(3, _longest_run(code) + 1)
    return f"{fence}{language}\n{code}\n{fence}"


def language_of(tag: str) -> str:
    """The language that a tag around code names, or empty."""
    found = _LANGUAGE.search(tag)
    return found[1] if found and found[1] not in ("none", "default") else ""


def code_span(code: str) -> str:
    """Code in backticks, more of them than any run of backticks inside."""
    if "`" not in code:
        return f"`{code}`"
    ticks = "`" * (_longest_run(code) + 1)
    pad = " " if code[0] == "`" or code[-1] == "`" else ""
    return f"{ticks}{pad}{code}{pad}{ticks}"


def paragraph(text: str) -> str:
    """The text of a paragraph with its white space as a browser shows it, but in formulas as it is."""
    text = text.strip(_WHITE)
    return _tidied(text) if "\n" in text or "  " in text or BREAK in text else text


def quotation(blocks: list[str]) -> str:
    """Blocks as a quotation."""
    lines = "\n\n".join(blocks).split("\n") if blocks else []
    return "\n".join(f"> {line}" if line else ">" for line in lines)


def listing(items: list[str], is_loose: bool, number: int | None = None) -> str:
    """Items as a list, numbered from `number` on; those of a loose one are set apart by blank lines."""
    lines = []
    for place, item in enumerate(items):
        marker = "- " if number is None else f"{number + place}. "
        lines.append(marker + _indented(item, len(marker)))
    return ("\n\n" if is_loose else "\n").join(lines)


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


class Writer:
    """What was read so far: finished blocks, and the pieces of the paragraph at hand."""

    __slots__ = ("_code_at", "_marks", "blocks", "frames", "heading", "inline", "language")

    def __init__(self) -> None:
        self.inline: list[str] = []
        """Pieces of the paragraph at hand."""
        self.blocks: list[str] = []
        """Finished blocks of the innermost container."""
        self.frames: list[_Frame] = []
        self.language: str | None = None
        """Inside `<pre>`: the language of its code, or empty."""
        self.heading = 0
        self._marks: list[tuple[str, int]] = []
        """Open emphasis: the mark, and where in `inline` it began."""
        self._code_at: int | None = None
        """Where in `inline` the open code span began."""

    @property
    def is_between_blocks(self) -> bool:
        """Whether nothing is open, and no paragraph begun."""
        return not (self.frames or self.inline or self._marks or self.heading) and self.language is None and self._code_at is None

    def finish(self) -> str:
        """Close what is open; return the whole."""
        self.close_pre()
        self.flush()
        while self.frames:
            self.pop()
        return "\n\n".join(self.blocks)

    def flush(self, keeps_marks: bool = False) -> None:
        """End the paragraph at hand; with `keeps_marks` open emphasis goes on in the next."""
        if self._marks or self._code_at is not None:
            self._end_marks(keeps_marks)
        if not self.inline:
            return
        text = paragraph("".join(self.inline))
        self.inline.clear()
        if text:
            self.blocks.append(text if not self.heading else "#" * self.heading + " " + text.replace("\n", " "))
            self.heading = 0

    def open_mark(self, mark: str) -> None:
        if self._code_at is None and not (self._marks and mark in [other for other, _ in self._marks]):
            self._marks.append((mark, len(self.inline)))

    def close_mark(self, mark: str) -> None:
        """End emphasis, and what was opened inside it."""
        if self._marks and mark in [other for other, _ in self._marks]:
            last = ""
            while last != mark:
                last, start = self._marks.pop()
                _wrap(self.inline, last, start)

    def open_code(self) -> None:
        if self._code_at is None:
            self._code_at = len(self.inline)

    def close_code(self) -> None:
        if self._code_at is not None:
            code = "".join(self.inline[self._code_at :]).replace(BREAK, " ").strip(_WHITE)
            self.inline[self._code_at :] = [code_span(code)] if code else []
            self._code_at = None

    def open_pre(self, language: str) -> None:
        self.flush()
        self.language = language

    def close_pre(self) -> None:
        if self.language is not None:
            code = "".join(self.inline).removeprefix("\n").rstrip()
            self.inline.clear()
            if code:
                self.blocks.append(fenced(code, self.language))
            self.language = None

    def push(self, name: str, number: int = 1) -> None:
        """Open a container."""
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
        elif frame.name == "td":
            self.blocks.append(_collapsed(" ".join(blocks)).replace("|", "\\|"))
        elif frame.name == "table":
            self.blocks += [*blocks, _table(frame.rows)] if frame.rows else blocks
        elif blocks:
            self._append(_container(frame, blocks), frame, around)

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

    def _end_marks(self, keeps_marks: bool) -> None:
        self.close_code()
        for mark, start in reversed(self._marks):
            _wrap(self.inline, mark, start)
        self._marks = [(mark, 0) for mark, _ in self._marks] if keeps_marks else []

    def _append(self, text: str, frame: _Frame, around: _Frame | None) -> None:
        is_list = frame.name in ("ul", "ol")
        if around is None or around.name not in ("ul", "ol"):
            self.blocks.append("- " + _indented(text, 2) if frame.name == "li" else text)
        elif is_list and self.blocks:
            self.blocks[-1] += "\n" + text  # a list straight in a list belongs to the item before it
        else:
            around.is_loose |= frame.is_loose
            self.blocks.append(text)


_WHITE = " \t\r\n\f" + BREAK
_LANGUAGE = re.compile(r"""class\s*=\s*["']?[^"'>]*?\blang(?:uage)?-([\w+#.-]+)""")
_RUN = re.compile(r"`+")
_FORMULA = re.compile(f"({FORMULA})", re.DOTALL)
_ORDINALS = ("st", "nd", "rd", "th", "TM")


def _container(frame: _Frame, blocks: list[str]) -> str:
    if frame.name == "blockquote":
        return quotation(blocks)
    if frame.name == "li":
        return ("\n\n" if frame.is_loose else "\n").join(blocks)
    return listing(blocks, frame.is_loose, frame.number if frame.name == "ol" else None)


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
    if "$" in text or "\\begin" in text:
        parts = _FORMULA.split(text)
        parts[::2] = [_collapsed(part) for part in parts[::2]]
        text = "".join(parts)
    else:
        text = _collapsed(text)
    if BREAK in text:
        text = text.replace(f" {BREAK}", BREAK).replace(f"{BREAK} ", BREAK).replace(BREAK, "\n")
        while "\n\n\n" in text:
            text = text.replace("\n\n\n", "\n\n")
    return text


def _collapsed(text: str) -> str:
    text = text.replace("\n", " ").replace("\t", " ").replace("\r", " ")
    while "  " in text:  # several times as fast as a regular expression
        text = text.replace("  ", " ")
    return text


def _wrap(inline: list[str], mark: str, start: int) -> None:
    """Put emphasis around the pieces from `start` on, with the white space outside."""
    text = inline[start] if len(inline) == start + 1 else "".join(inline[start:])
    core = text.strip(_WHITE)
    if not core:
        return
    if mark in "^_":
        # Small print is set in <sup> as often as exponents are: only what is short can be an exponent.
        is_index = len(core) <= 4 and core.isascii() and core not in _ORDINALS and start > 0 and inline[start - 1][-1:].isalnum()
        inline[start:] = [text.replace(core, mark + core, 1) if is_index else text]
    elif core is text:
        inline[start:] = [mark + text + mark]
    else:
        begin = text.index(core)
        inline[start:] = [f"{text[:begin]}{mark}{core}{mark}{text[begin + len(core) :]}"]


def _longest_run(code: str) -> int:
    return max(map(len, _RUN.findall(code))) if "`" in code else 0

"""The HTML that most posts are written in, to Markdown a block at a time where the converter for all HTML works a tag at a time.

A regular expression knows whole paragraphs, lists, quotations, code and headings of well-formed tags, and its engine is several
times as fast as Python at looking for them. A fragment with anything else in it, or with white space that would have to be
moved, is left to the other converter. Both say the same of what both can read; tests hold that on invented and on real posts.
"""

import re
from collections.abc import Callable
from functools import cache

from align.markdown_writer import BREAK, fenced, language_of, listing, paragraph, quotation

_SPACE = r"[ \t\r\n\f]*+"
# What stands in a value between quotes is no part of a tag's end, so a tag with `>` in a value is left to the other converter.
_LINK = r"""<(?:/a|(?:a|img) [^<>"']*+(?:"[^"<>]*+"[^<>"']*+)*+)>"""
_TEXT = rf"[^<]*+(?:{_LINK}[^<]*+)*+"
# White space at the edges of what is marked would have to be moved outside.
_BEGINS, _ENDS = r"(?=[^\s<])", r"(?<![\s>])"
_CODE = rf"<code>{_BEGINS}[^<`]*+{_ENDS}</code>"


def _marking(name: str, other: str) -> str:
    inner = rf"{_CODE}|<{other}>{_BEGINS}[^<]*+{_ENDS}</{other}>"
    text = rf"(?:{_LINK})*+(?:{_BEGINS}{_TEXT}|(?=<(?:code|{other})>))(?:(?:{inner}){_TEXT})*+"
    return rf"<{name}>{text}(?:{_ENDS}|(?<=[^\s>]</a>)|(?<=</code>)|(?<=</{other}>))</{name}>"


_EM, _STRONG = _marking("em", "strong"), _marking("strong", "em")
# White space that is none of HTML's counts for nothing at the head of a paragraph, but only where a tag follows it.
_PARAGRAPH = rf"(?:{_SPACE}{_LINK})*+{_SPACE}(?!\s){_TEXT}(?:(?:{_CODE}|{_EM}|{_STRONG}|<br ?/?>){_TEXT})*+"
_PARAGRAPHS = rf"(?:{_SPACE}<p>{_PARAGRAPH}</p>)++{_SPACE}"
# No group to remember in here: inside of `++` Python 3.11 may lose where it stands ("The span of capturing group is wrong").
_ITEM = rf"(?:(?:<p>{_PARAGRAPH}</p>{_SPACE})++|{_PARAGRAPH})"
_BLOCK = (
    rf"{_SPACE}(?:<(p|h[1-6])>({_PARAGRAPH})</\1>"
    rf"|<(ul|ol)>((?:{_SPACE}<li>{_SPACE}{_ITEM}</li>)++){_SPACE}</\3>"
    rf'|<pre( class="[^"<>]*")?><code>({_TEXT})</code></pre>'
    rf"|<blockquote>({_PARAGRAPHS})</blockquote>"
    rf"|(<hr ?/?>)"
    rf"|(.+))"
)
_OTHER_REFERENCE = re.compile("&(?!(?:[lg]t|amp|quot|#39);)")
_SIGNS = {"em": "*", "/em": "*", "strong": "**", "/strong": "**", "code": "`", "/code": "`"}
_SIGNS |= dict.fromkeys(("br", "br/", "br ", "br /"), BREAK)
"""What stands in a text for a tag; nothing for that of a link or an image."""


def blocks_of(html: str) -> tuple[list[str], str]:
    """Markdown of the usual blocks at the beginning of a fragment, and the HTML behind them."""
    if _OTHER_REFERENCE.search(html):
        return [], html
    blocks: list[str] = []
    for tag, text, kind, items, style, code, quoted, rule, rest in _blocks()(html):
        if text:
            said = _paragraph(text)
            blocks.append(said if tag == "p" or not said else "#" * int(tag[1]) + " " + said.replace("\n", " "))
        elif rest:
            return list(filter(None, blocks)), rest
        elif kind:
            blocks.append(_list(items, 1 if kind == "ol" else None))
        elif code:
            blocks.append(_code(code, style))
        elif quoted:
            blocks.append(quotation(_paragraphs(quoted)))
        elif rule:
            blocks.append("---")
    return list(filter(None, blocks)), ""


@cache
def _blocks() -> Callable[[str], list[tuple[str, ...]]]:
    """Finds the blocks of a fragment. Compiled when first asked: it takes as long as reading a hundred posts."""
    return re.compile(_BLOCK, re.DOTALL).findall


def _paragraph(html: str) -> str:
    text = _marked(html) if "<" in html else html
    return paragraph(_unescaped(text) if "&" in text else text)


def _unescaped(text: str) -> str:
    text = text.replace("&lt;", "<").replace("&gt;", ">")
    if "&" in text:
        text = text.replace("&quot;", '"').replace("&#39;", "'").replace("&amp;", "&")  # & last: &amp;lt; is the text &lt;
    return text


def _marked(html: str) -> str:
    """The text with the marks of Markdown in place of tags."""
    first, *pieces = html.split("<")
    said = [first]
    for piece in pieces:
        tag, _, text = piece.partition(">")
        said.append(_SIGNS.get(tag, "") + text)
    return "".join(said)


def _paragraphs(html: str) -> list[str]:
    """What each `<p>` says, if it says anything."""
    return list(filter(None, [_paragraph(piece.partition("<p>")[2]) for piece in html.split("</p>")]))


def _list(html: str, number: int | None) -> str:
    """A list; it is a loose one where an item that says something is set in paragraphs."""
    items = [piece.partition("<li>")[2] for piece in html.split("</li>")]
    if "<p>" not in html:
        return listing(list(filter(None, map(_paragraph, items))), False, number)
    texts = ["\n\n".join(_paragraphs(item)) if "<p>" in item else _paragraph(item) for item in items]
    is_loose = any(text and "<p>" in item for text, item in zip(texts, items, strict=True))
    return listing(list(filter(None, texts)), is_loose, number)


def _code(html: str, style: str) -> str:
    code = _unescaped(_marked(html) if "<" in html else html).removeprefix("\n").rstrip()
    return code and fenced(code, language_of(style) if style else "")

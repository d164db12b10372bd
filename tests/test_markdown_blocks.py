import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align.markdown import _read_tags, markdown_from_html
from align.markdown_blocks import blocks_of
from align.markdown_writer import Writer
from align.sources.xml_rows import parsed, row_bytes


def tag_by_tag(html: str) -> str:
    """What the converter for all HTML says: nothing of it knows a block as a whole."""
    writer = Writer()
    _read_tags(writer, html, is_first=True)
    return writer.finish()


def test_usual_blocks_are_read_at_once() -> None:
    html = (
        '<p>Low <strong>and <em>slow</em></strong>,\n<a href="x" rel="y">as <code>a&amp;&amp;b</code></a>.<br>\nYes</p>\n\n'
        "<ol>\n<li>one</li>\n<li><p>two</p>\n\n<p>three</p></li>\n</ol>\n<h3>Why</h3>\n<hr>\n"
        '<pre class="lang-py s"><code>if a &lt; b:\n</code></pre>\n<blockquote>\n  <p>said</p>\n</blockquote>\n'
    )
    blocks = [
        "Low **and *slow***, as `a&&b`.\nYes",
        "1. one\n\n2. two\n\n   three",
        "### Why",
        "---",
        "```py\nif a < b:\n```",
        "> said",
    ]
    assert blocks_of(html) == (blocks, "")
    assert tag_by_tag(html) == "\n\n".join(blocks)


def test_behind_something_unusual_blocks_are_read_at_once_again() -> None:
    # the table ends before the blank line, the list does not: there nothing may be read at once
    html = "<p>a</p>\n\n<table><tr><td>b</td></tr></table>\n\n<p>c</p>\n\n<ul><li>d\n\n<ul><li>e</li></ul></li></ul>\n\n<p>f</p>"
    assert blocks_of(html)[0] == ["a"]
    assert markdown_from_html(html) == "a\n\n| b |\n| --- |\n\nc\n\n- d\n  - e\n\nf"


@pytest.mark.parametrize(
    "html",
    [
        "<p>&l<a>t;</a></p>",  # a tag between parts a reference
        "<p><<a>b>bold</a></p>",  # and a tag
        "<p>a<em> b</em></p>",
        "<p><em>\u00a0b</em></p>",
        "<p>\u00a0<a>b</a></p>",
        "<p>&#32;<code>&#32;a</code></p>",
        "<p><code>a`b</code></p>",
        "<p><em>a<em>b</em>c</em></p>",
        "<p><em>a</p><p>b</em></p>",
        '<p><a title="x > y">a</a></p>',
        "<p><code>a<br>b</code></p>",
        "<ul>\n<li>a</li>\n<li>b<p>c</p></li></ul>",
        "<ul><li><p>a</p>b</li></ul>",
        "<ul><li><p></p></li><li>a</li><li>b</li></ul>",
        "<ul></ul><blockquote><p></p></blockquote><h2></h2><pre><code></code></pre>",
        "<pre><code>a\u00a0\n&nbsp;</code></pre>",
        "<pre><p>a</p>\n\n<p>b</p></pre>\n\n<p>c</p>",
        "<ul><li>a</p>\n\n<p>b</li></ul>",
        "<p>$a\n  b$  c</p><p>a <!-- x\n\n<p>y</p> --> b</p>",
        "\u00a0<p>a</p>\u00a0<p>b</p>",
        "<ol><li><p>a</p> b</p></li><li><p>c</p></li></ol>",  # a `</p>` that closes nothing
        "<ul><li><p>a</p></li><li>b</p></li></ul>",
        "<ul><li><p>a</p></li><li>b</li><li></li></ul>",
        "<pre><code></code></pre>\u00a0<table></table>",
    ],
)
def test_what_would_have_to_be_moved_or_mended_is_read_tag_by_tag(html: str) -> None:
    assert markdown_from_html(html) == tag_by_tag(html)


_USUAL = ["word", "two words", "a", "x.  Y", "b\n  c", "&lt;", "&amp;lt;", "&#39;", "<br>", "<br />", "$a$", "é", " d", "e "]
_UNUSUAL = st.text(st.sampled_from("ab \n\t\u00a0\u2003`$&;*_<>"), max_size=3) | st.sampled_from(
    ["&nbsp;", "<!--", "-->", "&l", "t;"]
)
_WORDS = st.integers(0, 30).flatmap(lambda draw: st.sampled_from(_USUAL) if draw else _UNUSUAL)


_TAGS = (
    "<p>", "<p>", "<p>", "<em>", "<strong>", "<code>", '<a href="x">', "<ul>", "<ol>", "<blockquote>", "<h2>", "<pre>", "<sub>",
    "<pre><code>", '<pre class="lang-c"><code>', "<ul><li>", "<li>", "<li>", "<table>", "<div>", "<strong><em>",
)  # fmt: skip


_MARKS = ("<em>", "<strong>", "<code>", "<strong><em>", '<a href="x">')
_BETWEEN = st.sampled_from(["", "", "\n", "\n\n", " ", "\n  \n  "])


def _wrapped(tags: tuple[str, ...], inner: "st.SearchStrategy[str]", most: int = 3) -> "st.SearchStrategy[str]":
    def element(tag: str, parts: list[str], between: str) -> str:
        names = re.findall(r"<(\w+)", tag)
        return tag + between.join(parts) + "".join(f"</{name}>" for name in reversed(names))

    return st.builds(element, st.sampled_from(tags), st.lists(inner, max_size=most), _BETWEEN)


_SAID = st.recursive(_WORDS, lambda inner: _wrapped(_MARKS, inner, 2), max_leaves=3)
_PARAGRAPH = _wrapped(("<p>", "<h2>"), _SAID)
_ITEM = _wrapped(("<li>",), _SAID) | _wrapped(("<li>",), _PARAGRAPH)
_BLOCK = (
    _PARAGRAPH | _wrapped(("<ul>", "<ol>"), _ITEM) | _wrapped(("<blockquote>",), _PARAGRAPH) | _wrapped(("<pre><code>",), _WORDS)
)
_ANY = st.recursive(_WORDS, lambda inner: _wrapped(_TAGS, inner), max_leaves=8)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(_BLOCK, _BLOCK, _BLOCK, _ANY), max_size=6), _BETWEEN)
def test_both_converters_say_the_same(parts: list[str], between: str) -> None:
    html = between.join(parts).replace("\r", "")
    assert markdown_from_html(html) == tag_by_tag(html)


@pytest.mark.parametrize("exchange", ["coffee", "genai", "ai", "matheducators", "french.meta"])
def test_both_converters_say_the_same_of_real_posts(exchange: str, real_data: Path) -> None:
    table = real_data / "stackexchange" / f"{exchange}.stackexchange.com" / "Posts.xml"
    for _, data in row_bytes(table, "posts"):
        row = parsed(data)
        assert row is not None
        body = row.text("Body").replace("\r\n", "\n")
        assert markdown_from_html(body) == tag_by_tag(body), row.text("Id")

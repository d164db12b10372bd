import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from align.markdown import fenced, markdown_from_html


def test_links_and_images_go_and_a_links_text_stays() -> None:
    html = '<p>See <a href="https://example.org/a_b" rel="nofollow">the <em>old</em> tide table</a>.<img src="x.png" alt="a > b"></p>'
    assert markdown_from_html(html) == "See the *old* tide table."


def test_paragraphs_headings_rules_and_breaks() -> None:
    html = "<h2>Tides</h2>\n\n<p>Twice\na  day.</p>\n\n<p>High<br>low<br/><br />slack</p>\n<hr>\n<p>End</p>"
    assert markdown_from_html(html) == "## Tides\n\nTwice a day.\n\nHigh\nlow\n\nslack\n\n---\n\nEnd"


def test_white_space_moves_outside_of_emphasis() -> None:
    # `** bold**` would be no emphasis in Markdown
    assert markdown_from_html("<p>a<strong> bold </strong>b <i></i><b> </b>c</p>") == "a **bold** b c"


def test_nested_emphasis_and_the_same_twice() -> None:
    assert markdown_from_html("<b>one <i>two</i></b> <b>three <strong>four</strong></b>") == "**one *two*** **three four**"


def test_emphasis_around_paragraphs_is_set_in_each() -> None:
    assert markdown_from_html("<b><p>one</p></b><p>two <em>three</p><p>four</p>") == "**one**\n\ntwo *three*\n\nfour"


def test_code_keeps_its_language_its_indentation_and_its_signs() -> None:
    html = '<pre class="lang-py prettyprint-override"><code>if a &lt; b:\n    print("&amp;")  \n\n</code></pre>\n'
    assert markdown_from_html(html) == '```py\nif a < b:\n    print("&")\n```'


def test_the_language_may_stand_on_the_code_and_none_is_no_language() -> None:
    assert markdown_from_html('<pre><code class="language-c++">x</code></pre>') == "```c++\nx\n```"
    assert markdown_from_html('<pre class="lang-none"><code>x</code></pre>') == "```\nx\n```"


def test_a_fence_is_longer_than_any_fence_inside() -> None:
    assert markdown_from_html("<pre><code>```\na\n````\n</code></pre>") == "`````\n```\na\n````\n`````"
    assert fenced("no tick") == "```\nno tick\n```"


def test_code_spans_with_backticks_get_more_of_them() -> None:
    assert markdown_from_html("<code>a`b</code> <code>`</code> <code> c </code><code></code>") == "``a`b`` `` ` `` `c`"


def test_what_only_looks_like_a_tag_stays_text() -> None:
    # An HTML5 parser takes <iostream> for an element and drops what follows an unclosed tag.
    html = '<p>a < b, <iostream> and x <y</p><pre><code>#include <vector>\n</code></pre><a href="cut'
    assert markdown_from_html(html) == 'a < b, <iostream> and x <y\n\n```\n#include <vector>\n```\n\n<a href="cut'


def test_a_quote_that_never_closes_swallows_nothing() -> None:
    assert markdown_from_html('<a href="x>first</a> second "third" <b>fourth</b>') == 'first second "third" **fourth**'


def test_lists_nest_count_and_may_be_loose() -> None:
    html = """
    <ol start="9">
      <li>nine<ul><li>a</li><li>b</li></ul></li>
      <li>ten</li>
    </ol>
    <ul>
    <li><p>loose</p><pre><code>x
      y
    </code></pre></li>
    <li><p>list</p></li>
    </ul>"""
    # `9. ` is three characters wide and `10. ` four; a loose list has a blank line between items.
    assert markdown_from_html(html) == ("9. nine\n   - a\n   - b\n10. ten\n\n- loose\n\n  ```\n  x\n        y\n  ```\n\n- list")


def test_malformed_lists_lose_nothing() -> None:
    assert (
        markdown_from_html("<ul>stray<li>one<li>two<ul><li>three</ul><ul><li>four</ul></ul>")
        == "- stray\n- one\n- two\n  - three\n  - four"
    )
    assert markdown_from_html("<ul><li>one</li><ul><li>two</li></ul></ul>") == "- one\n  - two"
    assert markdown_from_html("<li>alone</li>after</ul>") == "- alone\n\nafter"


def test_quotations_are_marked_on_every_line() -> None:
    html = "<blockquote>\n  <p>one<br>two</p>\n  <blockquote><p>three</p></blockquote>\n</blockquote>"
    assert markdown_from_html(html) == "> one\n> two\n>\n> > three"


def test_tables_stay_readable() -> None:
    html = "<table><thead><tr><th>tide</th><th>a|b</th></tr></thead><tbody><tr><td>high<td><p>4</p><p>m</p><tr><td>low</tbody></table>"
    assert markdown_from_html(html) == "| tide | a\\|b |\n| --- | --- |\n| high | 4 m |\n| low |  |"


def test_formulas_are_not_touched() -> None:
    html = "<p>With $a_1 &lt; b$ and\n$$\n\\begin{align}\n  x &amp;= y \\\\\n\\end{align}\n$$\nit costs $5  or $6.</p>"
    # white space inside a formula stays; "$5  or $6" is none, so its spaces collapse
    assert markdown_from_html(html) == "With $a_1 < b$ and $$\n\\begin{align}\n  x &= y \\\\\n\\end{align}\n$$ it costs $5 or $6."


def test_short_indices_are_marked_and_small_print_is_not() -> None:
    html = "10<sup>6</sup> H<sub>2</sub>O 1<sup>st</sup> <sup>Source: a very old book</sup>"
    assert markdown_from_html(html) == "10^6 H_2O 1st Source: a very old book"


def test_entities_are_read_once() -> None:
    assert markdown_from_html("<p>&amp;lt; &nbsp;&eacute; &#8220;x&#8221; & y</p>") == "&lt; \u00a0é “x” & y"


def test_comments_scripts_and_styles_are_no_text() -> None:
    html = "<!-- language: lang-js --><style>p {}</style><p>kept</p><script>alert('x <b>')</script>"
    assert markdown_from_html(html) == "kept"


def test_tags_are_known_in_any_case() -> None:
    assert markdown_from_html("<P>one</P><UL><LI>two</UL>") == "one\n\n- two"


@pytest.mark.parametrize("html", ["", " \n ", "<p></p>", "<p><img src='x'></p>", "<ul><li></li></ul>", "<table></table>"])
def test_nothing_comes_of_nothing(html: str) -> None:
    assert markdown_from_html(html) == ""


_TAGS = [
    "p",
    "b",
    "em",
    "i",
    "a",
    "code",
    "pre",
    "li",
    "ul",
    "ol",
    "blockquote",
    "table",
    "tr",
    "td",
    "th",
    "h1",
    "h3",
    "div",
    "span",
    "sup",
    "br",
    "hr",
    "img",
    "strike",
    "unknown",
]
_FRAGMENT = st.one_of(
    st.sampled_from([f"<{slash}{tag}>" for tag in _TAGS for slash in ("", "/")]),
    st.sampled_from(["<", ">", "&", "&lt;", "`", "```", "$", "$$", "|", "\n", "  ", '"', "'", "<a href='x'>", "<b", "</", "<3 "]),
    st.just("W"),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(_FRAGMENT, max_size=40))
def test_no_word_is_ever_lost(fragments: list[str]) -> None:
    html = "".join(f" word{number} " if fragment == "W" else fragment for number, fragment in enumerate(fragments))
    # what stands between < and > may be an attribute, as in `<b word1 >`
    wanted = set(re.findall(r"word\d+", re.sub(r"<[a-z/][^<>]*>", "", html)))
    assert wanted <= set(re.findall(r"word\d+", markdown_from_html(html)))


@pytest.mark.parametrize("exchange", ["coffee", "genai", "ai", "matheducators", "french.meta"])
def test_real_bodies_keep_every_letter_that_an_html5_parser_finds(exchange: str, real_data: Path) -> None:
    table = real_data / "stackexchange" / f"{exchange}.stackexchange.com" / "Posts.xml"
    for row in ElementTree.parse(table).getroot():
        body = re.sub(' class="[^"]*"', "", row.get("Body", ""))  # so that no fence names a language
        found = LexborHTMLParser(body).body
        wanted = re.sub(r"[\W\d_]", "", found.text(separator=" ") if found is not None else "")
        assert re.sub(r"[\W\d_]", "", markdown_from_html(body)) == wanted, row.get("Id")

"""Pages of wikihow.com as HTML: the article without its frame, its title, date, address and categories."""

import re
from dataclasses import dataclass
from typing import Any

from align.sources.wikihow_text import as_answer, is_pruned
from align.text import markdown_from_html

LARGEST_PAGE_BYTES = 1 << 24
DEEPEST_TAGS = 1000
NO_ARTICLE = "page without an article"


@dataclass(frozen=True, slots=True)
class Page:
    """What a page says."""

    title: str
    text: str
    """Markdown."""
    categories: tuple[str, ...]
    """From the top down, out of the trail of links above the title."""
    url: str
    date: str


def read_page(data: bytes, pruned: tuple[str, ...]) -> Page | str:
    """The article of a page, or why there is none."""
    from selectolax.lexbor import LexborHTMLParser

    if len(data) > LARGEST_PAGE_BYTES:
        return "page above 16 MiB"
    try:
        html = data.decode("utf-8-sig").replace("\x00", "")
    except UnicodeDecodeError:
        return "page that is not UTF-8"
    if _depth(html) > DEEPEST_TAGS:  # the parser's time grows with the square of the depth: 300,000 tags take many minutes
        return "page nested too deep"
    if not html.strip():
        return NO_ARTICLE
    tree = LexborHTMLParser(html)
    title, categories, url, date = _title(tree), _categories(tree), _attribute(tree, _ADDRESSES), _date(tree, html)
    body = next((node for selector in _BODIES if (node := tree.css_first(selector)) is not None), None)
    if body is None:
        return NO_ARTICLE
    for node in body.css(_FRAME):
        node.decompose()
    text = as_answer(_without_sections(markdown_from_html(_STEP_BREAKS.sub("", body.html or "")), pruned))
    return Page(title, text, categories, url, date) if text else NO_ARTICLE


_BODIES = ("#bodycontents", "#mf-main", ".mw-parser-output", "article", "#content", "main", "body")
_FRAME = (
    "script, style, noscript, nav, header, footer, form, button, iframe, video, img, figure, map, svg, h1, #breadcrumb, #toc, "
    ".toc, .thumb, .mwimg, .largeimage, .caption, .editsection, .mw-editsection, sup.reference, ol.references, .relatedwikihows, "
    ".altblock, .step_num, #gatEditSection, h2 a.button, h3 a.button, "
    ".method_toc, .ad_label, .wh_ad, .wh_ad_inner, .showsources, .qa, .sidebar, [hidden], #featurestar"
)
_STEP_BREAKS = re.compile(r"<br\s*/?>\s*(?=<br|<ul|<ol|</li)", re.IGNORECASE)
_ADDRESSES = (("link[rel=canonical]", "href"), ("meta[property='og:url']", "content"))
_DATES = (
    ("meta[property='article:modified_time']", "content"),
    ("meta[itemprop=dateModified]", "content"),
    ("time[datetime]", "datetime"),
)
_TAGS = re.compile(r"<(/?)(?!(?:p|br|hr|img|input|li|meta|link|td|tr|th|dd|dt|option|area|source|wbr|col)\b)[a-zA-Z]")


def _depth(html: str) -> int:
    """How deep tags are nested at most, were each to be closed that can hold itself."""
    depth = deepest = 0
    for tag in _TAGS.finditer(html):
        depth = max(0, depth - 1) if tag[1] else depth + 1
        deepest = max(deepest, depth)
    return deepest


def _title(tree: Any) -> str:
    found = (tree.css_first(selector) for selector in ("h1", "title"))
    return next((text for node in found if node is not None and (text := " ".join(node.text().split()))), "")


def _categories(tree: Any) -> tuple[str, ...]:
    """`Home » Categories » Food and Entertaining » Breads` is (Food and Entertaining, Breads)."""
    trail = tree.css_first("#breadcrumb, .breadcrumbs, .breadcrumb, [itemtype$=BreadcrumbList]")
    if trail is None:
        return ()
    links = [" ".join(link.text().split()) for link in trail.css("a")]
    return tuple(name for name in links if name and name.lower() not in ("home", "categories", "wikihow", "articles"))


def _attribute(tree: Any, places: tuple[tuple[str, str], ...]) -> str:
    found = ((tree.css_first(selector), name) for selector, name in places)
    return next((str(value) for node, name in found if node is not None and (value := node.attributes.get(name))), "")


def _date(tree: Any, html: str) -> str:
    stated = re.search(r'"dateModified"\s*:\s*"([\dT:.Z+-]{4,35})"', html)
    return stated[1] if stated else _attribute(tree, _DATES)


def _without_sections(markdown: str, pruned: tuple[str, ...]) -> str:
    """Leave out pruned sections up to the next heading as high, and the heading `Steps`, which says nothing."""
    kept: list[str] = []
    left_out = 0  # the level of the section that is being left out
    fence = ""
    for line in markdown.split("\n"):
        mark = re.match(r"\s*(`{3,}|~{3,})", line)
        if mark:
            fence = "" if fence and mark[1].startswith(fence) else fence or mark[1]
        heading = None if fence else re.match(r"(#{1,6}) (.*)", line)
        if heading and not (left_out and len(heading[1]) > left_out):
            label = heading[2].strip(" *:")
            left_out = len(heading[1]) if is_pruned(label, pruned) else 0
            if label.casefold() == "steps":
                continue
        if not left_out:
            kept.append(line)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()

"""Verify the checked-in samples: that they equal a rebuild, and that they keep the promises of README.md."""

from __future__ import annotations

import gzip
import logging
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

from builder.json_files import Row, json_files
from builder.markup import html_of, plain_text
from builder.sources import SITES, Post, Site, read_site, read_yaml

log = logging.getLogger("build")

HARMLESS_TRAPS = {
    "accepted_not_top",
    "accepted_outside_file",
    "deleted_owner_named",
    "hostile_script",
    "math_in_body",
    "negative_score",
    "ownerless",
    "tie_accepted_first",
}
"""Traps a reader must survive without losing the question; every other one speaks against its question."""
FIRST_PERSON = re.compile(r"\b(?:I|[Mm]y|[Mm]e|[Mm]ine|[Mm]yself)\b")
CROSS_REFERENCE = re.compile(
    r"as mentioned|other answers?|'s answer|this answer|stack ?exchange|\bedit:|\bOP\b|@\w|comments?\b",
    re.IGNORECASE,
)
ROW_COUNTS = {
    "authored_examples.jsonl": 24,
    "authored_dialogues.jsonl": 3,
    "test_prompts.jsonl": 30,
    "dev_prompts.jsonl": 10,
    "held_out.jsonl": 12,
    "preferences/beavertails.jsonl": 48,
    "preferences/safe_rlhf_old.jsonl": 12,
    "preferences/safe_rlhf_new.jsonl": 12,
    "preferences/hh_rlhf.jsonl.gz": 16,
    "preferences/held_out.jsonl": 24,
}


def check(samples: Path, build: Callable[[Path], None]) -> Iterator[str]:
    """Yield every way in which the samples differ from a rebuild or from their promises."""
    sites = [read_site(key) for key in SITES]
    files = json_files()
    yield from _check_rebuild(samples, build)
    for site in sites:
        yield from _check_xml(samples, site)
        yield from _check_good_answers(site)
    yield from _check_traps(sites, (samples / "README.md").read_text(encoding="utf-8"))
    yield from _check_prompts(sites, files)
    yield from _check_preferences(files)
    for name, wanted in ROW_COUNTS.items():
        if len(files[name]) != wanted:
            yield f"{name}: {len(files[name])} rows, wanted {wanted}"


def _check_rebuild(samples: Path, build: Callable[[Path], None]) -> Iterator[str]:
    """Compare the checked-in files with a fresh build; archives by their members."""
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder))
        fresh = _contents(Path(folder))
    present = _contents(samples)
    differing = [n for n in sorted(fresh.keys() | present.keys()) if fresh.get(n) != present.get(n)]
    yield from (f"{name}: differs from a rebuild; run build.py" for name in differing)
    log.info("%d files and archive members compared with a rebuild", len(fresh))


def _contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of each generated file, and of each member of each archive."""
    paths = [*folder.glob("*.jsonl"), *folder.glob("preferences/*"), *folder.glob("stack_exchange/**/*.*")]
    found: dict[str, bytes] = {}
    for path in filter(Path.is_file, paths):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".7z":
            found |= {f"{name}/{member}": data for member, data in _archive_members(path).items()}
        else:
            data = path.read_bytes()
            found[name] = gzip.decompress(data) if path.suffix == ".gz" else data
    return found


def _archive_members(path: Path) -> dict[str, bytes]:
    import py7zr

    with tempfile.TemporaryDirectory() as folder, py7zr.SevenZipFile(path) as archive:
        archive.extractall(folder)
        return {member.name: member.read_bytes() for member in Path(folder).iterdir()}


def _check_xml(samples: Path, site: Site) -> Iterator[str]:
    """Parse the files of a site and compare the bodies with the source."""
    prefix = f"stack_exchange/{site.key}.stackexchange.com"
    files = {name: data for name, data in _contents(samples).items() if name.startswith(prefix)}
    bodies = {post.id: html_of(post.body, site.layout.loose_html) for post in site.posts}
    for name, data in sorted(files.items()):
        rows = ElementTree.fromstring(data).findall("row")
        if not name.lower().endswith("posts.xml"):
            continue
        if {int(row.attrib["Id"]): row.attrib["Body"] for row in rows} != bodies:
            yield f"{name}: the bodies do not survive the XML"
        kinds = Counter(row.get("PostTypeId") for row in rows)
        log.info(
            "%-11s %2d rows: %2d questions, %2d answers, %2d good pairs, %2d second answers",
            *(site.key, len(rows), kinds["1"], kinds["2"], len(_good_pairs(site)), _seconds(site)),
        )


def _seconds(site: Site) -> int:
    """Return how many answers stand beside a better one."""
    return sum(max(len(site.answers(post.id)) - 1, 0) for post in site.posts if post.type == "question")


def _top_answer(site: Site, question_id: int) -> Post | None:
    """Return the answer with the highest score; of equals the accepted one, then the lower id."""
    answers = site.answers(question_id)
    return min(answers, key=lambda a: (-a.score, not a.accepted, a.id)) if answers else None


def _good_pairs(site: Site) -> list[tuple[Post, Post]]:
    """Return each question with its top answer, where no trap speaks against it."""
    pairs = [(post, _top_answer(site, post.id)) for post in site.posts if post.type == "question"]
    return [
        (question, answer)
        for question, answer in pairs
        if answer is not None and all(post.trap is None or post.trap in HARMLESS_TRAPS for post in (question, answer))
    ]


def _check_good_answers(site: Site) -> Iterator[str]:
    """Check length, score, person and references of the answers that a curation run should keep."""
    for question, answer in _good_pairs(site):
        name = f"{site.key}/{answer.id}"
        markup = html_of(answer.body, site.layout.loose_html)
        prose = plain_text(re.sub(r"<code>.*?</code>", " ", markup, flags=re.DOTALL))
        length = len(plain_text(markup))
        if not 550 <= length <= 1400:
            yield f"{name}: {length} characters, wanted 550 to 1400"
        if not 10 <= answer.score <= 90:
            yield f"{name}: score {answer.score}, wanted 10 to 90"
        if hit := FIRST_PERSON.search(prose) or CROSS_REFERENCE.search(prose):
            yield f"{name}: holds {hit.group()!r}"
        if not (question.title or "").endswith("?"):
            yield f"{site.key}/{question.id}: the title is no question"


def _check_traps(sites: list[Site], readme: str) -> Iterator[str]:
    """Check that each trap does what its name says, and that README.md lists it."""
    trapped = [(site, post) for site in sites for post in site.posts if post.trap]
    found = {post.trap for _, post in trapped}
    for name in sorted(_TRAP_SIGNS.keys() - found):
        yield f"no post is marked as {name}"
    for site, post in trapped:
        name = f"{site.key}/{post.id}"
        if f"`{name}`" not in readme:
            yield f"README.md does not list {name} ({post.trap})"
        sign = _TRAP_SIGNS.get(post.trap or "")
        if sign is None or not sign(site, post):
            yield f"{name}: is marked {post.trap} but shows no sign of it"
    log.info("%d traps of %d kinds", len(trapped), len(found))


def _length(site: Site, post: Post) -> int:
    return len(plain_text(html_of(post.body, site.layout.loose_html)))


def _question(site: Site, post: Post) -> Post | None:
    return next((other for other in site.posts if other.id == post.parent), None)


def _accepted(site: Site, post: Post) -> list[int]:
    """Return the accepted answers beside this one, as the source has them."""
    return [answer.id for answer in site.answers(post.parent or 0) if answer.accepted]


def _twins(site: Site, post: Post) -> list[Post]:
    return [other for other in site.posts if other.body == post.body and other.id != post.id]


_TRAP_SIGNS: dict[str, Callable[[Site, Post], bool]] = {
    "accepted_not_top": lambda site, post: _accepted(site, post) not in ([], [post.id]),
    "accepted_outside_file": lambda site, post: not _accepted(site, post),
    "closed": lambda site, post: bool(post.closed_after_days),
    "contamination": lambda site, post: post.type == "question",
    "deleted_owner_named": lambda site, post: site.owner_id(post.by) is None and bool(post.display_name),
    "exact_duplicate": lambda site, post: len(_twins(site, post)) == 1,
    "first_person": lambda site, post: bool(FIRST_PERSON.search(post.body)) and _length(site, post) > 500,
    "hostile_script": lambda site, post: "<script>alert(1)</script>" in post.body,
    "low_score": lambda site, post: post.score < 10 and _top_answer(site, post.parent or 0) == post,
    "math_in_body": lambda site, post: "$x^2$" in post.body,
    "near_duplicate": lambda site, post: any(overlap(post.body, other.body) > 0.9 for other in site.posts if other.id != post.id),
    "negative_score": lambda site, post: post.score < 0,
    "orphan_answer": lambda site, post: post.type == "answer" and _question(site, post) is None,
    "ownerless": lambda site, post: site.owner_id(post.by) is None and not post.display_name,
    "planted": lambda site, post: post.by == "community" and post.id > 10**9,
    "refers_to_others": lambda site, post: bool(CROSS_REFERENCE.search(post.body)),
    "tag_wiki": lambda site, post: post.type.startswith("tag_wiki") and not post.body,
    "tie_accepted_first": lambda site, post: (
        _top_answer(site, post.parent or 0) != post
        and any(a.score == post.score and a.id > post.id for a in site.answers(post.parent or 0))
    ),
    "too_long": lambda site, post: _length(site, post) > 4096,
    "too_short": lambda site, post: _length(site, post) < 300 and post.score >= 30,
    "unanswered": lambda site, post: post.type == "question" and not site.answers(post.id),
}
"""What each trap looks like in the data."""


def _check_prompts(sites: list[Site], files: dict[str, list[Row]]) -> Iterator[str]:
    """Check that no evaluation prompt resembles a training prompt, except those planted for it."""
    planted = {entry["id"] for entry in read_yaml("prompts")["test"] if "contaminated_by" in entry}
    titles = [(f"{site.key}/{post.id}", post.title) for site in sites for post in site.posts if post.title]
    authored = [(row["id"], row["prompt"]) for row in files["authored_examples.jsonl"]]
    evaluation = [
        (row["id"], row["prompt"])
        for name in ("test_prompts.jsonl", "dev_prompts.jsonl", "held_out.jsonl")
        for row in files[name]
    ]
    for prompt_id, prompt in evaluation:
        others = [other for other in evaluation if other[0] != prompt_id]
        nearest, name = max((overlap(prompt, text), i) for i, text in titles + authored + others)
        if (nearest > 0.6) != (prompt_id in planted):
            yield f"{prompt_id}: shares {nearest:.0%} of its words with {name}"
    if len(planted) != 2:
        yield f"{len(planted)} test prompts are contaminated, wanted 2"


def overlap(first: str, second: str) -> float:
    """Return the Jaccard similarity of the word sets of two texts, 0 to 1."""
    one, two = (set(re.findall(r"\w+", text.lower())) for text in (first, second))
    return len(one & two) / max(len(one | two), 1)


def _check_preferences(files: dict[str, list[Row]]) -> Iterator[str]:
    """Check lengths and labels, and that no prompt is used twice across the preference files."""
    used: Counter[str] = Counter()
    for name in ("safe_rlhf_old", "safe_rlhf_new", "held_out"):
        for row in files[f"preferences/{name}.jsonl"]:
            used[row["prompt"]] += 1
            yield from (f"{name}: {row['prompt']!r}: {fault}" for fault in _pair_faults(name, row))
    sides: dict[str, set[bool]] = {}
    for row in files["preferences/beavertails.jsonl"]:
        sides.setdefault(row["prompt"], set()).add(row["is_safe"])
        yield from _length_faults("beavertails", row["response"])
        if any(row["category"].values()) == row["is_safe"]:
            yield f"beavertails: {row['prompt']!r}: the categories contradict is_safe"
    yield from (f"beavertails: {p!r} has one side only" for p, both in sides.items() if len(both) < 2)
    if len(sides) != 16:
        yield f"beavertails: {len(sides)} prompts, wanted 16"
    used.update(sides.keys())
    for row in files["preferences/hh_rlhf.jsonl.gz"]:
        used[row["chosen"].split("\n\nAssistant:")[0]] += 1
        endings = [text.rsplit("\n\nAssistant: ", 1)[1] for text in row.values()]
        yield from (fault for last in endings if last for fault in _length_faults("hh_rlhf", last))
    yield from (f"preferences: {p!r} is used {n} times" for p, n in used.items() if n > 1)


def _pair_faults(name: str, row: Row) -> Iterator[str]:
    """Yield the contradictions in one row of SafeRLHF columns."""
    safe = [row["is_response_0_safe"], row["is_response_1_safe"]]
    if sum(safe) == 1 and not safe[row["safer_response_id"]]:
        yield "the safer response is the unsafe one"
    if name == "held_out" and sum(safe) != 1:
        yield f"{sum(safe)} safe responses, wanted 1"
    for side in (0, 1):
        yield from _length_faults(name, row[f"response_{side}"])
        severity = row.get(f"response_{side}_severity_level")
        harms = row.get(f"response_{side}_harm_category")
        if severity is not None and (severity == 0) != safe[side]:
            yield "the severity contradicts the safety"
        if harms is not None and any(harms.values()) == safe[side]:
            yield "the harm categories contradict the safety"


def _length_faults(name: str, response: str) -> Iterator[str]:
    if not 80 <= len(response) <= 300:
        yield f"{name}: {len(response)} characters, wanted 80 to 300: {response[:50]!r}"

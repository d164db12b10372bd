"""Write a Posts.xml of any size, shaped like a real one and the same every time: invented words, real proportions.

    python benchmarks/make_posts.py /tmp/cooking.stackexchange.com/Posts.xml --megabytes 300

Measured on 12,000 real posts of 16 exchanges and followed here: 1.0 KB of HTML a body with a long tail, 14 tags to the KB
(half of them paragraphs, then links, list items, emphasis, code), 4 % of the rows tag wikis, answers at a distance from their
question, attributes in the order and with the gaps of the dumps.
"""

import argparse
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

SYLLABLES = (
    "ka",
    "ro",
    "mi",
    "ten",
    "sol",
    "ba",
    "ler",
    "dun",
    "ash",
    "vio",
    "pre",
    "con",
    "ti",
    "fa",
    "gren",
    "ol",
    "em",
    "sta",
    "ri",
    "tho",
)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("path", type=Path)
    arguments.add_argument("--megabytes", type=float, default=300)
    arguments.add_argument("--seed", type=int, default=1)
    asked = arguments.parse_args()
    asked.path.parent.mkdir(parents=True, exist_ok=True)
    write_posts(asked.path, asked.megabytes, asked.seed)


def write_posts(path: Path, megabytes: float, seed: int = 1) -> None:
    """Write rows until the file has `megabytes`; the last one is the closing tag."""
    left = int(megabytes * 1e6)
    with path.open("w", encoding="utf-8", newline="\r\n") as file:
        file.write('\ufeff<?xml version="1.0" encoding="utf-8"?>\n<posts>\n')
        for row in rows(random.Random(seed)):
            file.write(row)
            left -= len(row)
            if left <= 0:
                break
        file.write("</posts>\n")


def rows(draw: random.Random) -> Iterator[str]:
    """Rows without end, in order of Id; answers follow their question at a distance."""
    words = ["".join(draw.choices(SYLLABLES, k=draw.choice((1, 1, 2, 2, 3)))) for _ in range(4000)]
    blocks = [escaped(block(draw, words)) for _ in range(3000)]
    waiting: list[tuple[int, int]] = []
    number = 0
    now = datetime(2011, 1, 1)
    while True:
        number += 1
        now += timedelta(minutes=draw.randint(1, 40))
        date = now.isoformat(timespec="milliseconds")
        body = "&#xA;&#xA;".join(draw.choices(blocks, k=min(40, 1 + int(draw.lognormvariate(1.0, 0.8))))) + "&#xA;"
        owner = (
            f'OwnerUserId="{draw.randint(2, 9000)}"' if draw.random() < 0.98 else f'OwnerDisplayName="user{draw.randint(1, 999)}"'
        )
        edited = f' LastEditorUserId="{draw.randint(2, 9000)}" LastEditDate="{date}"' if draw.random() < 0.4 else ""
        end = f'{owner}{edited} LastActivityDate="{date}"'
        kind = draw.random()
        if waiting and kind < 0.58:
            parent, _ = waiting.pop(draw.randrange(max(0, len(waiting) - 30), len(waiting)))
            head = f'PostTypeId="2" ParentId="{parent}" CreationDate="{date}" Score="{score(draw)}"'
            tail = f'{end} CommentCount="{draw.randint(0, 5)}" ContentLicense="CC BY-SA 4.0"'
        elif kind < 0.95:
            answers = draw.choice((0, 1, 1, 1, 2, 2, 3))
            waiting += [(number, n) for n in range(answers)]
            accepted = f'AcceptedAnswerId="{number + draw.randint(1, 40)}" ' if draw.random() < 0.4 else ""
            head = f'PostTypeId="1" {accepted}CreationDate="{date}" Score="{score(draw)}" ViewCount="{draw.randint(5, 40000)}"'
            title = " ".join(draw.choices(words, k=draw.randint(4, 12))).capitalize() + "?"
            tags = escaped("".join(f"<{tag}>" for tag in draw.sample(words[:400], draw.randint(1, 5))))
            tail = f'{end} Title="{title}" Tags="{tags}" AnswerCount="{answers}" CommentCount="0" ContentLicense="CC BY-SA 4.0"'
        else:
            head, tail = f'PostTypeId="{draw.choice((4, 5))}" CreationDate="{date}" Score="0"', f'{end} CommentCount="0"'
            body = ""
        yield f'  <row Id="{number}" {head} Body="{body}" {tail} />\n'


def block(draw: random.Random, words: list[str]) -> str:
    """One block of HTML: a paragraph mostly, else a list, code, a quotation, a heading."""
    kind = draw.random()
    if kind < 0.80:
        return f"<p>{sentences(draw, words, draw.randint(1, 5))}</p>"
    if kind < 0.90:
        items = "\n".join(f"<li>{sentences(draw, words, 1)}</li>" for _ in range(draw.randint(2, 6)))
        return f"<ul>\n{items}\n</ul>" if draw.random() < 0.7 else f"<ol>\n{items}\n</ol>"
    if kind < 0.95:
        lines = "\n".join(
            "    " * draw.randint(0, 3) + f'{draw.choice(words)}({draw.choice(words)}, "{draw.choice(words)}") &lt; 3;'
            for _ in range(12)
        )
        return f"<pre><code>{lines}\n</code></pre>"
    if kind < 0.98:
        return f"<blockquote>\n  <p>{sentences(draw, words, 2)}</p>\n</blockquote>"
    return f"<h2>{' '.join(draw.choices(words, k=4))}</h2>"


def sentences(draw: random.Random, words: list[str], count: int) -> str:
    return " ".join(sentence(draw, words) for _ in range(count))


def sentence(draw: random.Random, words: list[str]) -> str:
    said = draw.choices(words, k=draw.randint(6, 22))
    place = draw.randrange(len(said))
    kind = draw.random()
    if kind < 0.10:
        said[place] = f'<a href="https://example.org/{said[place]}" rel="nofollow noreferrer">{said[place]}</a>'
    elif kind < 0.20:
        name = draw.choice(("em", "strong"))
        said[place] = f"<{name}>{said[place]}</{name}>"
    elif kind < 0.26:
        said[place] = f"<code>{said[place]} &amp;&amp; {said[0]}</code>"
    elif kind < 0.30:
        said[place] += ' "quoted"'
    return " ".join(said).capitalize() + (".<br>\n" if kind > 0.99 else ".")


def score(draw: random.Random) -> int:
    return int(draw.lognormvariate(1.0, 1.2)) - 1


def escaped(text: str) -> str:
    return escape(text, {'"': "&quot;", "\n": "&#xA;"})


if __name__ == "__main__":
    main()

"""Stack Exchange: Posts.xml, Users.xml and Comments.xml of invented questions, as archives of each method or as a folder."""

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

from generated_dumps.prose import Prose

Row = dict[str, object]

STEM = ("stackoverflow", "physics", "unix", "stats", "biology", "math")
OTHER = ("cooking", "travel", "english", "bicycles", "gardening", "music")
HOSTS = {"stackoverflow": "stackoverflow.com", "ru.stackoverflow": "ru.stackoverflow.com"}
USERS = 40
ARCHIVE_DATE = datetime(2025, 3, 31).timestamp()
TRAPS = ("low score", "too short", "too long", "first person", "cross reference", "title not self-contained")
ELSEWHERE = "As mentioned in the other answers, the first step is the same. "
PERSONAL = "I have tried that with my own hands. "


@dataclass
class Exchange:
    """One exchange: how much of what it holds, and in which layout."""

    site: str
    pairs: int
    """Questions whose top answer passes LIMA's rules."""
    layout: str = "lzma2"
    """lzma2, bzip2 or ppmd (one archive), tables (an archive a table), folder (no archive)."""
    dialogues: int = 0
    """How many of the good ones have a talk below the answer."""
    contaminated: tuple[str, ...] = ()
    """Prompts of the evaluation sets that a good question repeats."""
    planted: Counter[str] = field(default_factory=Counter)

    @property
    def host(self) -> str:
        return HOSTS.get(self.site, f"{self.site}.stackexchange.com")


def write_exchange(exchange: Exchange, folder: Path, seed: int) -> None:
    """Write the dump of one exchange into `folder`; what was planted is counted in it."""
    maker = _Maker(exchange, Prose(f"{seed}/{exchange.site}"))
    maker.fill()
    tables = {"Posts.xml": maker.posts, "Users.xml": list(maker.users()), "Comments.xml": maker.comments}
    files = {name: _table(name.removesuffix(".xml").lower(), rows) for name, rows in tables.items()}
    folder.mkdir(parents=True, exist_ok=True)
    if exchange.layout == "folder":
        (folder / exchange.host).mkdir()
        for name, data in files.items():
            (folder / exchange.host / name).write_bytes(data)
    elif exchange.layout == "tables":
        for name, data in files.items():
            _write_archive(folder / f"{exchange.host}-{name.removesuffix('.xml')}.7z", {name: data}, "lzma2")
    else:
        _write_archive(folder / f"{exchange.host}.7z", files, exchange.layout)


class _Maker:
    def __init__(self, exchange: Exchange, prose: Prose) -> None:
        self.exchange, self.prose, self.draw = exchange, prose, prose.draw
        self.posts: list[Row] = []
        self.comments: list[Row] = []
        self.number = 0
        self.now = datetime(2012, 3, 1)

    def fill(self) -> None:
        planted = self.exchange.planted
        traps = max(2, self.exchange.pairs // 20) if self.exchange.pairs else 0
        good: list[tuple[Row, Row]] = []
        for number in range(self.exchange.pairs):
            # of those that come again nearly the same, the answer is most of the text
            question, answer = self.pair(asks=f"<p>{self.prose.sentence()}</p>\n" if number < traps else "")
            good.append((question, answer))
            planted["pairs"] += 1
            if number < self.exchange.dialogues:
                self.talk(question, answer)
        for trap in TRAPS:
            for _ in range(traps):
                self.pair(trap)
                planted[trap] += 1
        for question, answer in good[:traps]:  # the answer once more, below another question
            self.pair(body=str(answer["Body"]))
            planted["same answer"] += 1
            self.pair(title=str(question["Title"]), asks=str(question["Body"]), body=self.edited(str(answer["Body"])))
            planted["nearly the same"] += 1
        for prompt in self.exchange.contaminated:
            self.pair(title=prompt, asks=f"<p>{escape(prompt)} {self.prose.sentence()}</p>\n")
            planted["contaminated"] += 1
        self.odd_rows()

    def odd_rows(self) -> None:
        """What makes no pair: unanswered questions, answers without a question, tag wikis, planted posts."""
        self.post(1, Title=self.prose.title(), Body=f"<p>{self.prose.sentence()}</p>\n", Score=3, Tags="<odd>", AnswerCount=0)
        self.post(2, ParentId=999_999, Body=f"<p>{self.prose.sentence()}</p>\n", Score=12)
        self.post(4, Body="", Score=0)
        self.post(5, Body="", Score=0)
        said = f"<p>{self.prose.paragraph(3)}</p>\n"
        question = self.post(1, Title=self.prose.title(), Body=said, Score=1, Tags="<odd>", OwnerUserId=-1)
        answer = self.post(2, Body=said, Score=1, OwnerUserId=-1)
        question["Id"], answer["Id"], answer["ParentId"] = 1_000_000_001, 1_000_000_010, 1_000_000_001

    def pair(self, trap: str = "", title: str = "", asks: str = "", body: str = "") -> tuple[Row, Row]:
        """A question with its top answer, and sometimes a lesser one."""
        words = self.prose.words(3)
        title = title or (f"My {words[0]} as in the picture below" if trap == TRAPS[5] else self.prose.title())
        question = self.post(
            1,
            Title=title,
            Body=asks or f"<p>{self.prose.paragraph(self.draw.randint(3, 6))}</p>\n",
            Score=int(self.draw.lognormvariate(3, 1)),
            ViewCount=self.draw.randint(40, 90_000),
            Tags=f"<{words[0]}><{words[1]}>",
            AnswerCount=1,
        )
        score = self.draw.randint(-1, 9) if trap == "low score" else 10 + int(self.draw.lognormvariate(2, 1))
        answer = self.post(2, ParentId=question["Id"], Score=score, Body=body or self.answer(trap))
        if self.draw.random() < 0.3:
            self.post(2, ParentId=question["Id"], Score=score - self.draw.randint(1, 9), Body=self.answer("too short"))
        return question, answer

    def answer(self, trap: str) -> str:
        chars = {"too short": 300, "too long": 4600}.get(trap) or self.draw.randint(1350, 3300)
        said = self.prose.paragraphs(chars)
        start = {"first person": PERSONAL, "cross reference": ELSEWHERE}.get(trap, "")
        blocks = [f"<p>{start}{said[0]}</p>", *map(self.block, said[1:])]
        return "\n\n".join(blocks) + "\n"

    def block(self, text: str) -> str:
        """A paragraph with a link or emphasis, a list, or a paragraph and code."""
        kind = self.draw.random()
        first, _, rest = text.partition(" ")
        if kind < 0.15:
            items = "\n".join(f"<li>{item}</li>" for item in text.split(". "))
            return f"<ul>\n{items}\n</ul>" if kind < 0.1 else f"<ol>\n{items}\n</ol>"
        if kind < 0.25:
            code = " = ".join(self.prose.words(3))
            return f"<p>{text}</p>\n\n<pre><code>{code} &lt; 3\n</code></pre>"
        if kind < 0.4:
            return f'<p><a href="https://example.org/{first}" rel="nofollow noreferrer">{first}</a> {rest}</p>'
        return f"<p><em>{first}</em> {rest}</p>" if kind < 0.5 else f"<p>{text}</p>"

    def edited(self, html: str) -> str:
        """The same answer with a sentence more."""
        return html.rstrip().removesuffix("</p>") + f"</p>\n\n<p>{self.prose.sentence()}</p>\n"

    def talk(self, question: Row, answer: Row) -> None:
        """Two to three exchanges of asker and answerer in the comments of an answer, and one by somebody else."""
        people = [question["OwnerUserId"], answer["OwnerUserId"]] * self.draw.randint(2, 3)
        said = [(person, self.prose.paragraph(2)) for person in people]
        said.insert(2, (USERS + 1, self.prose.sentence()))
        for person, text in said:
            self.now += timedelta(minutes=7)
            self.comments.append(
                {
                    "Id": len(self.comments) + 1,
                    "PostId": answer["Id"],
                    "Score": self.draw.randint(0, 5),
                    "Text": text,
                    "CreationDate": self.now.isoformat(timespec="milliseconds"),
                    "UserId": person,
                    "ContentLicense": "CC BY-SA 4.0",
                }
            )
        self.exchange.planted["dialogues"] += 1

    def post(self, kind: int, **fields: object) -> Row:
        self.number += 1
        self.now += timedelta(minutes=self.draw.randint(3, 700))
        moment = self.now.isoformat(timespec="milliseconds")
        # an asker is odd, an answerer even: nobody answers themselves
        owner = 2 * self.draw.randrange(1, USERS // 2) + (kind == 1)
        row: Row = {
            "Id": self.number,
            "PostTypeId": kind,
            "CreationDate": moment,
            "OwnerUserId": owner,
            "LastActivityDate": moment,
            "CommentCount": 0,
            "ContentLicense": "CC BY-SA 4.0" if moment >= "2018-05-02" else "CC BY-SA 3.0",
        } | fields
        self.posts.append(row)
        return row

    def users(self) -> Iterator[Row]:
        yield {"Id": -1, "Reputation": 1, "DisplayName": "Community"}
        for number in range(1, USERS + 2):
            yield {"Id": number, "Reputation": 101, "DisplayName": self.prose.name(), "AccountId": 9000 + number}


def _table(name: str, rows: list[Row]) -> bytes:
    lines = ['\ufeff<?xml version="1.0" encoding="utf-8"?>', f"<{name}>"]
    for row in rows:
        said = " ".join(f'{key}="{escape(str(value), {chr(34): "&quot;", chr(10): "&#xA;"})}"' for key, value in row.items())
        lines.append(f"  <row {said} />")
    return "\r\n".join([*lines, f"</{name}>", ""]).encode()


def _write_archive(path: Path, files: dict[str, bytes], method: str) -> None:
    import py7zr

    chains = {
        "lzma2": [{"id": py7zr.FILTER_LZMA2, "preset": 1}],
        "bzip2": [{"id": py7zr.FILTER_BZIP2}],
        "ppmd": [{"id": py7zr.FILTER_PPMD, "order": 6, "mem": 24}],
    }
    with tempfile.TemporaryDirectory() as folder, py7zr.SevenZipFile(path, "w", filters=chains[method]) as archive:
        for name, data in files.items():
            member = Path(folder) / name
            member.write_bytes(data)
            member.chmod(0o644)
            os.utime(member, (ARCHIVE_DATE, ARCHIVE_DATE))
            archive.write(member, name)

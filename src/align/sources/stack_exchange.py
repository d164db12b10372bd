"""Stack Exchange dumps: one example a question that has an answer (LIMA §2.1)."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from align.errors import InputError
from align.files import rows_as_records
from align.parts import RawFile, nearest
from align.records import Example, Rejection, Turn
from align.sources.archives import check_archive, read_unpacked, unpack_tables
from align.sources.authors import author_of_comment
from align.sources.comments import CommentIndex, chain_of, index_comments
from align.sources.dumps import HOW_TO_GET, Dump, find_dumps, missing_dumps
from align.sources.ingest import Shard, Source
from align.sources.opened_dump import OpenedDump, map_dump
from align.sources.pair_columns import columns_of_pairs, rows_of_pairs
from align.sources.posts import Pair, PostIndex, index_posts, read_pairs
from align.sources.sites import is_meta
from align.sources.users import NO_NAMES, Names, read_names

if TYPE_CHECKING:
    import pyarrow as pa

LARGE_BYTES = 64_000_000
"""Dumps of so much text are read in pieces."""
PIECE_BYTES = 20_000_000
"""Rows to read in one piece: half a second of work, so that no core is without any for long at the end."""


class StackExchange(Source):
    """A question of each exchange with its top answer, as Markdown, with both authors and the licence of either part.

    The top answer has the highest score; of equal ones the accepted one comes first, then the lower Id.
    """

    kind: Literal["stack_exchange"] = "stack_exchange"
    dumps: tuple[RawFile, ...] = Field(min_length=1)
    """Archives (`cooking.stackexchange.com.7z`), folders with a Posts.xml, folders of both, or a Posts.xml."""
    form: Literal["top_answer", "all_answers", "dialogues"] = "top_answer"
    """`top_answer`: one example a question. `all_answers`: one an answer, for `vote_pairs`. `dialogues`: one a question whose
    asker, or someone else, talks with the author of the top answer in its comments (Comments.xml), with that talk as further
    turns: raw material that people edit (LIMA §2 took 20 of its 30 dialogues from such chains)."""
    prompt: Literal["title", "body", "random"] = "random"
    """What becomes the prompt; `random` draws one of the two for each question (LIMA §2.1)."""
    seed: int = 0
    """Seed of the draw; a question's draw depends on nothing but this and its id."""
    site: str | None = None
    """The exchange (`cooking`, or its host) where the name of the dump's archive or folder does not say it."""
    sites: tuple[str, ...] | None = None
    """Read only these exchanges of the dumps (`cooking`, `stackoverflow`); by default all."""
    leave_out_meta: bool = False
    """Leave out exchanges about exchanges (`cooking.meta`): they are discussion and support mostly."""
    min_score: int | None = None
    """Leave out questions whose top answer scores less: saves disk, but they will have no line in the rejections."""
    accept_truncated: bool = False
    """Take what there is of a table that is cut off at its end; by default that is an error."""

    how_to_get: ClassVar[str] = HOW_TO_GET
    version: ClassVar[int] = 4  # 2: the signal `self_contained_title`; 3: the title in `origin`; 4: broken rows
    terms: ClassVar[str] = (
        "Stack Exchange: posts stand under CC BY-SA (2.5, 3.0 or 4.0 by their date), and who passes them on is asked to say that "
        "they come from the network, to link the question, to name the authors of question and answer and to link their profiles."
        " Since July 2024 whoever downloads a dump there agrees to have it for own use and for projects that train no large "
        "language model, and that passing it on for such training may end the access to later dumps; older dumps came without "
        "that. Whether it binds you depends on how you came by the dump: decide that before you train or publish."
    )
    adapted: ClassVar[str] = (
        "HTML turned into Markdown; images and the addresses of links left out; of the question either title or body kept"
    )

    def raw_files(self) -> dict[str, Path]:
        """Archives, or Posts and Users, by exchange and role: where they lie decides nothing, what is beside them neither."""
        missing = missing_dumps(self.dumps)
        if missing:
            return {f"dumps.{number}": path for number, path in enumerate(missing)}
        return {f"dumps.{dump.group}.{dump.order}.{role}": path for dump in self._found() for role, path in dump.files().items()}

    def shards(self) -> list[Shard]:
        dumps = self._found()
        for dump in dumps:
            for path in dump.files().values():
                if path.suffix.lower() == ".7z":
                    check_archive(path)
        return list(dumps)

    def is_cut(self, shard: Shard) -> bool:
        return self.work_bytes(shard) >= LARGE_BYTES

    def cut(self, shard: Shard, skipped: Counter[str]) -> list[range]:
        assert isinstance(shard, Dump)
        assert shard.scratch is not None
        shard.scratch.mkdir(parents=True, exist_ok=True)
        opened = self._opened(shard, shard.scratch, skipped)
        opened.write(shard.scratch)
        return opened.pieces(PIECE_BYTES)

    def read(self, shard: Shard, skipped: Counter[str]) -> "Iterator[Example | Rejection | pa.RecordBatch]":
        assert isinstance(shard, Dump)
        if shard.piece is not None and shard.kept is not None:
            opened = map_dump(shard.kept)
            yield from self._examples(opened, opened.piece(shard.piece), shard, skipped)
            return
        with TemporaryDirectory() if shard.scratch is None else nullcontext(shard.scratch) as scratch:
            opened = self._opened(shard, Path(scratch), skipped)
            yield from self._examples(opened, opened.posts, shard, skipped)

    def _examples(
        self, opened: OpenedDump, posts: PostIndex, dump: Dump, skipped: Counter[str]
    ) -> "Iterator[Example | pa.RecordBatch]":
        for pairs in read_pairs(posts, skipped):
            rows, pairs = self._rows(pairs, dump, opened.names, skipped)
            if opened.comments is None:
                yield rows
                continue
            for example, pair in zip(rows_as_records(rows, Example), pairs, strict=True):
                dialogue = _dialogue(example, pair, opened.comments, dump.host, opened.names, skipped)
                if isinstance(dialogue, str):
                    skipped[dialogue] += 1
                else:
                    yield dialogue

    def _opened(self, dump: Dump, scratch: Path, skipped: Counter[str]) -> OpenedDump:
        """The first pass over the tables of a dump, some of which may be unpacked meanwhile."""
        beside = {"users.xml": dump.users, "comments.xml": dump.comments}
        wanted = {name: path for name, path in beside.items() if path is not None}
        if not dump.is_archive:
            opened, passed = self._first_pass(dump, {"posts.xml": dump.path, **wanted})
        else:
            inside = ("posts.xml", *(name for name, path in wanted.items() if path == dump.path))
            others = {name: path for name, path in wanted.items() if path != dump.path}
            tables = {name: unpack_tables(path, (name,), scratch / name).get(name) for name, path in others.items()}
            there = {name: path for name, path in tables.items() if path is not None}
            opened, passed = read_unpacked(
                dump.path, inside, scratch / "dump", lambda found: self._first_pass(dump, found | there)
            )
        skipped.update(passed)
        return opened

    def _first_pass(self, dump: Dump, tables: dict[str, Path]) -> tuple[OpenedDump, Counter[str]]:
        if "posts.xml" not in tables:
            raise InputError(
                f"{dump.path}: holds no Posts.xml, so it is not the dump of an exchange; name the archive that does."
            )
        skipped: Counter[str] = Counter()
        posts = index_posts(tables["posts.xml"], skipped, self.min_score, self.accept_truncated, self.form == "all_answers")
        names = read_names(tables["users.xml"], self.accept_truncated) if "users.xml" in tables else NO_NAMES
        comments = None
        if self.form == "dialogues":
            if "comments.xml" not in tables:
                raise InputError(
                    f"{dump.path}: form: dialogues needs the Comments.xml of {dump.host}; put it beside, or leave form out."
                )
            comments = index_comments(tables["comments.xml"], posts.answer_ids, skipped, self.accept_truncated)
        return OpenedDump(posts, names, comments), skipped

    def _found(self) -> list[Dump]:
        dumps = find_dumps(self.dumps, self.site, self.form == "dialogues")
        known = {dump.group for dump in dumps}
        for site in self.sites or ():
            if site not in known:
                raise InputError(
                    f"stack_exchange: sites: no dump of {site!r}; {nearest(site, known)}. Add its dump, or take it off the list."
                )
        chosen = [dump for dump in dumps if self.sites is None or dump.group in self.sites]
        return [dump for dump in chosen if not (self.leave_out_meta and is_meta(dump.group))]

    def _rows(self, pairs: list[Pair], dump: Dump, names: Names, skipped: Counter[str]) -> "tuple[pa.RecordBatch, list[Pair]]":
        """The rows of the table of examples that pairs make, and the pairs that make one."""
        group = f"stack_exchange/{dump.group}/"
        pairs, asked, answered = columns_of_pairs(pairs, lambda number: self._takes_title(group + number), skipped)
        ids = [group + number for number in asked["Id"]]
        if self.form == "all_answers":
            ids = list(map("{}-{}".format, ids, answered["Id"]))
        return rows_of_pairs(pairs, asked, answered, ids, dump, names), pairs

    def _takes_title(self, example_id: str) -> bool:
        if self.prompt == "random":
            return hashlib.sha256(f"{self.seed} {example_id}".encode()).digest()[0] % 2 == 0
        return self.prompt == "title"


def _dialogue(
    example: Example, pair: Pair, comments: CommentIndex, host: str, names: Names, skipped: Counter[str]
) -> Example | str:
    """The example with the talk below its answer, or why there is none."""
    rows = list(comments.read(int(pair.answer.text("Id"))))
    chain = chain_of(rows, pair.question, pair.answer)
    skipped["comment outside a dialogue"] += len(rows) - sum(len(said.rows) for said in chain)
    if not chain:
        return "answer without a dialogue below"
    turns = tuple(Turn("assistant" if said.is_answerer else "user", said.text) for said in chain)
    authors = dict.fromkeys(author_of_comment(row, host, names) for said in chain for row in said.rows)
    origin = replace(example.origin, authors=(*example.origin.authors, *authors))
    signals = example.signals | {"turns": float(2 + len(turns))}
    return replace(example, turns=(*example.turns, *turns), origin=origin, signals=signals)

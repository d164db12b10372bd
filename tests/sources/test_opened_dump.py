"""A dump in pieces gives what it gives in one; pieces are cut in this process and read here."""

from collections import Counter
from pathlib import Path

import py7zr
import pytest

from align.artifact import SCRATCH, Counts, content_hash
from align.engine import Engine, use_engine
from align.files import read_records
from align.records import Example
from align.sources import stack_exchange
from align.sources.dumps import Dump
from align.sources.ingest import Ingest
from align.sources.opened_dump import OpenedDump, map_dump
from align.sources.posts import index_posts
from align.sources.stack_exchange import StackExchange
from align.sources.users import NO_NAMES
from align.stage import Inputs
from toy_posts import answer, question, row, write_posts


def write_dump(folder: Path) -> Path:
    """Nine questions with answers by named users, the first asked about in a comment; one without an answer, one without text."""
    users = [row(Id=8, DisplayName="Grace"), row(Id=7, DisplayName="Åsa"), row(Id=9, DisplayName="")]
    talk = [
        row(Id=1, PostId=11, Text="Is it safe?", CreationDate="2019-05-03T10:00:00.000", UserId=7),
        row(Id=2, PostId=11, Text="It is.", CreationDate="2019-05-03T11:00:00.000", UserId=8),
    ]
    write_posts(folder, *users, name="Users.xml", head="<users>\n", tail="</users>")
    write_posts(folder, *talk, name="Comments.xml", head="<comments>\n", tail="</comments>")
    answered = [answer(10 * number + 1, 10 * number, 5) for number in range(1, 10)]
    others = [answer(12, 10, 3), question(200), question(300), answer(301, 300, 1, Body="<p> </p>")]
    return write_posts(folder, *answered, *(question(10 * number) for number in range(1, 10)), *others)


def ingest(work: Path, *dumps: Path, workers: int = 1, **fields: object) -> Counts:
    work.mkdir()
    with use_engine(Engine("native", workers)):
        return Ingest(source=StackExchange.model_validate({"dumps": dumps, "seed": 1, **fields})).run(Inputs(), work)


@pytest.mark.parametrize("form", ["top_answer", "all_answers", "dialogues"])
@pytest.mark.parametrize("is_packed", [False, True])
def test_pieces_give_what_the_whole_gives(form: str, is_packed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dump = write_dump(tmp_path / "in" / "beer.stackexchange.com")
    if is_packed:
        path = tmp_path / "beer.stackexchange.com.7z"
        with py7zr.SevenZipFile(path, "w") as archive:
            archive.writeall(dump.parent, "")
        dump = path
    counts = ingest(tmp_path / "whole", dump, form=form)
    monkeypatch.setattr(stack_exchange, "LARGE_BYTES", 0)
    monkeypatch.setattr(stack_exchange, "PIECE_BYTES", 1500)  # question and answer have some 500 bytes
    assert ingest(tmp_path / "pieces", dump, form=form) == counts
    assert content_hash(tmp_path / "pieces") == content_hash(tmp_path / "whole")
    assert len(list((tmp_path / "pieces" / "examples").iterdir())) > 2
    assert {author.name for example in read_records(tmp_path / "pieces", Example) for author in example.origin.authors} == {
        "Grace",
        "Åsa",
    }
    assert not list((tmp_path / "pieces" / SCRATCH / "kept").iterdir()), "the unpacked tables are gone"


def test_of_two_dumps_in_pieces_the_newest_rows_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older = write_dump(tmp_path / "2014" / "beer.stackexchange.com")
    newer = write_posts(
        tmp_path / "2020" / "beer.stackexchange.com",
        question(10, LastActivityDate="2020-01-01T00:00:00.000"),
        answer(11, 10, 9, Body="<p>newer</p>"),
        question(500),
        answer(501, 500, 2),
    )
    counts = ingest(tmp_path / "whole", older, newer)
    assert counts.dropped == {"ingest: superseded": 1}
    monkeypatch.setattr(stack_exchange, "LARGE_BYTES", 0)
    monkeypatch.setattr(stack_exchange, "PIECE_BYTES", 1500)
    assert ingest(tmp_path / "pieces", older, newer) == counts
    assert content_hash(tmp_path / "pieces") == content_hash(tmp_path / "whole")


def test_a_dump_without_a_pair_has_one_piece_without_one(tmp_path: Path) -> None:
    posts = write_posts(tmp_path, question(1))
    opened = OpenedDump(index_posts(posts, Counter()), NO_NAMES, None)
    assert opened.pieces(1000) == [range(0)]
    (tmp_path / "kept").mkdir()
    opened.write(tmp_path / "kept")
    assert len(map_dump(tmp_path / "kept").posts) == 0


def test_pieces_have_equal_shares_and_no_pair_twice_or_never(tmp_path: Path) -> None:
    rows = [row for number in range(1, 101) for row in (question(number), answer(number + 200, number, 1))]
    opened = OpenedDump(index_posts(write_posts(tmp_path, *rows), Counter()), NO_NAMES, None)
    total = int(opened.posts.question_lengths.sum() + opened.posts.answer_lengths.sum())
    for count in (1, 3, 7):
        pieces = opened.pieces(total // count)
        assert [pair for piece in pieces for pair in piece] == list(range(100))
        assert len(pieces) == count
        assert max(map(len, pieces)) - min(map(len, pieces)) <= 3  # rows differ by two digits
    assert len(opened.pieces(1)) == 100, "a pair is never divided"


def test_what_is_cut_is_a_matter_of_size_alone(tmp_path: Path) -> None:
    path = tmp_path / "Posts.xml"
    path.touch()
    for size, is_cut in ((stack_exchange.LARGE_BYTES - 1, False), (stack_exchange.LARGE_BYTES, True)):
        with path.open("r+b") as file:
            file.truncate(size)
        assert StackExchange(dumps=(path,)).is_cut(Dump("beer-0", path)) == is_cut


@pytest.mark.long
def test_several_processes_map_what_one_of_them_opened(tmp_path: Path) -> None:
    folder = tmp_path / "beer.stackexchange.com"
    body = "<p>" + "A long walk over wet hills, with a dog. " * 250 + "</p>"  # 10 kB
    pairs = range(1, 4001)
    rows = [row for number in pairs for row in (question(2 * number), answer(2 * number + 1, 2 * number, 3, Body=body))]
    posts = write_posts(folder, *rows)
    assert posts.stat().st_size < stack_exchange.LARGE_BYTES
    write_posts(folder, row(Id=8, DisplayName="Grace"), name="Users.xml", head="<users>\n", tail="</users>")
    whole = ingest(tmp_path / "whole", folder, workers=2)
    with posts.open("a", encoding="utf-8") as file:  # an answer that is nobody's makes it large
        file.seek(posts.stat().st_size - len("</posts>\n"))
        file.truncate()
        file.write(answer(10**6, 10**6 - 1, 1, Body=body * 2500) + "</posts>\n")
    assert posts.stat().st_size > stack_exchange.LARGE_BYTES
    for workers in (1, 2):
        work = tmp_path / f"{workers}"
        assert ingest(work, folder, workers=workers).kept == whole.kept == 4000
        assert len(list((work / "examples").iterdir())) == 2
        assert content_hash(work) == content_hash(tmp_path / "whole")

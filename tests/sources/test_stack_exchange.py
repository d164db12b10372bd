import shutil
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import py7zr
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from align.errors import EmptyResult, InputError
from align.files import read_records, rows_as_records
from align.records import Author, Example, Rejection
from align.sources.authors import license_on
from align.sources.ingest import Ingest
from align.sources.sites import site_of
from align.sources.stack_exchange import StackExchange
from align.stage import Inputs
from toy_posts import answer, question, row, write_posts


def read(*dumps: Path, **fields: object) -> tuple[dict[str, Example], Counter[str]]:
    """Examples by id, and what was skipped."""
    source = StackExchange.model_validate({"dumps": dumps, "prompt": "title", **fields})
    skipped: Counter[str] = Counter()
    examples = []
    for shard in source.shards():
        for rows in source.read(shard, skipped):
            assert not isinstance(rows, Rejection)
            examples += [rows] if isinstance(rows, Example) else rows_as_records(rows, Example)
    return {example.id: example for example in examples}, skipped


def one(*rows: str, folder: Path, **fields: object) -> Example:
    (example,) = read(write_posts(folder / "beer.stackexchange.com", *rows), **fields)[0].values()
    return example


def test_an_example_carries_where_it_comes_from(tmp_path: Path) -> None:
    example = one(
        question(5, AcceptedAnswerId=6, Score=40, ClosedDate="2020-01-01T00:00:00.000"),
        answer(6, 5, 12, Body="<p>It is <em>yeast</em>.</p>"),
        answer(7, 5, 11),
        folder=tmp_path,
    )
    assert example.id == "stack_exchange/beer/5"
    assert (example.prompt, example.response) == ("title 5?", "It is *yeast*.")
    assert example.tags == ("yeast", "hops")
    assert example.origin.native_id == "5/6"
    assert example.origin.url == "https://beer.stackexchange.com/questions/5"
    assert example.origin.dump == "beer.stackexchange.com/Posts.xml"
    assert (example.origin.date, example.origin.modified) == ("2019-05-01T10:00:00.000", "2019-06-01T10:00:00.000")
    assert example.origin.authors == (
        Author("user7", "https://beer.stackexchange.com/users/7", "question", "CC BY-SA 4.0"),
        Author("user8", "https://beer.stackexchange.com/users/8", "answer", "CC BY-SA 4.0"),
    )
    # <p>It is <em>yeast</em>.</p> has 28 characters, It is *yeast*. 14
    assert example.signals == {
        "question_score": 40,
        "answer_score": 12,
        "raw_chars": 28,
        "cleaned_chars": 14,
        "view_count": 100,
        "answers": 2,
        "is_accepted": 1,
        "is_closed": 1,
        "self_contained_title": 0,
    }


def test_tags_are_read_in_both_forms(tmp_path: Path) -> None:
    assert one(question(1, Tags="|c++|a-b|"), answer(2, 1, 1), folder=tmp_path).tags == ("c++", "a-b")
    assert one(question(1, Tags=None), answer(2, 1, 1), folder=tmp_path).tags == ()


def test_authors_are_named_by_users_xml_then_by_the_post(tmp_path: Path) -> None:
    folder = tmp_path / "beer.stackexchange.com"
    users = [row(Id=7, DisplayName="Ada & Bob "), row(Id=9, DisplayName="no author"), '  <row Id="8" Displ\n']
    write_posts(folder, *users, name="users.xml", head="<users>\n", tail="</users>")
    posts = [
        question(1),
        answer(2, 1, 1, OwnerDisplayName="ignored"),
        question(3, OwnerUserId=None, OwnerDisplayName="user77"),
        answer(4, 3, 1, OwnerUserId=None),
        question(5, OwnerUserId=-1),
        answer(6, 5, 1, OwnerUserId=8),
    ]
    examples, _ = read(write_posts(folder, *posts))
    names = [[author.name for author in example.origin.authors] for example in examples.values()]
    assert names == [["Ada & Bob", "ignored"], ["user77", "deleted user"], ["Community", "user8"]]
    assert [author.url for author in examples["stack_exchange/beer/3"].origin.authors] == ["", ""]


def test_the_licence_is_that_of_the_row_or_of_its_last_change(tmp_path: Path) -> None:
    edited = {"CreationDate": "2010-01-01T00:00:00.000", "LastEditDate": "2012-01-01T00:00:00.000"}
    example = one(question(1, ContentLicense="CC BY-SA 2.5"), answer(2, 1, 1, **edited), folder=tmp_path)
    assert [author.license for author in example.origin.authors] == ["CC BY-SA 2.5", "CC BY-SA 3.0"]


def test_licences_change_at_midnight() -> None:
    days = ("2011-04-07T23:59:59.999", "2011-04-08T00:00:00.000", "2018-05-01T23:59:59.999", "2018-05-02T00:00:00.000")
    assert [license_on(day.encode())[-3:] for day in days] == ["2.5", "3.0", "3.0", "4.0"]


def test_the_draw_of_a_prompt_depends_on_the_id_and_the_seed_alone(tmp_path: Path) -> None:
    rows = [item for number in range(1, 400, 2) for item in (question(number), answer(number + 1, number, 1))]
    folder = tmp_path / "beer.stackexchange.com"
    all_of_them, _ = read(write_posts(folder, *rows), prompt="random", seed=1)
    some, _ = read(write_posts(folder, *rows[100:200]), prompt="random", seed=1)
    assert all(all_of_them[name].turns == example.turns for name, example in some.items())
    titles = sum(example.prompt.startswith("title") for example in all_of_them.values())
    assert 75 < titles < 125  # 200 fair draws: 100 give or take 3.5 standard deviations of 7
    other, _ = read(write_posts(folder, *rows), prompt="random", seed=2)
    assert other.keys() == all_of_them.keys()
    assert {name: example.prompt for name, example in other.items()} != {
        name: example.prompt for name, example in all_of_them.items()
    }


def test_a_body_becomes_a_prompt_as_markdown(tmp_path: Path) -> None:
    example = one(question(1, Body="<p>Why <strong>foam</strong>?</p>"), answer(2, 1, 1), folder=tmp_path, prompt="body")
    assert example.prompt == "Why **foam**?"


def test_posts_without_text_form_no_example(tmp_path: Path) -> None:
    rows = [
        question(1),
        answer(2, 1, 1, Body="<p><img src='x'></p>"),
        question(3, Title=None),
        answer(4, 3, 1),
        question(5),
        answer(6, 5, 1),
    ]
    examples, skipped = read(write_posts(tmp_path / "beer.stackexchange.com", *rows))
    assert (list(examples), skipped) == (
        ["stack_exchange/beer/5"],
        Counter({"answer without text": 1, "question without text": 1}),
    )


def test_a_row_cut_in_the_middle_is_counted_and_ends_nothing(tmp_path: Path) -> None:
    path = write_posts(
        tmp_path / "beer.stackexchange.com", question(1), '  <row Id="9" PostTypeId="2" Body="&lt;p\n', answer(2, 1, 1)
    )
    examples, skipped = read(path)
    assert (len(examples), skipped) == (1, Counter({"broken row": 1}))


def test_a_table_cut_off_is_an_error_unless_accepted(tmp_path: Path) -> None:
    path = write_posts(tmp_path / "beer.stackexchange.com", question(1), answer(2, 1, 1), '  <row Id="9" Body="&lt;p', tail="")
    with pytest.raises(InputError, match="Posts.xml: cut off at byte .* Id 2, begins at byte .* accept_truncated: true"):
        read(path)
    examples, skipped = read(path, accept_truncated=True)
    assert (len(examples), skipped) == (1, Counter({"broken row": 1}))


def test_archives_and_folders_give_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "beer.stackexchange.com"
    write_posts(folder, row(Id=7, DisplayName="Ada"), name="Users.xml", head="<users>\n", tail="</users>")
    posts = write_posts(folder, question(1), answer(2, 1, 1))
    with py7zr.SevenZipFile(tmp_path / "beer.stackexchange.com.7z", "w") as archive:
        archive.writeall(folder, arcname="")
        archive.writestr("<badges>", "Badges.xml")
    (unpacked,) = read(posts)[0].values()
    (packed,) = read(tmp_path / "beer.stackexchange.com.7z")[0].values()
    assert packed.origin.dump == "beer.stackexchange.com.7z"
    assert packed.turns == unpacked.turns
    assert packed.origin.authors == unpacked.origin.authors
    assert packed.origin.authors[0].name == "Ada"


def test_posts_and_users_may_come_in_an_archive_each(tmp_path: Path) -> None:
    posts = write_posts(tmp_path, question(1), answer(2, 1, 1))
    users = write_posts(tmp_path, row(Id=7, DisplayName="Ada"), name="Users.xml", head="<users>\n", tail="</users>")
    for path in (posts, users):
        with py7zr.SevenZipFile(tmp_path / f"stackoverflow.com-{path.stem}.7z", "w") as archive:
            archive.write(path, path.name)
    posts.unlink()
    example = read(tmp_path)[0]["stack_exchange/stackoverflow/1"]
    assert example.origin.authors[0].name == "Ada"
    assert example.origin.url == "https://stackoverflow.com/questions/1"


def test_an_archive_without_posts_is_no_dump(tmp_path: Path) -> None:
    with py7zr.SevenZipFile(tmp_path / "beer.stackexchange.com.7z", "w") as archive:
        archive.writestr("<badges>", "Badges.xml")
    with pytest.raises(InputError, match="holds no Posts.xml"):
        read(tmp_path)


def test_a_truncated_archive_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    write_posts(tmp_path / "ale.stackexchange.com", question(1), answer(2, 1, 1))
    with py7zr.SevenZipFile(tmp_path / "beer.stackexchange.com.7z", "w") as archive:
        archive.writestr("<posts>" * 1000, "Posts.xml")
    data = (tmp_path / "beer.stackexchange.com.7z").read_bytes()
    (tmp_path / "beer.stackexchange.com.7z").write_bytes(data[:-10])
    with pytest.raises(InputError, match="beer.stackexchange.com.7z: cut off at byte"):
        StackExchange(dumps=(tmp_path,)).shards()


def test_exchanges_can_be_chosen(tmp_path: Path) -> None:
    for name in ("beer", "beer.meta", "wine"):
        write_posts(tmp_path / f"{name}.stackexchange.com", question(1), answer(2, 1, 1))
    assert list(read(tmp_path, leave_out_meta=True)[0]) == ["stack_exchange/beer/1", "stack_exchange/wine/1"]
    assert list(read(tmp_path, sites=("wine", "beer.meta"))[0]) == ["stack_exchange/beer.meta/1", "stack_exchange/wine/1"]
    with pytest.raises(InputError, match="sites: no dump of 'wien'; did you mean 'wine'"):
        read(tmp_path, sites=("wien",))


def raw_labels(*dumps: Path, **fields: object) -> list[str]:
    return list(StackExchange.model_validate({"dumps": dumps, **fields}).raw_files())


def test_labels_of_raw_files_say_the_exchange_and_never_the_place(tmp_path: Path) -> None:
    for place in ("a", "b"):
        folder = write_posts(tmp_path / place / "beer.stackexchange.com", question(1)).parent
        (folder / "Users.xml").touch()
        (folder / "PostHistory.xml").touch()
    assert raw_labels(tmp_path / "a") == raw_labels(tmp_path / "b") == ["dumps.beer.0.posts", "dumps.beer.0.users"]
    assert raw_labels(tmp_path) == [f"dumps.beer.{order}.{role}" for order in (0, 1) for role in ("posts", "users")]
    shutil.move(tmp_path / "b" / "beer.stackexchange.com", tmp_path / "b" / "ale.stackexchange.com")
    assert raw_labels(tmp_path / "b") == ["dumps.ale.0.posts", "dumps.ale.0.users"]


def test_a_missing_dump_is_listed_as_a_raw_file(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    source = StackExchange(dumps=(tmp_path / "beer.stackexchange.com.7z", tmp_path / "empty"))
    assert source.raw_files() == {"dumps.0": tmp_path / "beer.stackexchange.com.7z", "dumps.1": tmp_path / "empty" / "Posts.xml"}
    with pytest.raises(InputError, match="no dump there"):
        source.shards()


def test_no_example_at_all_says_what_was_skipped(tmp_path: Path) -> None:
    write_posts(tmp_path / "beer.stackexchange.com", question(1), answer(2, 9, 1), question(3))
    stage = Ingest(source=StackExchange(dumps=(tmp_path,)))
    with pytest.raises(EmptyResult, match="0 examples from stack_exchange: unanswered question 2, answer without its question 1"):
        stage.run(Inputs(), tmp_path / "work")


EXCHANGES = {  # questions and answers as SOURCE.md of the real data counts them, and the rows with no question in the file
    "coffee.stackexchange.com": (225, 327),
    "ai.stackexchange.com": (604, 1004),
    "matheducators.stackexchange.com": (397, 1507),
    "beer.stackexchange.com": (244, 448),
    "genai.stackexchange.com": (181, 243),
    "economics.stackexchange.com": (411, 525),
    "gadgets.stackexchange.com": (198, 324),
    "htw.stackexchange.com": (139, 217),
    "stackoverflow.com": (173, 447),
    "history.meta.stackexchange.com": (556, 1095),
    "datascience.meta.stackexchange.com": (257, 341),
    "3dprinting.meta.stackexchange.com": (158, 261),
    "french.meta.stackexchange.com": (274, 487),
    "conlang.meta.stackexchange.com": (54, 115),
    "coffee.meta.stackexchange.com": (81, 147),
}


@pytest.mark.parametrize("host", EXCHANGES)
def test_every_question_and_answer_of_a_real_dump_is_accounted_for(host: str, real_data: Path) -> None:
    questions, answers = EXCHANGES[host]
    examples, skipped = read(real_data / "stackexchange" / host)
    without_text = skipped["question without text"] + skipped["answer without text"]
    assert len(examples) + without_text + skipped["unanswered question"] == questions
    assert len(examples) + without_text + skipped["answer below the top one"] + skipped["answer without its question"] == answers
    assert skipped["broken row"] == skipped["planted post"] == 0
    assert all(name.startswith(f"stack_exchange/{site_of(host)}/") and example.response for name, example in examples.items())


def test_the_top_answers_of_a_real_dump_equal_those_of_a_naive_reading(real_data: Path) -> None:
    folder = real_data / "stackexchange" / "stackoverflow.com"
    rows = [item.attrib for item in ElementTree.parse(folder / "Posts.xml").getroot()]
    naive = {}
    for asked in (item for item in rows if item["PostTypeId"] == "1"):
        answers = [item for item in rows if item.get("ParentId") == asked["Id"]]
        if answers:
            accepted = asked.get("AcceptedAnswerId")
            top = min(answers, key=lambda item: (-int(item["Score"]), item["Id"] != accepted, int(item["Id"])))
            naive[f"stack_exchange/stackoverflow/{asked['Id']}"] = f"{asked['Id']}/{top['Id']}"
    assert {name: example.origin.native_id for name, example in read(folder)[0].items()} == naive


def test_the_newer_of_two_real_dumps_supersedes_the_older(real_data: Path, tmp_path: Path) -> None:
    folder, archive = real_data / "stackexchange" / "beer.stackexchange.com", real_data / "stackexchange" / "archives"
    old, new = read(folder)[0], read(archive)[0]
    assert len(old) > 200
    assert len(new) > 900
    results = []
    for number, dumps in enumerate(((folder, archive), (archive, folder))):
        work = tmp_path / str(number)
        counts = Ingest(source=StackExchange(dumps=dumps, prompt="title")).run(Inputs(), work)
        results.append(counts)
        kept = {example.id: example for example in read_records(work, Example)}
        # every question of 2014 that is still there in 2020 is taken from the dump of 2020, edits, scores and all
        assert kept == {name: old[name] for name in old.keys() - new.keys()} | new
        rejected = [item.example_id for item in read_records(work, Rejection) if item.reason == "superseded"]
        assert sorted(rejected) == sorted(old.keys() & new.keys())
        assert counts.dropped == {"ingest: superseded": len(rejected)}
    assert results[0] == results[1]


def test_every_answer_is_an_example_where_pairs_are_wanted(tmp_path: Path) -> None:
    rows = [question(1, AcceptedAnswerId=4), answer(2, 1, 9), answer(3, 1, 3), answer(4, 1, 3), question(5), answer(6, 9, 1)]
    examples, skipped = read(write_posts(tmp_path / "beer.stackexchange.com", *rows), form="all_answers")
    # by score, of equal ones the accepted one first
    assert list(examples) == [f"stack_exchange/beer/1-{number}" for number in (2, 4, 3)]
    assert {example.origin.native_id for example in examples.values()} == {"1/2", "1/3", "1/4"}
    assert {example.signals["answers"] for example in examples.values()} == {3}
    assert skipped == {"unanswered question": 1, "answer without its question": 1}


def comment(number: int, post: int, text: str, user: int | None = 7, **fields: object) -> str:
    values = {"Id": number, "PostId": post, "Score": 0, "Text": text, "CreationDate": "2019-05-03T10:00:00.000", "UserId": user}
    return row(**{name: value for name, value in (values | fields).items() if value is not None})


def test_the_talk_below_an_answer_becomes_further_turns(tmp_path: Path) -> None:
    folder = tmp_path / "beer.stackexchange.com"
    rows = [
        comment(13, 2, "Warm, [I](https://example.org/x) think. @bob", user=8, ContentLicense="CC BY-SA 4.0"),
        comment(10, 2, "Glad to help.", user=8),  # before anyone asked
        comment(11, 2, "@eve How warm?"),
        comment(12, 2, "I disagree.", user=99),  # a third person
        comment(14, 2, "And how"),
        comment(15, 2, "long?"),
        comment(16, 2, "@bob: A week.", user=8),
        comment(17, 2, "Thanks!"),  # has no reply
        comment(18, 1, "Below the question."),
        comment(19, 4, "Me too.", user=None, UserDisplayName="gone"),
        '  <row Id="20" PostId="x" />\n',
    ]
    write_posts(folder, *rows, name="Comments.xml", head="<comments>\n", tail="</comments>")
    posts = write_posts(folder, question(1), answer(2, 1, 9), question(3), answer(4, 3, 9))
    examples, skipped = read(posts, form="dialogues")
    [example] = examples.values()
    assert [(turn.role, turn.text) for turn in example.turns] == [
        ("user", "title 1?"),
        ("assistant", "answer 2"),
        ("user", "How warm?"),
        ("assistant", "Warm, I think."),
        ("user", "And how\n\nlong?"),
        ("assistant", "A week."),
    ]
    assert example.id == "stack_exchange/beer/1"
    assert [(author.name, author.role) for author in example.origin.authors[2:]] == [("user7", "comment"), ("user8", "comment")]
    # left out of the talk: 10, 12, 17 and the lone 19
    assert skipped == {
        "comment outside a dialogue": 4,
        "comment on another post": 1,
        "broken comment": 1,
        "answer without a dialogue below": 1,
    }


def test_someone_else_may_talk_with_the_answerer_where_the_asker_is_silent(tmp_path: Path) -> None:
    folder = tmp_path / "beer.stackexchange.com"
    rows = [comment(1, 2, "Nice.", user=50), comment(2, 2, "Is it safe?", user=60), comment(3, 2, "It is.", user=8)]
    write_posts(folder, *rows, name="Comments.xml", head="<comments>\n", tail="</comments>")
    examples, _ = read(write_posts(folder, question(1), answer(2, 1, 9)), form="dialogues")
    assert [turn.text for turn in examples["stack_exchange/beer/1"].turns[2:]] == ["Is it safe?", "It is."]


def test_dialogues_without_comments_are_refused(tmp_path: Path) -> None:
    path = write_posts(tmp_path / "beer.stackexchange.com", question(1), answer(2, 1, 9))
    with pytest.raises(InputError, match=r"form: dialogues needs the Comments\.xml of beer\.stackexchange\.com"):
        read(path, form="dialogues")


def test_comments_in_the_archive_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write_posts(folder, question(1), answer(2, 1, 9))
    talk = [comment(1, 2, "Is it safe?"), comment(2, 2, "It is.", user=8)]
    write_posts(folder, *talk, name="Comments.xml", head="<comments>\n", tail="</comments>")
    with py7zr.SevenZipFile(tmp_path / "beer.stackexchange.com.7z", "w") as archive:
        archive.writeall(folder, "")
    examples, _ = read(tmp_path / "beer.stackexchange.com.7z", form="dialogues")
    assert len(examples["stack_exchange/beer/1"].turns) == 4


def test_real_comment_chains_become_dialogues(real_data: Path) -> None:
    examples, skipped = read(real_data / "stackexchange" / "beer.stackexchange.com", form="dialogues")
    assert len(examples) >= 20  # as many as LIMA edited
    for example in examples.values():
        assert [turn.role for turn in example.turns] == ["user", "assistant"] * (len(example.turns) // 2)
    # 244 questions, each answered one of them counted once (SOURCE.md)
    assert len(examples) + skipped["answer without a dialogue below"] + skipped["unanswered question"] == 244


PIECES = [
    question(1),
    answer(2, 1, 3),
    answer(3, 9, 3),
    question(1, Score=7),
    question(4, Id="x"),
    '<row Id="5" PostTypeId="2" />',
    "<row Id=",
    'Body="&#xD800;&bogus;"',
    "</posts>",
    "\x00",
    "<!-- ",
]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sampled_from(PIECES), max_size=8),
    st.integers(0, 400),
    st.sampled_from(["top_answer", "all_answers", "dialogues"]),
)
def test_whatever_the_table_there_is_no_error_but_ours_and_posts_are_counted(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[str], cut: int, form: str
) -> None:
    folder = tmp_path_factory.mktemp("any") / "beer.stackexchange.com"
    path = write_posts(folder, *pieces)
    write_posts(folder, *pieces[::-1], name="Comments.xml", head="<comments>", tail="</comments>")
    path.write_bytes(path.read_bytes()[: path.stat().st_size - cut] if cut % 3 == 0 else path.read_bytes())
    problem = ""
    try:
        examples, skipped = read(folder, form=form)
        if form == "top_answer":
            rows = path.read_bytes().count(b"<row")
            assert rows == 2 * len(examples) + skipped.total()  # a question and an answer each
    except InputError as error:
        problem = str(error)
    assert not problem or str(folder) in problem


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 400), st.binary(min_size=1, max_size=4))
def test_a_damaged_archive_is_an_error_of_ours(tmp_path_factory: pytest.TempPathFactory, place: int, junk: bytes) -> None:
    folder = tmp_path_factory.mktemp("any")
    write_posts(folder / "in", question(1), answer(2, 1, 9))
    path = folder / "beer.stackexchange.com.7z"
    with py7zr.SevenZipFile(path, "w") as archive:
        archive.writeall(folder / "in", "")
    data = bytearray(path.read_bytes())
    data[place : place + len(junk)] = junk
    path.write_bytes(bytes(data[: len(data) - place % 7]))
    problem = ""
    try:
        examples, _ = read(path)
        assert len(examples) <= 1
    except InputError as error:
        problem = str(error)
    assert not problem or str(path) in problem or "Posts.xml" in problem

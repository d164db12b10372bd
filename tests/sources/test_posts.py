from collections import Counter
from pathlib import Path

from align.sources.posts import index_posts, read_pairs
from toy_posts import answer, question, row, write_posts


def pairs(path: Path, min_score: int | None = None) -> tuple[list[str], Counter[str]]:
    """`QUESTION/ANSWER of N` for every pair, and what was skipped."""
    skipped: Counter[str] = Counter()
    index = index_posts(path, skipped, min_score)
    return [
        f"{pair.question.text('Id')}/{pair.answer.text('Id')} of {pair.answers}"
        for pairs in read_pairs(index, skipped)
        for pair in pairs
    ], skipped


def test_the_highest_score_wins_then_the_accepted_then_the_lower_id(tmp_path: Path) -> None:
    path = write_posts(
        tmp_path,
        question(1, AcceptedAnswerId=11),
        answer(11, 1, 3),
        answer(12, 1, 4),
        question(2, AcceptedAnswerId=22),
        answer(21, 2, 4),
        answer(22, 2, 4),
        question(3),
        answer(32, 3, -1),
        answer(31, 3, -1),
    )
    assert pairs(path) == (["1/12 of 2", "2/22 of 2", "3/31 of 2"], Counter({"answer below the top one": 3}))


def test_order_in_the_file_decides_nothing(tmp_path: Path) -> None:
    rows = [question(3), answer(4, 3, 1), question(1), answer(2, 1, 9), answer(9, 3, 0), row(Id=8, PostTypeId=4)]
    forward, backward = write_posts(tmp_path / "a", *rows), write_posts(tmp_path / "b", *reversed(rows))
    assert pairs(forward) == pairs(backward)
    assert pairs(forward)[0] == ["1/2 of 1", "3/4 of 2"]


def test_everything_that_forms_no_pair_is_counted_by_reason(tmp_path: Path) -> None:
    path = write_posts(
        tmp_path,
        question(1),
        answer(2, 1, 0),
        question(3),
        answer(4, 999, 5),
        row(Id=5, PostTypeId=5, Body=""),
        row(Id=6, PostTypeId=7, Body=""),
        question(1, Title="again"),
        row(Id="x", PostTypeId=1),
        row(Id=7, PostTypeId=2),
        row(Id=10**30, PostTypeId=1),
        row(PostTypeId=1),
        '  <row Id="8" PostTypeId="1" Body="&lt;p\n',
    )
    assert pairs(path) == (
        ["1/2 of 1"],
        Counter(
            {
                "broken row": 5,  # no number, no parent, too large, no Id, cut
                "unanswered question": 1,
                "answer without its question": 1,
                "tag wiki": 1,
                "other kind of post": 1,
                "repeated Id": 1,
            }
        ),
    )


def test_planted_posts_are_dropped_and_old_community_posts_are_not(tmp_path: Path) -> None:
    # The dump of June 2025 holds such a question and answer of nobody on every site.
    path = write_posts(
        tmp_path,
        question(1),
        answer(9, 1, 5, OwnerUserId=-1),
        question(1000000001, OwnerUserId=-1),
        answer(1000000010, 1000000001, 1, OwnerUserId=-1),
    )
    assert pairs(path) == (["1/9 of 1"], Counter({"planted post": 2}))


def test_an_id_far_above_the_rest_is_no_plant_if_a_person_wrote_it(tmp_path: Path) -> None:
    path = write_posts(tmp_path, question(1), answer(2, 1, 5), question(1000, OwnerUserId=None), answer(1001, 1000, 2))
    assert pairs(path) == (["1/2 of 1", "1000/1001 of 1"], Counter())


def test_min_score_judges_the_top_answer(tmp_path: Path) -> None:
    path = write_posts(tmp_path, question(1), answer(2, 1, 9), question(3), answer(4, 3, 10), answer(5, 3, 1))
    assert pairs(path, min_score=10) == (["3/4 of 2"], Counter({"top answer below min_score": 1, "answer below the top one": 1}))


def test_a_table_without_pairs_gives_none(tmp_path: Path) -> None:
    assert pairs(write_posts(tmp_path)) == ([], Counter())


def test_a_row_that_only_begins_and_ends_well_is_counted_as_broken(tmp_path: Path) -> None:
    # the first pass looks at the head alone
    torn = answer(2, 1, 1).replace(" OwnerUserId", "OwnerUserId")
    assert pairs(write_posts(tmp_path, question(1), torn)) == ([], Counter({"broken row": 1}))


def test_attributes_in_another_order_give_the_same(tmp_path: Path) -> None:
    usual = write_posts(tmp_path / "a", question(1, AcceptedAnswerId=3), answer(2, 1, 4), answer(3, 1, 4))
    parts = [
        row(Score=5, Id=1, AcceptedAnswerId=3, PostTypeId=1, Body="b"),
        row(PostTypeId=2, Score=4, ParentId=1, Id=2, Body="b"),
        row(PostTypeId=2, Score=4, Body="b", ParentId=1, Id=3),
    ]
    assert pairs(write_posts(tmp_path / "b", *parts)) == pairs(usual) == (["1/3 of 2"], Counter({"answer below the top one": 1}))


def test_nobodys_posts_alone_are_none_planted(tmp_path: Path) -> None:
    path = write_posts(tmp_path, question(1, OwnerUserId=-1), answer(500, 1, 1, OwnerUserId=-1))
    assert pairs(path) == (["1/500 of 1"], Counter())

from pathlib import Path

import pytest

from align.errors import InputError
from align.sources.dumps import find_dumps
from toy_posts import question, write_posts


def found(*paths: Path, site: str | None = None) -> list[tuple[str, str, str]]:
    return [(dump.name, dump.host, dump.title) for dump in find_dumps(paths, site)]


def test_a_folder_of_folders_and_archives_is_walked_in_order_of_the_sites(tmp_path: Path) -> None:
    write_posts(tmp_path / "old" / "wine.stackexchange.com", question(1), name="posts.xml")
    write_posts(tmp_path / "beer.stackexchange.com", question(1))
    (tmp_path / "beer.stackexchange.com.7z").touch()
    (tmp_path / "README.md").touch()
    (tmp_path / ".trash" / "tea.stackexchange.com").mkdir(parents=True)
    assert found(tmp_path) == [
        ("beer-0", "beer.stackexchange.com", "beer.stackexchange.com/Posts.xml"),
        ("beer-1", "beer.stackexchange.com", "beer.stackexchange.com.7z"),
        ("wine-0", "wine.stackexchange.com", "wine.stackexchange.com/Posts.xml"),
    ]


def test_a_dump_named_in_its_folder_and_by_itself_is_read_once(tmp_path: Path) -> None:
    path = write_posts(tmp_path / "beer.stackexchange.com", question(1))
    once = [("beer-0", "beer.stackexchange.com", "beer.stackexchange.com/Posts.xml")]
    assert found(tmp_path, path.parent, path) == once


def test_a_bare_table_is_of_the_exchange_its_folder_names(tmp_path: Path) -> None:
    path = write_posts(tmp_path / "serverfault.com", question(1))
    assert found(path) == [("serverfault-0", "serverfault.com", "serverfault.com/Posts.xml")]


def test_the_site_is_asked_for_where_no_name_says_it(tmp_path: Path) -> None:
    path = write_posts(tmp_path / "my_dump", question(1))
    with pytest.raises(InputError, match="the name 'my_dump' does not say which exchange .* site: cooking"):
        found(path)
    assert found(path, site="cooking") == [("cooking-0", "cooking.stackexchange.com", "cooking.stackexchange.com/Posts.xml")]
    with pytest.raises(InputError, match="site: 'not a site' does not say"):
        found(path, site="not a site")


def test_one_site_cannot_name_several_dumps_of_a_folder(tmp_path: Path) -> None:
    write_posts(tmp_path / "a", question(1))
    write_posts(tmp_path / "b", question(1))
    with pytest.raises(InputError, match="holds 2 dumps, but site: 'cooking' names one"):
        found(tmp_path, site="cooking")
    assert [name for name, _, _ in found(tmp_path / "a", tmp_path / "b", site="cooking")] == ["cooking-0", "cooking-1"]


def test_users_may_lie_beside_or_in_an_archive_of_their_own(tmp_path: Path) -> None:
    write_posts(tmp_path / "tea.stackexchange.com", question(1))
    (tmp_path / "tea.stackexchange.com" / "users.XML").touch()
    for table in ("Posts", "Users", "Votes"):
        (tmp_path / f"stackoverflow.com-{table}.7z").touch()
    dumps = find_dumps((tmp_path,), None)
    assert [{role: path.name for role, path in dump.files().items()} for dump in dumps] == [
        {"archive": "stackoverflow.com-Posts.7z", "users": "stackoverflow.com-Users.7z"},
        {"posts": "Posts.xml", "users": "users.XML"},
    ]


@pytest.mark.parametrize("name", ["missing.7z", "", "empty"])
def test_where_no_dump_is_the_error_says_what_was_wanted(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no dump there: wanted a .7z archive.*archive.org"):
        found(tmp_path / name)


def test_another_table_is_no_dump(tmp_path: Path) -> None:
    path = write_posts(tmp_path / "tea.stackexchange.com", question(1), name="Comments.xml")
    with pytest.raises(InputError, match="Comments.xml: not a dump"):
        found(path)

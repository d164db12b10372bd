from pathlib import Path

from align.sources.users import NO_NAMES, read_names
from toy_posts import row, write_posts


def write_users(folder: Path, *rows: str) -> Path:
    return write_posts(folder, *rows, name="Users.xml", head="<users>\n", tail="</users>")


def test_names_are_found_by_id(tmp_path: Path) -> None:
    users = [row(Id=-1, DisplayName="Community"), row(Id=2, DisplayName="Zoë & Ümit "), row(Id=5, DisplayName=""), row(Id=9)]
    names = read_names(write_users(tmp_path, *users))
    assert [names.of(user) for user in (-1, 2, 5, 9, 3, 99)] == ["Community", "Zoë & Ümit", "", "", "", ""]
    assert NO_NAMES.of(1) == ""


def test_users_may_stand_in_any_order_and_a_broken_row_costs_its_name_alone(tmp_path: Path) -> None:
    users = [
        row(Id=30, DisplayName="thirty"),
        '  <row Id="2" Displ\n',
        row(Id="x", DisplayName="no"),
        row(Id=4, DisplayName="four"),
    ]
    names = read_names(write_users(tmp_path, *users))
    assert [names.of(user) for user in (30, 2, 4)] == ["thirty", "", "four"]

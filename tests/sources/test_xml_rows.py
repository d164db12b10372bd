from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align.errors import InputError
from align.sources import xml_rows
from align.sources.xml_rows import parsed, row_bytes, unescaped
from toy_posts import HEAD, question, row, write_posts


def attributes(path: Path, root: str = "posts") -> list[dict[str, str] | None]:
    rows = [parsed(data) for _, data in row_bytes(path, root)]
    return [None if item is None else {name: item.text(name) for name in item.places} for item in rows]


def by_parser(path: Path) -> list[dict[str, str]]:
    return [dict(item.attrib) for item in ElementTree.parse(path).getroot()]


@pytest.mark.parametrize("block", [7, 64, 1 << 20])
def test_rows_equal_those_of_an_xml_parser_wherever_blocks_end(
    block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xml_rows, "BLOCK_BYTES", max(block, len(HEAD.encode()) + 4))
    path = write_posts(
        tmp_path, row(Id=1, Body="a < b & c > d\n\"e\" 'f' &lt; é 漢"), row(Id=2, Title='ends in Score="', Score=3), row(Id=3)
    )
    assert attributes(path) == by_parser(path)


def test_offsets_point_at_the_rows(tmp_path: Path) -> None:
    path = write_posts(tmp_path, question(1), question(2))
    data = path.read_bytes()
    for offset, bytes_of_row in row_bytes(path, "posts"):
        assert data[offset - 1 : offset + len(bytes_of_row)] == b"<" + bytes_of_row


@pytest.mark.parametrize(
    "body",
    [
        '  <row Id="1" A="x"/><row Id="2" A="y" />',  # one line
        '  <row\n    Id="1"\n    A="x y"\n  />\n  <row Id="2"\r\n/>\r\n',  # one attribute a line
        "  <row Id='1' A='say \"x\"' />\n",  # single quotes
        '  <row Id="1" A="two\nlines\tand a tab"></row>\n',  # literal white space, a closing tag
        '  <row Id="1" A="&#65;&#x42;&apos;&amp;#x41;&#xD;&#xA;"  B = "2" />\n',
        '  <!-- a comment -->\n  <row Id="1" />\n',
    ],
)
def test_unusual_xml_is_read_as_a_parser_reads_it(body: str, tmp_path: Path) -> None:
    path = write_posts(tmp_path, body)
    assert attributes(path) == by_parser(path)


def test_a_doctype_and_no_byte_order_mark_are_fine(tmp_path: Path) -> None:
    head = '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE posts SYSTEM \'posts.dtd\'>\n<posts>\n'
    assert attributes(write_posts(tmp_path, row(Id=1), head=head)) == [{"Id": "1"}]


def test_an_empty_table_has_no_rows(tmp_path: Path) -> None:
    assert attributes(write_posts(tmp_path)) == []
    assert attributes(write_posts(tmp_path, head="<posts />", tail="")) == []


def test_a_row_cut_in_the_middle_is_none_and_the_next_is_whole(tmp_path: Path) -> None:
    path = write_posts(tmp_path, row(Id=1), '  <row Id="2" Body="&lt;p&gt;cut\n', row(Id=3), '  <row Id="4" Bo\n', row(Id=5))
    assert attributes(path) == [{"Id": "1"}, None, {"Id": "3"}, None, {"Id": "5"}]


@pytest.mark.parametrize(
    "broken",
    [
        b'row Id="1" Id="2" />',
        b'row Id="1" Body="\xff" />',
        b"row />x",
        b"row Id=1 />",
        b"row",
        b'row Id="1" / >',
        b'rowId="1" />',
    ],
)
def test_what_is_no_row_is_none(broken: bytes) -> None:
    assert parsed(broken) is None


def test_half_a_surrogate_pair_and_control_characters_are_left_out() -> None:
    # A parser refuses the whole file for one of these; some dumps hold &#x1;
    assert unescaped("a&#x1;b&#xD800;c&#x110000;d&#1114112;e&#9;f") == "abcde\tf"


def test_a_file_without_its_closing_tag_names_the_last_whole_row(tmp_path: Path) -> None:
    whole = row(Id=41)
    path = write_posts(tmp_path, row(Id=40), whole, '  <row Id="42" Body="&lt;p', tail="")
    end, start = path.stat().st_size, len((HEAD + row(Id=40)).encode()) + 2
    with pytest.raises(
        InputError, match=rf"Posts.xml: cut off at byte {end}: .* Id 41, begins at byte {start}\. .* accept_truncated: true"
    ):
        list(row_bytes(path, "posts"))
    assert [parsed(data) is not None for _, data in row_bytes(path, "posts", accept_truncated=True)] == [True, True, False]


def test_a_file_cut_between_rows_is_cut_off_too(tmp_path: Path) -> None:
    path = write_posts(tmp_path, row(Id=40), tail="")
    with pytest.raises(InputError, match="cut off at byte .* Id 40"):
        list(row_bytes(path, "posts"))
    assert len(list(row_bytes(path, "posts", accept_truncated=True))) == 1


def test_a_row_cut_off_behind_the_closing_tag_is_not_lost_in_silence(tmp_path: Path) -> None:
    path = write_posts(tmp_path, row(Id=40), "</posts>", '  <row Id="41" Body="', tail="")
    with pytest.raises(InputError, match="cut off at byte .* Id 40"):
        list(row_bytes(path, "posts"))


@pytest.mark.parametrize(
    "content", [b"", b"<html><body>Log in first</body></html>", b"<users>\n</users>\n", "<posts>".encode("utf-16")]
)
def test_what_is_no_such_table_says_how_it_starts(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "Posts.xml"
    path.write_bytes(content)
    with pytest.raises(InputError, match="Posts.xml: not the posts of a Stack Exchange dump: it (starts with|is empty)"):
        list(row_bytes(path, "posts"))


def test_a_missing_file_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        list(row_bytes(tmp_path / "Posts.xml", "posts"))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 400))
def test_no_bytes_end_the_reading_of_the_rest(tmp_path_factory: pytest.TempPathFactory, noise: bytes, place: int) -> None:
    path = tmp_path_factory.mktemp("noise") / "Posts.xml"
    good = (HEAD + question(1) + question(2)).encode()
    cut = len(HEAD.encode()) + place % (len(good) - len(HEAD.encode()))
    path.write_bytes(good[:cut] + noise + b"\n" + question(3).encode() + b"</posts>")
    rows = [parsed(data) for _, data in row_bytes(path, "posts", accept_truncated=True)]
    assert any(item is not None and item.text("Id") == "3" for item in rows)


def test_every_real_table_is_read_as_a_parser_reads_it(real_data: Path) -> None:
    tables = sorted((real_data / "stackexchange").glob("*/*.xml"))
    assert tables
    for path in tables:
        assert attributes(path, path.stem.lower()) == by_parser(path), path

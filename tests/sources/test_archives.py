import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import py7zr
import pytest

from align.errors import InputError, StoreError
from align.sources import archives, bzip2_blocks
from align.sources.archives import check_archive, read_unpacked, unpack_tables
from align.sources.growing import Growing, read_blocks, size_of

TABLES = {"Badges.xml": "<badges>" + "b" * 5000, "Posts.xml": "<posts>" + "p" * 5000, "Users.xml": "<users>"}


def archive(path: Path, files: dict[str, str], **options: object) -> Path:
    with py7zr.SevenZipFile(path, "w", **options) as file:
        for name, text in files.items():
            file.writestr(text, name)
    return path


@pytest.fixture(params=["blocks", "program", "python"])
def unpacker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Unpack on two cores, and as on a machine of one with the 7z program and without."""
    monkeypatch.setattr(archives, "cores", lambda: 2 if request.param == "blocks" else 1)
    if request.param == "python":
        monkeypatch.setattr(shutil, "which", lambda name: None)
    elif not any(map(shutil.which, ("7z", "7zz", "7za"))):
        pytest.skip("no 7z program on this machine")
    return str(request.param)


@pytest.mark.parametrize("method", [py7zr.FILTER_BZIP2, py7zr.FILTER_LZMA2, py7zr.FILTER_PPMD, py7zr.FILTER_ZSTD])
def test_only_the_wanted_tables_come_out_whatever_the_method(method: int, unpacker: str, tmp_path: Path) -> None:
    # The 7z program of Debian cannot read zstd: then py7zr does.
    options = {"id": method, "order": 6, "mem": 24} if method == py7zr.FILTER_PPMD else {"id": method}
    path = archive(tmp_path / "a.7z", {f"dump/{name}": text for name, text in TABLES.items()}, filters=[options])
    found = unpack_tables(path, ("posts.xml", "users.xml"), tmp_path / "out")
    assert {name: table.read_text() for name, table in found.items()} == {
        "posts.xml": TABLES["Posts.xml"],
        "users.xml": TABLES["Users.xml"],
    }
    assert not list((tmp_path / "out").rglob("Badges.xml"))


@pytest.mark.parametrize("has_program", [True, False])
def test_the_blocks_of_bzip2_are_unpacked_by_themselves(
    has_program: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "cores", lambda: 2)
    monkeypatch.setattr(bzip2_blocks, "_STREAM_BYTES", 1)
    if not has_program:
        monkeypatch.setattr(shutil, "which", lambda name: None)
    elif not any(map(shutil.which, ("7z", "7zz", "7za"))):
        pytest.skip("no 7z program on this machine")
    monkeypatch.setattr(archives, "_unpack_by_program", lambda *_: "the program was asked")
    monkeypatch.setattr(archives, "_unpack_in_python", lambda *_: "py7zr was asked")
    numbers = {
        name: "".join(map(str, range(start, 400_000 + start))) for start, name in enumerate(("a.xml", "Posts.xml", "Users.xml"))
    }
    packed = archive(tmp_path / "a.7z", numbers, filters=[{"id": py7zr.FILTER_BZIP2}])
    found = unpack_tables(packed, ("posts.xml", "users.xml"), tmp_path / "out")
    assert [
        found[name].read_text() == numbers[table] for name, table in (("posts.xml", "Posts.xml"), ("users.xml", "Users.xml"))
    ] == [True] * 2
    assert len(list((tmp_path / "out").iterdir())) == 2

    other = archive(tmp_path / "b.7z", numbers, filters=[{"id": py7zr.FILTER_LZMA2}])
    with pytest.raises(InputError, match=f"cannot be unpacked: {'the program was asked; ' * has_program}py7zr was asked"):
        unpack_tables(other, ("posts.xml",), tmp_path / "out")


def test_a_wrong_checksum_of_a_file_is_found_though_its_blocks_are_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = archive(tmp_path / "a.7z", {"Posts.xml": "<posts>"}, filters=[{"id": py7zr.FILTER_BZIP2}])
    (folder,) = bzip2_blocks.packed_folders(packed, ["Posts.xml"]) or ()
    wrong = replace(folder, members=(replace(folder.members[0], crc32=7),))
    assert bzip2_blocks.unpack_folder(packed, wrong, {tmp_path / "Posts.xml": Growing(7)}, 2, None) == "Posts.xml is damaged"


@pytest.mark.parametrize("method", [py7zr.FILTER_BZIP2, py7zr.FILTER_LZMA2, py7zr.FILTER_ZSTD])
def test_a_table_is_read_while_it_is_unpacked_and_anew_where_another_way_is_tried(
    method: int, unpacker: str, tmp_path: Path
) -> None:
    numbers = {"Posts.xml": "".join(map(str, range(400_000))), "Users.xml": "".join(map(str, range(300_000)))}
    path = archive(tmp_path / "a.7z", numbers, filters=[{"id": method}])

    def read(found: dict[str, Path]) -> list[bool]:
        assert size_of(found["users.xml"]) == len(numbers["Users.xml"]), "it is known before the table is there"
        return [
            b"".join(read_blocks(found[name.lower()], 1000)) == text.encode()
            for name, text in reversed(numbers.items())  # waits for the last one first
        ]

    assert read_unpacked(path, ("posts.xml", "users.xml"), tmp_path / "out", read) == [True, True]
    with pytest.raises(InputError, match="^a blot$"):  # the archive is whole, so it is the reader's word that counts
        read_unpacked(path, ("posts.xml",), tmp_path / "out", refuse)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + bytes(100) + whole[len(whole) // 2 + 100 :])
    with pytest.raises(InputError, match="a.7z: cannot be unpacked"):
        read_unpacked(path, ("posts.xml", "users.xml"), tmp_path / "out", refuse)


def test_a_table_without_a_byte_is_there_at_once_and_empty(unpacker: str, tmp_path: Path) -> None:
    # no packed stream holds it, so of the ways to unpack not all write it, and nobody can wait until its first byte is there
    path = archive(tmp_path / "a.7z", {**TABLES, "Users.xml": ""}, filters=[{"id": py7zr.FILTER_BZIP2}])

    def read(found: dict[str, Path]) -> list[bytes]:
        return [b"".join(read_blocks(found[name], 1000)) for name in ("users.xml", "posts.xml")]

    assert read_unpacked(path, ("posts.xml", "users.xml"), tmp_path / "out", read) == [b"", TABLES["Posts.xml"].encode()]
    assert (tmp_path / "out" / "Users.xml").read_bytes() == b""


def refuse(found: dict[str, Path]) -> None:
    for _ in read_blocks(found["posts.xml"], 1000):
        pass
    raise InputError("a blot")


def test_what_an_earlier_try_left_is_cleared(unpacker: str, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "Posts.xml").write_text("half")
    found = unpack_tables(archive(tmp_path / "a.7z", TABLES), ("posts.xml",), tmp_path / "out")
    assert found["posts.xml"].read_text() == TABLES["Posts.xml"]


def test_a_truncated_archive_is_told_by_its_first_bytes(tmp_path: Path) -> None:
    whole = archive(tmp_path / "whole.7z", TABLES).read_bytes()
    for size in (len(whole) - 1, len(whole) // 2, 32, 20, 3):
        cut = tmp_path / "cut.7z"
        cut.write_bytes(whole[:size])
        with pytest.raises(InputError, match=rf"cut.7z: cut off at byte {size} of .* Fetch the archive again"):
            check_archive(cut)


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><title>Log in</title>"])
def test_what_is_no_archive_is_said(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "page.7z"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"page.7z: not a .7z archive: it starts with"):
        check_archive(path)


@pytest.mark.parametrize("method", [py7zr.FILTER_BZIP2, py7zr.FILTER_LZMA2])
def test_damage_in_the_middle_is_found(method: int, unpacker: str, tmp_path: Path) -> None:
    path = archive(tmp_path / "a.7z", {"Posts.xml": "".join(map(str, range(20000)))}, filters=[{"id": method}])
    data = bytearray(path.read_bytes())
    data[2000:2100] = bytes(100)
    path.write_bytes(data)
    with pytest.raises(InputError, match="a.7z: cannot be unpacked: .*Fetch the archive again"):
        unpack_tables(path, ("posts.xml",), tmp_path / "out")


def test_a_damaged_list_of_files_is_found(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.7z", TABLES)
    path.write_bytes(path.read_bytes()[:-20] + bytes(20))
    with pytest.raises(InputError, match="its list of files cannot be read"):
        unpack_tables(path, ("posts.xml",), tmp_path / "out")


def test_a_table_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.7z", {"a/Posts.xml": "1", "b/posts.xml": "2"})
    with pytest.raises(InputError, match="holds posts.xml 2 times: a/Posts.xml, b/posts.xml"):
        unpack_tables(path, ("posts.xml",), tmp_path / "out")


def test_too_little_room_is_said_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = archive(tmp_path / "a.7z", TABLES)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10, 10, 1000))  # type: ignore[attr-defined]
    with pytest.raises(StoreError, match="GB are needed to unpack a.7z.*--store"):
        unpack_tables(path, ("posts.xml",), tmp_path / "out")


def test_a_full_disk_is_not_blamed_on_the_archive(tmp_path: Path, root: Path) -> None:
    archive = root / "datasets" / "samples" / "stack_exchange" / "clockwork.stackexchange.com.7z"
    code = (
        "import resource, sys; from pathlib import Path; from align.sources.archives import unpack_tables\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "try: unpack_tables(Path(sys.argv[1]), ('posts.xml',), Path(sys.argv[2]))\n"
        "except OSError as error: print(error.strerror)\n"
    )
    command = [sys.executable, "-c", code, str(archive), str(tmp_path / "out")]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "No space left on device\n"

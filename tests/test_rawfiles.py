import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from align import rawfiles
from align.artifact import open_store
from align.errors import InputError
from align.files import hash_tree
from align.rawfiles import hash_raw_files, missing_files, unread_bytes
from align.recipe import load_recipe
from align.stage import Stage

LONG_AGO = 1_600_000_000


@pytest.fixture
def stage(write_toy: Callable[[str], Path]) -> Stage:
    """A stage that reads count.txt beside the recipe."""
    path = write_toy("stages:\n  a: {kind: count, source: {kind: raw_numbers, file: count.txt}}\n")
    return load_recipe(path).stages["a"]


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    """The file that the stage reads: settled, so that its hash may be remembered."""
    path = tmp_path / "count.txt"
    path.write_text("1\n2\n")
    settle(path)
    return path


def settle(path: Path) -> None:
    os.utime(path, (LONG_AGO, LONG_AGO))


@pytest.fixture(autouse=True)
def _files_settle_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # A file's ctime cannot be set back, so the wait is.
    monkeypatch.setattr(rawfiles, "_SETTLED_NANOSECONDS", 0)


def test_a_missing_file_is_told_with_the_way_to_get_it(stage: Stage, tmp_path: Path) -> None:
    (missing,) = missing_files("a", stage)
    assert (missing.stage, missing.part, missing.field, missing.path) == ("a", "raw_numbers", "file", tmp_path / "count.txt")
    assert str(missing).endswith("count.txt\n    Count to four and write it down, a number a line.")


def test_the_hash_is_that_of_the_bytes_whatever_the_place(stage: Stage, dump: Path, tmp_path: Path) -> None:
    (found,) = hash_raw_files(stage, open_store(tmp_path / "store")).values()
    assert found == {"path": str(dump), "sha256": hash_tree(dump)}
    assert missing_files("a", stage) == []


def test_a_file_is_read_once_and_again_when_it_changes(
    stage: Stage, dump: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def counting(path: Path) -> str:
        read.append(path)
        return hash_tree(path)

    monkeypatch.setattr(rawfiles, "hash_tree", counting)
    store = open_store(tmp_path / "store")
    assert unread_bytes(stage, store) == 4
    first = hash_raw_files(stage, store)
    assert unread_bytes(stage, store) == 0
    assert hash_raw_files(stage, store) == first
    assert read == [dump]
    dump.write_text("1\n3\n")  # the same size
    settle(dump)  # and the same date: but the inode changed
    assert hash_raw_files(stage, store) != first
    assert read == [dump, dump]


def test_a_file_that_changed_just_now_is_not_remembered(
    stage: Stage, dump: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rawfiles, "_SETTLED_NANOSECONDS", 10**12)
    store = open_store(tmp_path / "store")
    hash_raw_files(stage, store)
    assert not (store / "hashes").exists()


def test_a_damaged_memory_is_as_good_as_none(stage: Stage, dump: Path, tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")
    before = hash_raw_files(stage, store)
    (memory,) = (store / "hashes").iterdir()
    for text in ("", "[]", "{", json.dumps({"sha256": "wrong"})):
        memory.write_text(text)
        assert hash_raw_files(stage, store) == before


def test_hashing_makes_no_store(stage: Stage, dump: Path, tmp_path: Path) -> None:
    hash_raw_files(stage, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_folder_is_read_again_when_a_file_in_it_is_renamed(write_toy: Callable[[str], Path], tmp_path: Path) -> None:
    folder = tmp_path / "dumps"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    stage = load_recipe(write_toy("stages:\n  a: {kind: count, source: {kind: raw_numbers, file: dumps}}\n")).stages["a"]
    store = open_store(tmp_path / "store")
    before = hash_raw_files(stage, store)
    (folder / "a.txt").rename(folder / "b.txt")
    assert hash_raw_files(stage, store) != before


def test_a_name_that_is_no_text_is_told_before_it_stands_in_a_key(write_toy: Callable[[str], Path], tmp_path: Path) -> None:
    folder = tmp_path / "dumps"
    folder.mkdir()
    (folder / os.fsdecode(b"caf\xe9.txt")).write_text("1\n")
    stage = load_recipe(write_toy("stages:\n  a: {kind: count, source: {kind: raw_numbers, file: dumps}}\n")).stages["a"]
    with pytest.raises(InputError, match=r"caf\\xe9\.txt: the name is not UTF-8\. Rename"):
        hash_raw_files(stage, open_store(tmp_path / "store"))


def test_many_writers_of_one_memory_do_no_harm(write_toy: Callable[[str], Path], tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")
    for number in range(6):
        (tmp_path / f"{number}.txt").write_text(str(number) * (number + 1))
    path = write_toy(
        "stages:\n" + "".join(f"  s{n}: {{kind: count, source: {{kind: raw_numbers, file: {n}.txt}}}}\n" for n in range(6))
    )
    stages = list(load_recipe(path).stages.values())
    expected = [hash_raw_files(stage, tmp_path / "none") for stage in stages]
    found: list[bool] = []

    def work() -> None:
        found.extend(
            hash_raw_files(stage, store) == wanted for stage, wanted in zip(stages, expected, strict=True) for _ in range(5)
        )

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * (4 * 6 * 5)
    assert len(list((store / "hashes").glob("*.json"))) == 6

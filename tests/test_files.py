import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from align.errors import PartError, StoreError
from align.files import (
    RecordWriter,
    arrow_schema,
    count_records,
    disk_error,
    hash_tree,
    is_full,
    open_as_folder,
    read_records,
    record_batches,
    record_parts,
    write_json,
    write_records,
    write_text,
)
from align.records import TABLES, Example, Measurement, Origin, Rejection, Turn
from record_strategies import decisions, examples, measurements, pairs

tmp_path_is_fine = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)


@tmp_path_is_fine
@given(
    st.lists(examples, max_size=4)
    | st.lists(pairs, min_size=1, max_size=4)
    | st.lists(decisions, min_size=1, max_size=4)
    | st.lists(measurements, min_size=1, max_size=4)
)
def test_records_come_back_as_they_were(tmp_path: Path, records: list[Any]) -> None:
    record = type(records[0]) if records else Example
    folder = tmp_path / "there"
    assert write_records(folder, record, records) == len(records)
    assert list(read_records(folder, record)) == records
    assert count_records(folder, record) == len(records)


def example(number: int, text: str = "x") -> Example:
    return Example(f"n{number}", (Turn("user", text),), Origin("count", str(number)))


def test_a_writer_without_records_leaves_an_empty_part(tmp_path: Path) -> None:
    with RecordWriter(tmp_path, Example):
        pass
    assert [part.name for part in record_parts(tmp_path, Example)] == ["part-00000.parquet"]
    assert list(read_records(tmp_path, Example)) == []


def test_parts_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    for part in (10, 2, 1):
        write_records(tmp_path, Example, [example(part)], part)
    write_records(tmp_path, Example, [example(99)], "cooking")
    assert [record.id for record in read_records(tmp_path, Example)] == ["n1", "n2", "n10", "n99"]


def test_a_table_that_is_not_there_has_no_records(tmp_path: Path) -> None:
    assert list(read_records(tmp_path, Example)) == []
    assert count_records(tmp_path, Example) == 0


def test_an_error_while_writing_leaves_no_part(tmp_path: Path) -> None:
    def numbers() -> Iterator[Example]:
        yield from map(example, range(5000))  # more than a row group, so that bytes lie on the disk already
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_records(tmp_path, Example, numbers())
    assert list((tmp_path / "examples").iterdir()) == []


def test_a_part_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    with RecordWriter(tmp_path, Example) as writer:
        for number in range(5000):
            writer.write(example(number))
        assert record_parts(tmp_path, Example) == []
    assert count_records(tmp_path, Example) == 5000


def test_a_record_of_another_type_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PartError, match=r"holds Example records, not Rejection"), RecordWriter(tmp_path, Example) as writer:
        writer.write(Rejection("n1", "length", "short"))


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (
            Example("n7", (Turn("user", json.loads('"\\ud83d"')),), Origin("a", "b")),
            "Example 'n7': 'turns' cannot be stored: half of a surrogate pair",
        ),
        (Example("n7", (Turn("user", 7),), Origin("a", "b")), "Example 'n7': 'turns' cannot be stored: "),  # type: ignore[arg-type]
        (Example("n7", (), Origin("a", "b"), ("x", None)), "a stored Example does not read as one: "),  # type: ignore[arg-type]
    ],
)
def test_a_record_that_does_not_fit_its_type_is_named(tmp_path: Path, record: Example, said: str) -> None:
    def write_and_read() -> None:
        write_records(tmp_path, Example, [example(1), record])
        list(read_records(tmp_path, Example))

    with pytest.raises((PartError, StoreError)) as error:
        write_and_read()
    assert said in str(error.value)


def test_lists_where_tuples_are_meant_are_stored_all_the_same(tmp_path: Path) -> None:
    write_records(tmp_path, Example, [Example("n1", [Turn("user", "x")], Origin("a", "b"), ["tag"])])  # type: ignore[arg-type]
    assert list(read_records(tmp_path, Example)) == [Example("n1", (Turn("user", "x"),), Origin("a", "b"), ("tag",))]


def test_a_truncated_part_is_told_with_the_folder_to_delete(tmp_path: Path) -> None:
    write_records(tmp_path, Example, [example(1)])
    part = record_parts(tmp_path, Example)[0]
    part.write_bytes(part.read_bytes()[:-10])
    for read in (lambda: list(read_records(tmp_path, Example)), lambda: count_records(tmp_path, Example)):
        with pytest.raises(
            StoreError, match=rf"part-00000\.parquet: damaged or unreadable .*Delete the folder {tmp_path} and run again"
        ):
            read()


def test_a_part_of_an_older_version_reads_with_the_defaults_of_new_fields(tmp_path: Path) -> None:
    folder = tmp_path / "measurements"
    folder.mkdir()
    table = pa.table({"metric": ["loss"], "subject": ["sft"], "value": [1.5]})
    pq.write_table(table, folder / "part-00000.parquet")
    assert list(read_records(tmp_path, Measurement)) == [Measurement("loss", "sft", 1.5)]


@pytest.mark.parametrize("record", TABLES.values())
def test_every_record_type_has_a_schema_that_others_can_read(record: type) -> None:
    # No Arrow map: `datasets` and polars have none.
    assert not any(pa.types.is_map(item.type) for item in arrow_schema(record))


def test_a_text_file_is_whole_or_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "note.json"
    write_json(path, {"a": "ä"})
    assert path.read_text(encoding="utf-8") == '{\n  "a": "ä"\n}\n'
    with pytest.raises(UnicodeEncodeError):
        write_text(path, json.loads('"\\ud83d"'))
    assert path.read_text(encoding="utf-8").startswith("{")
    assert os.listdir(tmp_path) == ["note.json"]


def test_the_hash_of_a_folder_knows_names_and_bytes_but_nothing_hidden(tmp_path: Path) -> None:
    for name in ("a.txt", "sub/b.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    before = hash_tree(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: x")
    (tmp_path / ".DS_Store").write_text("x")
    assert hash_tree(tmp_path) == before
    (tmp_path / "sub" / "b.txt").rename(tmp_path / "sub" / "c.txt")
    assert hash_tree(tmp_path) != before


def test_the_hash_of_a_folder_below_a_hidden_one_is_not_empty(tmp_path: Path) -> None:
    folder = tmp_path / ".hidden" / "data"
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    first = hash_tree(folder)
    (folder / "a.txt").write_text("b")
    assert hash_tree(folder) != first


def test_a_full_disk_is_told_apart_from_a_forbidden_one(tmp_path: Path) -> None:
    full, forbidden = OSError(28, "No space left on device"), PermissionError(13, "Permission denied")
    assert "free there. Free some room (`align gc --checkpoints`" in str(disk_error(tmp_path / "x", full))
    assert "Permission denied. Make it writable, or name another place with --store" in str(disk_error(tmp_path / "x", forbidden))
    assert is_full(tmp_path, RuntimeError("I/O error: No space left on device (os error 28)"))
    assert not is_full(tmp_path, RuntimeError("shape mismatch"))


LIMITED = """
import resource, signal, sys
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
from align.errors import StoreError
from align.files import write_records, write_text
from align.records import Example, Origin, Turn
import random
noise = random.Random(1)
folder = Path(sys.argv[1])
big = (Example(f"n{i}", (Turn("user", str(noise.random()) * 9),), Origin("a", "b")) for i in range(20000))
for write in (lambda: write_records(folder, Example, big), lambda: write_text(folder / "big.txt", "x" * 300_000)):
    try:
        write()
    except StoreError as error:
        print(error)
"""


def test_a_file_that_may_not_grow_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60)
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert "part-00000.parquet: cannot be written: " in lines[0]
    assert "big.txt: cannot be written: File too large" in lines[1]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert done.stderr == ""  # nothing from a destructor that tries again


@pytest.mark.parametrize(
    ("folder_mode", "file_mode", "wanted"), [(0o755, 0o600, 0o644), (0o750, 0o600, 0o640), (0o700, 0o600, 0o600)]
)
def test_who_may_read_a_folder_may_read_the_file_in_it(tmp_path: Path, folder_mode: int, file_mode: int, wanted: int) -> None:
    file = tmp_path / "folder" / "weights"
    file.parent.mkdir()
    file.write_bytes(b"w")
    file.chmod(file_mode)
    file.parent.chmod(folder_mode)
    open_as_folder(file)
    assert file.stat().st_mode & 0o777 == wanted


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("mounting a tiny disk needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_told_with_the_room_and_the_remedy(tiny_disk: Path) -> None:
    noise = (example(number, os.urandom(2000).hex()) for number in range(5000))
    with pytest.raises(
        StoreError, match=r"cannot be written: .*No space left.*MB are free there\. Free some room \(`align gc --checkpoints`"
    ):
        write_records(tiny_disk, Example, noise)
    assert list((tiny_disk / "examples").iterdir()) == []


def test_a_writer_killed_in_the_middle_leaves_no_part(tmp_path: Path) -> None:
    code = f"""
import os, signal
from pathlib import Path
from align.files import RecordWriter
from align.records import Example, Origin
with RecordWriter(Path({str(tmp_path)!r}), Example) as writer:
    for number in range(5000):
        writer.write(Example(str(number), (), Origin("a", "b")))
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == -signal.SIGKILL
    assert record_parts(tmp_path, Example) == []
    assert write_records(tmp_path, Example, [example(1)]) == 1
    assert os.listdir(tmp_path / "examples") == ["part-00000.parquet"]  # the half-written one was overwritten and renamed


def test_records_and_rows_stand_in_the_order_in_which_they_were_written(tmp_path: Path) -> None:
    # 5,000 rows at once are more than a row group
    numbered = [Rejection(str(number), "otters", "wet") for number in range(10_004)]
    write_records(tmp_path / "some", Rejection, numbered[2:5_002])
    (rows,) = pq.read_table(record_parts(tmp_path / "some", Rejection)[0]).combine_chunks().to_batches()
    with RecordWriter(tmp_path / "all", Rejection) as writer:
        for record in numbered[:2]:
            writer.write(record)
        writer.write_rows(rows.cast(arrow_schema(Rejection)))
        for record in numbered[5_002:]:
            writer.write(record)
    assert writer.count == 10_004
    assert list(read_records(tmp_path / "all", Rejection)) == numbered


def test_what_was_read_of_a_part_does_not_stay_in_memory(tmp_path: Path) -> None:
    # 32 MB, 16 packed, in eight row groups: a group takes 8.6 MB, and the packed bytes of all would come on top
    write_records(tmp_path, Rejection, (Rejection(os.urandom(512).hex(), "otters", "wet") for _ in range(32_768)))
    before = pa.total_allocated_bytes()
    held = [pa.total_allocated_bytes() - before for _ in record_batches(record_parts(tmp_path, Rejection)[0])]
    assert len(held) == 8
    assert max(held) < 14e6

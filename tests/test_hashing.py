import hashlib
import struct
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from align import hashing
from align.files import record_batches, record_parts, write_records
from align.hashing import HashAhead, _hash_column, hash_table
from align.records import Example, Measurement, Origin, Turn
from record_strategies import examples, measurements
from toy_records import example

quick = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)


_numbers = count()


def fresh(tmp_path: Path) -> Path:
    """A folder that no earlier example of hypothesis wrote to."""
    return tmp_path / str(next(_numbers))


@quick
@given(st.lists(examples, max_size=6), st.data())
def test_the_hash_does_not_depend_on_parts_row_groups_or_codec(
    tmp_path: Path, records: list[Example], data: st.DataObject
) -> None:
    whole = fresh(tmp_path)
    write_records(whole, Example, records)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(records)), max_size=3)))
    split = fresh(tmp_path)
    for part, (start, end) in enumerate(zip([0, *cuts], [*cuts, len(records)], strict=True)):
        write_records(split, Example, records[start:end], part)
    assert hash_table(split, Example) == hash_table(whole, Example)

    rewritten = fresh(tmp_path) / "examples"
    rewritten.mkdir(parents=True)
    group = data.draw(st.integers(1, 3))
    table = pq.read_table(record_parts(whole, Example)[0])
    pq.write_table(table, rewritten / "part-00000.parquet", row_group_size=group, compression="none", use_dictionary=False)
    assert hash_table(rewritten.parent, Example) == hash_table(whole, Example)


@quick
@given(st.lists(examples, min_size=1, max_size=4), examples, st.integers(0, 3))
def test_the_hash_changes_with_any_change(tmp_path: Path, records: list[Example], other: Example, place: int) -> None:
    before, after = fresh(tmp_path), fresh(tmp_path)
    place %= len(records)
    changed = [*records[:place], other, *records[place + 1 :]]
    write_records(before, Example, records)
    write_records(after, Example, changed)
    # -0.0 == 0.0 in Python, but their bytes differ and so may their hashes.
    assert (hash_table(before, Example) == hash_table(after, Example)) == (repr(records) == repr(changed))


@quick
@given(st.lists(measurements, min_size=2, max_size=5, unique_by=repr))
def test_the_hash_depends_on_the_order(tmp_path: Path, records: list[Measurement]) -> None:
    forth, back = fresh(tmp_path), fresh(tmp_path)
    write_records(forth, Measurement, records)
    write_records(back, Measurement, records[::-1])
    assert hash_table(forth, Measurement) != hash_table(back, Measurement)


def test_text_that_moves_from_one_turn_to_the_next_is_a_change(tmp_path: Path) -> None:
    first = Example("a", (Turn("user", "ab"), Turn("assistant", "c")), Origin("a", "b"))
    hashes = set()
    for number, turns in enumerate(
        [
            first.turns,
            (Turn("user", "a"), Turn("assistant", "bc")),
            (Turn("user", "ab"),),
            (Turn("user", "ab"), Turn("assistant", "c"), Turn("user", "")),
        ]
    ):
        write_records(tmp_path / str(number), Example, [replace(first, turns=turns)])
        hashes.add(hash_table(tmp_path / str(number), Example))
    assert len(hashes) == 4


def test_nothing_said_and_zero_said_are_two_things(tmp_path: Path) -> None:
    write_records(tmp_path / "none", Measurement, [Measurement("a", "b", 1.0)])
    write_records(tmp_path / "zero", Measurement, [Measurement("a", "b", 1.0, 0.0, 0.0)])
    assert hash_table(tmp_path / "none", Measurement) != hash_table(tmp_path / "zero", Measurement)


def digest(column: pa.Array) -> dict[str, str]:
    digests: dict[str, Any] = {}
    _hash_column("x", column, digests)
    return {name: found.hexdigest() for name, found in digests.items()}


def test_a_slice_hashes_like_a_copy_of_what_it_shows() -> None:
    turn = pa.struct([("role", pa.string()), ("text", pa.string())])
    columns = [
        pa.array(["a", None, "ccc", "", "e"]),
        pa.array([1, None, 3, 4, 5]),
        pa.array([True, False, None, True, False]),
        pa.array([0.5, None, 1.5, 2.5, 3.5]),
        pa.array([["a"], None, [], ["b", None], ["c"]]),
        pa.array([{"role": "user", "text": "a"}, None, {"role": None, "text": "c"}, None, {"role": "x", "text": ""}], type=turn),
        pa.array([[{"role": "u", "text": "a"}], [], [{"role": "v", "text": "bc"}, None], None, []], type=pa.list_(turn)),
    ]
    for column in columns:
        for start in range(len(column)):
            for length in range(len(column) - start + 1):
                shown = column.slice(start, length)
                copied = pa.array(shown.to_pylist(), type=column.type)
                assert digest(shown) == digest(copied), (column.type, start, length)


def test_a_hash_is_what_struct_would_pack() -> None:
    for kind, sign, values in (
        (pa.bool_(), "?", [True, None, False, *[True] * 9]),
        (pa.int64(), "q", [1, None, -(1 << 40), *range(9)]),
        (pa.float64(), "d", [0.5, None, -1e300, *[2.5] * 9]),
    ):
        for start in (0, 2, 9):
            shown = values[start:]
            packed = b"".join(struct.pack(f"<{sign}", value or 0) for value in shown)
            assert digest(pa.array(values, kind).slice(start)) == {
                "x valid": hashlib.sha256(bytes(value is not None for value in shown)).hexdigest(),
                "x values": hashlib.sha256(packed).hexdigest(),
            }


def write_parts(folder: Path, names: str) -> None:
    for name in names:
        write_records(folder, Example, [example(name, f"What is {name}?", f"A letter, {name}.")], name)


def read_ahead_of_the_rest(folder: Path, before: str) -> None:
    with HashAhead(folder, Example) as ahead:
        ahead.hash_before(before)
        ahead._thread.submit(int).result()


def test_parts_that_were_hashed_while_others_were_written_are_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_parts(tmp_path / "at_once", "abcd")
    write_parts(tmp_path / "ahead", "abd")  # c is still to come
    read_ahead_of_the_rest(tmp_path / "ahead", "part-c.")
    write_parts(tmp_path / "ahead", "c")
    read: list[str] = []
    monkeypatch.setattr(hashing, "record_batches", lambda part: (read.append(part.stem), record_batches(part))[1])
    content = hash_table(tmp_path / "ahead", Example)
    assert read == ["part-c", "part-d"]
    assert content == hash_table(tmp_path / "at_once", Example)


@pytest.mark.parametrize("change", ["a part before", "another text", "a part less", "damage"])
def test_what_was_hashed_ahead_counts_for_nothing_once_a_part_is_another(change: str, tmp_path: Path) -> None:
    folder = tmp_path / "ahead"
    write_parts(folder, "bc")
    if change == "damage":
        (whole := record_parts(folder, Example)[1]).rename(tmp_path / "whole")
        whole.write_bytes(b"PAR1")
    read_ahead_of_the_rest(folder, "part-d.")
    if change == "a part before":
        write_parts(folder, "a")
    elif change == "another text":
        write_records(folder, Example, [example("b", "Why?", "So.")], "b")
    elif change == "a part less":
        record_parts(folder, Example)[1].unlink()
    else:
        (tmp_path / "whole").rename(whole)
    content = hash_table(folder, Example)
    assert content == hash_table(folder, Example), "the second time all is read"


def test_memory_that_ran_out_in_the_midst_of_a_part_hashed_ahead_changes_no_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_parts(tmp_path / "at_once", "abc")
    write_parts(tmp_path / "ahead", "abc")

    def runs_out(name: str, column: Any, digests: dict[str, Any]) -> None:
        _hash_column(name, column, digests)
        if name == "turns":  # the columns after it are not fed
            raise MemoryError

    with monkeypatch.context() as while_reading:
        while_reading.setattr(hashing, "_hash_column", runs_out)
        read_ahead_of_the_rest(tmp_path / "ahead", "part-c.")
    assert hash_table(tmp_path / "ahead", Example) == hash_table(tmp_path / "at_once", Example)

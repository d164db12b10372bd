"""The arrays are pyarrow's own, value for value, but pandas is not imported for them."""

import subprocess
import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align.plain_arrays import array_of, bytes_of, chosen, offsets_of, repeated, texts_of, truths_of
from record_strategies import numbers, texts

unhurried = settings(deadline=None)  # the first one imports pandas


@unhurried
@given(st.lists(texts) | st.lists(texts | texts.map(str.encode)) | st.lists(texts | st.none()))
def test_texts_are_what_pyarrow_makes_of_them(values: list[Any]) -> None:
    made = array_of(values, pa.string())
    made.validate(full=True)
    assert made.equals(pa.array(values, pa.string()))


@unhurried
@given(st.lists(numbers) | st.lists(numbers | st.none()) | st.lists(st.integers(0, 9)))
def test_numbers_are_what_pyarrow_makes_of_them(values: list[Any]) -> None:
    assert array_of(values, pa.float64()).equals(pa.array(values, pa.float64()))
    if values and None not in values:
        every_other = np.array(values, np.float64)[::2]
        assert array_of(every_other, pa.float64()).equals(pa.array(every_other))


@unhurried
@given(st.lists(texts), texts)
def test_a_text_stands_before_each(values: list[str], before: str) -> None:
    made = texts_of(values, before)
    made.validate(full=True)
    assert made.equals(pa.array([before + value for value in values], pa.string()))


@unhurried
@given(st.lists(texts), st.integers(0, 3))
def test_bytes_and_truths_are_those_of_the_slice(values: list[str], start: int) -> None:
    data, ends = bytes_of(texts_of(values)[start:])
    assert [bytes(data[begin:end]).decode() for begin, end in zip(ends[:-1], ends[1:], strict=True)] == values[start:]
    is_long = pa.array([len(value) > 2 for value in values], pa.bool_())
    assert truths_of(is_long[start:]).tolist() == [len(value) > 2 for value in values[start:]]


def test_what_is_no_text_is_refused_as_pyarrow_does() -> None:
    for values in (["a", 1], [b"\xff"], ["\ud800"]):
        with pytest.raises((TypeError, ValueError)):  # Arrow's errors derive from these
            array_of(values, pa.string())
        with pytest.raises((TypeError, ValueError)):
            pa.array(values, pa.string()).validate(full=True)


@unhurried
@given(st.lists(st.integers(0, 5)))
def test_offsets_say_where_lists_begin_and_end(lengths: list[int]) -> None:
    items = pa.array(range(sum(lengths)))
    lists = pa.ListArray.from_arrays(offsets_of(lengths), items)
    assert [len(values) for values in lists.to_pylist()] == lengths
    assert [item for values in lists.to_pylist() for item in values] == items.to_pylist()


def test_offsets_that_do_not_fit_are_refused_and_not_wrapped() -> None:
    with pytest.raises(pa.ArrowCapacityError, match="4,294,967,294 bytes"):
        offsets_of([(1 << 31) - 1, (1 << 31) - 1])


def test_one_value_is_repeated() -> None:
    assert repeated("Å", pa.string(), 3).to_pylist() == ["Å", "Å", "Å"]
    assert repeated("Å", pa.string(), 0).to_pylist() == []


def test_values_are_chosen_by_places_wherever_those_lie_in_memory() -> None:
    places = np.array([[1, 9], [0, 9], [1, 9]])
    assert chosen(("tide", "moon"), pa.string(), places[:, 0]).to_pylist() == ["moon", "tide", "moon"]
    assert chosen(("tide",), pa.string(), places[:0, 0]).to_pylist() == []


def test_pandas_stays_out() -> None:
    pytest.importorskip("pandas")
    code = (
        "import sys, pyarrow as pa; from align.plain_arrays import array_of, repeated\n"
        "array_of(['a', b'b'], pa.string()), array_of([1.5], pa.float64()), repeated('c', pa.string(), 2)\n"
        "assert 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

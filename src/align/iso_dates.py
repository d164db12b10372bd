"""Seconds since 1970 as dates and times in ISO 8601, many at once: `2019-05-01T00:00:00Z`."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

LENGTH = 20
_SECONDS_OF_A_DAY = 86_400


def dates_as_array(seconds: Sequence[int]) -> "pa.Array":
    """An array of texts."""
    import numpy as np
    import pyarrow as pa

    ends = np.zeros(len(seconds) + 1, np.int32)
    ends[1:] = LENGTH
    buffers = [None, pa.py_buffer(np.cumsum(ends, dtype=np.int32)), pa.py_buffer(_signs(seconds))]
    return pa.Array.from_buffers(pa.string(), len(seconds), buffers)


def dates_as_list(seconds: Sequence[int]) -> list[str]:
    signs = _signs(seconds).tobytes().decode()
    return [signs[begin : begin + LENGTH] for begin in range(0, len(signs), LENGTH)]


def seconds_in(dates: Sequence[str]) -> list[int]:
    """The seconds that some dates stand for."""
    import numpy as np

    return [int(second) for second in np.array([date.rstrip("Z") for date in dates], "datetime64[s]").astype(np.int64)]


def _signs(seconds: Sequence[int]) -> "np.ndarray[Any, Any]":
    """The dates sign by sign, shape (dates, LENGTH); for the years 1970 to 9999."""
    import numpy as np

    days, rest = np.divmod(np.fromiter(seconds, np.int64, len(seconds)), _SECONDS_OF_A_DAY)
    every, places = days[:1], np.zeros(len(days), np.int64)
    if (days != every).any():
        every, places = np.unique(days, return_inverse=True)  # those of a batch are few
    names = np.datetime_as_string(every.astype("datetime64[D]")).astype("S10").view(np.uint8).reshape(-1, 10)
    pairs = _pairs()
    signs = np.empty((len(seconds), LENGTH), np.uint8)
    signs[:] = np.frombuffer(b"0000-00-00T00:00:00Z", np.uint8)
    signs[:, :10] = names[places]
    for begin, unit in ((11, rest // 3600), (14, rest // 60 % 60), (17, rest % 60)):
        signs[:, begin : begin + 2] = pairs[unit]
    return signs


@cache
def _pairs() -> "np.ndarray[Any, Any]":
    """The numbers below 60 in two digits, shape (60, 2)."""
    import numpy as np

    return np.array([b"%02d" % number for number in range(60)]).view(np.uint8).reshape(-1, 2)

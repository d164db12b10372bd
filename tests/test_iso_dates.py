from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from align.iso_dates import dates_as_array, dates_as_list, seconds_in


@given(st.lists(st.integers(0, 253_402_300_799)))
@example([0, 86_399, 86_400, 951_782_400, 253_402_300_799])  # ends of a day, a leap day, the last second of the year 9999
def test_dates_are_those_of_the_standard_library(seconds: list[int]) -> None:
    dates = [f"{datetime.fromtimestamp(second, UTC).isoformat()[:19]}Z" for second in seconds]
    assert dates_as_list(seconds) == dates
    made = dates_as_array(seconds)
    made.validate(full=True)
    assert made.to_pylist() == dates
    assert seconds_in(dates) == seconds

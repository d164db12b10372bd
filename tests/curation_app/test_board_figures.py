"""What the board says of figures that are mostly chance."""

import pytest
from streamlit.testing.v1 import AppTest

from align.curation.board import Spread


def drawn(accepted: int) -> AppTest:
    def page(spread) -> None:  # type: ignore[no-untyped-def]  # the source alone is run
        from curation_app.board.figures import draw_spread

        draw_spread(spread)

    return AppTest.from_function(page, kwargs={"spread": Spread(accepted, 9.8, 10.0, 0.301, 0.299)}).run()


@pytest.mark.parametrize("accepted", [2, 15, 29])
def test_few_accepted_are_not_compared_with_chance(accepted: int) -> None:
    page = drawn(accepted)
    assert [(metric.value, metric.delta) for metric in page.metric] == [("9.8", ""), ("0.301", "")]
    assert f"from 30 on ({accepted} so far)" in page.caption[0].value
    assert "at random have" not in page.metric[0].help


def test_from_thirty_on_they_are_and_without_a_colour_that_calls_it_good_or_bad() -> None:
    page = drawn(30)
    assert [metric.delta for metric in page.metric] == ["-0.2 against chance", "+0.002 against chance"]
    assert {metric.proto.color for metric in page.metric} == {page.metric[0].proto.MetricColor.GRAY}
    assert not page.caption

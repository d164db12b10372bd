import pytest

from align.records import Measurement
from align.report.wording import counted, figure_text, is_share, listed, name_of, plain, value_text, whole


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.0, "0"), (12345.6, "12,346"), (100.4, "100"), (37.5, "37.5"), (9.999, "10.0"), (1.234, "1.23"), (0.1234, "0.123"),
     (0.00001, "1.0e−05"), (-2.5, "−2.50"), (float("inf"), "not a number")],
)  # fmt: skip
def test_three_digits_tell_enough(value, said):
    assert plain(value) == said


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        (Measurement("win_rate", "a", 0.57, 0.414, 0.718, 30), "57\u00a0% (41–72)"),
        (Measurement("win_rate", "a", 0.57, 0.5414, 0.5918, 3000), "57.0\u00a0% (54.1–59.2)"),
        (Measurement("eot_rate", "a", 1.0), "100\u00a0%"),
        (Measurement("perplexity", "a", 36.0, 30.2, 41.77, 500), "36.0 (30.2–41.8)"),
        (Measurement("wins", "a", 12.0, 8.2, 16.1, 30), "12 (8–16)"),
        (Measurement("trained_tokens", "a", 1234567.0), "1,234,567"),
        (Measurement("safe_preferred_change", "a", 0.2, -0.05, 0.4, 30), "+20\u00a0points (−5 to +40)"),
        (Measurement("anything", "a", 3.0), "3"),
        (Measurement("anything", "a", float("nan")), "not a number"),
    ],
)
def test_a_figure_comes_with_its_interval(figure, said):
    assert figure_text(figure) == said


def test_names_and_lists():
    assert name_of("some_new/metric") == "Some new metric"
    assert is_share("refusal_rate")
    assert not is_share("perplexity")
    assert counted(1, "pair") == "1\u00a0pair"
    assert counted(1200, "pair") == "1,200\u00a0pairs"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed([]) == ""
    assert whole(-3) == "−3"
    assert value_text(Measurement("quota_taken", "a", 4.0)) == "4"

"""Numbers as people read them: `57 % (41–72)`."""

import math

from align.records import Measurement

SHARES = {
    "eot_rate", "repetition", "win_rate", "at_least_as_good", "flip_rate", "safe_preferred", "reward_accuracy", "refusal_rate",
    "accuracy", "agreement", "same_answers", "chance", "tie_discounted_accuracy",
    "win_rate_where_longer", "win_rate_where_shorter",
}  # fmt: skip
"""Metrics whose values are shares, 0 to 1."""
COUNTS = {"wins", "ties", "losses", "unparsed", "trained_tokens", "trimmed_examples", "evaluation_items_found", "canaries_right"}
COEFFICIENTS = {"krippendorff_alpha"}
"""Metrics around 0 and up to 1, of which two decimals are enough."""
NAMES = {
    "tie_discounted_accuracy": "Tie-discounted accuracy",
    "krippendorff_alpha": "Krippendorff's alpha",
    "agreement_difference": "Judge with people less people among themselves",
    "opposite_items": "Items on which two are opposite",
    "eot_rate": "Responses ended with EOT",
    "mean_response_tokens": "Mean response length (tokens)",
    "repetition": "Repeated four-word sequences",
    "win_rate": "Win rate",
    "at_least_as_good": "At least as good",
    "flip_rate": "Verdicts that changed with the order",
    "length_controlled_win_rate": "Win rate at equal length",
    "win_rate_where_longer": "Win rate where the first model wrote more",
    "win_rate_where_shorter": "Win rate where the first model wrote less",
    "longer_share": "Verdicts for the longer answer",
    "first_shown_share": "Verdicts for the answer shown first",
    "said_tie_share": "Verdicts for neither",
    "canaries_right": "Pairs with a known answer judged right",
    "safe_preferred": "Safe answer preferred",
    "reward_accuracy": "Reward accuracy",
    "safe_preferred_change": "Change in points",
    "perplexity": "Perplexity",
    "trained_tokens": "Tokens trained on",
    "final_loss": "Loss at the end",
    "trimmed_examples": "Examples trimmed",
    "weight_bytes": "Weights",
    "exported_perplexity": "Perplexity",
    "same_answers": "Same greedy answers",
    "common_prefix": "Same tokens at the start",
    "loss": "Loss",
    "chance": "By chance",
    "accuracy_by_letter": "Accuracy by letter",
    "accuracy_by_continuation": "Accuracy by the option's text",
    "accuracy_by_continuation_per_character": "Accuracy by the option's text a character",
    "accuracy_by_number": "Accuracy by the last number",
    "accuracy_by_text": "Accuracy by the first line",
    "accuracy_by_lm_eval": "Accuracy of lm-eval",
    "learning_rate": "Learning rate",
    "rewards/margins": "Reward margin",
    "rewards/accuracies": "Reward accuracy",
}
SPACE = "\u00a0"
MINUS = "\u2212"


def name_of(metric: str) -> str:
    """What a metric is called on the page."""
    return NAMES.get(metric) or metric.replace("_", " ").replace("/", " ").capitalize()


def is_share(metric: str) -> bool:
    """Whether its values are shares, 0 to 1."""
    return (
        metric in SHARES or metric.endswith(("_rate", "_share")) or (metric.startswith("accuracy_by_") and not is_change(metric))
    )


def is_change(metric: str) -> bool:
    """Whether its values are differences of shares."""
    return metric.endswith("_change") or metric == "agreement_difference"


def coefficient(value: float) -> str:
    """`0.63`, `−0.13`; never a negative nought."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", MINUS)


def points(difference: float) -> str:
    """`+8` or `−3` percentage points."""
    rounded = round(100 * difference)
    return f"{rounded:+d}".replace("-", MINUS) if rounded else "0"


def whole(number: float) -> str:
    """`12,345`."""
    return f"{number:,.0f}".replace("-", MINUS)


def plain(value: float, like: float | None = None) -> str:
    """Three significant digits, thousands with commas; with `like`, as many decimals as that number gets."""
    size = abs(value if like is None else like)
    if not math.isfinite(value):
        return "not a number"
    if size == 0 or size >= 99.95:
        return whole(value)
    if size < 0.001:
        return f"{value:.1e}".replace("-", MINUS)
    digits = 1 if size >= 9.995 else 2 if size >= 0.9995 else 3
    return f"{value:.{digits}f}".replace("-", MINUS)


def size(count: float) -> str:
    """`1.2 MB`, in steps of a thousand."""
    for unit in ("B", "kB", "MB"):
        if count < 999.5:
            return f"{plain(count)}{SPACE}{unit}"
        count /= 1000
    return f"{plain(count)}{SPACE}GB"


def percent(share: float, count: int = 0) -> str:
    """`57 %`; one decimal where a thousand items or more carry it."""
    return f"{_hundredths(share, count)}{SPACE}%"


def _hundredths(share: float, count: int) -> str:
    return f"{100 * share:.{1 if count >= 1000 else 0}f}".replace("-", MINUS)


def value_text(figure: Measurement) -> str:
    """The value alone."""
    if not math.isfinite(figure.value):
        return "not a number"
    if is_change(figure.metric):
        return f"{points(figure.value)}{SPACE}points"
    if figure.metric in COEFFICIENTS:
        return coefficient(figure.value)
    if is_share(figure.metric):
        return percent(figure.value, figure.count)
    if figure.metric == "weight_bytes":
        return size(figure.value)
    is_count = figure.metric in COUNTS or (figure.low is None and figure.value.is_integer())
    return whole(figure.value) if is_count else plain(figure.value)


def interval_text(figure: Measurement) -> str:
    """The interval alone, `41–72`; empty where there is none."""
    if figure.low is None or figure.high is None:
        return ""
    if is_change(figure.metric):
        return f"{points(figure.low)} to {points(figure.high)}"
    if figure.metric in COEFFICIENTS:
        return f"{coefficient(figure.low)} to {coefficient(figure.high)}"
    if is_share(figure.metric):
        return f"{_hundredths(figure.low, figure.count)}–{_hundredths(figure.high, figure.count)}"
    if figure.metric in COUNTS:
        return f"{whole(figure.low)}–{whole(figure.high)}"
    return f"{plain(figure.low, like=figure.value)}–{plain(figure.high, like=figure.value)}"


def figure_text(figure: Measurement) -> str:
    """`57 % (41–72)`."""
    interval = interval_text(figure)
    return f"{value_text(figure)} ({interval})" if interval else value_text(figure)


def counted(number: int, noun: str) -> str:
    """`1 example`, `2 examples`."""
    return f"{whole(number)}{SPACE}{noun}{'' if number == 1 else 's'}"


def listed(items: list[str]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)

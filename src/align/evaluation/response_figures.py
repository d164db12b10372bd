"""What can be said of responses without judging them: whether they end, how long they are, how much they repeat."""

from collections.abc import Sequence

from align.records import Measurement, Response
from align.statistics import Estimate, clustered_mean, share

REPEATED_WORDS = 4


def measure_responses(responses: Sequence[Response]) -> list[Measurement]:
    """How often the model ends its turn, how long its responses are and how much they repeat."""
    subject = responses[0].model
    prompts = [response.prompt_id for response in responses]
    count = len(set(prompts))
    clustered = "95 %, clustered by prompt"
    rate, how = share([response.ended for response in responses], prompts)
    length = clustered_mean([float(response.tokens) for response in responses], prompts)
    repeated = clustered_mean([repetition(response.text) for response in responses], prompts)
    grams = f"mean share of {REPEATED_WORDS}-word sequences that occurred before in the response; {clustered}"
    return [
        Measurement("eot_rate", subject, *rate, count, f"share of {len(responses)} responses ended with EOT; {how}"),
        Measurement("mean_response_tokens", subject, *length, count, f"mean over responses, EOT included; {clustered}"),
        Measurement("repetition", subject, *_within(repeated, 0, 1), count, grams),
    ]


def repetition(text: str) -> float:
    """Share of the text's four-word sequences that occurred before in it; 0 where there is none."""
    words = text.casefold().split()
    sequences = [tuple(words[start : start + REPEATED_WORDS]) for start in range(len(words) - REPEATED_WORDS + 1)]
    return 1 - len(set(sequences)) / len(sequences) if sequences else 0.0


def _within(found: Estimate, least: float, most: float) -> Estimate:
    """An interval by Student's t may reach beyond what a share can be."""
    if found.low is None or found.high is None:
        return found
    return Estimate(found.value, max(least, found.low), min(most, found.high))

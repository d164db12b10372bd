"""How a rejection shows what was found: the span in its neighbourhood, on one line."""

NEIGHBOURHOOD_CHARS = 30


def around(text: str, start: int, end: int) -> str:
    """`... the words before [span] the words after ...`."""
    before, after = text[max(0, start - NEIGHBOURHOOD_CHARS) : start], text[end : end + NEIGHBOURHOOD_CHARS]
    left, right = "…" * (start > NEIGHBOURHOOD_CHARS), "…" * (end + NEIGHBOURHOOD_CHARS < len(text))
    return " ".join(f"{left}{before}[{text[start:end]}]{after}{right}".split())

"""What a filter found, with a little of the text around it."""

AROUND_CHARS = 30


def excerpt(text: str, start: int, end: int) -> str:
    """`text[start:end]` with about 30 characters on either side, on one line."""
    left, right = max(0, start - AROUND_CHARS), min(len(text), end + AROUND_CHARS)
    inside = " ".join(text[left:right].split())
    return ("…" if left > 0 else "") + inside + ("…" if right < len(text) else "")

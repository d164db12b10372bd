"""Whether every text can be read: WCAG 2's contrast of 4.5, in both themes, worked out from the colours that are shipped."""

import re
import tomllib
from pathlib import Path

import pytest

from curation_app.look import SHARED

APP = Path(__file__).parents[2] / "curation_app"
THEMES = tomllib.loads((APP / ".streamlit/config.toml").read_text(encoding="utf-8"))["theme"]
CSS = (APP / "review/review.css").read_text(encoding="utf-8")
Colour = tuple[float, float, float]


def colour(written: str) -> Colour:
    digits = written.strip().lstrip("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    red, green, blue = (int(digits[place : place + 2], 16) for place in (0, 2, 4))
    return red, green, blue


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (share * left + (1 - share) * right for left, right in zip(one, other, strict=True))
    return red, green, blue


def light_of(shown: Colour) -> float:
    """Relative luminance."""
    linear = [part / 255 / 12.92 if part / 255 <= 0.03928 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in shown]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Colour, other: Colour) -> float:
    dark, bright = sorted((light_of(one), light_of(other)))
    return (bright + 0.05) / (dark + 0.05)


def of_theme(theme: str, pattern: str, text: str) -> Colour:
    """The theme's side of a `light-dark(...)`."""
    found = re.search(pattern + r"light-dark\((#\w+), (#\w+)\)", text)
    assert found, pattern
    return colour(found[1 if theme == "light" else 2])


def test_black_on_white_has_the_greatest_contrast_there_is() -> None:
    assert contrast(colour("#000"), colour("#ffffff")) == pytest.approx(21)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_stands_out_from_what_it_stands_on(theme: str) -> None:
    told = THEMES[theme]
    ink, paper, wash = (colour(told[name]) for name in ("textColor", "backgroundColor", "secondaryBackgroundColor"))
    accent, link = colour(told["primaryColor"]), colour(told["linkColor"])
    faint = re.search(r"--faint: color-mix\(in srgb, var\(--ink\) (\d+)%", CSS)
    assert faint
    bad, caption = of_theme(theme, "--bad: ", CSS), of_theme(theme, r"stCaptionContainer\"\] \{ color: ", SHARED)
    pairs = {
        "text": (ink, wash),
        "faint": (mixed(ink, paper, int(faint[1]) / 100), wash),
        "accent": (accent, paper),
        "link": (link, paper),
        "caption": (caption, paper),
        "rejecting": (bad, paper),
        "a failed rule": (bad, mixed(bad, paper, 0.08)),
        "the main button": (of_theme(theme, r"primary\"\] p \{ color: ", SHARED), accent),
        "accepting": (colour("#fff"), colour("#1f7a3a")),
        "what is new": (ink, mixed(colour("#2da44e"), paper, 0.24)),
        "what is gone": (ink, mixed(colour("#cf222e"), paper, 0.18)),
        "what a rule found": (ink, mixed(colour("#f2b705"), paper, 0.38)),
    }
    assert {name: round(contrast(*pair), 2) for name, pair in pairs.items() if contrast(*pair) < 4.5} == {}

"""Nothing that takes long leaves people without a bar: each stage that looks at all examples shows one for each of its passes."""

import io
from pathlib import Path
from typing import Any

import pytest

from align import progress
from align.dedup.minhash import MinHash
from align.dedup.semantic import Semantic
from align.filters.educational import Educational
from align.selection.baselines import Take
from align.selection.diverse import Diverse
from align.style.style import Style
from toy_records import example, inputs, run

ROWS = [
    example(f"{source}/{number}", f"Why {number}?", f"The {source} word {number} explains {number % 7} and {number % 5}. " * 3)
    for source in ("bread", "soup")
    for number in range(40)
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def grades(folder: Path) -> Path:
    path = folder / "grades.csv"
    path.write_text("id,score\n" + "".join(f"{row.id},{number % 6}\n" for number, row in enumerate(ROWS)))
    return path


def stages(folder: Path) -> dict[str, tuple[Any, list[str]]]:
    variety = ["measuring variety", "measuring random draws"]
    return {
        "take": (Take(count=5), variety),
        "semantic": (Semantic(), ["learning which words tell texts apart", "embedding", "comparing vectors"]),
        "minhash": (MinHash(), ["sketching texts", "comparing texts that share a bucket"]),
        "k-center": (Diverse(count=6), ["taking the farthest", "writing the selection", *variety]),
        "facilities": (Diverse(count=5, method="facility_location"), ["taking those that stand for most"]),
        "educational": (
            Educational(graded=grades(folder), min_score=1, trees=12),
            ["growing the forest", "foreseeing grades held out", "drawing grades anew"],
        ),
        "style": (Style(), ["learning what is usual", "guessing sources by style", "drawing responses anew"]),
    }


@pytest.mark.parametrize("name", ["take", "semantic", "minhash", "k-center", "facilities", "educational", "style"])
def test_each_pass_of_a_stage_shows_how_far_it_is_and_how_much_there_is(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, titles = stages(tmp_path)[name]
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", 0)
    monkeypatch.setattr(progress, "REDRAW_SECONDS", 0)
    run(stage, inputs(tmp_path, ROWS), tmp_path / "out")
    drawn = [line for line in screen.getvalue().replace("\r", "\n").split("\n") if "/" in line]
    for title in titles:
        own = [line for line in drawn if title in line]
        assert own, f"no bar says {title!r}"
        assert not any("/?" in line for line in own), f"{title!r} does not know how much there is"

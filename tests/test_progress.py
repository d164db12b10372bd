import io

import pytest

from align import progress
from align.progress import track


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal to look at, and an impatient reader. Called in the test: pytest sets its own stderr before that."""
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", 0)
    monkeypatch.setattr(progress, "REDRAW_SECONDS", 0)
    return screen


def test_a_terminal_is_shown_title_and_count_even_before_there_is_a_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    assert list(track(range(3), "reading", unit="rows")) == [0, 1, 2]
    assert "reading" in screen.getvalue()
    assert "3/3" in screen.getvalue()


def test_one_bar_may_stand_inside_another(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    outer = track(([*track(range(2), "inner")] for _ in range(2)), "outer")
    assert list(outer) == [[0, 1], [0, 1]]
    assert "inner" in screen.getvalue()
    assert "outer" in screen.getvalue()


def test_where_nobody_looks_nothing_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track([1], "reading")) == [1]
    assert capsys.readouterr() == ("", "")


def test_what_is_not_counted_by_the_item_is_shown_as_far_as_an_item_reaches(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    assert list(track(["a", "bc"], "reading", 30, "MB", reached=lambda item: 10 * len(item))) == ["a", "bc"]
    assert "20/30" in screen.getvalue()

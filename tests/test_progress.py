import io

import pytest

from align import progress
from align.progress import track


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", 0)
    monkeypatch.setattr(progress, "REDRAW_SECONDS", 0)
    return screen


def test_a_terminal_is_shown_title_and_count_even_before_there_is_a_rate(terminal: Terminal) -> None:
    assert list(track(range(3), "reading", unit="rows")) == [0, 1, 2]
    assert "reading" in terminal.getvalue()
    assert "3/3" in terminal.getvalue()


def test_one_bar_may_stand_inside_another(terminal: Terminal) -> None:
    outer = track(([*track(range(2), "inner")] for _ in range(2)), "outer")
    assert list(outer) == [[0, 1], [0, 1]]
    assert "inner" in terminal.getvalue()


def test_where_nobody_looks_nothing_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track([1], "reading")) == [1]
    assert capsys.readouterr() == ("", "")

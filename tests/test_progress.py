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
    monkeypatch.setattr(progress.time, "monotonic", lambda: 1.0)  # so fast that the last item is not looked at by itself
    assert list(track(["a", "bc"], "reading", 30, "MB", reached=lambda item: 10 * len(item))) == ["a", "bc"]
    assert "20/30" in screen.getvalue()


def test_a_log_gets_a_line_with_rate_and_time_left_now_and_then(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    caplog.set_level("INFO", "align")
    for _ in track(range(1, 401), "reading", unit="rows"):
        clock[0] += 1.0
    # a row a second: the first line after ten seconds, the next ones ten seconds or a tenth of the time later
    assert caplog.messages[:2] == [
        "  reading  10 of 400 rows  1.0 rows/s  390 s left",
        "  reading  20 of 400 rows  1.0 rows/s  380 s left",
    ]
    assert caplog.messages[-1] == "  reading  390 of 400 rows  1.0 rows/s  10 s left"


def test_how_much_there_is_is_only_asked_when_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise AssertionError("nobody looks yet")

    assert list(track(range(3), "reading", refuse)) == [0, 1, 2]
    screen = terminal(monkeypatch)
    assert list(track(iter("abc"), "reading", lambda: 3)) == ["a", "b", "c"]
    assert "3/3" in screen.getvalue()


def test_a_process_that_works_for_another_tells_that_one_and_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    heard: list[str] = []
    monkeypatch.setattr(progress, "_listener", heard.append)
    assert list(track("ab", "reading", unit="rows")) == ["a", "b"]
    assert heard[-1] == "reading 2 of 2 rows"
    assert screen.getvalue() == ""

"""What a lead reads when the process that does the work does not end by itself."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest


def job(tmp_path: Path, program: str, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page while `program` stands for Python, on a store that allows everything."""
    stand_in = tmp_path / "stand-in"
    stand_in.write_text(f"#!/bin/sh\n{program}\n", encoding="utf-8")
    stand_in.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(stand_in))
    project = SimpleNamespace(
        store=SimpleNamespace(allow=lambda *_: None), desk=SimpleNamespace(store=str(tmp_path / "my store"))
    )

    def page(project) -> None:  # type: ignore[no-untyped-def]  # the source alone is run
        from curation_app.freezing.jobs import run_align

        run_align(project, "ada", "Freezing", ["freeze", "recipe.yaml"])

    return AppTest.from_function(page, kwargs={"project": project}, default_timeout=20).run()


def test_a_killed_process_is_told_with_its_signal_and_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    test = job(tmp_path, "kill -9 $$", monkeypatch)
    assert not test.exception
    said = test.code[0].value
    assert "align was ended by signal 9 (SIGKILL)" in said
    assert f"stand-in -m align freeze recipe.yaml --store '{tmp_path}/my store'" in said
    assert test.status[0].label == "Freezing: not done"


def test_a_process_that_tells_its_own_error_is_left_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    test = job(tmp_path, "echo no such stage; exit 1", monkeypatch)
    assert test.code[0].value == "no such stage"
    assert test.status[0].label == "Freezing: not done"

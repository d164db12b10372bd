"""The command line, called in this process."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from align.cli import app


@dataclass(frozen=True)
class Done:
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@pytest.fixture
def align(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Done]:
    """Call `align ARGUMENTS` with a store below the test's folder."""
    monkeypatch.setenv("ALIGN_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("COLUMNS", "100")

    def call(*arguments: str | Path) -> Done:
        capsys.readouterr()
        code = 0
        try:
            app([str(argument) for argument in arguments], prog_name="align")
        except SystemExit as error:
            code = int(error.code or 0)
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return call

"""Fixtures shared by all tests."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Real dumps and sets to check against; a user does not have them, so their tests skip."""
    folder = Path(os.environ.get("ALIGN_REAL_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder} (set ALIGN_REAL_DATA to a folder that has it)")
    return folder


TOY_STAGES = """\
stages:
  numbers: {kind: count, source: {kind: numbers}}
  clean: {kind: filter, filters: [{kind: min_chars, limit: 2}]}
  told: {kind: retell}
  drawn: {kind: first, take: 1}
  model: {kind: learn}
"""


@pytest.fixture
def write_toy(tmp_path: Path) -> Callable[[str], Path]:
    """Write a recipe of toy parts (tests/toy_parts.py) with other stages than the usual ones."""

    def write(stages: str) -> Path:
        shutil.copy(Path(__file__).parent / "toy_parts.py", tmp_path / "mine.py")
        path = tmp_path / "toy.yaml"
        path.write_text(f"name: toy\nplugins: [mine.py]\n{stages}", encoding="utf-8")
        return path

    return write


@pytest.fixture
def toy(write_toy: Callable[[str], Path]) -> Path:
    """A recipe of toy parts: count 4 3 2 1, drop the shortest, edit n3 and reject n2, draw one, learn from it."""
    return write_toy(TOY_STAGES)

"""Fixtures of the report's tests: runs made of hand-written records."""

from pathlib import Path

import pytest
from fake_run import Make, maker, whole

from align.artifact import Artifact


@pytest.fixture
def make(tmp_path: Path) -> Make:
    return maker(tmp_path / "store")


@pytest.fixture
def whole_run(make: Make) -> list[Artifact]:
    return whole(make)

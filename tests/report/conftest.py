"""Fixtures of the report's tests: runs made of hand-written records."""

from pathlib import Path

import pytest
from fake_run import Make, maker, whole

from align.artifact import Artifact
from align.report.report import Report
from align.stage import Inputs


@pytest.fixture
def make(tmp_path: Path) -> Make:
    return maker(tmp_path / "store")


@pytest.fixture(scope="session")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> list[Artifact]:
    return whole(maker(tmp_path_factory.mktemp("store")))


@pytest.fixture(scope="session")
def whole_report(whole_run: list[Artifact], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the report of the whole run was written."""
    work = tmp_path_factory.mktemp("report")
    Report(title="Clocks and kites", description="A small run.").run(Inputs(tuple(whole_run)), work)
    return work

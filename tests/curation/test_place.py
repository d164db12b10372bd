"""Where a store's decisions lie."""

from pathlib import Path

import pytest

from align.curation.database.engine import parse_url
from align.curation.database.place import VARIABLE, database_url


@pytest.mark.parametrize("name", ["plain", "50%25 off", "what?now", "größer #2"])
def test_the_file_lies_in_the_store_whatever_its_folder_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert parse_url(database_url(tmp_path / name)).database == str(tmp_path / name / "curation.db")

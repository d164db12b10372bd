import json
from pathlib import Path

import pytest

from align.artifact import open_store
from align.machine import Finding, examine


def found(store: Path) -> dict[str, Finding]:
    return {item.name: item for item in examine(store)}


def test_a_machine_is_examined_without_changing_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    findings = found(tmp_path / "store")
    assert findings["Python"].is_there
    assert int(findings["cores"].found) >= 1
    assert not findings["7z"].is_there
    assert findings["7z"].found == "apt install p7zip-full"
    assert findings["packages"].found.count("torch") == 1
    assert findings["store"].found.endswith("store (not made yet)")
    assert list(tmp_path.iterdir()) == []


def test_a_store_is_told_with_what_lies_in_it(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    for name in ("a", "b", "c.partial"):
        (store / "artifacts" / name).mkdir()
    assert found(store)["store"].found == f"{store}: 0 runs, 2 artifacts, 1 unfinished"


def test_a_store_from_a_newer_version_is_told(tmp_path: Path) -> None:
    (tmp_path / "store.json").write_text(json.dumps({"format": 99}))
    finding = found(tmp_path)["store"]
    assert not finding.is_there
    assert "written by a newer align" in finding.meaning


def test_an_extra_that_is_not_installed_is_told_with_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("align.machine._version", lambda name: None if name == "streamlit" else "1")
    finding = found(tmp_path)["extra app"]
    assert (finding.is_there, finding.found) == (False, "without streamlit: pip install 'align-lm[app]'")

import importlib.util
import json
from pathlib import Path

import pytest

from align.artifact import open_store
from align.curation.database.filesystems import network_kind, refuse_network
from align.curation.database.place import VARIABLE
from align.errors import AlignError
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


def test_without_the_packages_of_the_app_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *more: None if name == "sqlalchemy" else find(name, *more))
    finding = found(tmp_path)["decisions"]
    assert not finding.is_there
    assert finding.meaning == "decisions in a database need sqlalchemy: pip install 'align-lm[app]'"


MOUNTS = """\
/dev/vda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/vdb1 /home/ada/disk xfs rw 0 0
//server/share /mnt/the\\040share cifs rw 0 0
tmpfs /home/ben tmpfs rw 0 0
server:/ben /home/ben nfs rw 0 0
host /shared 9p rw 0 0
"""


def test_a_file_of_another_machine_is_known_by_what_is_mounted_nearest_above_it(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)
    kinds = {
        "/var/store/curation.db": "", "/home/ada/store/curation.db": "nfs4", "/home/ada/disk/curation.db": "",
        "/homes/curation.db": "", "/mnt/the share/curation.db": "cifs", "/home/ben/curation.db": "nfs",
    }  # fmt: skip
    assert {path: network_kind(Path(path), mounts) for path in kinds} == kinds
    assert network_kind(Path("/home/ada"), tmp_path / "no such file") == ""
    with pytest.raises(AlignError, match=r"network file system \(nfs4\).*postgresql\+psycopg://"):
        refuse_network(Path("/home/ada/curation.db"), mounts)
    assert refuse_network(Path("/var/curation.db"), mounts) == ""
    assert "network file system (9p)" in refuse_network(Path("/shared/curation.db"), mounts)


def test_a_database_on_a_network_file_system_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr("align.curation.database.filesystems.network_kind", lambda path, mounts: "cifs")
    finding = found(tmp_path)["decisions"]
    assert (finding.is_there, "network file system (cifs)" in finding.meaning) == (False, True)

"""align backup, and what must not show a password."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from align.cli import verbs
from align.curation.store import Ask, CurationStore
from align.curation.writing.authoring import AuthoredExample, as_example
from align.errors import without_passwords
from align.records import Turn
from align.sources.ingest import Shard
from align.sources.json_lines import JsonLines
from conftest import Done

Align = Callable[..., Done]


def test_backup_saves_the_database_of_the_store(align: Align, tmp_path: Path) -> None:
    assert "no curation database" in align("backup", tmp_path / "saved.db").err
    (tmp_path / "store").mkdir(exist_ok=True)
    store = CurationStore.open(f"sqlite:///{tmp_path}/store/curation.db")
    store.add_person("ada", "ada")
    store.decide(Ask("r1", "x/1", "c", 0, "accept", "ada"))
    done = align("backup", tmp_path / "saved.db")
    assert (done.code, done.lines) == (0, [str(tmp_path / "saved.db")])
    assert done.err.startswith(f"saved {tmp_path}/store/curation.db: 1 events of 1 people, ")
    assert align("backup", tmp_path / "saved.db").code == 1
    assert align("backup", tmp_path / "saved.db", "--force").code == 0
    again = align("backup", tmp_path / "again.db", "--db", f"sqlite:///{tmp_path}/saved.db")
    assert again.code == 0
    store.close()


def test_doctor_tells_the_database_without_its_password(align: Align, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIGN_DB", "postgresql+psycopg://ada:hunter2@127.0.0.1:9/x")
    done = align("doctor", "--json")
    assert "postgresql+psycopg://ada:***@127.0.0.1:9/x (not there)" in done.out
    assert "hunter2" not in done.out + done.err


def test_what_is_kept_of_a_bug_shows_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql+psycopg://ada:hun:ter2@host/x?password=hunter3&sslmode=require"
    monkeypatch.setattr("sys.argv", ["align", "backup", "--db", url, "x.db"])
    path = verbs._write_traceback(RuntimeError(f"could not open {url}"))
    told = path.read_text(encoding="utf-8")
    path.unlink()
    assert told.count("postgresql+psycopg://ada:***@host/x?password=***&sslmode=require") == 2
    assert "ter2" not in told
    assert "hunter3" not in told
    assert without_passwords("see https://a.b/c: x@y, or C:\\x") == "see https://a.b/c: x@y, or C:\\x"


def test_authored_prints_the_ready_examples_of_a_split_for_ingest(align: Align, tmp_path: Path) -> None:
    assert "no curation database" in align("authored", "train").err
    (tmp_path / "store").mkdir(exist_ok=True)
    store = CurationStore.open(f"sqlite:///{tmp_path}/store/curation.db")
    store.add_person("ada", "ada")
    ode = (Turn("user", "Write an ode to salt."), Turn("assistant", "O grain of the sea!"))
    first = store.write_authored("ada", AuthoredExample("authored/1", "A", "example", ode, "ready", license="CC0-1.0"))
    store.write_authored("ada", AuthoredExample("authored/2", "A", "example", ode))
    store.write_authored("ada", AuthoredExample("authored/3", "A", "example", ode[:1], "ready", split="dev"))
    store.close()
    done = align("authored", "train")
    assert (done.code, done.err) == (0, "1 ready for train\n")
    path = tmp_path / "train.jsonl"
    path.write_text(done.out)
    assert list(JsonLines(paths=(path,)).read(Shard("rows", path), Counter())) == [as_example(first)]
    assert align("authored", "test").err == "0 ready for test\n"


def test_the_app_does_not_keep_decisions_on_a_network_file_system(
    align: Align, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ALIGN_DB", raising=False)
    monkeypatch.setattr("align.curation.database.filesystems.network_kind", lambda path, mounts: "cifs")
    done = align("app", "--no-browser")
    assert done.code == 1
    assert "network file system (cifs)" in " ".join(done.err.split())
    assert not (tmp_path / "store" / "curation.db").exists()

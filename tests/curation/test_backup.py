"""Saving decisions to one file while people work on."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from align.curation.database.backup import back_up
from align.curation.store import Ask, AuthoredExample, CurationStore
from align.errors import InputError, StoreError
from align.records import Turn

ODE = (Turn("user", "Write an ode to salt."), Turn("assistant", "O grain of the sea, nul \x00 and 💡!"))


@contextmanager
def opened(path: Path) -> Iterator[CurationStore]:
    store = CurationStore.open(f"sqlite:///{path}")
    yield store
    store.close()


def test_a_backup_opens_with_the_same_decisions_people_and_history(store: CurationStore, db_url: str, tmp_path: Path) -> None:
    # more than are copied at once
    store.decide_many(
        [
            Ask(f"r{number}", f"x/{number}", "c", 0, "accept" if number % 3 else "reject", "ben", seconds=1.5)
            for number in range(1500)
        ]
    )
    store.decide(Ask("e", "x/0", "c", 1, "edit", "ben", turns=ODE, note="salt’s"))
    store.undo("ben", "u")
    store.write_guidelines("ada", "Be kind.")
    store.set_setting("ada", "blind", False)
    store.write_authored("ben", AuthoredExample("authored/1", "A", "example", ODE))
    store.lease("cem", ["x/9"])
    saved = back_up(db_url, tmp_path / "saved.db")
    assert (saved.events, saved.people, saved.path.exists()) == (1502, 5, True)
    assert sorted(path.name for path in tmp_path.glob("saved*")) == ["saved.db"]
    with opened(tmp_path / "saved.db") as copy:
        assert list(copy.decisions()) == list(store.decisions())
        assert copy.events_since(0) == store.events_since(0)
        assert (copy.people(), copy.counts(), copy.audit(2000)) == (store.people(), store.counts(), store.audit(2000))
        assert (copy.guidelines(), copy.settings(), copy.all_authored()) == (
            store.guidelines(),
            store.settings(),
            store.all_authored(),
        )
        assert copy.leases() == store.leases()
        # and it goes on from there
        assert copy.decide(Ask("more", "x/0", "c", 3, "accept", "ben")).seq > store.events_since(0)[-1].seq


def test_a_backup_made_while_people_decide_is_one_moment(store: CurationStore, db_url: str, tmp_path: Path) -> None:
    stop = threading.Event()

    def work() -> None:
        number = 0
        while not stop.is_set():
            store.decide(Ask(f"r{number}", f"x/{number}", "c", 0, "accept", "ben"))
            number += 1

    writer = threading.Thread(target=work)
    writer.start()
    try:
        for number in range(3):
            saved = back_up(db_url, tmp_path / f"{number}.db")
            with opened(saved.path) as copy:
                events = copy.events_since(0, 10**6)
                (counted,) = [item for item in copy.counts() if item.curator == "ben"] or [None]
                assert (counted.events if counted else 0) == len(events) == len(list(copy.decisions())) == saved.events
    finally:
        stop.set()
        writer.join()


def test_a_backup_never_writes_over_a_file_or_the_database_itself(store: CurationStore, tmp_path: Path, db_url: str) -> None:
    path = tmp_path / "saved.db"
    path.write_text("dear to somebody", encoding="utf-8")
    with pytest.raises(InputError, match="is there already; name another file, or write over it with --force"):
        back_up(db_url, path)
    assert path.read_text(encoding="utf-8") == "dear to somebody"
    assert back_up(db_url, path, force=True).people == 5
    if store.database.is_sqlite:
        with pytest.raises(InputError, match="is the database itself"):
            back_up(db_url, Path(str(store.database.url.database)), force=True)


def test_an_old_database_is_saved_as_it_is_before_it_is_upgraded(tmp_path: Path) -> None:
    script = (Path(__file__).parent / "revision_0001.sqlite.sql").read_text(encoding="utf-8")
    old = sqlite3.connect(tmp_path / "old.db")
    old.executescript(script)
    back_up(f"sqlite:///{tmp_path}/old.db", tmp_path / "saved.db")
    for connection in (old, sqlite3.connect(tmp_path / "saved.db")):
        assert connection.execute("SELECT version_num FROM align_schema").fetchone() == ("0001",)
        connection.close()
    with opened(tmp_path / "saved.db") as copy:
        assert len(list(copy.decisions())) == 2


def test_nothing_to_save_is_told_and_leaves_nothing(db_url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nothing to save"):
        back_up(db_url, tmp_path / "saved.db")
    assert list(tmp_path.iterdir()) == []

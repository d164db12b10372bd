"""Two groups of authors who neither read nor write what the other does."""

import pytest

from align.curation.store import CurationStore, NotAllowed
from align.curation.writing.authoring import AuthoredExample
from align.errors import InputError
from align.records import Turn

ODE = (Turn("user", "Write an ode to salt."), Turn("assistant", "O grain of the sea!"))


def write(store: CurationStore, person: str, name: str, group: str) -> None:
    store.write_authored(person, AuthoredExample(f"authored/{name}", group, "example", ODE))  # type: ignore[arg-type]


def test_the_first_thing_somebody_writes_puts_them_into_its_group(store: CurationStore) -> None:
    write(store, "ben", "1", "A")
    write(store, "cem", "2", "B")
    assert store.groups() == {"ben": "A", "cem": "B"}
    assert [item.id for item in store.authored("ben", "A")] == ["authored/1"]
    assert [item.id for item in store.authored("cem", "B")] == ["authored/2"]


def test_what_one_group_writes_is_shown_to_nobody_of_the_other(store: CurationStore) -> None:
    write(store, "ben", "1", "A")
    write(store, "cem", "2", "B")
    for reader, group, name in (("ben", "B", "authored/2"), ("cem", "A", "authored/1")):
        with pytest.raises(NotAllowed, match=f"does not see what group {group} writes"):
            store.authored(reader, group)  # type: ignore[arg-type]
        with pytest.raises(NotAllowed, match="does not see"):
            store.versions_of_authored(reader, name)
        with pytest.raises(NotAllowed, match="cannot write for group"):
            write(store, reader, "3", group)
    # nor does what changed tell more than that something did
    told = [row for row in store.audit() if row.about == "authored/2"]
    assert "salt" not in f"{told}"


def test_a_lead_without_a_group_sees_both_and_one_with_a_group_one(store: CurationStore) -> None:
    write(store, "ben", "1", "A")
    write(store, "cem", "2", "B")
    assert len(store.authored("lea", "A")) == len(store.authored("lea", "B")) == 1
    store.set_group("ada", "lea", "A")
    with pytest.raises(NotAllowed, match="lea is in group A"):
        store.authored("lea", "B")


def test_a_curator_of_no_group_and_who_takes_no_part_see_neither(store: CurationStore) -> None:
    write(store, "ben", "1", "A")
    with pytest.raises(NotAllowed, match="cem is in no group"):
        store.authored("cem", "A")
    with pytest.raises(NotAllowed, match="vic is a viewer"):
        store.authored("vic", "A")
    with pytest.raises(NotAllowed, match="eve takes no part"):
        store.authored("eve", "A")


def test_an_author_is_not_moved_to_the_other_group(store: CurationStore) -> None:
    write(store, "ben", "1", "A")
    with pytest.raises(NotAllowed, match="ben has written for the other group"):
        store.set_group("lea", "ben", "B")
    store.set_group("lea", "ben", None)
    with pytest.raises(NotAllowed, match="ben has written for the other group"):
        write(store, "ben", "2", "B")
    with pytest.raises(NotAllowed, match="cem is a curator and cannot put people into groups"):
        store.set_group("cem", "cem", "B")
    store.set_group("lea", "cem", "B")
    store.set_group("lea", "cem", "A")  # had written nothing yet
    assert store.groups() == {"cem": "A"}


def test_with_the_groups_together_everyone_writes_and_reads_all(store: CurationStore) -> None:
    store.set_setting("lea", "groups_apart", False)
    write(store, "ben", "1", "A")
    write(store, "ben", "2", "B")
    assert [item.id for item in store.authored("cem", "B")] == ["authored/2"]


def test_a_split_of_the_other_group_is_never_ready(store: CurationStore) -> None:
    test = AuthoredExample("authored/1", "A", "example", ODE[:1], "ready", split="test")
    with pytest.raises(InputError, match="group A writes train and dev, not test"):
        store.write_authored("ben", test)
    with pytest.raises(InputError, match="split 'exam': wanted one of train, dev, test"):
        store.write_authored("ben", AuthoredExample("authored/1", "A", "example", ODE, split="exam"))  # type: ignore[arg-type]
    saved = store.write_authored(
        "ben", AuthoredExample("authored/1", "A", "example", ODE[:1], "ready", split="dev", license="CC0-1.0")
    )
    assert (saved.meant_for, saved.license, saved.version) == ("dev", "CC0-1.0", 1)
    assert store.all_authored() == [saved]


def test_who_is_removed_can_do_nothing_and_leaves_all_they_did(store: CurationStore) -> None:
    write(store, "ben", "1", "A")
    store.lease("ben", ["x/1"])
    store.remove_person("ada", "ben")
    assert store.role_of("ben") is None
    assert store.leases() == []
    assert [item.by for item in store.all_authored()] == ["ben"]
    with pytest.raises(NotAllowed, match="ben takes no part"):
        write(store, "ben", "2", "A")
    with pytest.raises(InputError, match="ben takes no part"):
        store.remove_person("ada", "ben")
    with pytest.raises(NotAllowed, match="only admin"):
        store.remove_person("ada", "ada")
    with pytest.raises(NotAllowed, match="lea is a lead"):
        store.remove_person("lea", "cem")


def test_an_invitation_of_a_domain_is_no_way_back_for_who_was_removed(store: CurationStore) -> None:
    store.join_invited("gus@guests.org")
    store.remove_person("ada", "gus@guests.org")
    with pytest.raises(NotAllowed, match="was removed from this project"):
        store.join_invited("gus@guests.org")
    assert store.role_of("gus@guests.org") is None
    store.add_person("ada", "gus@guests.org", "viewer")
    assert store.join_invited("gus@guests.org").role == "viewer"

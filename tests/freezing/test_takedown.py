import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest
from freeze_setting import run_pub

import align
from align.artifact import load_artifact
from align.errors import AlignError, EmptyResult, InputError, StoreError
from align.files import write_records
from align.freezing import freeze as freezing
from align.freezing.folder import read_frozen
from align.freezing.freeze import freeze
from align.freezing.holders import READ_BYTES, names_one
from align.freezing.takedown import TakedownPlan, plan_takedown, take_down
from align.lineage import Run, load_run
from align.locks import hold_lock
from align.recipe import load_recipe
from align.records import Example, Rejection
from align.runner import run_recipe
from align.takedowns import address_of, check_no_takedown, read_takedowns

STAGES = {"train": "train_set", "test": "test_prompts"}
STOUT = "stack_exchange/beer/10"
QUESTION = "https://beer.stackexchange.com/questions/10"


def made(folder: Path) -> Run:
    return load_run(folder / "pub.yaml", folder / "store")


def frozen(folder: Path, **options: Any) -> None:
    freeze(load_recipe(folder / "pub.yaml"), folder / "store", STAGES, folder / "set", **options)


def everything_in(folder: Path) -> bytes:
    """All bytes of all files, Parquet unpacked into the records that can be read."""
    from align.files import read_records
    from align.records import TABLES

    data = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".parquet")
    for artifact in (folder / "store" / "artifacts").glob("*"):
        for record in TABLES.values():
            data += repr(list(read_records(artifact, record))).encode()
    return data


@pytest.fixture
def pub(tmp_path: Path) -> Path:
    run_pub(tmp_path)
    frozen(tmp_path)
    return tmp_path


def stages(plan: TakedownPlan) -> list[str]:
    return sorted(item.artifact.name for item in plan.held)


def test_a_dry_run_shows_where_it_is_and_changes_nothing(pub: Path) -> None:
    before = everything_in(pub)
    plan = plan_takedown(pub / "store", STOUT)
    assert list(plan.found) == [STOUT]
    assert stages(plan) == ["drawn", "dumps", "picked", "train_set"]
    (rows,) = [item.rows for item in plan.held if item.artifact.name == "picked"]
    assert rows == {"decisions": 1, "examples": 1}
    assert [item.ids for item in plan.frozen] == [(STOUT,)]
    assert everything_in(pub) == before
    assert read_takedowns(pub / "store") == []


@pytest.mark.parametrize(
    "asked",
    [
        STOUT,
        "10/11",  # native id
        QUESTION,
        f"{QUESTION}/why-does-a-stout-foam/11#11",
        "http://beer.stackexchange.com/q/10/7",
        "https://beer.stackexchange.com/a/11",
    ],
)
def test_an_example_is_found_by_any_of_its_names(pub: Path, asked: str) -> None:
    found = plan_takedown(pub / "store", asked).found
    # both exchanges have a question 10 with answer 11, so that the native id means two: the dry run shows it
    assert list(found) == ([STOUT, "stack_exchange/coffee/10"] if asked == "10/11" else [STOUT])


def test_an_author_is_found_by_the_profile(pub: Path) -> None:
    found = plan_takedown(pub / "store", "https://coffee.stackexchange.com/users/8/grace").found
    assert sorted(found) == ["stack_exchange/coffee/10", "stack_exchange/coffee/20"]
    assert list(plan_takedown(pub / "store", "https://www.reddit.com/u/A1_writer").found) == ["reddit/AskReddit/a1"]


def test_it_is_gone_from_everything_and_stays_away(pub: Path) -> None:
    assert b"In a dark beer" in everything_in(pub)
    key = made(pub)["dumps"].key
    take_down(pub / "store", STOUT, "her own words")
    left = (
        everything_in(pub)
        .replace((pub / "decisions.jsonl").read_bytes(), b"")
        .replace((pub / "dumps" / "beer.stackexchange.com" / "Posts.xml").read_bytes(), b"")
    )  # what is the user's own
    assert b"In a dark beer" not in left
    assert b"stout foam" not in left
    run = run_recipe(load_recipe(pub / "pub.yaml"), pub / "store")
    assert STOUT not in {item.id for artifact in run.values() for item in artifact.read(Example)}
    # the key is the one that a machine without takedowns has
    assert run["dumps"].key == key
    assert [item for item in run["dumps"].read(Rejection)] == [Rejection(STOUT, "takedown", "taken down", "her own words")]
    assert run["dumps"].counts.dropped == {"takedown: taken down": 1}
    assert (run["dumps"].counts.read, run["dumps"].counts.kept) == (5, 4)
    assert plan_takedown(pub / "store", STOUT).is_empty
    assert take_down(pub / "store", STOUT).is_empty
    assert len(read_takedowns(pub / "store")) == 1


def test_what_came_not_through_it_is_reused(pub: Path) -> None:
    before = made(pub)
    take_down(pub / "store", STOUT)
    after = run_recipe(load_recipe(pub / "pub.yaml"), pub / "store")
    for stage in ("asked", "test_prompts"):
        assert after[stage].manifest["started"] == before[stage].manifest["started"]


def test_a_frozen_set_is_written_anew_with_a_note(pub: Path) -> None:
    take_down(pub / "store", STOUT, "a secret reason")
    left = read_frozen(pub / "set")
    assert left.manifest["counts"]["train"] == {"rows": 6, "dehydrated": 2}
    assert left.manifest["taken_down"] == [STOUT]
    card = (pub / "set" / "README.md").read_text()
    assert "Taken down after the set was made: stack\\_exchange/beer/10" in card
    for path in (pub / "set").rglob("*"):
        assert path.is_dir() or b"secret reason" not in path.read_bytes()
    assert STOUT not in (pub / "set" / "ATTRIBUTION.md").read_text()
    again = run_recipe(load_recipe(pub / "pub.yaml"), pub / "store")["train_set"]
    assert {row["id"] for row in left.rows("train")} == {row.id for row in again.read(Example)}
    take_down(pub / "store", "reddit/AskReddit/a1")
    assert read_frozen(pub / "set").manifest["taken_down"] == ["reddit/AskReddit/a1", STOUT]
    assert read_frozen(pub / "set").manifest["counts"]["train"] == {"rows": 5, "dehydrated": 1}


def test_a_set_that_was_moved_is_cleaned_where_it_is_told_to_lie(pub: Path) -> None:
    (pub / "set").rename(pub / "moved")
    assert plan_takedown(pub / "store", STOUT).frozen == ()
    take_down(pub / "store", STOUT, folders=[pub / "moved"])
    assert read_frozen(pub / "moved").manifest["taken_down"] == [STOUT]


def test_a_damaged_frozen_set_stops_it_before_anything_is_done(pub: Path) -> None:
    path = pub / "set" / "data" / "train.jsonl"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(InputError, match="its sha256 is another.*Nothing was taken down"):
        take_down(pub / "store", STOUT)
    assert read_takedowns(pub / "store") == []
    assert STOUT in {item.id for item in made(pub)["dumps"].read(Example)}


def test_a_new_dump_is_read_without_it_and_without_any_post_of_a_listed_author(pub: Path) -> None:
    take_down(pub / "store", "https://coffee.stackexchange.com/users/7")
    recipe = pub / "pub.yaml"
    recipe.write_text(recipe.read_text().replace("dumps: [dumps], prompt: title", "dumps: [dumps], prompt: body"))
    run_recipe(load_recipe(recipe), pub / "store")
    examples = list(load_run(recipe, pub / "store")["dumps"].read(Example))
    assert sorted(item.id for item in examples) == [f"stack_exchange/beer/{number}" for number in (10, 20, 30)]


def test_something_that_nothing_holds_can_be_listed_beforehand(pub: Path) -> None:
    plan = take_down(pub / "store", "https://beer.stackexchange.com/questions/999")
    assert plan.is_empty
    assert plan.found == {}
    assert [item.asked for item in read_takedowns(pub / "store")] == ["https://beer.stackexchange.com/questions/999"]
    with pytest.raises(AlignError, match="what is to be taken down"):
        take_down(pub / "store", " ")
    with pytest.raises(StoreError, match="no such store"):
        take_down(pub / "nowhere", STOUT)


def test_a_source_of_which_nothing_is_left_is_an_error(pub: Path) -> None:
    for name in ("a1", "a2"):
        take_down(pub / "store", f"reddit/AskReddit/{name}")
    with pytest.raises(EmptyResult, match="each of the 2 records was taken down"):
        run_recipe(load_recipe(pub / "pub.yaml"), pub / "store")


def test_while_something_is_made_it_is_refused_and_the_other_way_round(pub: Path) -> None:
    with hold_lock(pub / "store", "0123456789abcdef"), pytest.raises(StoreError, match="making 0123456789abcdef right now"):
        take_down(pub / "store", STOUT)
    assert read_takedowns(pub / "store") == []
    check_no_takedown(pub / "store")
    (pub / "store" / "takedown.json").write_text(
        json.dumps({"asked": STOUT, "ids": [STOUT], "reason": "", "at": "now", "models": []})
    )
    with pytest.raises(
        StoreError, match="a takedown goes on or was stopped; `align takedown 'stack_exchange/beer/10' --yes` finishes it"
    ):
        run_recipe(load_recipe(pub / "pub.yaml"), pub / "store")
    with pytest.raises(StoreError, match="finish it first"):
        take_down(pub / "store", "another")
    take_down(pub / "store", STOUT)
    check_no_takedown(pub / "store")


def test_stopped_work_and_remains_of_a_killed_freeze_go_too(pub: Path) -> None:
    artifact = made(pub)["drawn"].path
    shutil.copytree(artifact, artifact.with_name("feedfeedfeedfeed.partial"))
    (artifact.with_name("feedfeedfeedfeed.partial") / "manifest.json").unlink()
    shutil.copytree(artifact, artifact.with_name("beefbeefbeefbeef"))
    (artifact.with_name("beefbeefbeefbeef") / "manifest.json").unlink()  # half removed by hand
    shutil.copytree(pub / "set", pub / ".set.partial")
    take_down(pub / "store", STOUT)
    names = {path.name for path in (pub / "store" / "artifacts").iterdir()}
    assert not names & {"feedfeedfeedfeed.partial", "beefbeefbeefbeef"}
    assert not (pub / ".set.partial").exists()


@pytest.mark.parametrize("place", ["store/curation.db", "elsewhere.db"])
def test_what_people_typed_in_the_app_goes_and_their_history_stays(pub: Path, place: str) -> None:
    from align.curation.state.events import Ask
    from align.curation.store import CurationStore
    from align.records import Turn, content_of

    example = next(item for item in made(pub)["drawn"].read(Example) if item.id == STOUT)
    url = f"sqlite:///{pub / place}"
    store = CurationStore.open(url)
    store.add_person("ada", "ada", "admin")
    turns = (example.turns[0], Turn("assistant", "my retelling of a stout"))
    store.decide(Ask("r1", STOUT, content_of(example.turns), 0, "edit", "ada", turns=turns, note="quotes a stout"))
    store.close()
    take_down(pub / "store", STOUT, database=None if place.startswith("store") else url)
    for path in pub.glob(f"{place}*"):
        assert b"retelling of a stout" not in path.read_bytes(), path
    store = CurationStore.open(url)
    (event,) = store.events_since(0)
    store.close()
    assert (event.action, event.note, event.turns) == ("edit", "", (Turn("user", "[taken down]"),))


def test_a_database_that_is_named_and_not_there_is_told_before_anything_is_done(pub: Path) -> None:
    with pytest.raises(StoreError, match="no curation database .*elsewhere.db; nothing was taken down"):
        take_down(pub / "store", STOUT, database=f"sqlite:///{pub / 'elsewhere.db'}")
    assert read_takedowns(pub / "store") == []
    assert not (pub / "elsewhere.db").exists()


@pytest.mark.parametrize(
    ("address", "same"),
    [
        ("https://www.reddit.com/r/AskReddit/comments/abc123/a_title/", "http://old.reddit.com/comments/abc123"),
        ("https://unix.stackexchange.com/questions/5/why", "https://unix.stackexchange.com/q/5"),
        ("https://www.wikihow.com/Boil-an-Egg", "http://wikihow.com/Boil-an-Egg/"),
        ("https://beer.stackexchange.com/users/7/ada?tab=profile", "https://BEER.stackexchange.com/users/7"),
    ],
)
def test_two_addresses_of_one_thing_are_one(address: str, same: str) -> None:
    assert address_of(address) == address_of(same) != ""


def test_what_is_no_address_is_none() -> None:
    for text in ("", STOUT, "10/11", "file:///etc/passwd", "javascript:alert(1)", "https://", "http://[broken"):
        assert address_of(text) == ""
    assert address_of("https://a.stackexchange.com/questions/5") != address_of("https://b.stackexchange.com/questions/5")


KILLED = """\
import os, shutil, signal, sys
from pathlib import Path
left = int(sys.argv[2])
def counted(function):
    def call(*args, **kwargs):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return function(*args, **kwargs)
    return call
# Every call that changes what lies on the disk: before the n-th one the process dies.
shutil.rmtree, os.replace = counted(shutil.rmtree), counted(os.replace)
Path.rename, Path.unlink = counted(Path.rename), counted(Path.unlink)
from align.freezing.takedown import take_down
take_down(Path(sys.argv[1]), "stack_exchange/beer/10", "because")
print(left)
"""


@pytest.mark.parametrize("everywhere", [pytest.param(False, marks=pytest.mark.long), pytest.param(True, marks=pytest.mark.soak)])
def test_killed_anywhere_the_same_call_finishes_it(pub: Path, tmp_path: Path, everywhere: bool) -> None:
    """kill -9 before changes of the disk, any one of them; each time nothing can be run, and the second call leaves what an
    undisturbed one leaves."""
    original = tmp_path / "original"
    original.mkdir()
    for name in ("store", "set"):
        shutil.move(pub / name, original / name)

    def fresh() -> None:
        for name in ("store", "set"):
            shutil.rmtree(pub / name, ignore_errors=True)
            shutil.copytree(original / name, pub / name)
        for path in pub.glob(".set*"):
            shutil.rmtree(path)

    def run(kill_at: int) -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, "PYTHONPATH": str(Path(align.__file__).parent.parent)}
        command = [sys.executable, "-c", KILLED, str(pub / "store"), str(kill_at)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    fresh()
    whole = run(10_000)
    assert whole.returncode == 0, whole.stderr
    steps = 10_000 - int(whole.stdout)
    wanted = {path.relative_to(pub): path.read_bytes() for path in (pub / "set").rglob("*") if path.is_file()}
    artifacts = {path.name for path in (pub / "store" / "artifacts").iterdir()}
    assert steps > 15
    # Each place takes two seconds and a half: ten of them here, all where make soak runs.
    for step in range(steps) if everywhere else sorted({0, steps - 1, *Random(1).sample(range(steps), 8)}):
        fresh()
        assert run(step).returncode == -signal.SIGKILL
        again = run(10_000)
        assert again.returncode == 0, (step, again.stderr)
        found = {path.relative_to(pub): path.read_bytes() for path in (pub / "set").rglob("*") if path.is_file()}
        assert found == wanted, step
        assert {path.name for path in (pub / "store" / "artifacts").iterdir()} == artifacts, step
        assert not list(pub.glob(".set*")), step
        assert len(read_takedowns(pub / "store")) == 1, step
        check_no_takedown(pub / "store")


def test_trained_models_that_saw_it_are_told_and_stay(toy: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    run = run_recipe(load_recipe(toy), store)
    model = run["model"]
    # a training notes what it left out; the row about the example goes, the model stays what it is
    write_records(
        model.path, Rejection, [Rejection("n4", "learn", "too long", "xxxx"), Rejection("n9", "learn", "too long", "x")]
    )
    plan = take_down(store, "n4")
    assert [item.name for item in plan.models] == ["model"]
    assert read_takedowns(store)[0].models == (model.key,)
    left = load_run(toy, store)
    kept = load_artifact(store, model.key)
    assert kept is not None
    assert (kept.key, kept.content) == (model.key, model.content)
    assert [item.example_id for item in kept.read(Rejection)] == ["n9"]
    assert kept.manifest["taken_down"] == ["n4"]
    assert "drawn" not in left
    # a source of a plugin honours the list, too, and the model is learned anew, from what is drawn now
    again = run_recipe(load_recipe(toy), store)
    assert [item.id for item in again["numbers"].read(Example)] == ["n3", "n2", "n1"]
    assert again["numbers"].counts.dropped == {"numbers: nothing to say": 1, "takedown: taken down": 1}
    assert again["model"].key != model.key
    # what never saw it is not told
    assert [item.name for item in plan_takedown(store, "n2").models] == []


def test_a_file_names_an_id_only_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "hits.jsonl"
    file.write_text('{"example_id": "stack_exchange/beer/100"}\n{"id": "x/stack_exchange/beer/10"}')
    assert not names_one(file, {STOUT})
    file.write_bytes(b"x" * (READ_BYTES - 8) + b' "stack_exchange/beer/10", ' + b"y" * 50)  # across two blocks
    assert names_one(file, {"other", STOUT})
    assert not names_one(file, set())


def test_reports_and_lists_that_name_it_go_too(pub: Path) -> None:
    artifact = made(pub)["asked"].path
    (artifact / "files").mkdir()
    (artifact / "files" / "hits.jsonl").write_text(json.dumps({"example_id": STOUT}))
    assert "asked" in stages(plan_takedown(pub / "store", STOUT))


def test_a_freeze_and_a_takedown_wait_for_each_other(pub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A set that is being written is known to nobody yet: a takedown would leave the row in it."""
    write = freezing._write

    def disturbed(*args: Any) -> Any:
        with pytest.raises(StoreError, match="a run is making freeze-.* right now"):
            take_down(pub / "store", STOUT)
        return write(*args)

    with monkeypatch.context() as patch:
        patch.setattr(freezing, "_write", disturbed)
        freeze(load_recipe(pub / "pub.yaml"), pub / "store", STAGES, pub / "second")
    pending = pub / "store" / "takedown.json"
    pending.write_text(json.dumps({"asked": STOUT, "ids": [STOUT], "reason": "", "at": "now", "models": []}))
    with pytest.raises(StoreError, match="a takedown goes on or was stopped"):
        freeze(load_recipe(pub / "pub.yaml"), pub / "store", STAGES, pub / "third")
    take_down(pub / "store", STOUT)
    assert STOUT not in {row["id"] for name in ("set", "second") for row in read_frozen(pub / name).rows("train")}

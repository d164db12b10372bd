import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from freeze_setting import BEER, COFFEE, run_pub, write_dump

from align.errors import InputError
from align.freezing.dumps import Given, sources_again
from align.freezing.folder import read_frozen
from align.freezing.freeze import freeze
from align.freezing.rehydrate import Rehydrated, rehydrate
from align.recipe import load_recipe
from toy_posts import row

STAGES = {"train": "train_set", "test": "test_prompts"}
ALL = ("dumps=dumps", "asked=reddit", "test_prompts=test.jsonl")


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def pub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frozen in three ways: `set` as licences want it, `ids` with no text at all, `whole` with all."""
    folder = tmp_path_factory.mktemp("pub")
    run_pub(folder)
    for name, how in (("set", "auto"), ("ids", "all"), ("whole", "none")):
        freeze(load_recipe(folder / "pub.yaml"), folder / "store", STAGES, folder / name, dehydrated=how)  # type: ignore[arg-type]
    return folder


@pytest.fixture
def fill(pub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Rehydrated]:
    """Rehydrate from a copy of the dumps that a test may change."""
    for name in ("dumps", "reddit", "test.jsonl"):
        copy = shutil.copytree if (pub / name).is_dir() else shutil.copy
        copy(pub / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)

    def run(name: str, *dumps: str) -> Rehydrated:
        return rehydrate(pub / name, dumps, tmp_path / "out")

    return run


def test_a_set_without_any_text_is_filled_byte_for_byte(pub: Path, fill: Callable[..., Rehydrated]) -> None:
    done = fill("ids", *ALL)
    assert (done.filled, done.left_out, done.renamed) == (8, (), ())
    assert bytes_of(done.set.folder) == bytes_of(pub / "whole")


def test_only_the_dumps_of_rows_without_text_are_wanted(pub: Path, fill: Callable[..., Rehydrated]) -> None:
    # of `set` only the two rows of reddit have no text: one source, so that its folder needs no name
    done = fill("set", "reddit")
    assert (done.filled, done.left_out) == (2, ())
    assert bytes_of(done.set.folder) == bytes_of(pub / "whole")


def test_files_are_known_by_the_names_they_had(pub: Path, fill: Callable[..., Rehydrated]) -> None:
    # the folder holds dumps/, reddit/ and test.jsonl
    assert bytes_of(fill("ids", ".").set.folder) == bytes_of(pub / "whole")


def test_a_post_that_is_gone_or_changed_is_left_out_and_told(pub: Path, tmp_path: Path, fill: Callable[..., Rehydrated]) -> None:
    beer = {number: post for number, post in BEER.items() if number != 2}
    beer[3] = (beer[3][0], beer[3][1].replace("a tenth", "a fifth"))
    shutil.rmtree(tmp_path / "dumps")
    write_dump(tmp_path / "dumps", "beer", beer)
    write_dump(tmp_path / "dumps", "coffee", COFFEE)
    done = fill("ids", *ALL)
    assert sorted((item.id, item.why) for item in done.left_out) == [
        ("stack_exchange/beer/20", "gone"),
        ("stack_exchange/beer/30", "changed"),
    ]
    assert done.filled == 6
    listed = [json.loads(line) for line in (done.set.folder / "left_out.jsonl").read_text().splitlines()]
    assert {item["url"] for item in listed} == {f"https://beer.stackexchange.com/questions/{number}" for number in (20, 30)}
    assert "2 rows could not be filled" in (done.set.folder / "README.md").read_text()
    assert len(list(read_frozen(done.set.folder).rows("train"))) == 5


def test_of_an_old_and_a_new_dump_the_row_that_is_what_it_was_is_taken(
    pub: Path, tmp_path: Path, fill: Callable[..., Rehydrated]
) -> None:
    newer = {number: (title, body.replace("beer", "ale")) for number, (title, body) in BEER.items()}
    write_dump(tmp_path / "newer", "beer", newer)
    done = fill("ids", "dumps=newer", *ALL)
    assert done.left_out == ()
    assert bytes_of(done.set.folder) == bytes_of(pub / "whole")


def test_a_renamed_author_is_told_and_the_text_is_there(pub: Path, tmp_path: Path, fill: Callable[..., Rehydrated]) -> None:
    users = row(Id=7, DisplayName="Ada King") + row(Id=8, DisplayName="Grace](x)")
    (tmp_path / "dumps" / "coffee.stackexchange.com" / "Users.xml").write_text(f"<users>\n{users}</users>\n")
    done = fill("ids", *ALL)
    assert done.left_out == ()
    assert sorted(done.renamed) == ["stack_exchange/coffee/10", "stack_exchange/coffee/20"]


def test_without_a_dump_of_one_source_its_rows_are_left_out(fill: Callable[..., Rehydrated]) -> None:
    done = fill("ids", "asked=reddit")
    assert {item.why for item in done.left_out} == {"no dump"}
    assert done.filled == 2
    assert "dumps wants its dumps: --dumps dumps.dumps=PATH (it read ['dumps'])" in {item.detail for item in done.left_out}


def test_what_cannot_be_meant_is_told(pub: Path, tmp_path: Path, fill: Callable[..., Rehydrated]) -> None:
    with pytest.raises(InputError, match="--dumps nowhere: no file or folder nowhere"):
        fill("ids", "nowhere")
    (tmp_path / "other").mkdir()
    with pytest.raises(InputError, match=r"no dump for any row: .*asked wants its submissions: --dumps asked.submissions=PATH"):
        fill("ids", "other")
    with pytest.raises(InputError, match="no row of it is without its text"):
        fill("whole", *ALL)
    (tmp_path / "out").mkdir()
    with pytest.raises(InputError, match="is there already"):
        fill("ids", *ALL)


def test_a_damaged_set_is_not_filled(pub: Path, tmp_path: Path, fill: Callable[..., Rehydrated]) -> None:
    shutil.copytree(pub / "ids", tmp_path / "cut")
    path = tmp_path / "cut" / "dehydrated" / "train.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(InputError, match="dehydrated/train.jsonl: its sha256 is another"):
        rehydrate(tmp_path / "cut", ALL, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_pieces_that_point_outside_are_refused(pub: Path, tmp_path: Path, fill: Callable[..., Rehydrated]) -> None:
    from align.files import hash_file

    shutil.copytree(pub / "ids", tmp_path / "forged")
    path = tmp_path / "forged" / "dehydrated" / "test.jsonl"
    forged = json.loads(path.read_text())
    forged["messages"][0]["pieces"] = "[[0, 0, 100000]]"
    path.write_text(json.dumps(forged) + "\n")
    manifest = json.loads((tmp_path / "forged" / "manifest.json").read_text())
    manifest["files"]["dehydrated/test.jsonl"] = hash_file(path)
    (tmp_path / "forged" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="a piece is a text or"):
        rehydrate(tmp_path / "forged", ALL, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_set_of_somebody_else_names_no_file_outside_of_the_users_folder(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "private.jsonl").write_text("{}")
    for name in ("../private.jsonl", str(tmp_path / "private.jsonl")):
        recorded = {"asked": {"source": {"kind": "json_lines", "paths": [name, "given.jsonl"]}}}
        (tmp_path / "mine" / "given.jsonl").write_text("")
        found, _ = sources_again(recorded, [Given(tmp_path / "mine")])
        assert found["asked"].model_dump()["paths"] == (tmp_path / "mine" / "given.jsonl",)

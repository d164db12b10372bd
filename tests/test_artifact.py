import json
from pathlib import Path

import pytest

from align.artifact import (
    FORMAT,
    MANIFEST,
    Counts,
    check_store,
    content_hash,
    default_store,
    digest_of,
    load_artifact,
    open_store,
)
from align.errors import StoreError
from align.files import write_json, write_records
from align.records import Example, Origin, Rejection, Turn

EXAMPLE = Example("a", (Turn("user", "Hi"),), Origin("x", "1"))


def made(store: Path, key: str = "k1") -> Path:
    folder = store / "artifacts" / key
    write_records(folder, Example, [EXAMPLE])
    manifest = {"stage": "numbers", "kind": "count", "content": content_hash(folder), "counts": {"read": 2, "kept": 1}}
    write_json(folder / MANIFEST, manifest)
    return folder


def test_an_artifact_is_loaded_under_the_name_of_the_stage_that_asks(tmp_path: Path) -> None:
    made(tmp_path)
    first, second = load_artifact(tmp_path, "k1"), load_artifact(tmp_path, "k1", "other")
    assert first is not None
    assert second is not None
    assert (first.name, second.name, first.kind) == ("numbers", "other", "count")
    assert first.counts == Counts(2, 1)
    assert list(first.read(Example)) == [EXAMPLE]
    assert (first.count(Example), first.count(Rejection)) == (1, 0)


def test_a_folder_without_a_manifest_is_no_artifact(tmp_path: Path) -> None:
    (made(tmp_path) / MANIFEST).unlink()
    assert load_artifact(tmp_path, "k1") is None


@pytest.mark.parametrize("text", ["{", "[]", '{"stage": "a"}', ""])
def test_a_damaged_manifest_is_told_with_the_folder_to_delete(tmp_path: Path, text: str) -> None:
    folder = made(tmp_path)
    (folder / MANIFEST).write_text(text)
    with pytest.raises(StoreError, match=rf"manifest\.json: damaged .*Delete the folder {folder} and run again"):
        load_artifact(tmp_path, "k1", "a")


def test_the_content_knows_records_and_results_and_neither_logs_nor_pages(tmp_path: Path) -> None:
    folder = made(tmp_path)
    contents = [content_hash(folder)]
    for name in ("logs/train.log", "report.html", "manifest.json", "scratch/half.json"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("11:59")
        assert content_hash(folder) == contents[0]
    for name in ("model/config.json", "checkpoints/epoch-01/config.json", "files/x.bin"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")
        contents.append(content_hash(folder))
    write_records(folder, Rejection, [])
    contents.append(content_hash(folder))
    assert len(set(contents)) == len(contents)


def test_a_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert digest_of({"a": 1, "b": [1, 2]}) == digest_of({"b": [1, 2], "a": 1}) != digest_of({"a": 1, "b": [2, 1]})


def test_a_store_is_made_once_and_opened_again(tmp_path: Path) -> None:
    store = open_store(tmp_path / "deep" / "store")
    assert json.loads((store / "store.json").read_text()) == {"format": FORMAT}
    assert open_store(store) == store


def test_a_store_from_a_newer_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.json").write_text(json.dumps({"format": FORMAT + 1}))
    expected = rf"written by a newer align \(store format {FORMAT + 1}; this one reads up to {FORMAT}\)\. Upgrade align, or point --store"
    for check in (open_store, check_store):
        with pytest.raises(StoreError, match=expected):
            check(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "new"}'])
def test_a_file_that_is_no_marker_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "store.json").write_text(text)
    with pytest.raises(
        StoreError, match=r"store\.json: not a store's marker .* point --store at another folder, or delete the file"
    ):
        open_store(tmp_path)


def test_a_store_below_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(
        StoreError, match=r"cannot be written: Not a directory\. Make it writable, or name another place with --store"
    ):
        open_store(tmp_path / "file" / "store")


def test_checking_a_store_that_is_not_there_makes_nothing(tmp_path: Path) -> None:
    check_store(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_the_default_store_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIGN_STORE", "/data/store")
    assert default_store() == Path("/data/store")
    monkeypatch.setenv("ALIGN_STORE", "")
    assert default_store() == Path(".align")

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from align.embed.cache import VectorCache, digests_of
from align.errors import AlignError
from align.housekeeping import remove, rubbish_of, size_of, store_rows
from align.lineage import list_runs, load_run
from align.locks import hold_lock
from align.models import point_at_base
from align.recipe import load_recipe
from align.runner import run_recipe


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def whats(store: Path, keep_runs: int | None = None) -> list[str]:
    return sorted(item.what for item in rubbish_of(store, keep_runs) if item.what not in ("lock", "hash"))


def test_runs_and_artifacts_are_listed_with_sizes(toy: Path, store: Path) -> None:
    made = run_recipe(load_recipe(toy), store)
    (run,), artifacts = store_rows(store)
    assert (run.recipe, run.stages) == ("toy", 5)
    assert {row.key: row.stage for row in artifacts} == {artifact.key: name for name, artifact in made.items()}
    assert run.bytes == sum(row.bytes for row in artifacts) == sum(size_of(artifact.path) for artifact in made.values())
    assert all(row.runs == (run.id,) for row in artifacts)
    assert [row.bytes for row in artifacts] == sorted((row.bytes for row in artifacts), reverse=True)


def test_an_empty_store_has_nothing(store: Path) -> None:
    assert store_rows(store) == ([], [])
    assert rubbish_of(store) == []


def test_what_a_run_names_is_no_rubbish(toy: Path, store: Path) -> None:
    run_recipe(load_recipe(toy), store)
    run_recipe(load_recipe(toy, ("stages.clean.filters.0.limit=3",)), store)
    assert whats(store) == []


def test_what_only_old_runs_name_is_rubbish_once_they_are(toy: Path, store: Path) -> None:
    old = run_recipe(load_recipe(toy), store)
    new = run_recipe(load_recipe(toy, ("stages.clean.filters.0.limit=3",)), store)
    # `numbers` is shared; with the limit 3 n2 goes in `clean`, so `told`, `drawn`, `model` are made of other content or shared
    lost = {artifact.key for artifact in old.values()} - {artifact.key for artifact in new.values()}
    found = rubbish_of(store, keep_runs=1)
    assert {item.path.name for item in found if item.what == "artifact"} == lost
    assert whats(store, 1).count("run") == 1
    assert remove(found, store) == sum(item.bytes for item in found)
    assert whats(store, 1) == []
    assert load_run("toy", store).artifacts == new
    assert len(list_runs(store)) == 1


def test_with_no_run_kept_everything_goes(toy: Path, store: Path) -> None:
    run_recipe(load_recipe(toy), store)
    remove(rubbish_of(store, keep_runs=0), store)
    assert list((store / "artifacts").iterdir()) == []
    assert rubbish_of(store) == []


def test_what_a_stopped_run_made_is_kept_and_its_partial_work_is_shown(write_toy: Callable[[str], Path], store: Path) -> None:
    path = write_toy("stages:\n  numbers: {kind: count, source: {kind: numbers}}\n  b: {kind: break, how: mistake}\n")
    with pytest.raises(AlignError):
        run_recipe(load_recipe(path), store)
    (found,) = (item for item in rubbish_of(store) if item.what not in ("lock", "hash"))
    assert found.what == "partial"
    assert "a run would go on from it" in found.why


def test_the_models_that_a_kept_adapter_belongs_to_are_kept(toy: Path, store: Path) -> None:
    old = run_recipe(load_recipe(toy), store)
    new = run_recipe(load_recipe(toy, ("stages.clean.filters.0.limit=3",)), store)
    lost = [artifact for name, artifact in old.items() if artifact.key != new[name].key]
    point_at_base(new["model"].path, lost[0])  # an adapter on an adapter
    point_at_base(lost[0].path, lost[1])
    found = {item.path.name for item in rubbish_of(store, keep_runs=1) if item.what == "artifact"}
    assert found == {artifact.key for artifact in lost[2:]}


def test_an_artifact_without_its_manifest_is_rubbish(toy: Path, store: Path) -> None:
    made = run_recipe(load_recipe(toy), store)
    (made["told"].path / "manifest.json").unlink()
    (found,) = (item for item in rubbish_of(store) if item.what not in ("lock", "hash"))
    assert (found.path, found.why) == (made["told"].path, "no run names it")


def test_what_a_process_works_on_right_now_is_left_alone(toy: Path, store: Path) -> None:
    made = run_recipe(load_recipe(toy), store)
    key = made["told"].key
    partial = store / "artifacts" / f"{key}.partial"
    partial.mkdir()
    before = rubbish_of(store)
    assert [item.path for item in before if item.what == "partial"] == [partial]
    hold = f"from align.locks import hold_lock; from pathlib import Path\nwith hold_lock(Path({str(store)!r}), {key!r}): print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", hold], stdin=-1, stdout=-1) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert [item for item in rubbish_of(store) if item.what == "partial"] == []
        remove(before, store)  # shown before the process began
        assert partial.is_dir()
        process.communicate(b"\n", timeout=30)
    remove(before, store)
    assert not partial.exists()


def test_memories_of_files_that_are_gone_are_rubbish(write_toy: Callable[[str], Path], store: Path, tmp_path: Path) -> None:
    dump = tmp_path / "count.txt"
    dump.write_text("1\n")
    run_recipe(load_recipe(write_toy("stages:\n  a: {kind: count, source: {kind: raw_numbers, file: count.txt}}\n")), store)
    (store / "hashes").mkdir(exist_ok=True)
    (store / "hashes" / "damaged.json").write_text("{")
    assert [item.path.name for item in rubbish_of(store) if item.what == "hash"] == ["damaged.json"]
    (store / "hashes" / "gone.json").write_text('{"path": "/nowhere/at/all"}')
    assert [item.why for item in rubbish_of(store) if item.path.name == "gone.json"] == [
        "remembers /nowhere/at/all, which is gone"
    ]


def test_what_cannot_be_removed_is_told(toy: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_recipe(load_recipe(toy), store)
    found = rubbish_of(store, keep_runs=0)

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(AlignError, match="cannot be removed: Permission denied"):
        remove(found, store)
    assert os.listdir(store / "artifacts")


def test_remembered_vectors_go_unless_one_writes_to_them(store: Path) -> None:
    VectorCache(store, "minilm", 2).add(digests_of(["moss"]), np.ones((1, 2), dtype=np.float32))
    with hold_lock(store, "embeddings-minilm"):
        assert whats(store) == []
    assert remove(rubbish_of(store), store) == 16 + 2 * 2  # a digest, and two numbers in half precision
    assert not (store / "embeddings" / "minilm").exists()

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import align
from align.artifact import Artifact, Counts, content_hash, load_artifact
from align.errors import AlignError, EmptyResult, InputError, PartError, RecipeError, StoreError
from align.filters.filter import FilterStage
from align.recipe import load_recipe
from align.records import Example
from align.runner import describe_counts, run_recipe
from align.stage import Stage

WriteToy = Callable[[str], Path]
NUMBERS = "stages:\n  numbers: {kind: count, source: {kind: numbers}}\n"


def run(path: Path, *overrides: str, until: str | None = None, store: Path | None = None) -> dict[str, Artifact]:
    return run_recipe(load_recipe(path, overrides), store or path.parent / "store", until)


def test_each_stage_leaves_its_records_and_its_counts(toy: Path) -> None:
    made = run(toy)
    # 4 3 2 1 counted; n1 is below the limit of 2; n2 is rejected by grace; the first of the rest is drawn
    ids = {name: [example.id for example in artifact.read(Example)] for name, artifact in made.items()}
    assert ids == {
        "numbers": ["n4", "n3", "n2", "n1"],
        "clean": ["n4", "n3", "n2"],
        "told": ["n4", "n3"],
        "drawn": ["n4"],
        "model": [],
    }
    assert made["clean"].counts == Counts(4, 3, {"min_chars: too short": 1})


def test_who_may_read_the_store_may_read_the_models_in_it(toy: Path) -> None:
    folder = run(toy)["model"].path / "model"
    assert (folder / "config.json").stat().st_mode & 0o444 == folder.stat().st_mode & 0o444 != 0o400


def test_a_second_run_makes_nothing(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(toy)
    monkeypatch.setattr(FilterStage, "run", lambda *_: pytest.fail("ran again"))
    assert run(toy) == first
    assert len(list((toy.parent / "store" / "runs").iterdir())) == 1  # equal runs share one id


def test_a_nested_parameter_changes_the_key(toy: Path) -> None:
    before, after = run(toy), run(toy, "stages.clean.filters.0.limit=3")
    assert before["numbers"] == after["numbers"]
    assert before["clean"].key != after["clean"].key


def test_equal_content_stops_the_rebuild(toy: Path) -> None:
    before, after = run(toy), run(toy, "stages.clean.filters=[{kind: min_chars, limit: 2}, {kind: min_chars, limit: 0}]")
    assert before["clean"].key != after["clean"].key
    assert before["clean"].content == after["clean"].content
    assert before["told"] == after["told"]


def test_the_name_of_a_stage_is_not_in_its_key(toy: Path) -> None:
    before = run(toy)
    toy.write_text(toy.read_text().replace("clean:", "tidy:"))
    after = run(toy)
    assert before["clean"].key == after["tidy"].key
    assert after["tidy"].name == "tidy"


def test_the_name_of_a_stage_is_in_the_key_of_one_that_shows_it(toy: Path) -> None:
    toy.write_text(toy.read_text() + "  page: {kind: pages}\n")
    before = run(toy)
    toy.write_text(toy.read_text().replace("clean:", "tidy:"))
    assert run(toy)["page"].key != before["page"].key


def test_a_moved_raw_file_gives_the_same_key_and_a_changed_one_another(write_toy: WriteToy, tmp_path: Path) -> None:
    path = write_toy("stages:\n  a: {kind: count, source: {kind: raw_numbers, file: count.txt}}\n")
    (tmp_path / "count.txt").write_text("1\n2\n3\n")
    before = run(path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "count.txt").rename(tmp_path / "elsewhere" / "numbers.txt")
    moved = run(path, "stages.a.source.file=elsewhere/numbers.txt")
    assert moved == before
    (tmp_path / "elsewhere" / "numbers.txt").write_text("1\n2\n")
    assert run(path, "stages.a.source.file=elsewhere/numbers.txt")["a"].key != before["a"].key


def test_until_stops_after_the_stage_it_names(toy: Path) -> None:
    assert list(run(toy, until="clean")) == ["numbers", "clean"]
    with pytest.raises(RecipeError, match=r"--until clen: the recipe has no such stage; did you mean 'clean'\?"):
        run(toy, until="clen")


def test_missing_inputs_are_told_all_at_once_before_any_work(write_toy: WriteToy) -> None:
    path = write_toy(
        NUMBERS
        + "  a: {kind: count, source: {kind: raw_numbers, file: x}}\n  b: {kind: count, source: {kind: raw_numbers, file: y}}\n"
    )
    with pytest.raises(InputError) as error:
        run(path)
    said = str(error.value)
    assert said.startswith("toy: 2 raw inputs missing (`align plan` counts on without them, `--until STAGE` stops above)\n")
    assert f"stage a: raw_numbers: file: no file or folder {path.parent / 'x'}\n    Count to four" in said
    assert f"stage b: raw_numbers: file: no file or folder {path.parent / 'y'}" in said
    assert not (path.parent / "store").exists()
    assert list(run(path, until="numbers")) == ["numbers"]


def test_a_run_is_recorded_with_what_decided_it(toy: Path) -> None:
    made = run(toy)
    (note,) = (toy.parent / "store" / "runs").iterdir()
    noted = json.loads(note.read_text())
    assert note.stem.startswith("toy-")
    assert noted["artifacts"] == {name: artifact.key for name, artifact in made.items()}
    assert noted["recipe"]["stages"]["clean"]["filters"] == [{"kind": "min_chars", "limit": 2}]
    assert noted["started"] <= noted["finished"]
    assert {"numpy", "pyarrow", "torch"} <= noted["packages"].keys()


def test_a_stopped_run_is_noted_as_unfinished_until_it_ends(write_toy: WriteToy) -> None:
    path = write_toy(NUMBERS + "  b: {kind: break, how: mistake}\n")
    with pytest.raises(InputError):
        run(path)
    (note,) = (path.parent / "store" / "runs").iterdir()
    noted = json.loads(note.read_text())
    assert "unfinished" in note.stem
    assert list(noted["artifacts"]) == ["numbers"]
    assert noted["finished"] == ""
    run(path, until="numbers")
    assert ["unfinished" in note.stem for note in (path.parent / "store" / "runs").iterdir()] == [False]


def test_a_recipes_name_may_hold_what_no_file_name_may(toy: Path) -> None:
    run(toy, "name='../LIMA / 65B'")
    (note,) = (toy.parent / "store" / "runs").iterdir()
    assert note.stem.startswith("LIMA-65B-")


def test_a_stage_tells_its_name_with_a_mistake_of_the_same_type(write_toy: WriteToy) -> None:
    with pytest.raises(InputError, match=r"^stage b: count\.txt: line 3 is no number$"):
        run(write_toy(NUMBERS + "  b: {kind: break, how: mistake}\n"))
    with pytest.raises(EmptyResult, match=r"^stage b: 0 examples left after min_chars: 4 dropped, 0 kept"):
        run(write_toy(NUMBERS + "  b: {kind: filter, filters: [{kind: min_chars, limit: 9}]}\n"))


def test_a_record_that_cannot_be_stored_is_told_with_stage_and_id(write_toy: WriteToy) -> None:
    with pytest.raises(PartError, match=r"^stage b: .*Example 'n1': 'turns' cannot be stored: half of a surrogate pair"):
        run(write_toy(NUMBERS + "  b: {kind: break, how: record}\n"))


def test_a_bug_of_ours_flies_on_with_the_name_of_the_stage(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(*_: object) -> Counts:
        raise KeyError("oops")

    monkeypatch.setattr(FilterStage, "run", bug)
    with pytest.raises(KeyError) as error:
        run(toy)
    assert error.value.__notes__ == ["in stage clean"]


def test_a_system_error_of_ours_is_told_with_its_file(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(*_: object) -> Counts:
        Path("/nowhere/count.txt").read_text()
        return Counts()

    monkeypatch.setattr(FilterStage, "run", unreadable)
    with pytest.raises(InputError, match=r"^stage clean: /nowhere/count\.txt: No such file or directory$"):
        run(toy)
    with pytest.raises(AlignError, match=r"^stage numbers: the plugin failed at .*mine\.py:\d+: FileNotFoundError"):
        run(toy, "stages.numbers={kind: break, how: missing, inputs: []}")


def test_ctrl_c_leaves_the_work_to_go_on_from(write_toy: WriteToy) -> None:
    path = write_toy(NUMBERS + "  b: {kind: break, how: interrupt}\n")
    with pytest.raises(KeyboardInterrupt):
        run(path)
    assert len(list((path.parent / "store" / "artifacts").glob("*.partial"))) == 1


def test_a_committed_folder_without_its_manifest_is_made_anew(toy: Path) -> None:
    made = run(toy)
    (made["clean"].path / "manifest.json").unlink()
    assert run(toy) == made


def test_every_stage_is_one_line_in_the_log(toy: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "align"):
        run(toy)
        run(toy)
    lines = [" ".join(record.message.split()) for record in caplog.records]
    assert lines[2:4] == ["filter clean ...", lines[3]]
    assert lines[3].startswith("filter clean 4 → 3 kept (min_chars: too short 1) 0.")
    assert [line.split()[:3] for line in lines[-5:]] == [
        ["count", "numbers", "reused"],
        ["filter", "clean", "reused"],
        ["retell", "told", "reused"],
        ["first", "drawn", "reused"],
        ["learn", "model", "reused"],
    ]


def test_counts_read_like_a_sentence() -> None:
    counts = Counts(1200, 340, {"length: short": 850}, {"no answer": 1000, "planted": 3})
    assert describe_counts(counts) == "1,200 → 340 kept  (no answer 1,000 · length: short 850 · planted 3)"
    assert describe_counts(Counts()) == "0 → 0 kept"


# ---------------------------------------------------------------- real processes: killed, racing, out of room

RUN = [sys.executable, "-c", "from align.cli import main; main()", "run"]


def environment(**more: str) -> dict[str, str]:
    # The align of this process, and nothing of the tests' own folder.
    return {**os.environ, "PYTHONPATH": str(Path(align.__file__).parent.parent), **more}


def test_a_stage_killed_in_the_middle_goes_on_and_gives_the_same(write_toy: WriteToy, tmp_path: Path) -> None:
    path = write_toy(NUMBERS + "  parts: {kind: parts}\n")
    whole = run(path, store=tmp_path / "undisturbed")["parts"]

    killed = subprocess.run(
        [*RUN, str(path), "--store", str(tmp_path / "store")], env=environment(TOY_KILL_AT="2"), check=False, timeout=60
    )
    assert killed.returncode == -signal.SIGKILL
    (partial,) = (tmp_path / "store" / "artifacts").glob("*.partial")
    assert load_artifact(tmp_path / "store", whole.key) is None

    resumed = run(path)["parts"]
    assert (resumed.key, resumed.content) == (whole.key, whole.content)
    assert content_hash(resumed.path) == whole.content
    assert not partial.exists()
    # Parts 0 and 1 were finished; part 2 was half written, and is written again by the second process.
    lines = [line.split() for line in (resumed.path / "logs").read_text().splitlines()]
    assert [part for _, part in lines] == ["0", "1", "2", "2", "3", "4"]
    assert len({process for process, _ in lines}) == 2
    # Neither the scratch folder nor what the killed writer left stands in the artifact.
    assert sorted(file.name for file in resumed.path.rglob("*") if file.is_file()) == sorted(
        ["logs", "manifest.json", "config.json", *(f"part-0000{number}.parquet" for number in range(5))]
    )


def test_two_processes_that_race_for_one_key_make_it_once(write_toy: WriteToy, tmp_path: Path) -> None:
    path = write_toy(NUMBERS + f"  slow: {{kind: wait, folder: {tmp_path}}}\n")
    run(path, until="numbers", store=tmp_path / "store")  # so that they meet at `slow` and nowhere else
    command = [*RUN, str(path), "--store", str(tmp_path / "store")]
    processes = [
        subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()) for _ in range(2)
    ]
    second = waiting(processes)
    (tmp_path / "go").touch()
    for process in processes:
        process.communicate(timeout=60)
    assert [process.returncode for process in processes] == [0, 0]
    workers = (tmp_path / "runs.log").read_text().split()
    assert len(workers) == 1
    assert int(workers[0]) != second.pid
    assert len(list((tmp_path / "store" / "artifacts").iterdir())) == 2


def waiting(processes: "list[subprocess.Popen[str]]") -> "subprocess.Popen[str]":
    """Read what the processes say until one of them waits for the other."""
    import selectors

    selector = selectors.DefaultSelector()
    for process in processes:
        assert process.stderr is not None
        os.set_blocking(process.stderr.fileno(), False)
        selector.register(process.stderr, selectors.EVENT_READ, process)
    said = {process.pid: "" for process in processes}
    while True:
        ready = selector.select(timeout=30)
        assert ready, f"nobody waited: {said}"
        for key, _ in ready:
            said[key.data.pid] += os.read(key.fd, 65536).decode()
            if "waiting: another process is making" in said[key.data.pid]:
                return key.data


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("mounting a tiny disk needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("through", ["records", "bytes", "library"])
def test_a_full_disk_is_told_and_finished_stages_are_kept(write_toy: WriteToy, tiny_disk: Path, through: str) -> None:
    path = write_toy(NUMBERS + f"  fill: {{kind: fill, megabytes: 5, through: {through}}}\n")
    with pytest.raises(
        StoreError,
        match=r"cannot be written: .*MB are free there\. Free some room \(`align gc --checkpoints`.*finished stages are kept",
    ):
        run(path, store=tiny_disk / "store")
    for noise in (tiny_disk / "store" / "artifacts").glob("*.partial/*/*"):
        noise.unlink()
    made = run(path, "stages.fill.megabytes=0", store=tiny_disk / "store")
    assert made["numbers"].manifest["seconds"] >= 0
    assert {artifact.name for artifact in made.values()} == {"numbers", "fill"}


def test_stages_are_parts_like_all_others() -> None:
    assert Stage.kinds["filter"] is FilterStage

"""Shards in several processes of this machine: real processes, real kills."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from align import engine, progress, runner
from align.artifact import SCRATCH, Counts, content_hash
from align.engine import Engine, Task, engine_of, map_shards, use_engine
from align.errors import InputError, ProcessKilled, RecipeError
from align.failures import ProcessFailed
from align.recipe import load_recipe
from align.runner import run_recipe
from align.sources.ingest import Ingest
from align.stage import Inputs
from shard_parts import Ledgers, write_ledgers


def run(work: Path, paths: tuple[Path, ...], workers: int = 2, lines_a_piece: int | None = None) -> Counts:
    work.mkdir(parents=True, exist_ok=True)
    with use_engine(Engine("native", workers)):
        return Ingest(source=Ledgers(paths=paths, lines_a_piece=lines_a_piece)).run(Inputs(), work)


def reader_of(path: Path) -> int:
    return int(path.with_suffix(".pid").read_text())


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(holds: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert holds()


def test_two_processes_give_what_one_gives(tmp_path: Path) -> None:
    paths = write_ledgers(tmp_path, one="a, !x, #", two="b, c", three="#, d")
    # 4 kept, 1 rejected, 2 skipped: 7 read
    counts = Counts(7, 4, {"test_ledgers: secret": 1}, {"remark": 2})
    assert run(tmp_path / "alone", paths, workers=1) == counts
    assert {reader_of(path) for path in paths} == {os.getpid()}
    assert run(tmp_path / "together", paths, workers=2) == counts
    assert os.getpid() not in {reader_of(path) for path in paths}
    assert content_hash(tmp_path / "together") == content_hash(tmp_path / "alone")
    assert not list(tmp_path.glob("together/scratch/begun*"))


def test_the_pieces_of_one_shard_are_shared_by_processes_and_give_what_the_whole_gives(tmp_path: Path) -> None:
    paths = write_ledgers(tmp_path, one="a, #, !x, b, c, d, e", one_more="f")
    # 6 kept, 1 rejected, 1 skipped: 8 read
    counts = Counts(8, 6, {"test_ledgers: secret": 1}, {"remark": 1})
    whole = tmp_path / "whole"
    assert run(whole, paths, workers=1) == counts
    for workers in (1, 2):
        work = tmp_path / f"by {workers}"
        assert run(work, paths, workers, lines_a_piece=2) == counts
        assert content_hash(work) == content_hash(whole)
        parts = [f"part-one.{number:05d}.parquet" for number in range(3)] + ["part-one_more.00000.parquet"]
        assert sorted(path.name for path in (work / "examples").iterdir()) == parts, "whoever reads them"
        assert not list((work / SCRATCH / "kept").iterdir()), "what the pieces needed is gone when all are read"


def test_pieces_are_read_at_the_same_time(tmp_path: Path) -> None:
    paths = write_ledgers(tmp_path, one="WAIT, a, WAIT, b")
    begun = [tmp_path / f"one.{number:05d}.pid" for number in range(2)]
    go = [path.with_suffix(".go") for path in paths]
    with ThreadPoolExecutor(1) as thread:
        done = thread.submit(lambda: (wait_until(lambda: all(map(Path.exists, begun))), go[0].touch()))
        assert run(tmp_path / "work", paths, lines_a_piece=2).kept == 2
        done.result()


def test_a_killed_shard_in_pieces_is_not_cut_again_and_goes_on_with_those_that_are_missing(tmp_path: Path) -> None:
    work, paths = tmp_path / "work", write_ledgers(tmp_path, one="a, #, b, WAIT, DIE ONCE, c, d")
    finished = [work / SCRATCH / "finished" / f"one.{number:05d}.json" for number in (0, 2)]
    with (
        released(paths[0], when=lambda: all(map(Path.exists, finished))),
        pytest.raises(ProcessKilled, match=r"at work on one\.00001 was killed"),
    ):
        run(work, paths, lines_a_piece=2)
    before = [path.stat().st_mtime_ns for path in finished]
    assert run(work, paths, lines_a_piece=2) == Counts(5, 4, {}, {"remark": 1})
    assert [path.stat().st_mtime_ns for path in finished] == before, "finished pieces are not read again"
    assert (tmp_path / "one.cuts").read_text() == "x"
    run(tmp_path / "whole", paths, workers=1)
    assert content_hash(work) == content_hash(tmp_path / "whole")


@contextmanager
def released(*paths: Path, when: Callable[[], bool]) -> Iterator[None]:
    """The shards of these files may go on past WAIT from then on."""

    def release() -> None:
        wait_until(when)
        for path in paths:
            path.with_suffix(".go").touch()

    with ThreadPoolExecutor(1) as thread:
        done = thread.submit(release)
        yield
        done.result()


def test_two_shards_are_read_at_the_same_time(tmp_path: Path) -> None:
    # Each goes on when both have begun: one after the other would never end.
    one, two = write_ledgers(tmp_path, one="WAIT, a", two="WAIT, b")
    with released(one, two, when=lambda: one.with_suffix(".pid").exists() and two.with_suffix(".pid").exists()):
        assert run(tmp_path / "work", (one, two)).kept == 2


def test_a_killed_process_is_told_with_its_shard_and_the_next_run_reads_what_is_missing(tmp_path: Path) -> None:
    work = tmp_path / "work"
    paths = write_ledgers(tmp_path, one="a, b", two="c, WAIT, DIE, d", three="e")
    finished = [work / SCRATCH / "finished" / f"{name}.json" for name in ("one", "three")]
    told = r"the process at work on two was killed \(SIGKILL\).*The same command goes on"
    with released(paths[1], when=lambda: all(map(Path.exists, finished))), pytest.raises(ProcessKilled, match=told):
        run(work, paths)
    paths[1].write_text("c\nd")
    parts = [work / "examples" / f"part-{name}.parquet" for name in ("one", "three")]
    assert sorted((work / "examples").iterdir()) == parts, "half a shard has no name"
    before, readers = [part.stat().st_mtime_ns for part in parts], [reader_of(paths[0]), reader_of(paths[2])]
    assert run(work, paths) == Counts(5, 5)
    assert [part.stat().st_mtime_ns for part in parts] == before
    assert [reader_of(paths[0]), reader_of(paths[2])] == readers, "finished shards are not read again"
    run(tmp_path / "whole", paths, workers=1)
    assert content_hash(work) == content_hash(tmp_path / "whole")


def test_what_a_process_refuses_is_said_in_its_own_words_and_ends_the_others(tmp_path: Path) -> None:
    one, two = write_ledgers(tmp_path, one="SLEEP", two="REFUSE")
    with pytest.raises(InputError, match=rf"^{two}: a pebble in the shoe$"):
        run(tmp_path / "work", (one, two))
    assert not one.with_suffix(".pid").exists() or not is_alive(reader_of(one))


def test_a_bug_in_a_process_names_the_shard_and_has_its_traceback(tmp_path: Path) -> None:
    tasks = [Task("one", 9, "1"), Task("two", 9, "zwei")]
    with (
        use_engine(Engine("native", 2)),
        pytest.raises(ProcessFailed, match="^at two: ValueError: invalid literal for int.*'zwei'$") as raised,
    ):
        list(map_shards(int, tasks, "counting", "words", 0, tmp_path))
    assert "shard_worker.py" in str(raised.value.__cause__)


def test_a_plugins_source_is_read_in_several_processes_and_its_bugs_are_the_plugins(tmp_path: Path) -> None:
    parts = (Path(__file__).parent / "shard_parts.py").read_text()
    (tmp_path / "mine.py").write_text(parts.replace("test_", "my_"))
    write_ledgers(tmp_path, one="a", two="b")
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(
        "name: mine\nplugins: [mine.py]\nstages:\n  read: {kind: ingest, source: {kind: my_ledgers, paths: [one.txt, two.txt]}}\n"
    )
    made = run_recipe(load_recipe(recipe), tmp_path / "store", engine=Engine("native", 2))["read"]
    assert made.counts.kept == 2
    assert os.getpid() not in {reader_of(tmp_path / "one.txt"), reader_of(tmp_path / "two.txt")}
    write_ledgers(tmp_path, two="BUG")
    with pytest.raises(Exception, match=r"^stage read: the plugin failed at .*mine\.py:\d+: KeyError: 'pebble'$"):
        run_recipe(load_recipe(recipe), tmp_path / "store", engine=Engine("native", 2))


def start(tmp_path: Path, paths: tuple[Path, ...]) -> "subprocess.Popen[bytes]":
    script = f"""
        import signal, sys
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from pathlib import Path
        from test_engine import run
        run(Path({str(tmp_path / "work")!r}), tuple(map(Path, {[str(path) for path in paths]!r})))
    """
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stderr=subprocess.DEVNULL)


@pytest.mark.long
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_the_one_that_started_it(sent: signal.Signals, tmp_path: Path) -> None:
    paths = write_ledgers(tmp_path, one="SLEEP", two="SLEEP")
    parent = start(tmp_path, paths)
    wait_until(lambda: all(path.with_suffix(".pid").exists() and path.with_suffix(".pid").read_text() for path in paths))
    readers = [reader_of(path) for path in paths]
    assert all(map(is_alive, readers))
    parent.send_signal(sent)
    parent.wait(30)
    wait_until(lambda: not any(map(is_alive, readers)), 5)


def test_small_shards_and_single_ones_are_read_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(engine, "_run", refuse)
    with use_engine(Engine("native", 2)):
        for sizes, least in (((5,), 1), ((5, 5), 6), ((1, 1, 100), 3)):
            tasks = [Task(str(number), size, number) for number, size in enumerate(sizes)]
            assert [result for _, result in map_shards(str, tasks, "reading", "kB", least, tmp_path)] == list(
                map(str, range(len(sizes)))
            )


def test_the_command_line_goes_before_the_environment_and_that_before_the_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    assert engine_of() == Engine("native", 0)
    assert engine_of("ray") == Engine("ray", 0)
    monkeypatch.setenv("ALIGN_ENGINE", "native")
    monkeypatch.setenv("ALIGN_WORKERS", "3")
    assert engine_of("ray") == Engine("native", 3)
    assert engine_of("native", "ray", 2) == Engine("ray", 2)
    with pytest.raises(RecipeError, match="engine 'spark': wanted native or ray"):
        engine_of(asked="spark")
    monkeypatch.setenv("ALIGN_WORKERS", "many")
    with pytest.raises(RecipeError, match="ALIGN_WORKERS=many: wanted a number"):
        engine_of()


def test_nothing_is_read_again_after_a_kill_while_the_table_is_hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = write_ledgers(tmp_path, one="a")
    recipe = tmp_path / "walk.yaml"
    recipe.write_text(f"name: walk\nstages:\n  read: {{kind: ingest, source: {{kind: test_ledgers, paths: [{path}]}}}}\n")

    def stop(folder: Path) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(runner, "content_hash", stop)
        with pytest.raises(KeyboardInterrupt):
            run_recipe(load_recipe(recipe), tmp_path / "store")
    path.with_suffix(".pid").unlink()
    made = run_recipe(load_recipe(recipe), tmp_path / "store")["read"]
    assert made.counts == Counts(1, 1)
    assert not path.with_suffix(".pid").exists()
    assert not (made.path / SCRATCH).exists()


def test_where_it_runs_enters_no_key(tmp_path: Path) -> None:
    paths = write_ledgers(tmp_path, one="a", two="b")
    recipe = tmp_path / "walk.yaml"
    written = f"name: walk\nstages:\n  read: {{kind: ingest, source: {{kind: test_ledgers, paths: [{paths[0]}, {paths[1]}]}}}}\n"
    recipe.write_text(written)
    here = run_recipe(load_recipe(recipe), tmp_path / "store", engine=Engine("native", 1))["read"]
    recipe.write_text(f"engine: ray\n{written}")
    assert load_recipe(recipe).engine == "ray"
    assert run_recipe(load_recipe(recipe), tmp_path / "store")["read"] == here, "the artifact is there: no cluster is asked"
    assert len(list((tmp_path / "store" / "runs").iterdir())) == 1


def test_one_bar_says_how_far_all_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0)
    caplog.set_level("INFO", "align")
    run(tmp_path / "work", write_ledgers(tmp_path, one="a", two="b"))
    lines = [line for line in caplog.messages if "reading test_ledgers" in line]
    # two shards of 2**30 bytes: 1,073,741 kB each
    assert any("1,073,741 of 2,147,482 kB" in line for line in lines)
    assert any("kB/s" in line and "s left" in line for line in lines)
    assert (tmp_path / "work" / SCRATCH / "finished" / "one.json").is_file()


def test_as_many_processes_as_were_asked_for_where_the_system_tells_no_affinity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)  # macOS
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert [Engine("native", workers).processes for workers in (0, 1, 3)] == [7, 1, 3]

"""A large input is filtered in pieces, by several processes: the outcome is that of one."""

import os
import shutil
from pathlib import Path

import pytest

from align import files
from align.artifact import SCRATCH, Artifact, Counts, content_hash
from align.engine import Engine, use_engine
from align.errors import EmptyResult, ProcessKilled
from align.files import read_records, write_records
from align.filters import filter as filters
from align.filters.filter import Drop, Filter, FilterStage
from align.filters.length import Length
from align.pieces import pieces_of
from align.records import Example, Origin, Turn
from align.stage import Inputs
from shard_parts import Remembering, Sieve


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "ROWS_PER_GROUP", 4)
    monkeypatch.setattr(filters, "PIECE_EXAMPLES", 10)
    monkeypatch.setattr(filters, "SEVERAL_EXAMPLES", 0)


def example(number: int) -> Example:
    return Example(f"e{number}", (Turn("user", "?"), Turn("assistant", "x" * number)), Origin("o", str(number)))


def artifact(folder: Path, *sizes: int) -> Artifact:
    """Numbered examples in parts of these sizes."""
    first = 0
    for part, size in enumerate(sizes):
        numbers = range(first, first + size)
        write_records(folder, Example, map(example, numbers), part)
        first += size
    return Artifact("above", "0" * 16, "1" * 16, folder, {})


def run(work: Path, above: Artifact, *parts: Filter, workers: int = 2) -> Counts:
    with use_engine(Engine("native", workers)):
        return FilterStage(filters=parts).run(Inputs((above,)), work)


def test_pieces_are_all_records_in_order_and_cut_between_row_groups(tmp_path: Path) -> None:
    above = artifact(tmp_path, 2, 3, 30, 1)
    pieces = pieces_of([above, above], Example, 10)
    # parts of 2 and 3; 30 in groups of 4: 12, 12, 6; then 1; all that twice. Small ones are put together up to 10 or more:
    # 2+3+12, 12, 6+1+2+3, 12, 12, 6+1
    assert [piece.rows for piece in pieces] == [17, 12, 12, 12, 12, 7]
    once = [item.id for item in read_records(tmp_path, Example)]
    assert [item.id for piece in pieces for item in piece.read(Example)] == once * 2
    assert pieces_of([artifact(tmp_path / "none", 0)], Example, 10) == []


def test_several_processes_keep_and_drop_what_one_does(tmp_path: Path) -> None:
    above = artifact(tmp_path / "above", 7, 40, 5)
    work, alone = tmp_path / "together", tmp_path / "alone"
    noted = tmp_path / "noted"
    noted.mkdir()
    chain = (Sieve(notes_in=noted), Length(max_chars=40))
    counts = run(work, above, *chain)
    # 0 to 51: 18 are divisible by 3; of the other 34 those of 41 and more go: 41 43 44 46 47 49 50. Even ones: 26
    assert counts == Counts(
        52, 27, {"test_sieve: every third": 18, "length: above 40 characters": 7}, noted={"test_sieve: even": 26}
    )
    pids = {file.name for file in noted.iterdir()}
    assert len(pids) == 2
    assert str(os.getpid()) not in pids
    assert run(alone, above, *chain, workers=1) == counts
    assert content_hash(work) == content_hash(alone)


def test_a_killed_filter_goes_on_with_the_pieces_that_are_missing(tmp_path: Path) -> None:
    above = artifact(tmp_path / "above", 50)
    with pytest.raises(ProcessKilled, match=r"at work on piece 4 was killed \(SIGKILL\)"):
        run(tmp_path / "work", above, Sieve(kill_at=49), workers=2)
    finished = [int(note.stem) for note in (tmp_path / "work" / SCRATCH / "finished").glob("*.json")]
    assert 4 not in finished
    parts = [tmp_path / "work" / "examples" / f"part-{number:05d}.parquet" for number in finished]
    before = [part.stat().st_mtime_ns for part in parts]
    counts = run(tmp_path / "work", above, Sieve())
    assert [part.stat().st_mtime_ns for part in parts] == before
    assert counts == run(tmp_path / "whole", above, Sieve(), workers=1)
    kept = [[item.id for item in read_records(tmp_path / name, Example)] for name in ("work", "whole")]
    assert kept[0] == kept[1]


def test_pieces_of_an_input_that_was_cut_otherwise_are_not_taken_for_these(tmp_path: Path) -> None:
    run(tmp_path / "work", artifact(tmp_path / "above", 12, 12, 12, 12), Sieve())
    shutil.rmtree(tmp_path / "above")
    # the same records in other parts, as another version of the store may have written them
    counts = run(tmp_path / "work", artifact(tmp_path / "above", 30, 18), Sieve())
    assert counts.kept == 32
    assert [item.id for item in read_records(tmp_path / "work", Example)] == [f"e{n}" for n in range(48) if n % 3]


def test_a_filter_that_remembers_sees_all_examples_in_order(tmp_path: Path) -> None:
    Remembering.seen.clear()
    above = artifact(tmp_path / "above", 30)
    shutil.copy(above.path / "examples" / "part-00000.parquet", above.path / "examples" / "part-00001.parquet")
    assert run(tmp_path / "work", above, Remembering()).kept == 30
    assert len(Remembering.seen) == 30, "in this process"


def test_what_took_the_last_example_is_told_over_all_pieces(tmp_path: Path) -> None:
    with pytest.raises(EmptyResult, match="0 examples left after length: 33 dropped, 0 kept .of 50 that entered"):
        run(tmp_path / "work", artifact(tmp_path / "above", 50), Sieve(), Length(min_chars=1000))
    assert not list((tmp_path / "work" / SCRATCH).glob("begun*"))


def test_a_filter_that_remembers_begins_anew_after_a_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    above = artifact(tmp_path / "above", 30)
    shutil.copy(above.path / "examples" / "part-00000.parquet", above.path / "examples" / "part-00001.parquet")
    judge = Remembering.reason_to_drop

    def stop_at_the_last(self: Remembering, item: Example) -> Drop | None:
        if item.id == "e29":
            raise KeyboardInterrupt
        return judge(self, item)

    Remembering.seen.clear()
    with monkeypatch.context() as patch:
        patch.setattr(Remembering, "reason_to_drop", stop_at_the_last)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "work", above, Remembering())
    Remembering.seen.clear()  # as in a new process
    # Pieces that stayed from the killed run would be unknown to it, and their doubles in the second part would come in.
    assert run(tmp_path / "work", above, Remembering()).kept == 30

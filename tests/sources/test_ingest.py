import os
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from align.artifact import SCRATCH, Counts, content_hash
from align.errors import EmptyResult, PartError
from align.files import read_records
from align.parts import RawFile
from align.records import Example, Origin, Rejection, Turn
from align.sources.ingest import Ingest, Shard, Source
from align.stage import Inputs


class Diaries(Source):
    """Each line `ID DATE` of a file is an example; `!ID` is rejected, `#` skipped, `KILL` ends the process where a file allows it."""

    kind: Literal["test_diaries"] = "test_diaries"
    paths: tuple[RawFile, ...]
    shared: bool = False

    def shards(self) -> list[Shard]:
        return [Shard(path.stem, path, "diary" if self.shared else "") for path in self.paths]

    def read(self, shard: Shard, skipped: Counter[str]) -> Iterator[Example | Rejection]:
        assert shard.scratch is not None
        shard.scratch.mkdir(parents=True, exist_ok=True)
        (shard.scratch / "unpacked").write_text("x")
        for line in shard.path.read_text().splitlines():
            name, _, date = line.partition(" ")
            if name.startswith("!"):
                yield Rejection(name[1:], self.kind, "secret")
            elif name == "KILL":
                if os.environ.get("KILL") == shard.name:
                    os.kill(os.getpid(), signal.SIGKILL)
            elif name.startswith("#"):
                skipped["remark"] += 1
            else:
                yield Example(name, (Turn("document", f"{shard.name} {line}"),), Origin("diary", name, modified=date))


def write(folder: Path, **files: str) -> tuple[Path, ...]:
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in files.items():
        (folder / f"{name}.txt").write_text("\n".join(lines.split(", ")))
    return tuple(folder / f"{name}.txt" for name in files)


def run(work: Path, paths: tuple[Path, ...], shared: bool = False) -> Counts:
    work.mkdir(parents=True, exist_ok=True)
    return Ingest(source=Diaries(paths=paths, shared=shared)).run(Inputs(), work)


def kept(work: Path) -> list[str]:
    return [example.turns[0].text for example in read_records(work, Example)]


def test_counts_add_up_and_each_shard_is_a_part(tmp_path: Path) -> None:
    paths = write(tmp_path, one="a, !b, #, c", two="d, #")
    # 3 kept, 1 rejected, 2 skipped: 6 read
    assert run(tmp_path / "work", paths) == Counts(6, 3, {"test_diaries: secret": 1}, {"remark": 2})
    assert kept(tmp_path / "work") == ["one a", "one c", "two d"]
    assert sorted(path.name for path in (tmp_path / "work" / "examples").iterdir()) == ["part-one.parquet", "part-two.parquet"]
    assert [item.example_id for item in read_records(tmp_path / "work", Rejection)] == ["b"]
    assert not list(tmp_path.glob("work/scratch/begun*")), "what a shard unpacked is gone once it is read"


def test_of_one_id_the_row_last_active_wins_and_a_tie_goes_to_the_newer_dump(tmp_path: Path) -> None:
    # 2014 has the newer row of b; a is equally old in both, and 2020 holds the latest row of all, so it is the newer dump
    paths = write(tmp_path, d2014="a 10, b 30, c 10", d2020="a 10, b 20, d 40")
    for number, order in enumerate((paths, paths[::-1])):
        work = tmp_path / str(number)
        assert run(work, order, shared=True) == Counts(6, 4, {"ingest: superseded": 2})
        assert kept(work) == ["d2014 b 30", "d2014 c 10", "d2020 a 10", "d2020 d 40"]
        assert {(item.example_id, item.by, item.reason) for item in read_records(work, Rejection)} == {
            ("a", "ingest", "superseded"),
            ("b", "ingest", "superseded"),
        }
    detail = next(read_records(tmp_path / "0", Rejection)).detail
    assert detail == "last active 10; kept is the row last active 10 of a newer dump"


def test_rejections_of_a_source_survive_the_comparison_of_dumps(tmp_path: Path) -> None:
    paths = write(tmp_path, d2014="a 1, !x", d2020="a 2, #")
    assert run(tmp_path / "work", paths, shared=True) == Counts(
        4, 1, {"ingest: superseded": 1, "test_diaries: secret": 1}, {"remark": 1}
    )
    assert {item.reason for item in read_records(tmp_path / "work", Rejection)} == {"secret", "superseded"}


def test_the_same_id_in_shards_of_no_group_is_not_compared(tmp_path: Path) -> None:
    paths = write(tmp_path, one="a 1", two="a 2")
    assert run(tmp_path / "work", paths).kept == 2


def test_no_example_in_all_says_why(tmp_path: Path) -> None:
    with pytest.raises(EmptyResult, match="0 examples from test_diaries: remark 2, test_diaries: secret 1. Look whether"):
        run(tmp_path / "work", write(tmp_path, one="#, !b", two="#"))
    with pytest.raises(EmptyResult, match="the files hold no rows"):
        run(tmp_path / "none", write(tmp_path, three="KILL"))


def test_two_shards_of_one_name_are_the_sources_fault(tmp_path: Path) -> None:
    paths = write(tmp_path / "a", one="a") + write(tmp_path / "b", one="b")
    with pytest.raises(PartError, match="source test_diaries: several shards are named 'one'"):
        run(tmp_path / "work", paths)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("victim", ["one", "two", "three"])
def test_a_killed_ingest_goes_on_and_gives_the_same_bits(
    victim: str, shared: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = write(tmp_path, one="a 1, !x, KILL, b 2", two="b 3, KILL, #", three="KILL, a 2, c 1")
    counts = run(tmp_path / "whole", paths, shared)
    script = f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from pathlib import Path
        from test_ingest import run
        run(Path({str(tmp_path / "killed")!r}), tuple(map(Path, {[str(path) for path in paths]!r})), {shared})
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], env=os.environ | {"KILL": victim}, check=False)
    assert killed.returncode == -signal.SIGKILL
    finished = sorted(path.stem for path in (tmp_path / "killed" / SCRATCH / "finished").glob("*.json"))
    assert finished == sorted(["one", "two", "three"][: ["one", "two", "three"].index(victim)])

    read: list[str] = []
    read_whole = Diaries.read

    def noted(source: Diaries, shard: Shard, skipped: Counter[str]) -> Iterator[Example | Rejection]:
        read.append(shard.name)
        return read_whole(source, shard, skipped)

    monkeypatch.setattr(Diaries, "read", noted)
    assert run(tmp_path / "killed", paths, shared) == counts
    assert read == [path.stem for path in paths if path.stem not in finished], "finished shards are not read again"
    assert content_hash(tmp_path / "killed") == content_hash(tmp_path / "whole")
    assert not list((tmp_path / "killed" / "examples").glob("*.tmp"))


class Flood(Source):
    """A shard of many long examples."""

    kind: Literal["test_flood"] = "test_flood"
    count: int

    def shards(self) -> list[Shard]:
        return [Shard("flood", Path(), "alone")]

    def read(self, shard: Shard, skipped: Counter[str]) -> Iterator[Example | Rejection]:
        for number in range(self.count):
            yield Example(f"e{number}", (Turn("document", f"{number} " * 2000),), Origin("flood", str(number)))


@pytest.mark.slow
def test_memory_does_not_grow_with_a_dump_that_stands_alone(tmp_path: Path) -> None:
    def peak_megabytes(count: int) -> float:
        script = f"""
            import resource, sys
            sys.path.insert(0, {str(Path(__file__).parent)!r})
            from pathlib import Path
            from test_ingest import Flood, Ingest, Inputs
            Ingest(source=Flood(count={count})).run(Inputs(), Path({str(tmp_path / str(count))!r}))
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        """
        done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
        return int(done.stdout) / 1024

    # 200 and 400 MB of text; a row group holds 40 MB of it, and of what Arrow gives back some stays with the process.
    assert peak_megabytes(40_000) - peak_megabytes(20_000) < 50

import json
from collections.abc import Callable
from pathlib import Path

from conftest import Done

Align = Callable[..., Done]


def test_ls_lists_runs_and_artifacts(align: Align, toy: Path) -> None:
    assert align("ls").code == 0
    run = align("run", toy).out.strip()
    done = align("ls")
    assert done.lines[0].split() == ["run", "started", "finished", "stages", "size"]
    assert done.lines[1].split()[0] == run
    assert {line.split()[1] for line in done.lines[4:]} == {"numbers", "clean", "told", "drawn", "model"}
    assert done.err.startswith("runs: 1, artifacts: 5, ")
    found = json.loads(align("ls", "--json").out)
    assert found["runs"][0]["stages"] == 5
    assert {item["runs"][0] for item in found["artifacts"]} == {run}


def test_gc_shows_first_and_removes_only_when_told(align: Align, toy: Path, tmp_path: Path) -> None:
    align("run", toy)
    align("run", toy, "--set", "stages.clean.filters.0.limit=4")
    assert align("gc").err == "nothing to remove\n"
    before = sorted((tmp_path / "store" / "artifacts").iterdir())
    shown = align("gc", "--keep-runs", "1")
    assert shown.lines[0].split() == ["path", "size", "why"]
    assert "nothing removed yet: `align gc --yes` removes them" in shown.err
    assert sorted((tmp_path / "store" / "artifacts").iterdir()) == before
    removed = align("gc", "--keep-runs", "1", "--yes")
    assert removed.lines == shown.lines
    assert len(list((tmp_path / "store" / "artifacts").iterdir())) < len(before)
    assert align("run", toy, "--set", "stages.clean.filters.0.limit=4").code == 0


def test_a_store_from_a_newer_version_is_refused_by_every_verb_that_reads_it(align: Align, toy: Path, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "store.json").write_text('{"format": 99}')
    for arguments in (
        ["ls"],
        ["gc"],
        ["run", toy],
        ["plan", toy],
        ["funnel", toy],
        ["show", toy, "a"],
        ["trace", toy, "a"],
        ["diff", "a", "b"],
    ):
        done = align(*arguments)
        assert (done.code, done.out) == (1, ""), arguments
        assert "written by a newer align" in done.err

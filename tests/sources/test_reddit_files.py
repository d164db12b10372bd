"""Stories out of several files: those that are read already are not read again, and several processes give what one gives."""

from pathlib import Path

import pytest
from test_reddit import comment, submission, write

from align.artifact import SCRATCH, Counts, content_hash
from align.engine import Engine, use_engine
from align.errors import InputError
from align.sources import ingest, reddit_files
from align.sources.ingest import Ingest
from align.sources.reddit import Reddit
from align.stage import Inputs


def make(work: Path, folder: Path, workers: int = 1) -> Counts:
    work.mkdir(parents=True, exist_ok=True)
    source = Reddit(subreddit="WritingPrompts", submissions=(folder,), comments=(folder,))
    with use_engine(Engine("native", workers)):
        return Ingest(source=source).run(Inputs(), work)


def write_months(folder: Path) -> Path:
    write(folder / "RS_2019-05.zst", submission("a", "[WP] A door"), submission("x", "Elsewhere", subreddit="pics"))
    write(folder / "RS_2019-06.zst", submission("b", "[WP] A key"), submission("c", "[WP] Nobody answers"))
    write(folder / "RC_2019-05.zst", comment("1", "a", "It opened."), comment("2", "a", "It did not.", score=1))
    # the story of a submission of the month before stands in this month's file
    write(
        folder / "RC_2019-06.zst",
        comment("3", "b", "It fitted."),
        comment("4", "a", "It opened at last\u2028on the right.", score=90),
    )
    return folder


def test_files_read_by_several_processes_give_what_one_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_months(tmp_path / "dump")
    counts = make(tmp_path / "alone", folder)
    assert counts.kept == 2
    assert counts.skipped == {"other subreddit": 1, "prompt without a story": 1, "story below the top one": 2}
    monkeypatch.setattr(reddit_files, "SEVERAL_KILOBYTES", 0)
    monkeypatch.setattr(reddit_files, "text_bytes", lambda path: 10**9)
    assert make(tmp_path / "together", folder, workers=2) == counts
    assert content_hash(tmp_path / "together") == content_hash(tmp_path / "alone")
    assert not (tmp_path / "together" / SCRATCH / ingest.KEPT / "WritingPrompts").exists(), "what was taken out is not kept twice"


def test_after_a_failure_only_the_files_that_are_missing_are_read(tmp_path: Path) -> None:
    folder = write_months(tmp_path / "dump")
    whole = (folder / "RC_2019-06.zst").read_bytes()
    (folder / "RC_2019-06.zst").write_bytes(whole[:-5])
    with pytest.raises(InputError, match=r"RC_2019-06\.zst: cut off"):
        make(tmp_path / "work", folder)
    kept = tmp_path / "work" / SCRATCH / ingest.KEPT / "WritingPrompts"
    notes = sorted(kept.glob("*.json"))
    assert [note.name for note in notes] == ["00000.json", "00001.json", "00002.json"]
    (folder / "RC_2019-06.zst").write_bytes(whole)
    (folder / "RS_2019-05.zst").write_bytes(b"nobody reads this again")
    assert make(tmp_path / "work", folder).kept == 2
    make(tmp_path / "whole", write_months(tmp_path / "dump"))
    assert content_hash(tmp_path / "work") == content_hash(tmp_path / "whole")

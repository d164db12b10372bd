from importlib.metadata import version
from pathlib import Path

import pytest

from align.runs import _commit, package_versions


def git(folder: Path, head: str, **files: str) -> Path:
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "HEAD").write_text(head)
    for name, text in files.items():
        path = folder / ".git" / name.replace("__", "/").replace("_", "-")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_the_commit_of_a_branch_is_read_without_git(tmp_path: Path) -> None:
    folder = git(tmp_path, "ref: refs/heads/main\n", refs__heads__main="abc123\n")
    assert _commit(folder / "deep" / "below") == "abc123"


def test_the_commit_of_a_detached_head_stands_in_it(tmp_path: Path) -> None:
    assert _commit(git(tmp_path, "abc123\n")) == "abc123"


def test_a_packed_branch_is_found(tmp_path: Path) -> None:
    packed = "# pack-refs with: peeled\n111 refs/heads/other\nabc123 refs/heads/main\n"
    assert _commit(git(tmp_path, "ref: refs/heads/main", packed_refs=packed)) == "abc123"


def test_a_branch_without_a_commit_has_none(tmp_path: Path) -> None:
    assert _commit(git(tmp_path, "ref: refs/heads/main")) == ""


def test_a_worktree_shares_the_branches_of_its_repository(tmp_path: Path) -> None:
    git(tmp_path / "main", "ref: refs/heads/main", refs__heads__topic="abc123")
    place = tmp_path / "main" / ".git" / "worktrees" / "topic"
    place.mkdir(parents=True)
    (place / "HEAD").write_text("ref: refs/heads/topic\n")
    (place / "commondir").write_text("../..\n")
    (tmp_path / "topic").mkdir()
    (tmp_path / "topic" / ".git").write_text(f"gitdir: {place}\n")
    assert _commit(tmp_path / "topic") == "abc123"


def test_a_folder_in_no_repository_has_no_commit(tmp_path: Path) -> None:
    if any((parent / ".git").exists() for parent in tmp_path.parents):
        pytest.skip("the folder for tests lies in a repository")
    assert _commit(tmp_path) == ""


def test_versions_are_those_of_what_decides() -> None:
    found = package_versions()
    assert {"torch", "trl", "pyarrow"} <= found.keys()
    assert found == {name: version(name) for name in found}

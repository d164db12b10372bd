import subprocess
import sys
from pathlib import Path

from align.locks import _is_there, free_lock, hold_lock

HOLD = """
import sys
from pathlib import Path
from align.locks import hold_lock
with hold_lock(Path(sys.argv[1]), "key"):
    print("held", flush=True)
    sys.stdin.readline()
"""


def holder(store: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(store)], stdin=-1, stdout=-1, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_lock_is_held_by_one_process_and_dropped_when_it_is_killed(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        with free_lock(tmp_path, "key") as is_free:
            assert not is_free
        process.kill()
        process.wait()
    with free_lock(tmp_path, "key") as is_free:
        assert is_free
    with hold_lock(tmp_path, "key"), free_lock(tmp_path, "other") as is_free:
        assert is_free


def test_a_lock_that_was_never_held_is_free(tmp_path: Path) -> None:
    with free_lock(tmp_path, "key") as is_free:
        assert is_free
    assert not (tmp_path / "locks").exists()


def test_a_lock_whose_file_was_removed_meanwhile_is_taken_anew(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "key"
    path.parent.mkdir()
    with path.open("w") as old:
        assert _is_there(old, path)
        path.unlink()
        assert not _is_there(old, path)
        path.touch()
        assert not _is_there(old, path)  # another file of the same name
        with hold_lock(tmp_path, "key"):
            pass

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from freeze_setting import run_pub

import align
from align.freezing.folder import read_frozen
from align.freezing.freeze import freeze
from align.recipe import load_recipe

KILLED = """\
import os, signal, sys
from pathlib import Path
from align.freezing import folder, freeze
from align.recipe import load_recipe
place = Path(sys.argv[1])
def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[2] == "rows":
    folder.entry_of = die
if sys.argv[2] == "parquet":
    folder._write_parquet = die
if sys.argv[2] == "rename":
    Path.rename = die
if sys.argv[2] == "note":
    freeze.note_frozen = die
stages = {"train": "train_set", "test": "test_prompts"}
freeze.freeze(load_recipe(place / "pub.yaml"), place / "store", stages, place / "set")
"""


@pytest.mark.long
@pytest.mark.parametrize("where", ["rows", "parquet", "rename", "note"])
def test_a_killed_freeze_leaves_no_half_set_and_the_same_one_again_gives_the_whole(tmp_path: Path, where: str) -> None:
    run_pub(tmp_path)
    command = [sys.executable, "-c", KILLED, str(tmp_path), where]
    environment = {**os.environ, "PYTHONPATH": str(Path(align.__file__).parent.parent)}
    done = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "set").exists() == (where == "note")
    again = freeze(
        load_recipe(tmp_path / "pub.yaml"), tmp_path / "store", {"train": "train_set", "test": "test_prompts"}, tmp_path / "set"
    )
    assert again.is_new == (where != "note")
    assert read_frozen(tmp_path / "set").manifest["counts"]["train"]["rows"] == 7
    assert len(list((tmp_path / "store" / "frozen").iterdir())) == 1
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]

"""The jobs in docs/launch/ were never run: here they are read, and compared with the recipe that they start."""

import re
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from align.processes import ENDPOINT, MACHINE_RANK
from align.recipe import load_recipe
from align.stage import Processes

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "launch"


@pytest.fixture
def lima() -> Processes:
    """What both trainings of the recipe ask for."""
    stages = load_recipe(ROOT / "recipes" / "lima65b.yaml").stages
    tuned, aligned = stages["sft"].processes(), stages["dpo"].processes()
    assert tuned == aligned
    return tuned


def test_slurm_gets_the_machines_of_the_recipe_and_one_command_on_each(lima: Processes) -> None:
    text = (FOLDER / "lima65b.sbatch").read_text(encoding="utf-8")
    subprocess.run(["bash", "-n", FOLDER / "lima65b.sbatch"], check=True)
    told = dict(re.findall(r"^#SBATCH --([\w-]+)=(\S+)$", text, flags=re.MULTILINE))
    assert (told["nodes"], told["ntasks-per-node"]) == (str(lima.machines), "1")
    assert told["gpus-per-node"] == str(lima.count // lima.machines)
    assert f"export {ENDPOINT}" in text
    assert "srun --kill-on-bad-exit=1 align run recipes/lima65b.yaml\n" in text


def test_skypilot_gets_them_too(lima: Processes) -> None:
    job = YAML(typ="safe").load(FOLDER / "lima65b.sky.yaml")
    assert job.keys() <= {"name", "resources", "num_nodes", "workdir", "volumes", "envs", "secrets", "setup", "run"}
    assert job["num_nodes"] == lima.machines
    assert job["resources"]["accelerators"].endswith(f":{lima.count // lima.machines}")
    for name in (ENDPOINT, MACHINE_RANK):
        assert f"export {name}=" in job["run"]
    assert job["run"].endswith("align run recipes/lima65b.yaml\n")
    subprocess.run(["bash", "-n", "-c", job["run"] + job["setup"]], check=True)


def test_each_launch_in_the_docs_is_one_that_a_recipe_can_have() -> None:
    from align.training.launch import Launch

    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    found = [YAML(typ="safe").load(line)["launch"] for line in re.findall(r"^launch: .*$", text, flags=re.MULTILINE)]
    assert [Launch(**fields).processes for fields in found] == [4, 32, 2]

import os

import pytest
import torch
from pydantic import ValidationError

from align.errors import TrainingRefused
from align.stage import Processes
from align.training.launch import Launch, check_launch
from align.training.sft import FineTuning

no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")


@pytest.fixture
def started(monkeypatch):
    """As one of so many processes on this machine and on all."""

    def start(here: int, everywhere: int) -> None:
        monkeypatch.setenv("LOCAL_WORLD_SIZE", str(here))
        monkeypatch.setenv("WORLD_SIZE", str(everywhere))

    return start


def test_without_a_launch_what_is_here_is_used():
    check_launch(None)


@no_gpu
def test_a_recipe_for_gpus_is_not_trained_on_the_processor(started):
    started(8, 32)
    with pytest.raises(TrainingRefused, match=r"launch\.device: gpu: 8 GPUs are wanted on this machine.* can use 0"):
        check_launch(Launch(processes=32, machines=4))


def test_another_number_of_processes_is_refused(started):
    started(2, 2)
    with pytest.raises(TrainingRefused, match=r"launch\.processes: 32: 2 run here.*--nproc-per-node 8 "):
        check_launch(Launch(processes=32, machines=4))


@no_gpu
def test_processes_on_the_processor_are_taken_as_they_are(started):
    started(2, 2)
    check_launch(Launch(processes=2, device="cpu"))


@no_gpu
def test_a_machine_without_the_gpus_is_told_before_processes_are_started():
    stage = FineTuning(model="base", loss_on="all", launch=Launch(processes=8))
    with pytest.raises(TrainingRefused, match=r"launch\.device: gpu: 8 GPUs are wanted on this machine.* can use 0"):
        stage.check_room(8)


def test_far_more_processes_than_cores_are_a_slip_and_two_are_not():
    cores = os.cpu_count() or 1
    FineTuning(model="base", loss_on="all", launch=Launch(processes=2, device="cpu")).check_room(2)
    with pytest.raises(TrainingRefused, match=rf"processes on this machine's {cores} cores"):
        FineTuning(model="base", loss_on="all", launch=Launch(processes=99, device="cpu")).check_room(max(4, 2 * cores) + 1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_recipe_for_the_processor_is_not_trained_on_a_gpu():
    with pytest.raises(TrainingRefused, match="CUDA_VISIBLE_DEVICES="):
        check_launch(Launch(device="cpu"))


def test_fsdp2_and_zero3_divide_weights_and_zero2_the_state_only():
    def shards(distribution: str) -> tuple[int, int]:
        launch = Launch(processes=8, distribution=distribution)
        return launch.weight_shards, launch.state_shards

    assert {name: shards(name) for name in ("ddp", "fsdp2", "zero2", "zero3")} == {
        "ddp": (1, 1), "fsdp2": (8, 8), "zero2": (1, 8), "zero3": (8, 8),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"processes": 30, "machines": 4}, "30 processes cannot be divided over 4 machines"),
        ({"distribution": "fsdp2"}, "and there is one; write processes: 2"),
        ({"processes": 2, "device": "cpu", "distribution": "zero3"}, "wants GPUs"),
    ],
)
def test_settings_that_exclude_each_other_are_refused(fields, said):
    with pytest.raises(ValidationError, match=said):
        Launch(**fields)


def test_on_the_processor_gpus_are_hidden_from_what_is_started():
    assert Launch(processes=2, device="cpu").in_processes() == Processes(2, 1, {"CUDA_VISIBLE_DEVICES": ""})
    assert Launch(processes=32, machines=4).in_processes() == Processes(32, 4)

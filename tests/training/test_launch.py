import pytest
import torch

from align.errors import TrainingRefused
from align.training.launch import Launch, check_launch


def test_without_a_launch_what_is_here_is_used():
    check_launch(None)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_recipe_for_gpus_is_not_trained_on_the_processor():
    with pytest.raises(TrainingRefused, match=r"launch\.gpus: 32: this machine has no GPU"):
        check_launch(Launch(gpus=32))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_another_number_of_processes_is_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "1")
    check_launch(Launch(gpus=1))
    with pytest.raises(TrainingRefused, match=r"launch\.gpus: 32: 1 process runs here"):
        check_launch(Launch(gpus=32))


def test_only_fsdp_divides_the_model():
    assert Launch(gpus=8, distribution="fsdp2").shards == 8
    assert Launch(gpus=8).shards == 1

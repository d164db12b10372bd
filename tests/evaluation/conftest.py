"""Models to evaluate."""

import pytest
from evaluation_setting import save_model

from align.artifact import Artifact


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """A fine-tuned model, as `sft` leaves it, with two checkpoints."""
    return save_model(tmp_path_factory.mktemp("sft"), "sft", epochs=2)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """A base model: its tokenizer knows no EOT."""
    return save_model(tmp_path_factory.mktemp("base"), "base", with_eot=False, seed=7)

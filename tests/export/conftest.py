"""Models to export."""

from pathlib import Path

import pytest
from export_setting import trained_stage

from align.artifact import Artifact
from align.export.hf import write_hf


@pytest.fixture(scope="session")
def sft(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """A llama that knows four dialogues by heart."""
    return trained_stage(tmp_path_factory.mktemp("sft"))


@pytest.fixture(scope="session")
def hf_folder(sft: Artifact, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, exported for transformers."""
    folder = tmp_path_factory.mktemp("hf") / "heron"
    write_hf(sft, "last", "stored", folder)
    return folder

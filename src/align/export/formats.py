"""The forms a model can be exported in."""

import shutil
from pathlib import Path
from typing import Literal

from align.artifact import Artifact
from align.export.hf import Dtype, write_hf
from align.models import MODEL

Format = Literal["hf"]


def write_export(model: Artifact, checkpoint: str, form: Format, dtype: Dtype, work: Path) -> Path:
    """Write a stage's model below `work` in one form; return its folder. What an earlier, killed attempt left is removed."""
    folder = work / MODEL
    shutil.rmtree(folder, ignore_errors=True)
    write_hf(model, checkpoint, dtype, folder)
    return folder

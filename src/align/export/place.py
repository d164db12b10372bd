"""Export into a folder of the user's: whole, or not there."""

import os
import shutil
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from align.artifact import Artifact
from align.errors import InputError
from align.export.beside import Beside
from align.export.export import Export
from align.export.formats import write_export


def export_to_folder(model: Artifact, asked: dict[str, Any], folder: Path, data: tuple[Artifact, ...] = ()) -> Beside | None:
    """Do what an `export` stage with the fields `asked` does, and leave what it exports in `folder`.

    With `data` return how it compares with the full model on their examples.
    """
    try:
        stage = Export.model_validate(asked)
    except ValidationError as error:
        first = error.errors()[0]
        name = "-".join(map(str, first["loc"]))
        said = str(first["msg"]).removeprefix("Value error, ")
        got = f" (got {first['input']!r:.80})" if name else ""  # a fault of several options has no one value
        raise InputError(f"{f'--{name}: ' if name else ''}{said}{got}") from error
    if folder.exists():
        raise InputError(f"{folder}: is there already; name another place with --out, or delete it")
    work = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(work, ignore_errors=True)
    try:
        written = write_export(model, stage.checkpoint, stage.form, work)
        found = stage.compare(model, written, work, data) if data else None
        os.replace(written, folder)
        return found
    finally:
        shutil.rmtree(work, ignore_errors=True)

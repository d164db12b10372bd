"""Folders in which a shard's records wait until they are whole: work that is done twice at once never meets itself."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from align.artifact import SCRATCH

BEGUN = "begun"


@contextmanager
def aside(work: Path, name: str) -> Iterator[Path]:
    """A new folder that nobody else has, in the scratch of `work`; it is gone when the context ends."""
    begun = work / SCRATCH / BEGUN
    begun.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix=f"{name}-", dir=begun))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def forget_begun(work: Path) -> None:
    """Remove what killed processes had begun."""
    shutil.rmtree(work / SCRATCH / BEGUN, ignore_errors=True)


def put(folder: Path, target: Path) -> None:
    """Give the finished parts of all tables below `folder` their names below `target`."""
    for part in sorted(folder.glob("*/part-*.parquet")):
        place = target / part.relative_to(folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        part.replace(place)

"""The store's list of takedowns, looked at by a running app: whoever took something down need not know its database."""

from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from align.curation.store import CurationStore
from align.takedowns import LIST, address_of, read_takedowns


@dataclass(slots=True)
class TakedownWatch:
    """Threads may share it."""

    folder: Path
    """The store of artifacts, which has the list."""
    store: CurationStore
    _mark: tuple[int, int, int] | None = None
    """Of the list as it was read last."""
    _lock: Lock = field(default_factory=Lock)

    def heed(self) -> None:
        """Tell the database of what was listed since; where the list is as it was, this is one look at its date."""
        mark = _mark_of(self.folder / LIST)
        if mark is None or mark == self._mark:
            return
        with self._lock:
            listed = read_takedowns(self.folder)
            ids = {name for item in listed for name in item.ids}
            self.store.take_down(ids | {item.asked for item in listed if not address_of(item.asked)})
            self._mark = mark


def _mark_of(path: Path) -> tuple[int, int, int] | None:
    """What changes with every writing of the file; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns

"""Notes of the sets that were frozen from a store: `frozen/<digest of the folder>.json`. A takedown finds the sets by them,
and `align gc` keeps what they were made of.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from align.artifact import digest_of
from align.errors import StoreError
from align.files import write_json

FOLDER = "frozen"


@dataclass(frozen=True, slots=True)
class FrozenNote:
    """One frozen set."""

    path: Path
    """The note."""
    folder: Path
    """Where the set was written."""
    recipe: str
    keys: tuple[str, ...]
    """Artifacts that its rows came through."""
    frozen: str
    """When, UTC."""


def note_frozen(store: Path, folder: Path, recipe: str, keys: tuple[str, ...], frozen: str) -> Path:
    """Remember that a set was frozen into `folder`; one that was noted before keeps its date."""
    absolute = str(folder.absolute())
    path = store / FOLDER / f"{digest_of(absolute)}.json"
    before = read_note(path).frozen if path.is_file() else frozen
    write_json(path, {"folder": absolute, "recipe": recipe, "keys": sorted(keys), "frozen": before})
    return path


def frozen_notes(store: Path) -> list[FrozenNote]:
    """All frozen sets of a store, in the order of their folders."""
    return sorted((read_note(path) for path in (store / FOLDER).glob("*.json")), key=lambda note: str(note.folder))


def read_note(path: Path) -> FrozenNote:
    try:
        noted = json.loads(path.read_text(encoding="utf-8"))
        return FrozenNote(path, Path(noted["folder"]), str(noted["recipe"]), tuple(noted["keys"]), str(noted["frozen"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path}: not the note of a frozen set ({error}). Freezing the set again writes it anew.") from error

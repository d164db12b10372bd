"""Names of those who wrote, out of Users.xml."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from align.progress import track
from align.sources.xml_rows import parsed, row_bytes

if TYPE_CHECKING:
    import numpy as np


def display_names(path: Path, wanted: "np.ndarray[Any, Any]", accept_truncated: bool = False) -> dict[int, str]:
    """Display name by user Id, of the wanted users alone: an exchange has many times as many as wrote a top answer."""
    owners = set(wanted.tolist())
    names: dict[int, str] = {}
    for _, data in track(row_bytes(path, "users", accept_truncated), "reading names", unit="rows"):
        row = parsed(data)
        if row is None:  # a broken row costs a name, not a post
            continue
        number = row.text("Id")
        if number.lstrip("-").isdecimal() and int(number) in owners:
            names[int(number)] = row.text("DisplayName").strip()
    return names

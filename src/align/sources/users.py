"""Names of the users of an exchange, out of Users.xml."""

from array import array
from bisect import bisect_left
from pathlib import Path
from typing import NamedTuple

from align.sources.xml_rows import parsed, tracked_rows


class Names(NamedTuple):
    """Display names by user Id, 16 bytes and the name's own a user: the largest exchange has 25 million."""

    ids: "array[int] | memoryview"
    """Sorted."""
    ends: "array[int] | memoryview"
    """Where in `text` the name of each user ends; it begins where the one before ends."""
    text: bytes | memoryview

    def of(self, user: int) -> str:
        """The name of a user; empty where there is none."""
        place = bisect_left(self.ids, user)
        if place == len(self.ids) or self.ids[place] != user:
            return ""
        return str(self.text[self.ends[place - 1] if place else 0 : self.ends[place]], "utf-8")


NO_NAMES = Names(array("q"), array("q"), b"")


def read_names(path: Path, accept_truncated: bool = False) -> Names:
    """The names in a Users.xml. A broken row costs a name, not a post, so it is passed over."""
    ids, ends, text = array("q"), array("q"), bytearray()
    for _, data in tracked_rows(path, "users", accept_truncated, "reading names"):
        row = parsed(data)
        number = row.text("Id") if row is not None else ""
        if row is None or not number.removeprefix("-").isdecimal() or len(number) > 17:
            continue
        text += row.text("DisplayName").strip().encode()
        ids.append(int(number))
        ends.append(len(text))
    return _sorted(Names(ids, ends, bytes(text)))


def _sorted(names: Names) -> Names:
    import numpy as np

    ids = np.asarray(names.ids)
    if len(ids) < 2 or bool((ids[1:] > ids[:-1]).all()):
        return names
    order = np.argsort(ids, kind="stable").tolist()
    parts = [names.text[names.ends[place - 1] if place else 0 : names.ends[place]] for place in order]
    ends = array("q", np.cumsum([len(part) for part in parts]).tolist())
    return Names(array("q", ids[order].tolist()), ends, b"".join(parts))

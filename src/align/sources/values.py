"""Values of many rows at once: what a row costs in Python is paid once for hundreds of them."""

from collections.abc import Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from align.sources.xml_rows import Row, unescaped

if TYPE_CHECKING:
    import numpy as np

VALUES_AT_ONCE = 256
"""As many as fit into the processor's cache with what is made of them."""


def columns_of(rows: Sequence[Row], names: tuple[str, ...]) -> dict[str, tuple[bytes, ...]]:
    """The raw values of the named attributes, by attribute; empty where one is absent."""
    pickers: dict[int, Any] = {}
    picked = []
    for pieces, places in rows:
        picker = pickers.get(id(places))  # rows of one shape share their places, and `rows` keeps them
        if picker is None:
            picker = pickers[id(places)] = itemgetter(*(places.get(name, -1) for name in names))
        picked.append(picker(pieces))
    return dict(zip(names, zip(*picked, strict=True), strict=True)) if picked else dict.fromkeys(names, ())


def texts_of(values: Sequence[bytes]) -> list[str]:
    """What the values of attributes say, references replaced."""
    texts: list[str] = []
    for start in range(0, len(values), VALUES_AT_ONCE):
        some = values[start : start + VALUES_AT_ONCE]
        replaced = _without_references(b"\0".join(some))
        pieces = replaced.split(b"\0") if replaced is not None else []
        if len(pieces) == len(some):
            texts += map(bytes.decode, pieces)
        else:  # an unusual reference, or a NUL: one by one
            texts += [unescaped(value.decode()) for value in some]
    return texts


def _without_references(joined: bytes) -> bytes | None:
    """The bytes with the usual references replaced; None where there is another among them."""
    if b"&" not in joined:
        return joined
    import numpy as np

    signs, lengths = _references()
    data = np.frombuffer(bytearray(joined + b"\0\0\0\0\0"), np.uint8)
    at = np.flatnonzero(data == ord("&"))
    # The three bytes behind `&`, as one number: they tell the usual references apart.
    code = data[at + 1].astype(np.uint32) << 16 | data[at + 2].astype(np.uint32) << 8 | data[at + 3]
    sign, length = signs[code], lengths[code]
    quotes = at[length == 5]
    if (data[at + length] != ord(";")).any() or (data[quotes + 4] != ord("t")).any():  # an unknown code has length 0
        return None
    data[at] = sign
    kept = np.ones(len(data), bool)
    for place in range(1, 4):
        kept[at + place] = False
    kept[at[length > 3] + 4] = False
    kept[quotes + 5] = False
    return data[kept].tobytes()[:-5]


def _references() -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    """By code, the sign that a reference stands for, and how far behind its `&` its `;` stands."""
    import numpy as np

    if not _tables:
        _tables.extend((np.zeros(1 << 24, np.uint8), np.zeros(1 << 24, np.uint8)))
        usual = {"lt;": "<", "gt;": ">", "amp;": "&", "quot;": '"', "#xA;": "\n", "#xD;": "\r", "#x9;": "\t"}
        for name, sign in usual.items():
            code = int.from_bytes(name[:3].encode())
            _tables[0][code] = ord(sign)
            _tables[1][code] = len(name)
    return _tables[0], _tables[1]


_tables: "list[np.ndarray[Any, Any]]" = []

"""The rows of a Stack Exchange table: `<row Name="value" ... />`, a thousand to the megabyte.

What lies between two `<` is one row: `<` cannot stand in an attribute, so this holds for any layout of the file, one row
a line or not. Splitting a row at its quotes gives names and values, and the names are checked once for all rows that
have the same. That is several times as fast as an XML parser, which is only asked about rows written in another way.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from align.errors import InputError
from align.progress import track
from align.sources.growing import read_blocks, size_of

BLOCK_BYTES = 1 << 20
LONGEST_ROW_BYTES = 1 << 26


class Row(NamedTuple):
    """One row: its pieces between quotes, and which piece holds the value of which attribute."""

    pieces: list[bytes]
    """The last one is empty: it stands for every attribute that is absent."""
    places: Mapping[str, int]

    def text(self, name: str) -> str:
        """The value of an attribute, unescaped; empty where it is absent."""
        value = self.pieces[self.places.get(name, -1)].decode()
        return unescaped(value) if "&" in value else value

    def number(self, name: str, default: int = 0) -> int:
        """The value of an attribute as a whole number; `default` where it is absent or empty."""
        return int(self.pieces[self.places.get(name, -1)] or default)


def row_bytes(path: Path, root: str, accept_truncated: bool = False) -> Iterator[tuple[int, bytes]]:
    """Byte offset and bytes of every row, `<` left out, up to the next element; memory holds a block of the file."""
    for offset, piece in row_pieces(path, root, accept_truncated):
        for element in piece.split(b"<"):
            if element.startswith(b"row"):
                yield offset, element
            offset += len(element) + 1


def row_pieces(path: Path, root: str, accept_truncated: bool = False) -> Iterator[tuple[int, bytes]]:
    """The file in pieces that hold whole rows, and the byte offset of each.

    A file without `</root>` at its end is cut off: an error, unless `accept_truncated`.
    """
    blocks = _blocks(path)
    rest = next(blocks, b"")
    _check_root(path, root, rest)
    offset, is_closed, whole, whole_offset = 0, False, b"", 0
    closing = b"</" + root.encode()
    while rest:
        cut = max(rest.rfind(b"<"), 0)
        piece, last = rest[:cut], rest[cut:]
        at = piece.rfind(b"<row")
        if at >= 0:
            whole, whole_offset = piece[at + 1 :].partition(b"<")[0], offset + at + 1
        is_closed = piece.find(closing, max(at, 0)) >= 0 or (is_closed and at < 0)
        yield offset, piece
        offset += cut
        if len(last) > LONGEST_ROW_BYTES:
            raise InputError(
                f"{path}: no row ends within {LONGEST_ROW_BYTES >> 20} MiB after byte {offset:,}: not a table of a dump."
            )
        block = next(blocks, b"")
        rest = last + block if block else b""
    is_row = last.startswith(b"<row")
    if (is_closed and not is_row) or last.startswith(closing) or _is_empty(root, last.removeprefix(b"<")):
        return
    if not accept_truncated:
        if parsed(last.removeprefix(b"<")) is not None:
            whole, whole_offset = last.removeprefix(b"<"), offset + 1
        raise InputError(_truncated(path, root, offset + len(last), whole, whole_offset))
    if is_row:
        yield offset, last


def tracked_rows(path: Path, root: str, accept_truncated: bool, title: str) -> Iterator[tuple[int, bytes]]:
    """The rows with a bar: megabytes of the file, and the time left."""
    return track(row_bytes(path, root, accept_truncated), title, *_megabytes(path), lambda row: row[0] // 10**6)


def tracked_pieces(path: Path, root: str, accept_truncated: bool, title: str) -> Iterator[tuple[int, bytes]]:
    """The pieces with the same bar."""
    return track(row_pieces(path, root, accept_truncated), title, *_megabytes(path), lambda piece: piece[0] // 10**6)


def _megabytes(path: Path) -> tuple[int | None, str]:
    size = size_of(path)
    return size // 10**6 if size is not None else None, "MB"


def parsed(row: bytes) -> Row | None:
    """The attributes of a row; None where it is broken: cut in the middle, not XML, not UTF-8."""
    if not row.isascii():
        try:
            row.decode()
        except UnicodeDecodeError:
            return None
    pieces = row.split(b'"')
    places = _places(b'"'.join(pieces[::2]))
    if places is None:
        return _parsed_as_xml(row)
    inside = len(row) - len(pieces[-1])
    pieces[-1] = b""
    if row.find(b"\n", 0, inside) >= 0 or row.find(b"\t", 0, inside) >= 0 or row.find(b"\r", 0, inside) >= 0:
        pieces = [piece.replace(b"\r\n", b" ").translate(_WHITE_SPACE) for piece in pieces]  # as XML has it
    return Row(pieces, places)


def unescaped(value: str) -> str:
    """The text of an attribute's value: references replaced by what they stand for."""
    text = value.replace("&#xA;", "\n")
    if "&#" in text:
        text = _REFERENCE.sub(_character, text)
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')
    return text.replace("&apos;", "'").replace("&amp;", "&")  # & last: &amp;lt; is the text &lt;


_NAME = re.compile(r"\s+([A-Za-z_][\w.-]*)\s*=\s*")
_END = re.compile(r"\s*/>\s*")
_WHITE_SPACE = bytes.maketrans(b"\n\t\r", b"   ")
_REFERENCE = re.compile(r"&#(?:[xX]([0-9a-fA-F]{1,6})|([0-9]{1,7}));")


@lru_cache(maxsize=4096)
def _places(outside: bytes) -> Mapping[str, int] | None:
    """Where the values stand in a row of which `outside` stands outside quotes; None where those are no attributes."""
    shape = outside.decode().split('"')
    if len(shape) < 2 or not shape[0].startswith("row") or not _END.fullmatch(shape[-1]):
        return None
    names = [_name(text) for text in (shape[0][3:], *shape[1:-1])]
    places = {name: 2 * number + 1 for number, name in enumerate(names) if name is not None}
    return places if len(places) == len(names) else None


@lru_cache(maxsize=4096)
def _name(text: str) -> str | None:
    """The name that stands alone before a value."""
    found = _NAME.fullmatch(text)
    return found and found[1]


def _parsed_as_xml(row: bytes) -> Row | None:
    """A row in single quotes, or closed by `</row>`: unusual, but XML."""
    try:
        end = b"" if row.rstrip().endswith(b"/>") else b"</row>"
        attributes = ElementTree.fromstring(b"<" + row + end).attrib  # a single element: no DTD, so nothing to expand
    except ElementTree.ParseError:
        return None
    escapes = {ord(sign): f"&#{ord(sign)};" for sign in '&<>"\n\r\t'}
    values = [value.translate(escapes).encode() for value in attributes.values()]
    return Row([*values, b""], {name: place for place, name in enumerate(attributes)})


def _character(reference: re.Match[str]) -> str:
    """The character of `&#xA0;` or `&#160;`; none where it may not stand in a text, such as half a surrogate pair."""
    code = int(reference[1], 16) if reference[1] else int(reference[2])
    is_text = code in (9, 10, 13) or 0x20 <= code < 0xD800 or 0xE000 <= code <= 0x10FFFF
    return chr(code) if is_text else ""


def _truncated(path: Path, root: str, end: int, whole: bytes, whole_offset: int) -> str:
    row = parsed(whole)
    last = (
        f"the last whole row, Id {row.text('Id')}, begins at byte {whole_offset - 1:,}"
        if row is not None
        else "it holds no whole row"
    )
    return (
        f"{path}: cut off at byte {end:,}: there is no </{root}> at its end; {last}. "
        f"Fetch or unpack the file again, or set accept_truncated: true to take the rows that are there."
    )


def _check_root(path: Path, root: str, start: bytes) -> None:
    if not re.search(rb"<%s[\s/>]" % root.encode(), start.partition(b"<row")[0]):
        said = f"it starts with {start[:60]!r}" if start else "it is empty"
        raise InputError(
            f"{path}: not the {root} of a Stack Exchange dump: {said}; wanted <{root}>. Fetch or unpack the file again."
        )


def _is_empty(root: str, element: bytes) -> bool:
    """Whether the root closes itself: `<posts />`."""
    return re.fullmatch(rb"%s\s*/>\s*" % root.encode(), element) is not None


def _blocks(path: Path) -> Iterator[bytes]:
    try:
        yield from read_blocks(path, BLOCK_BYTES)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error

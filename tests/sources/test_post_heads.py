from hypothesis import given, settings
from hypothesis import strategies as st

from align.sources.post_heads import heads_of
from align.sources.xml_rows import parsed

QUESTION = (
    b'row Id="4" PostTypeId="1" AcceptedAnswerId="9" CreationDate="2020-01-01T00:00:00.000" Score="-3" Body="&lt;p&gt;" />\r\n  '
)
OPEN = b'row Id="12" PostTypeId="1" CreationDate="2020-01-01" Score="0" Body="caf\xc3\xa9" ViewCount="" />\n'
ANSWER = b'row Id="90071992547409931" PostTypeId="2" ParentId="4" CreationDate="" Score="123456789" Body="" />\n  '
WIKI = b'row Id="7" PostTypeId="5" CreationDate="2020-01-01" Score="0" Body="" />\r\n'
USUAL = (QUESTION, OPEN, ANSWER, WIKI)


def read(piece: bytes) -> list[tuple[bytes, tuple[int, ...] | None]]:
    """Each row with kind, Id, link and score; None where the head does not say them."""
    heads = heads_of(piece)
    columns = (heads.begins, heads.ends, heads.kinds, heads.ids, heads.links, heads.scores, heads.is_read)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [(piece[begin:end], tuple(numbers) if is_read else None) for begin, end, *numbers, is_read in rows]


def test_the_head_of_a_usual_row_says_it_all() -> None:
    piece = b"\xef\xbb\xbf<?xml?>\n<posts>\n  <" + b"<".join(USUAL)
    # 90071992547409931 is above 2^53: a float would round it to ...932
    numbers = [(1, 4, 9, -3), (1, 12, 0, 0), (2, 90071992547409931, 4, 123456789), (5, 7, 0, 0)]
    assert read(piece) == list(zip(USUAL, numbers, strict=True))


def test_a_piece_may_hold_no_row() -> None:
    for piece in (b"", b"<", b"\xef\xbb\xbf<?xml?>\n<posts>\n", b'<row Id="', b'"<row'):
        assert [numbers for _, numbers in read(piece)] in ([], [None])


def test_one_broken_row_leaves_the_others_read() -> None:
    broken = OPEN.replace(b"\xc3\xa9", b"\xff")  # no UTF-8
    assert [numbers is not None for _, numbers in read(b"<" + b"<".join((QUESTION, broken, OPEN, WIKI)))] == [
        True,
        False,
        True,
        True,
    ]


def test_an_accepted_answer_that_stands_elsewhere_is_not_overlooked() -> None:
    late = OPEN.replace(b' ViewCount=""', b" ViewCount='' AcceptedAnswerId='5'")
    assert read(b"<" + late) == [(late, None)]


_NOISE = [
    b'"',
    b" ",
    b"/",
    b"\n",
    b"\xff",
    b"\xc3\xa9",
    b"0",
    b"-",
    b"99999999999999999999",
    b'Id="',
    b' ParentId="7"',
    b"'",
    b"",
    b"x",
]
_CHANGES = st.tuples(st.integers(0, 140), st.integers(0, 20), st.sampled_from(_NOISE))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(USUAL), st.lists(_CHANGES, max_size=2)), max_size=6))
def test_what_a_head_says_is_what_the_whole_row_says(rows: list[tuple[bytes, list[tuple[int, int, bytes]]]]) -> None:
    changed = []
    for row, changes in rows:
        for place, length, noise in changes:
            row = row[:place] + noise + row[place + length :]
        changed.append(row)
    found = read(b"".join(b"<" + row for row in changed))
    assert [row for row, _ in found] == [row for row in changed if row.startswith(b"row")]
    for row, numbers in found:
        whole = parsed(row)
        if numbers is not None and whole is not None:
            kind = whole.number("PostTypeId")
            link = whole.number("ParentId" if kind == 2 else "AcceptedAnswerId")
            assert numbers == (kind, whole.number("Id"), link, whole.number("Score"))

import bz2
import gzip
import json
import lzma
from pathlib import Path
from typing import Any

import pytest
from backports import zstd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from align.errors import InputError
from align.raw_lines import BLOCK_BYTES, read_blocks, read_lines
from align.rows import parse_json, read_rows

PACKED = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress, ".zst": zstd.compress}


@pytest.mark.parametrize("suffix", PACKED)
def test_a_character_at_the_edge_of_a_block_stays_whole_and_blank_lines_count(tmp_path: Path, suffix: str) -> None:
    # the euro sign has three bytes, of which one lies before the edge
    text = "x" * (BLOCK_BYTES - 1) + "€\n\nend"
    path = tmp_path / f"a.txt{suffix}"
    path.write_bytes(PACKED[suffix](text.encode()))
    assert [(line.number, line.data.decode()) for line in read_lines(path)] == [(1, "x" * (BLOCK_BYTES - 1) + "€"), (3, "end")]


@pytest.mark.parametrize("suffix", [name for name in PACKED if name])
def test_lines_before_a_cut_come_out_and_then_the_cut_is_told(tmp_path: Path, suffix: str) -> None:
    whole = b"".join(b"%d %d\n" % (number, number**7) for number in range(200_000))
    path = tmp_path / f"a.txt{suffix}"
    packed = PACKED[suffix](whole)
    path.write_bytes(packed[: len(packed) - 12])
    lines = []
    with pytest.raises(InputError, match=r"cut off or damaged after line [\d,]+ .*Fetch the file again"):
        lines.extend(read_lines(path))
    assert len(lines) > 100_000
    assert lines[1000].data == b"1000 %d" % 1000**7


@pytest.mark.parametrize("suffix", PACKED)
def test_the_small_pieces_in_which_a_file_is_unpacked_make_whole_blocks(tmp_path: Path, suffix: str) -> None:
    whole = b"".join(b"%d %d\n" % (number, number**7) for number in range(60_000)) + b"end"
    path = tmp_path / f"a.txt{suffix}"
    path.write_bytes(PACKED[suffix](whole))
    *blocks, rest, last = read_blocks(path)
    assert len(blocks) > 2
    assert min(len(block.data) for block in blocks) > BLOCK_BYTES - 100  # the last piece may end within a line
    assert b"".join(block.data for block in (*blocks, rest, last)) == whole + b"\n"
    assert [block.data.count(b"\n") for block in (*blocks, rest)] == [block.lines for block in (*blocks, rest)]
    assert (last.number, last.data) == (60_001, b"end\n")


def test_a_line_that_does_not_end_is_named_and_those_before_it_come_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("align.raw_lines.LONGEST_LINE_BYTES", 1000)
    monkeypatch.setattr("align.raw_lines.BLOCK_BYTES", 100)
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"one\n" + b"x" * 1000 + b"\n" + b"x" * 1001))
    lines = []
    with pytest.raises(InputError, match=r"a\.txt\.gz:3: no line ends within"):
        lines.extend(read_lines(path))
    assert [len(line.data) for line in lines] == [3, 1000]


def test_a_frame_that_looks_back_two_gigabytes_is_read_and_frames_in_a_row_too(tmp_path: Path) -> None:
    far = {zstd.CompressionParameter.window_log: 31, zstd.CompressionParameter.enable_long_distance_matching: 1}
    (tmp_path / "a.zst").write_bytes(zstd.compress(b"one\n", options=far) + zstd.compress(b"two\n"))
    assert [line.data for line in read_lines(tmp_path / "a.zst")] == [b"one", b"two"]


def test_a_row_of_fifty_megabytes_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b'{"a": "' + b"x" * 50_000_000 + b'"}\n{"a": "y"}', 1))
    assert [len(row.data["a"]) for row in read_rows([tmp_path / "a.jsonl.gz"])] == [50_000_000, 1]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.jsonl", b"[" * 100_000, r"a\.jsonl:1: not readable as JSON: nested too deep"),
        ("a.jsonl", b'{"a": "\\ud800"}', r"a\.jsonl:1: not readable as JSON: .*surrogates not allowed"),
        ("a.jsonl", b'{"a": 1}\n{"a": "\xff"}', r"a\.jsonl:2: not readable as JSON: .*0xff"),
        ("a.json", b"[" * 100_000, "nested too deep"),
        ("a.csv", b'a,b\n1,2\n"3,4\n5,6\n', r"a\.csv: row 2 \(from line 3\): unexpected end of data: a quote is open"),
        ("a.csv", b'a,b\n1,"2"x\n', r"a\.csv: row 1 .*a quote is open or missing there"),
        ("a.csv", b"a,b\n1,2\n3\n", r"a\.csv: row 2 \(line 3\) has 1 values for 2 columns"),
        ("a.csv", b"a,a\n1,2\n", "must name the columns, each once"),
        ("a.csv", b"a,b\n1,\xff\n", r"a\.csv: after line \d: not UTF-8"),
        ("a.csv.gz", b"junk", "cut off or damaged"),
        ("a.csv", b"", "must name the columns"),
    ],
)
def test_a_damaged_file_is_told_with_its_place(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=says):
        list(read_rows([tmp_path / name]))


def test_csv_keeps_line_ends_inside_quotes_and_leaves_the_mark_of_utf8_out(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b'\xef\xbb\xbftitle,text\r\nHi,"one\r\ntwo ""2"""\r\n')
    assert [row.data for row in read_rows([tmp_path / "a.csv"])] == [{"title": "Hi", "text": 'one\r\ntwo "2"'}]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(st.sampled_from([".json", ".jsonl", ".csv", ".jsonl.zst", ".csv.gz", ".json.xz", ".jsonl.bz2"]), st.binary(max_size=300))
def test_whatever_the_bytes_rows_come_out_or_one_error_of_ours(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / f"a{name}"
    path.write_bytes(data)
    said = ""
    try:
        assert all(isinstance(row.data, dict) for row in read_rows([path]))
    except InputError as error:
        said = str(error)
    assert not said or said.startswith(str(path))


def by_json_alone(data: bytes) -> Any:
    """What a row stands for, or that it stands for nothing, by the standard library."""
    try:
        value = json.loads(data.decode() if data.startswith(b'{"') else data)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return "none"
    return repr(value)  # tells 1 from 1.0, and one nan is the other


NUMBERS = [
    "1",
    "-0",
    "-0.0",
    "1e999",
    "0.1",
    "1E5",
    "01",
    "1.",
    str(2**63),
    str(-(2**64)),
    "9" * 4300,
    "9" * 4301,
    "NaN",
    "Infinity",
]


@settings(deadline=None, max_examples=400)
@given(
    st.one_of(
        st.floats().map(lambda number: json.dumps(number).encode()),
        st.sampled_from(NUMBERS).map(str.encode),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters(exclude_categories=[]))),
            lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=3), inner, max_size=4)),
            max_leaves=8,
        ).map(lambda value: json.dumps(value).encode()),
        st.text('{}[]",:ab1.-e \\u\n\x00\x0b', max_size=12).map(str.encode),
        st.sampled_from(
            [b'{"a": 1, "b": 2, "a": 3}', '{"a": 1}'.encode("utf-16"), b'\xef\xbb\xbf{"a": 1}', b'{"a": "\xff"}', b'{"a": 1}\x00']
        ),
    )
)
def test_a_row_stands_for_what_the_standard_library_says(data: bytes) -> None:
    try:
        value = repr(parse_json(data, "a.jsonl:1"))
    except InputError:
        value = "none"
    assert value == by_json_alone(data)

import json
import os
import signal
import subprocess
import sys
import time
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from small_models import as_artifact, document, records

from align import files
from align.files import write_records
from align.models import load_tokenizer
from align.records import Example, Origin, Turn
from align.tokens import encode_document
from align.training import token_files as module
from align.training.token_files import Shard, TokenFile, token_files


@pytest.fixture
def tokenizer(tokenizer_artifact):
    return load_tokenizer(tokenizer_artifact)


@pytest.fixture
def one_group_a_shard(monkeypatch):
    monkeypatch.setattr(module, "TOKENS_PER_SHARD", 1)


def in_parts(folder: Path, *parts: list[Example]):
    """An artifact with a table of several parts: each is a group of rows."""
    for number, items in enumerate(parts):
        write_records(folder, Example, items, number)
    return as_artifact(folder, folder.name, "ingest")


def ids_of(file: TokenFile) -> list[int]:
    return list(chain.from_iterable(file.block(number).tolist() for number in range(file.blocks)))


def test_blocks_run_on_over_the_borders_of_shards(tmp_path):
    np.arange(0, 7, dtype="<u2").tofile(tmp_path / "a.bin")
    np.arange(7, 8, dtype="<u2").tofile(tmp_path / "b.bin")
    (tmp_path / "c.bin").touch()
    np.arange(8, 14, dtype="<u2").tofile(tmp_path / "d.bin")
    shards = [Shard(f"{name}.bin", 0, 0, tokens, 2, "") for name, tokens in (("a", 7), ("b", 1), ("c", 0), ("d", 6))]
    file = TokenFile(tmp_path, shards, max_tokens=4)
    assert file.blocks == 3
    assert [file.block(number).tolist() for number in range(3)] == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9, 10, 11],
    ]  # 12, 13 are left over
    with pytest.raises(IndexError):
        file.block(3)
    one_long = TokenFile(tmp_path, shards, max_tokens=14)
    assert one_long.block(0).tolist() == list(range(14))  # over three borders


def test_documents_of_all_artifacts_lie_end_to_end(tmp_path, tokenizer):
    first, second = in_parts(tmp_path / "a", [document(1), document(2)], [document(3)]), in_parts(tmp_path / "b", [document(4)])
    file = token_files({"all": [first, second]}, tokenizer, tmp_path / "tokens", max_tokens=1)["all"]
    expected = [encode_document(document(number).turns[0].text, tokenizer) for number in (1, 2, 3, 4)]
    assert ids_of(file) == list(chain.from_iterable(expected))
    starts = np.array(ids_of(file)) == tokenizer.bos_token_id
    assert starts.sum() == 4
    assert starts[0]


def test_the_width_of_an_id_follows_the_vocabulary(tmp_path, tokenizer):
    data = records(tmp_path / "data", "data", [document(1)])
    narrow = token_files({"x": [data]}, tokenizer, tmp_path / "narrow", 8)["x"]
    assert narrow.shards[0].bytes_each == 2
    tokenizer.add_tokens([f"word{number}" for number in range(66_000)])
    wide = token_files({"x": [data]}, tokenizer, tmp_path / "wide", 8)["x"]
    assert wide.shards[0].bytes_each == 4
    assert ids_of(wide) == ids_of(narrow)


def test_each_source_has_a_file_of_its_own(tmp_path, tokenizer):
    data = {name: [records(tmp_path / name, name, [document(number)])] for number, name in enumerate("ab")}
    files = token_files(data, tokenizer, tmp_path / "tokens", 1)
    assert list(files) == ["a", "b"]
    assert ids_of(files["a"]) != ids_of(files["b"])
    assert files["a"].digest() != files["b"].digest()


@pytest.mark.parametrize("fault", ["data changed", "data gone", "seal cut off", "seal gone", "unsealed data"])
def test_what_is_damaged_is_written_anew_and_what_is_good_is_kept(tmp_path, tokenizer, one_group_a_shard, fault, caplog):
    data = in_parts(tmp_path / "data", *([document(number)] for number in range(5)))
    folder = tmp_path / "tokens"
    whole = token_files({"x": [data]}, tokenizer, folder, 16)["x"]
    assert len(whole.shards) == 5
    before, times = ids_of(whole), {path.name: path.stat().st_mtime_ns for path in (folder / "x").iterdir()}
    if fault == "data changed":
        bytes_there = bytearray((folder / "x" / "shard-00002.bin").read_bytes())
        bytes_there[3] ^= 1
        (folder / "x" / "shard-00002.bin").write_bytes(bytes_there)
    if fault in ("data gone", "unsealed data"):
        (folder / "x" / "shard-00002.bin").unlink()
    if fault == "seal cut off":
        (folder / "x" / "shard-00002.json").write_text('{"file": "sha')
    if fault in ("seal gone", "unsealed data"):
        (folder / "x" / "shard-00002.json").unlink()
    again = token_files({"x": [data]}, tokenizer, folder, 16)["x"]
    assert ids_of(again) == before
    assert again.digest() == whole.digest()
    after = {path.name: path.stat().st_mtime_ns for path in (folder / "x").iterdir()}
    kept = {name for name in times if after[name] == times[name]}
    assert kept == {f"shard-0000{number}.{end}" for number in (0, 1) for end in ("bin", "json")}


def test_what_is_whole_is_not_written_again(tmp_path, tokenizer):
    data = records(tmp_path / "data", "data", map(document, range(3)))
    token_files({"x": [data]}, tokenizer, tmp_path / "tokens", 16)
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "tokens" / "x").iterdir()}
    token_files({"x": [data]}, tokenizer, tmp_path / "tokens", 16)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "tokens" / "x").iterdir()} == times


WRITE = """
import json, sys
from pathlib import Path
from small_models import as_artifact
from align.models import load_tokenizer
from align.training import token_files as module
data, tokenizer, folder = (Path(item) for item in sys.argv[1:4])
module.TOKENS_PER_SHARD = 1
module.token_files({"x": [as_artifact(data, "data", "ingest")]}, load_tokenizer(as_artifact(tokenizer, "t", "tokenizer")), folder, 16)
"""


@pytest.mark.slow
def test_a_writer_killed_in_the_middle_is_gone_on_from(tmp_path, tokenizer_artifact, one_group_a_shard):
    data = in_parts(tmp_path / "data", *([document(100 * part + number) for number in range(40)] for part in range(60)))
    folder = tmp_path / "tokens"
    order = [sys.executable, "-W", "error", "-c", WRITE, str(data.path), str(tokenizer_artifact.path), str(folder)]
    child = subprocess.Popen(
        order, env=os.environ | {"PYTHONPATH": f"{Path(__file__).parent}:{os.environ.get('PYTHONPATH', '')}"}
    )
    while child.poll() is None:
        if len(list((folder / "x").glob("*.json"))) >= 5:
            child.send_signal(signal.SIGKILL)
            child.wait()
        time.sleep(0.001)
    assert child.returncode == -signal.SIGKILL
    done = len(list((folder / "x").glob("*.json")))
    assert 5 <= done < 60
    assert not (folder / "ready.json").exists()
    tokenizer = load_tokenizer(tokenizer_artifact)
    times = {path.name: path.stat().st_mtime_ns for path in (folder / "x").glob("*.json")}
    resumed = token_files({"x": [data]}, tokenizer, folder, 16)["x"]
    whole = token_files({"x": [data]}, tokenizer, tmp_path / "whole", 16)["x"]
    assert resumed.digest() == whole.digest()
    assert ids_of(resumed) == ids_of(whole)
    assert {name: (folder / "x" / name).stat().st_mtime_ns for name in times} == times
    assert not list((folder / "x").glob("*.tmp"))


MEASURE = """
import sys, resource
from pathlib import Path
from small_models import as_artifact
from align.models import load_tokenizer
from align.training import token_files as module
data, tokenizer, folder = (Path(item) for item in sys.argv[1:4])
module.CHARACTERS_AT_ONCE = 200_000
artifact, learned = as_artifact(data, "data", "ingest"), load_tokenizer(as_artifact(tokenizer, "t", "tokenizer"))
file = module.token_files({"x": [artifact]}, learned, folder, 128)["x"]
total = sum(int(file.block(number).sum()) for number in range(0, file.blocks, 7))
print(file.tokens, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.long
@pytest.mark.slow
def test_memory_does_not_grow_with_the_documents(tmp_path, tokenizer_artifact, monkeypatch):
    monkeypatch.setattr(files, "ROWS_PER_GROUP", 250)  # one group of rows is held at most: here it is small

    def measured(copies: int) -> tuple[int, int]:
        text = " ".join(document(number).turns[0].text for number in range(20))
        rows = (Example(f"d/{number}", (Turn("document", text),), Origin("invented", "")) for number in range(250 * copies))
        data = tmp_path / f"data{copies}"
        write_records(data, Example, rows)
        order = [sys.executable, "-c", MEASURE, str(data), str(tokenizer_artifact.path), str(tmp_path / f"tokens{copies}")]
        path = f"{Path(__file__).parent}:{os.environ.get('PYTHONPATH', '')}"
        said = subprocess.run(order, env=os.environ | {"PYTHONPATH": path}, check=True, capture_output=True, text=True).stdout
        tokens, megabytes = said.split()
        return int(tokens), int(megabytes)

    small, large = measured(1), measured(12)
    assert large[0] == 12 * small[0]
    assert large[0] > 3_500_000  # held as Python's integers these would take 8 bytes each in a list alone
    assert large[1] - small[1] < 25  # MB; the ids alone are 8 MB, the texts 15 MB, lists of ids 100 MB and more


def test_seals_are_plain_json(tmp_path, tokenizer):
    data = records(tmp_path / "data", "data", map(document, range(2)))
    token_files({"x": [data]}, tokenizer, tmp_path / "tokens", 16)
    seal = json.loads((tmp_path / "tokens" / "x" / "shard-00000.json").read_text())
    assert (seal["file"], seal["first"], seal["after"], seal["bytes_each"]) == ("shard-00000.bin", 0, 1, 2)
    assert (tmp_path / "tokens" / "x" / "shard-00000.bin").stat().st_size == 2 * seal["tokens"]

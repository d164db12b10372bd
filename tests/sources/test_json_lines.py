import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from backports import zstd
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from align.errors import InputError
from align.records import Author, Example, Origin, Turn, as_json
from align.sources.json_lines import JsonLines


def read(path: Path, rows: list[Any], **fields: Any) -> list[Example]:
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return read_paths(path, **fields)


def read_paths(*paths: Path, **fields: Any) -> list[Example]:
    return counted(*paths, **fields)[0]


def counted(*paths: Path, **fields: Any) -> tuple[list[Example], Counter[str]]:
    source, skipped = JsonLines(paths=paths, **fields), Counter[str]()
    found = [record for shard in source.shards() for record in source.read(shard, skipped)]
    assert all(isinstance(record, Example) for record in found)
    return [record for record in found if isinstance(record, Example)], skipped


def said(example: Example) -> list[tuple[str, str]]:
    return [(turn.role, turn.text) for turn in example.turns]


@pytest.mark.parametrize(
    ("row", "turns"),
    [
        ({"prompt": "Why?", "response": " Because.\n"}, [("user", "Why?"), ("assistant", "Because.")]),
        ({"prompt": "Why?"}, [("user", "Why?")]),
        ({"instruction": "Add.", "input": "1 and 2", "output": "3"}, [("user", "Add.\n\n1 and 2"), ("assistant", "3")]),
        (
            {"instruction": "And?", "input": "", "output": "C", "history": [["A", "B"]]},
            [("user", "A"), ("assistant", "B"), ("user", "And?"), ("assistant", "C")],
        ),
        (
            {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]},
            [("system", "Be kind."), ("user", "Hi")],
        ),
        (
            {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Ho"}]},
            [("user", "Hi"), ("assistant", "Ho")],
        ),
        ({"conversations": "A LIMA test prompt"}, [("user", "A LIMA test prompt")]),
        ({"conversations": ["A", "B", "C", "D"]}, [("user", "A"), ("assistant", "B"), ("user", "C"), ("assistant", "D")]),
        ({"text": "A document."}, [("document", "A document.")]),
    ],
)
def test_common_forms_are_read(tmp_path: Path, row: dict[str, Any], turns: list[tuple[str, str]]) -> None:
    assert said(read(tmp_path / "a.jsonl", [row])[0]) == turns


def test_origin_tags_and_signals_are_kept(tmp_path: Path) -> None:
    row = {
        "id": 7,
        "prompt": "Why?",
        "url": "https://example.org/7",
        "license": "CC0-1.0",
        "author": "Ada",
        "tags": ["x"],
        "signals": {"n": 2},
    }
    [example] = read(tmp_path / "a.jsonl", [row], source="mine", tags=("all",))
    assert (example.id, example.tags, example.signals) == ("7", ("all", "x"), {"n": 2.0})
    assert (example.origin.source, example.origin.url, example.origin.dump) == ("mine", "https://example.org/7", "a.jsonl")
    assert example.origin.authors == (Author("Ada", license="CC0-1.0"),)


def test_a_row_without_an_id_is_named_by_what_it_says(tmp_path: Path) -> None:
    first, again = (read(tmp_path / name, [{"prompt": "Why?"}], source="mine")[0] for name in ("a.jsonl", "b.jsonl"))
    assert first.id == again.id
    assert first.id.startswith("mine/")


def test_columns_of_other_names_are_named_in_the_recipe(tmp_path: Path) -> None:
    [example] = read(tmp_path / "a.jsonl", [{"ask": "Why?", "say": "So."}], prompt="ask", response="say")
    assert said(example) == [("user", "Why?"), ("assistant", "So.")]


def test_a_list_in_json_and_gzip_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"prompt": "A"}, {"prompt": "B"}]')
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(b'{"prompt": "C"}\n'))
    assert [example.prompt for example in read_paths(tmp_path / "a.json", tmp_path / "b.jsonl.gz")] == ["A", "B", "C"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"asked": "Why?"}, r"a\.jsonl: row 1: has no prompt: wanted a column one of prompt.*the row has: 'asked'.*`prompt:`"),
        ({"prompt": 3}, r"a\.jsonl: row 1: prompt must be text \(got 3\)"),
        ({"prompt": " "}, r"a\.jsonl: row 1: prompt is empty"),
        ({"prompt": "A", "response": ""}, r"a\.jsonl: row 1: response is empty"),
        ({"prompt": "A", "tags": "x"}, r"a\.jsonl: row 1: tags must be a list of texts"),
        ({"prompt": "A", "signals": {"n": "x"}}, r"a\.jsonl: row 1: signals must be an object of numbers"),
        ({"messages": [{"role": "assistant", "content": "A"}]}, r"a\.jsonl: row 1: messages: user and assistant must take turns"),
        ({"messages": [{"role": "robot", "content": "A"}]}, r"a\.jsonl: row 1: messages: wanted .*got .*robot"),
        ([1], r"a\.jsonl: row 1 is no JSON object"),
    ],
)
def test_a_bad_row_is_named_with_its_remedy(tmp_path: Path, row: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path / "a.jsonl", [row])


def test_what_others_published_is_read_without_its_unusable_rows_which_are_counted(tmp_path: Path) -> None:
    rows = [
        {"instruction": "A", "input": "", "output": "B"},
        {"instruction": "C", "input": "", "output": ""},
        {"instruction": "D", "input": "", "output": " "},
        {"conversations": [{"from": "gpt", "value": "E"}, {"from": "human", "value": "F"}]},
        {"conversations": []},
        {"instruction": 7, "output": "G"},
    ]
    with pytest.raises(InputError, match=r"row 2: output is empty.*Or set unusable: skip to count such rows and go on\."):
        read(tmp_path / "a.jsonl", rows)
    found, skipped = counted(tmp_path / "a.jsonl", unusable="skip")
    assert [said(example) for example in found] == [[("user", "A"), ("assistant", "B")]]
    assert skipped == {
        "output is empty": 2,
        "conversations: user and assistant must take turns, the user first": 1,
        "conversations must be text or a list of messages": 1,
        "instruction must be text": 1,
    }


def test_rows_without_ids_that_say_the_same_are_one_example_and_counted(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"prompt": "A"}\n{"prompt": "B"}\n{"prompt": "A"}\n')
    found, skipped = counted(tmp_path / "a.jsonl")
    assert [example.prompt for example in found] == ["A", "B"]
    assert skipped == {"repeated row": 1}


def test_an_id_that_stands_twice_names_both_places(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"row 2: id 'x' stands already in .*a\.jsonl: row 1"):
        read(tmp_path / "a.jsonl", [{"id": "x", "prompt": "A"}, {"id": "x", "prompt": "B"}])


def test_the_real_lima_files_are_read(real_data: Path) -> None:
    assert len(read_paths(real_data / "lima" / "lima_test_set.jsonl")) == 300
    # 1,000 single turns and 29 dialogues (SOURCE.md); histories become earlier turns
    train = read_paths(real_data / "lima" / "lima.json")
    assert (len(train), sum(len(example.turns) > 2 for example in train)) == (1029, 29)


def test_what_align_show_prints_is_read_as_it_was(tmp_path: Path) -> None:
    origin = Origin(
        "stack_exchange",
        "5/6",
        "https://example.org/5",
        "beer.7z",
        "2019",
        "2020",
        (Author("Ada", "", "answer", "CC BY-SA 4.0"),),
    )
    shown = Example(
        "stack_exchange/beer/5", (Turn("user", "Why?"), Turn("assistant", "So.")), origin, ("hops",), {"answer_score": 12.0}
    )
    assert read(tmp_path / "a.jsonl", [json.loads(as_json(shown))]) == [shown]
    with pytest.raises(InputError, match=r"a.jsonl: row 1: turns.0.role: .*got 'gpt'.*as `align show` prints it"):
        read(
            tmp_path / "a.jsonl",
            [{"id": "x", "turns": [{"role": "gpt", "text": "hi"}], "origin": {"source": "s", "native_id": "x"}}],
        )


def test_fields_name_columns_of_any_form(tmp_path: Path) -> None:
    row = {"q": "Why?", "a": "So.", "link": "https://example.org/1", "messages": [], "licence": "CC0-1.0"}
    fields = {"prompt": "q", "response": "a", "url": "link", "license": "licence"}
    [example] = read(tmp_path / "a.jsonl", [row], fields=fields)
    assert said(example) == [("user", "Why?"), ("assistant", "So.")]
    assert (example.origin.url, example.origin.authors) == ("https://example.org/1", (Author("unknown", license="CC0-1.0"),))
    chat = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Ho"}]
    assert said(read(tmp_path / "b.jsonl", [{"talk": chat}], fields={"messages": "talk"})[0]) == [
        ("user", "Hi"),
        ("assistant", "Ho"),
    ]
    with pytest.raises(InputError, match=r"row 1: missing columns: 'q', 'a'"):
        read(tmp_path / "c.jsonl", [{"prompt": "x"}], fields={"prompt": "q", "response": "a"})


def test_the_form_is_that_which_is_asked_for_and_another_one_is_refused(tmp_path: Path) -> None:
    # as UltraChat has it: the same question as text and as messages
    row = {"prompt": "Hi", "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]}
    assert said(read(tmp_path / "a.jsonl", [row])[0]) == [("user", "Hi"), ("assistant", "Ho")]
    assert said(read(tmp_path / "a.jsonl", [row], format="pairs")[0]) == [("user", "Hi")]
    with pytest.raises(InputError, match=r"row 1: missing columns: 'instruction'; the row has: 'prompt', 'messages'"):
        read(tmp_path / "a.jsonl", [row], format="alpaca")


def test_what_was_found_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        read(
            tmp_path / "a.jsonl", [{"instruction": "Add.", "output": "3"}, {"instruction": "Go.", "output": "4"}, {"text": "A."}]
        )
    assert caplog.messages == ["json_lines  a.jsonl  rows read as alpaca", "json_lines  a.jsonl  rows read as document"]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"prompt": "q", "fields": {"prompt": "r"}}, "prompt is given twice"),
        ({"response": "a", "format": "messages"}, "has no columns for prompt and response"),
        ({"fields": {"ask": "q"}}, "Input should be 'prompt'"),
    ],
)
def test_settings_that_exclude_each_other_are_refused(tmp_path: Path, fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        JsonLines(paths=(tmp_path,), **fields)


def test_a_table_in_csv_and_zstd_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('id,prompt,response\n1,"Why,\nhow?",So.\n')
    (tmp_path / "b.ndjson.zst").write_bytes(zstd.compress(b'{"prompt": "C"}\n'))
    assert [example.prompt for example in read_paths(tmp_path / "a.csv", tmp_path / "b.ndjson.zst")] == ["Why,\nhow?", "C"]


def test_a_line_that_cannot_be_read_is_counted_and_those_after_it_are_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "align.sources.row_examples")
    path = tmp_path / "a.jsonl"
    lines = [
        b'{"prompt": "A"}',
        b'{"prompt": "cut o',
        b'{"prompt": "half \\ud800 a pair"}',  # JSON can say it, UTF-8 cannot hold it
        b"",
        b'{"prompt": "\xff"}',
        b'["a list"]',
        b"[" * 100_000,
        b'{"prompt": "B"}',
    ]
    path.write_bytes(b"\n".join(lines))
    found, skipped = counted(path, unusable="skip")
    assert [example.prompt for example in found] == ["A", "B"]
    assert skipped == {"not readable as JSON": 4, "is no JSON object": 1}
    told = [record.getMessage() for record in caplog.records if "the first one skipped" in record.getMessage()]
    assert len(told) == 2, "one of each reason, with its place"
    assert "a.jsonl:2: not readable as JSON" in told[0]
    with pytest.raises(InputError, match=r"a\.jsonl:2: not readable as JSON: .*Or set unusable: skip to count such rows"):
        counted(path)


def test_in_a_list_what_is_no_object_is_counted_and_what_is_no_list_at_all_stops(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[{"prompt": "A"}, 3, null, {"prompt": "B"}]')
    found, skipped = counted(path, unusable="skip")
    assert [example.prompt for example in found] == ["A", "B"]
    assert skipped == {"is no JSON object": 2}
    path.write_text('[{"prompt": "A"}, {"pro')
    with pytest.raises(InputError, match=r"a\.json: not readable as JSON"):
        counted(path, unusable="skip")


CELLS = st.sampled_from(
    [
        None,
        True,
        3,
        "",
        "x",
        [],
        ["a"],
        ["a", "b"],
        [["a", "b"]],
        {},
        [{}],
        [{"role": "user", "content": "x"}],
        [{"from": "gpt"}],
        "\ud800",
    ]
)
NAMES = st.sampled_from(
    ["prompt", "response", "messages", "conversations", "text", "turns", "origin", "id", "history", "tags", "signals"]
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(st.lists(st.dictionaries(NAMES, CELLS, max_size=5), max_size=4))
@example([{"prompt": "", "history": True}])
def test_whatever_the_rows_there_is_no_error_but_ours(tmp_path_factory: pytest.TempPathFactory, rows: list[Any]) -> None:
    path = tmp_path_factory.mktemp("rows") / "a.jsonl"
    problem = ""
    try:
        read(path, rows)
        found, repeated = counted(path)
        assert len(found) + repeated.total() == len(rows)
    except InputError as error:
        problem = str(error)
    assert not problem or problem.startswith(str(path))
    unhealed = ""
    try:
        found, skipped = counted(path, unusable="skip")
        assert len(found) + skipped.total() == len(rows)
    except InputError as error:
        unhealed = str(error)
    # what no skipping heals: no lines, two rows that claim one id
    assert not unhealed or any(words in unhealed for words in ("holds no rows", "stands already"))

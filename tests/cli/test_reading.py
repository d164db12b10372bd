import json
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Done

Align = Callable[..., Done]


@pytest.fixture
def ran(align: Align, toy: Path) -> Path:
    """The toy recipe, after a run."""
    assert align("run", toy).code == 0
    return toy


def test_the_funnel_has_a_line_a_stage_and_a_line_a_reason(align: Align, ran: Path) -> None:
    done = align("funnel", ran)
    assert [" ".join(line.split()) for line in done.lines[:5]] == [
        "stage kind in out dropped, by reason",
        "numbers count 5 4 1 numbers: nothing to say",
        "2 negative (never formed)",
        "clean filter 4 3 1 min_chars: too short",
        "told retell 3 2 1 person: dull",
    ]
    assert " ".join(done.lines[5].split()) == "1 edited (noted)"


def test_the_funnel_as_json_has_every_count(align: Align, toy: Path) -> None:
    align("run", toy, "--until", "clean")
    rows = json.loads(align("funnel", toy, "--json").out)
    assert rows[1] == {
        "stage": "clean", "kind": "filter", "made": True, "read": 4, "kept": 3,
        "dropped": {"min_chars: too short": 1}, "skipped": {}, "noted": {},
    }  # fmt: skip
    assert (rows[4]["made"], rows[4]["read"]) == (False, None)
    assert "not made yet" in align("funnel", toy).out


def test_show_prints_all_records_a_json_object_a_line(align: Align, ran: Path) -> None:
    done = align("show", ran, "numbers")
    examples = [json.loads(line) for line in done.lines]
    assert [example["id"] for example in examples] == ["n4", "n3", "n2", "n1"]
    assert examples[0]["signals"] == {"size": 4}
    assert len(align("show", ran, "numbers", "--limit", "2").lines) == 2
    assert align("show", ran, "numbers", "--limit", "0").out == ""


def test_show_prints_what_was_dropped_and_any_other_table(align: Align, ran: Path) -> None:
    expected = {"example_id": "n1", "by": "min_chars", "reason": "too short", "detail": "x"}
    assert [json.loads(line) for line in align("show", ran, "clean", "--rejected").lines] == [expected]
    decisions = align("show", ran, "told", "--table", "decisions").lines
    assert [json.loads(line)["action"] for line in decisions] == ["reject", "edit"]
    assert json.loads(align("show", ran, "model").out)["metric"] == "loss"  # its main table: it has no examples


def test_show_reads_a_run_by_its_id(align: Align, ran: Path) -> None:
    assert align("show", "toy", "numbers").out == align("show", ran, "numbers").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["numbrs"], "has no artifact of a stage 'numbrs'; did you mean 'numbers'?"),
        (["numbers", "--table", "example"], "--table example: no such table; did you mean 'examples'?"),
        (["numbers", "--table", "pairs"], "stage numbers has no table pairs; it has: examples, rejections"),
        (["numbers", "--table", "pairs", "--rejected"], "--rejected is --table rejections: give one of the two"),
    ],
)
def test_a_slip_in_show_is_told(align: Align, ran: Path, arguments: list[str], said: str) -> None:
    done = align("show", ran, *arguments)
    assert (done.code, done.out) == (1, "")
    assert said in done.err


def test_show_of_a_stage_that_is_not_made_says_how_to_make_it(align: Align, toy: Path) -> None:
    done = align("show", toy, "clean")
    assert done.code == 1
    assert f"error: stage clean is not made yet: `align run {toy} --until clean` makes it" in done.err


def test_show_of_a_stage_without_records_says_where_its_files_lie(align: Align, toy: Path) -> None:
    toy.write_text(toy.read_text() + "  page: {kind: pages}\n")
    align("run", toy)
    done = align("show", toy, "page")
    assert done.code == 1
    assert "stage page holds no records; its files lie in " in done.err


def test_trace_tells_the_life_of_an_example(align: Align, ran: Path) -> None:
    lines = [" ".join(line.split()) for line in align("trace", ran, "n3").lines]
    assert lines == [
        "n3",
        "url https://example.org/3",
        "source count",
        "native id 3",
        "dump count.txt",
        "date 2024-01-02",
        "author Ada · answer · CC BY-SA 4.0 · https://example.org/ada",
        "tags number",
        "numbers made · by numbers · count.txt",
        "clean kept",
        "told edited · by grace",
        "2024-05-01T10:01:00Z grace: edit",
        "@@ -3,2 +3,2 @@",
        "[assistant]",
        "-xxx",
        "+three",
        "drawn not drawn",
    ]


def test_trace_as_json_holds_origin_and_events(align: Align, ran: Path) -> None:
    found = json.loads(align("trace", ran, "n2", "--json").out)
    assert found["origin"]["authors"][0]["license"] == "CC BY-SA 4.0"
    assert [event["what"] for event in found["events"]] == ["made", "kept", "dropped"]
    assert found["events"][2]["decisions"][0]["curator"] == "grace"


def test_trace_of_an_unknown_id_names_the_nearest(align: Align, ran: Path) -> None:
    done = align("trace", ran, "n33")
    assert done.code == 1
    assert "did you mean 'n3'" in done.err


def test_diff_shows_what_differs(align: Align, ran: Path) -> None:
    first = align("ls", "--json")
    (run,) = json.loads(first.out)["runs"]
    assert align("diff", run["id"], ran).out == "no difference\n"
    assert align("run", ran, "--set", "stages.clean.filters.0.limit=4", "--set", "stages.model.rate=0.25").code == 0
    done = align("diff", run["id"], "toy")
    lines = [" ".join(line.split()) for line in done.lines]
    assert "clean filters.0.limit 2 4" in lines
    assert "model rate 0.5 0.25" in lines
    assert "clean kept 3 1" in lines
    assert "clean 2 0 0" in lines  # records: two only in the first
    assert "model loss of learn 0.5 0.25" in lines
    found = json.loads(align("diff", run["id"], "toy", "--json").out)
    assert found["parameters"][0] == {"stage": "clean", "what": "filters.0.limit", "first": 2, "second": 4}


def test_diff_with_an_unknown_run_is_exit_1(align: Align, ran: Path) -> None:
    assert align("diff", "toy", "nobody").code == 1

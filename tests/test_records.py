import json
import math

import pytest

from align.records import TABLES, Example, Measurement, Origin, Turn, adapter, as_json, content_of, table_name

ORIGIN = Origin("stack_exchange", "1/2")


def test_the_prompt_is_the_first_of_the_user_and_the_response_the_last_of_the_assistant() -> None:
    turns = (
        Turn("system", "Be kind."),
        Turn("user", "Hi"),
        Turn("assistant", "Hello"),
        Turn("user", "Bye"),
        Turn("assistant", "Ciao"),
    )
    example = Example("a", turns, ORIGIN)
    assert (example.prompt, example.response) == ("Hi", "Ciao")


@pytest.mark.parametrize("turns", [(), (Turn("document", "Once."),)])
def test_what_is_no_dialogue_has_neither_prompt_nor_response(turns: tuple[Turn, ...]) -> None:
    example = Example("a", turns, ORIGIN)
    assert (example.prompt, example.response) == ("", "")


def test_a_prompt_alone_has_no_response() -> None:
    assert Example("a", (Turn("user", "Hi"),), ORIGIN).response == ""


def test_the_content_of_a_dialogue_depends_on_roles_and_on_where_turns_end() -> None:
    dialogues = [
        (Turn("user", "ab"), Turn("assistant", "c")),
        (Turn("user", "a"), Turn("assistant", "bc")),
        (Turn("assistant", "ab"), Turn("user", "c")),
        (Turn("user", "ab"), Turn("assistant", "c"), Turn("user", "")),
        (),
    ]
    assert len({content_of(turns) for turns in dialogues}) == len(dialogues)


def test_the_content_of_a_dialogue_is_fixed_for_ever() -> None:
    # Decisions name it: printf '[["user","é"]]' | sha256sum
    assert content_of((Turn("user", "é"),)) == "d703af885d54b61c"


def test_json_keeps_the_text_and_writes_whole_numbers_without_a_point() -> None:
    line = as_json(Example("a", (Turn("user", "schön\n☃"),), ORIGIN, ("x",), {"score": 12.0, "share": 0.5}))
    assert "schön\\n☃" in line
    assert '"score": 12, "share": 0.5' in line
    assert json.loads(line)["turns"] == [{"role": "user", "text": "schön\n☃"}]


def test_a_figure_that_is_no_number_is_null_in_json() -> None:
    parsed = json.loads(as_json(Measurement("loss", "sft", math.nan, math.inf)), parse_constant=pytest.fail)
    assert (parsed["value"], parsed["low"], parsed["high"]) == (None, None, None)


@pytest.mark.parametrize("record", TABLES.values())
def test_every_record_type_has_one_table_and_a_reader(record: type) -> None:
    assert TABLES[table_name(record)] is record
    assert adapter(record) is adapter(record)

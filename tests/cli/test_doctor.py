import json
from collections.abc import Callable

from conftest import Done

Align = Callable[..., Done]


def test_the_doctor_tells_what_is_there_and_what_is_missing(align: Align) -> None:
    done = align("doctor")
    assert done.code == 0
    said = {line.split()[1] for line in done.lines[1:]}
    assert {"Python", "cores", "memory", "disk", "store"} <= said
    assert {line.split()[0] for line in done.lines[1:]} <= {"ok", "missing"}


def test_the_doctor_as_json(align: Align) -> None:
    found = json.loads(align("doctor", "--json").out)
    assert {"name", "found", "meaning", "is_there"} == found[0].keys()

import pytest

from align.licences import is_open, licence_of, terms_of
from align.records import Author, Origin


def origin(*licences: str) -> Origin:
    return Origin("s", "1", authors=tuple(Author(f"a{number}", license=name) for number, name in enumerate(licences)))


@pytest.mark.parametrize(
    "licence",
    [
        "CC0",
        "cc0-1.0",
        "CC BY 4.0",
        "CC-BY-SA-3.0",
        "CC BY-SA 2.5",
        "PDDL",
        "ODC-PDDL-1.0",
        "MIT",
        "Apache-2.0",
        "Apache License, Version 2.0",
    ],
)
def test_texts_under_these_may_be_passed_on(licence: str) -> None:
    assert is_open(licence)


@pytest.mark.parametrize(
    "licence",
    # the last ones begin like an open licence and are none
    [
        "",
        "not stated",
        "unstated",
        "CC BY-NC 4.0",
        "CC BY-NC-SA 3.0",
        "CC BY-ND 4.0",
        "GPL-3.0",
        "MITRE",
        "CC BYOB",
        "CC0 but ask me",
        "Apache 1.1",
    ],
)
def test_texts_under_anything_else_may_not(licence: str) -> None:
    assert not is_open(licence)


def test_one_author_with_a_closed_licence_closes_the_row() -> None:
    assert licence_of(origin("CC BY-SA 4.0", "CC BY-SA 3.0", "CC BY-SA 4.0")) == "CC BY-SA 3.0 + CC BY-SA 4.0"
    assert is_open(licence_of(origin("CC BY-SA 4.0", "CC BY-SA 3.0")))
    assert not is_open(licence_of(origin("CC BY-SA 4.0", "CC BY-NC 4.0")))
    assert not is_open(licence_of(origin("CC BY-SA 4.0", " ")))
    assert licence_of(origin()) == "not stated"


def test_a_licence_tells_its_text_and_what_it_asks() -> None:
    assert terms_of("CC BY-SA 3.0").hub_id == "cc-by-sa-3.0"
    assert terms_of("CC BY-SA 3.0").url == "https://creativecommons.org/licenses/by-sa/3.0/"
    assert "same licence" in terms_of("CC BY-SA 3.0").asks
    assert "no commercial use" in terms_of("cc-by-nc-4.0").asks
    assert terms_of("CC0-1.0").hub_id == "cc0-1.0"
    assert terms_of("unstated") == ("other", "", "nothing is granted that its owners do not say")

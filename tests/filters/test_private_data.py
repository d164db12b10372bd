"""Private data: found, told from what only looks like it, masked wherever it would be shown."""

from pathlib import Path

import pytest

from align.filters.filter import Drop, FilterStage
from align.filters.private_data import PrivateData, mask
from align.filters.private_patterns import find_private, passes_iban, passes_luhn
from align.filters.spans import Span
from toy_records import example, inputs, run

# Built here, so that no scanner of repositories takes them for real.
GITHUB_KEY = "ghp_" + "A1b2C3d4E5f6" * 3
KEY_BLOCK = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEow\nIBAAK\n-----END RSA " + "PRIVATE KEY-----"


def names(text: str) -> list[str]:
    return [found.name for found in find_private(text)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Write to anna.berg+bread@baeckerei.de, please.", "e-mail"),
        ("Call +49 30 901820 today.", "telephone"),
        ("Call (212) 867-5309.", "telephone"),
        ("Call 212-867-5309.", "telephone"),
        ("Pay to DE89 3704 0044 0532 0130 00.", "iban"),
        ("Card 4539 1488 0343 6467 it is.", "credit card"),
        ("The server is 185.199.108.153, port 80.", "ip address"),
        ("The server is 2a00:1450:4001:81b::200e now.", "ip address"),
        (f"token = {GITHUB_KEY}", "secret key"),
        (f"My key:\n{KEY_BLOCK}\nbye", "secret key"),
    ],
)
def test_private_data_is_found(text: str, name: str) -> None:
    assert names(text) == [name]


@pytest.mark.parametrize(
    "text",
    [
        "git@github.com:anna/bread.git and user@example.org are nobody's, nor is @anna or a@b.",
        "Ping 127.0.0.1, 192.168.1.20, 10.0.0.1 and 255.255.255.0; ask 8.8.8.8. Version 1.2.3.4567, §15.12.2.7.",
        "In 2012-10-05 12:30:45 there were 1,234,567,890 of 3.14159265358979.",
        "The number 4539 1488 0343 6468 fails its check.",
        "Pay to DE88 3704 0044 0532 0130 00, whose check digits are wrong.",
        "Call 1-800-273-8255 or 212-555-0123.",
        "Stripe's 4242 4242 4242 4242 is a sample.",
        "ISBN 978-3-16-148410-0, and 555 - 123 = 432.",
        "The hash 9f86d081884c7d659a2feaa0c55ad015 and 00:1A:2B:3C:4D:5E are no addresses.",
        "Use AKIAIOSFODNN7EXAMPLE, as in the manual.",
    ],
)
def test_what_only_looks_private_is_kept(text: str) -> None:
    assert names(text) == []


def test_check_digits() -> None:
    # Luhn by hand for 79927398713: 3+2+7+6+9+6+7+4+9+9+(7*2=14->5)... the textbook's number passes, its neighbour does not
    assert passes_luhn("79927398713")
    assert not passes_luhn("79927398710")
    assert passes_iban("GB82WEST12345698765432")
    assert not passes_iban("GB83WEST12345698765432")


def test_a_rejection_shows_no_private_data(tmp_path: Path) -> None:
    text = "Mail anna.berg@baeckerei.de, or carl@mueller.at, or call +49 30 901820 before ten."
    drop = PrivateData().reason_to_drop(example("a/1", "?", text))
    assert drop == Drop("e-mail", "Mail [a…e], or [e-mail], or call …", Span(1, 5, 27))
    # whatever stands around it, no rejection holds the address, the number or a part of them
    for secret in ("anna", "baeckerei", "carl", "mueller", "901820", "49"):
        assert secret not in drop.detail


def test_a_rejection_shows_no_part_of_a_second_secret_that_its_rim_cuts() -> None:
    # 30 characters after the address end inside the card number
    drop = PrivateData().reason_to_drop(example("a/1", "?", "anna@baeckerei.de has the credit card 4539 1488 0343 6467"))
    assert drop == Drop("e-mail", "[a…e] has the credit card [credit card]…", Span(1, 0, 17))


def test_redacted_examples_say_so_in_their_origin(tmp_path: Path) -> None:
    row = example("a/1", "Who is anna@baeckerei.de?", "Anna: anna@baeckerei.de, +49 30 901820.")
    made = run(FilterStage(filters=(PrivateData(action="redact"),)), inputs(tmp_path, [row, example("a/2")]), tmp_path / "out")
    first, second = made.examples
    assert [turn.text for turn in first.turns] == ["Who is [e-mail]?", "Anna: [e-mail], [telephone]."]
    assert first.origin.modified == "redacted: 2 e-mail, 1 telephone"
    assert first.tags == ("redacted",)
    assert (second.origin.modified, second.tags) == ("", ())
    assert made.counts.noted == {"private_data: redacted": 1}


def test_redacting_twice_changes_nothing() -> None:
    row = example("a/1", "?", f"anna@baeckerei.de {GITHUB_KEY} 4539 1488 0343 6467")
    once = PrivateData(action="redact").apply(row).example
    assert PrivateData(action="redact").apply(once).example == once


def test_an_earlier_date_of_change_stays() -> None:
    from dataclasses import replace

    row = example("a/1", "?", "anna@baeckerei.de")
    dated = replace(row, origin=replace(row.origin, modified="2020-02-03"))
    assert PrivateData(action="redact").apply(dated).example.origin.modified == "2020-02-03; redacted: 1 e-mail"


def test_what_is_allowed_is_kept() -> None:
    assert PrivateData(allow=("e-mail",)).reason_to_drop(example("a/1", "?", "anna@baeckerei.de")) is None
    with pytest.raises(ValueError, match="nothing private is called 'email'; did you mean 'e-mail'"):
        PrivateData(allow=("email",))


def test_a_mask_never_shows_a_short_secret() -> None:
    assert [mask(secret) for secret in ("abcd", "abcde")] == ["…", "a…e"]

import pytest

from align.sources.sites import host_of, is_meta, site_of, table_of


@pytest.mark.parametrize(
    ("name", "host", "site"),
    [
        ("cooking.stackexchange.com.7z", "cooking.stackexchange.com", "cooking"),
        ("cooking.meta.stackexchange.com", "cooking.meta.stackexchange.com", "cooking.meta"),
        ("meta.stackexchange.com.7z", "meta.stackexchange.com", "meta"),
        ("stackoverflow.com-Posts.7z", "stackoverflow.com", "stackoverflow"),
        ("ru.stackoverflow.com.7z", "ru.stackoverflow.com", "ru.stackoverflow"),
        ("mathoverflow.net", "mathoverflow.net", "mathoverflow"),
        ("meta.mathoverflow.net", "meta.mathoverflow.net", "meta.mathoverflow"),
        ("cooking", "cooking.stackexchange.com", "cooking"),
        ("cooking.meta", "cooking.meta.stackexchange.com", "cooking.meta"),
        ("stackoverflow", "stackoverflow.com", "stackoverflow"),
        ("meta.mathoverflow", "meta.mathoverflow.net", "meta.mathoverflow"),
        ("3DPrinting.StackExchange.com", "3dprinting.stackexchange.com", "3dprinting"),
    ],
)
def test_the_exchange_is_told_from_the_name(name: str, host: str, site: str) -> None:
    assert host_of(name) == host
    assert site_of(host) == site


@pytest.mark.parametrize("name", ["", "my dump", "2024", "test_folder0", "..", "a..b"])
def test_a_name_that_can_be_no_host_is_none(name: str) -> None:
    assert host_of(name) is None


def test_meta_exchanges_are_known_by_a_label() -> None:
    assert [is_meta(site) for site in ("cooking.meta", "meta.mathoverflow", "meta", "metalworking")] == [True, True, True, False]


def test_an_archive_of_one_table_says_so() -> None:
    assert [table_of(name) for name in ("stackoverflow.com-PostHistory.7z", "cooking.stackexchange.com.7z")] == [
        "posthistory",
        "",
    ]

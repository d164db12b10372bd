from pathlib import Path

import pytest

from align.cli import app
from align.cli.pages import command_page, kind_page
from align.recipe import load_recipe


def test_the_page_of_commands_has_the_help_of_each_whatever_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    page = command_page()
    assert page.count("\n## align ") == len(app.registered_commands)
    assert "$ align trace recipes/quickstart.yaml stack_exchange/cooking/1812" in page
    monkeypatch.delenv("COLUMNS")
    assert command_page() == page


def test_the_page_of_kinds_has_our_parts_and_no_plugins(toy: Path) -> None:
    load_recipe(toy)
    page = kind_page()
    assert "### stage filter\n" in page
    assert "- **`filters`**: list of filter, must be written. Applied in order" in page
    assert "### stage retell" not in page
    assert "## Countdown" not in page

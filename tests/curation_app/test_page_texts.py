"""What Streamlit reads as Markdown and people have written."""

import pytest

from curation_app.team.guidelines import without_pictures
from curation_app.team.texts import plain


@pytest.mark.parametrize("written", ["![a](https://e.org/a.png)", "!![a](https://e.org/a.png)", "!!![a][b]"])
def test_a_picture_in_guidelines_becomes_a_link_however_it_is_written(written: str) -> None:
    assert without_pictures(f"Look! {written}") == f"Look! {written.lstrip('!')}"


def test_every_sign_that_markdown_reads_is_escaped_and_lines_are_joined() -> None:
    assert plain("![a](b)\n# c :red[d] $e$") == "\\!\\[a\\]\\(b\\) \\# c \\:red\\[d\\] \\$e\\$"

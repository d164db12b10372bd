"""What the app's server is told beside the address and the port."""

import tomllib
from pathlib import Path

from streamlit import config

SHIPPED = Path(__file__).parents[2] / "curation_app/.streamlit/config.toml"


def test_every_option_is_one_that_streamlit_knows() -> None:
    """Streamlit only warns of a wrong name, where nobody looks, and goes on with its own value."""
    told = tomllib.loads(SHIPPED.read_text(encoding="utf-8"))
    names = [
        f"{section}.{name}" for section, options in told.items() for name, value in options.items() if not isinstance(value, dict)
    ]
    assert [name for name in names if name not in config.get_config_options()] == []


def test_no_key_press_waits_for_a_collection_of_all_memory() -> None:
    """With a large pool it takes longer than everything else that a decision asks for."""
    assert tomllib.loads(SHIPPED.read_text(encoding="utf-8"))["runner"]["postScriptGC"] is False

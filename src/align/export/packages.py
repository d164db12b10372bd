"""Packages that only an export needs."""

from importlib.util import find_spec

from align.errors import InputError


def needed(*modules: str) -> None:
    """Refuse, saying what to install, where a package of the extra `export` is missing."""
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise InputError(
            f"{', '.join(missing)}: not installed; `pip install 'align-lm[export]'` brings what this format needs "
            f"(from a checkout: `pip install -e '.[export]'`)"
        )

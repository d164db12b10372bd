"""The pages of the app: one module here is one page, found by itself.

The folder is not called `pages`: one of that name beside the main script Streamlit serves by itself, past the door.
A page module has `PAGE` (its name and place in the bar) and `draw(project, person)`; nothing else has to know it.
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class PageInfo:
    """How a page stands in the bar."""

    title: str
    icon: str
    """A Material symbol, e.g. `:material/rule:`."""
    order: int
    """Pages stand from the least to the largest; the first one is what the bare address shows."""
    least_role: str = "viewer"
    """The least role that sees the page; what a person may change is up to the store."""


@dataclass(frozen=True, slots=True)
class FoundPage:
    """A page and its address."""

    name: str
    info: PageInfo
    draw: Callable[[Any, Any], None]


def found_pages() -> list[FoundPage]:
    """Every page of this folder, in the order of the bar."""
    modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    pages = [FoundPage(module.__name__.rpartition(".")[2], module.PAGE, module.draw) for module in modules]
    return sorted(pages, key=lambda page: (page.info.order, page.name))

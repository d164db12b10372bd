import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from align.catalogue import MODULES, load_catalogue
from align.errors import PartError
from align.filters.filter import Filter
from align.parts import is_plugin

PART = """
from typing import Literal
from align.filters.filter import Filter
class Polite(Filter):
    kind: Literal["polite"] = "polite"
"""
QUICK = """
import sys
from align.catalogue import load_catalogue
load_catalogue()
heavy = {"torch", "transformers", "trl", "datasets", "pyarrow", "numpy", "scipy", "sklearn", "py7zr"}
print(sorted(heavy & set(sys.modules)))
"""


def install(folder: Path, value: str) -> Path:
    """A package with the entry point `polite`, as an installer leaves it."""
    info = folder / "polite-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: polite\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[align.parts]\npolite = {value}\n")
    (folder / "polite_parts.py").write_text(PART)
    return folder


@pytest.fixture
def _as_it_was() -> Iterator[None]:
    yield
    Filter.kinds.pop("polite", None)


@pytest.mark.usefixtures("_as_it_was")
def test_an_installed_package_adds_its_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(install(tmp_path, "polite_parts"))
    load_catalogue.__wrapped__()  # the function itself: the real one answers once a process
    assert Filter.kinds["polite"].__name__ == "Polite"
    assert is_plugin(Filter.kinds["polite"])


def test_an_installed_package_that_does_not_load_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(install(tmp_path, "polite_part"))
    expected = r"^entry point polite \(polite_part\) of group align\.parts: ModuleNotFoundError: No module named"
    with pytest.raises(PartError, match=expected):
        load_catalogue.__wrapped__()


def test_every_module_of_the_catalogue_is_there_once() -> None:
    assert len(set(MODULES)) == len(MODULES)
    assert all(find_spec(module) is not None for module in MODULES)


def test_the_catalogue_imports_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", QUICK], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"

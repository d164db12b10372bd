import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from align.catalogue import MODULES

PART = """
from typing import Literal
from align.filters.filter import Filter
class Polite(Filter):
    kind: Literal["polite"] = "polite"
"""
ASK = """
from align.catalogue import load_catalogue
from align.errors import PartError
from align.parts import Part, is_plugin
try:
    load_catalogue()
    print(Part.families["filter"].kinds["polite"].__name__, is_plugin(Part.families["filter"].kinds["polite"]))
except PartError as error:
    print(error)
"""
QUICK = """
import sys, time
from align.catalogue import load_catalogue
load_catalogue()
heavy = {"torch", "transformers", "trl", "datasets", "pyarrow", "numpy", "scipy", "sklearn", "py7zr"}
print(sorted(heavy & set(sys.modules)))
"""


def ask(folder: Path, code: str = ASK) -> str:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()


def install(folder: Path, value: str) -> Path:
    """A package with the entry point `polite`, as an installer leaves it."""
    info = folder / "polite-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: polite\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[align.parts]\npolite = {value}\n")
    (folder / "polite_parts.py").write_text(PART)
    return folder


def test_an_installed_package_adds_its_parts(tmp_path: Path) -> None:
    assert ask(install(tmp_path, "polite_parts")) == "Polite True"


def test_an_installed_package_that_does_not_load_is_told(tmp_path: Path) -> None:
    said = ask(install(tmp_path, "polite_part"))
    assert said.startswith("entry point polite (polite_part) of group align.parts: ModuleNotFoundError: No module named")


def test_every_module_of_the_catalogue_is_there_once() -> None:
    assert len(set(MODULES)) == len(MODULES)
    assert all(find_spec(module) is not None for module in MODULES)


def test_the_catalogue_imports_nothing_heavy(tmp_path: Path) -> None:
    assert ask(tmp_path, QUICK) == "[]"

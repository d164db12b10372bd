"""Plugins: Python files beside the recipe that define parts of the user's own."""

import hashlib
import importlib.util
import sys
import traceback
from pathlib import Path

from align.errors import AlignError, RecipeError
from align.parts import PLUGIN_PREFIX, Part


def forget_plugins() -> None:
    """Take the kinds of plugins out of the catalogue, so that two recipes in one process can each have their own."""
    for name in [name for name, family in Part.families.items() if family.__module__.startswith(PLUGIN_PREFIX)]:
        del Part.families[name]
    for family in Part.families.values():
        for kind in [name for name, part in family.kinds.items() if part.__module__.startswith(PLUGIN_PREFIX)]:
            del family.kinds[kind]


def import_plugin(folder: Path, plugin: str) -> None:
    """Run a plugin's file, which lies in the recipe's folder; what it defines becomes known by its kind."""
    path = (folder / plugin).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise RecipeError(f"plugin {plugin}: lies outside the recipe's folder {folder.resolve()}; move it inside")
    if not path.is_file() or path.suffix != ".py":
        raise RecipeError(f"plugin {plugin}: no such Python file in {folder.resolve()}")
    name = f"{PLUGIN_PREFIX}{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    print(f"loading plugin {path}", file=sys.stderr)  # noqa: T201 - the contract: loading one is announced
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also a plugin that calls exit()
        del sys.modules[name]
        if isinstance(error, AlignError):
            error.args = (f"plugin {path}: {error}",)
            raise
        raise RecipeError(f"plugin {_place(path, error)}: {type(error).__name__} while loading: {_said(error)}") from error


def _place(path: Path, error: BaseException) -> str:
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f"{path}:{error.lineno}:{error.offset}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"{path}:{lines[-1]}" if lines else str(path)


def _said(error: BaseException) -> str:
    return error.msg if isinstance(error, SyntaxError) else str(error)

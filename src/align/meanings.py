"""What the fields of a model mean: the texts below them in its source, read when somebody asks for them.

pydantic can note them itself (`use_attribute_docstrings`), but reads the source of every class for it when the class is made: two
thirds of a second at every start of align.
"""

import ast
import inspect
import sys
from functools import cache

from pydantic import BaseModel


@cache
def meanings_of(model: type[BaseModel]) -> dict[str, str]:
    """The meaning by field; a class that only changes a default need not say again what stands in one above it."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if issubclass(each, BaseModel) and each is not BaseModel:
            found |= _texts_by_class(each.__module__).get(each.__qualname__, {})
    return {name: found[name] for name in model.model_fields if name in found}


@cache
def _texts_by_class(module: str) -> dict[str, dict[str, str]]:
    """The texts below the fields of each class of a module."""
    try:
        source = inspect.getsource(sys.modules[module])
    except (OSError, TypeError):  # a class made by hand, or a package without its source
        return {}
    classes = [item for item in ast.parse(source).body if isinstance(item, ast.ClassDef)]
    return {item.name: _texts(item) for item in classes}


def _texts(definition: ast.ClassDef) -> dict[str, str]:
    texts = {}
    for field, below in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(below, ast.Expr):
            said = below.value
            if isinstance(said, ast.Constant) and isinstance(said.value, str):
                texts[field.target.id] = inspect.cleandoc(said.value)
    return texts

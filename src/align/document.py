"""A YAML file that knows the place of everything in it, so that every mistake is told with its line and column."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from align.errors import RecipeError
from align.parts import nearest


@dataclass(frozen=True, slots=True)
class Document:
    """The data of a YAML file, and its nodes."""

    path: Path
    data: Any
    node: Any

    def place(self, loc: tuple[Any, ...]) -> str:
        """`FILE:LINE:COLUMN` of the deepest value of `loc` that is written in the file."""
        node = self.node
        for step in loc:
            found = _child(node, step)
            if found is None:
                break
            node = found
        return self._marked(node)

    def key_place(self, loc: tuple[Any, ...]) -> str:
        """The same of the last key itself, where its value is not what is wrong."""
        node = self.node
        for step in loc[:-1]:
            node = _child(node, step)
            if node is None:
                return self.place(loc)
        keys = [key for key, _ in node.value if key.value == str(loc[-1])] if node.id == "mapping" else []
        return self._marked(keys[0]) if keys else self.place(loc)

    def _marked(self, node: Any) -> str:
        return f"{self.path}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"


def _child(node: Any, step: Any) -> Any:
    """The value node of a mapping's key or a sequence's position; None where the file has no such node."""
    if node.id == "mapping":
        return next((value for key, value in node.value if key.value == str(step)), None)
    if node.id == "sequence" and str(step).isdigit() and int(step) < len(node.value):
        return node.value[int(step)]
    return None


def read_document(path: Path) -> Document:
    """Read one YAML mapping: UTF-8, no duplicate keys, no tags that would build objects."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read as a recipe: {error.strerror}. `align init` writes one.") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        found = f"byte 0x{error.object[error.start]:02x} in line {line}"
        raise RecipeError(f"{path}: cannot be read as a recipe: not UTF-8 text ({found}). Save it as UTF-8.") from error
    yaml = YAML(typ="safe", pure=True)
    try:
        node = yaml.compose(text)
        if node is None:
            raise RecipeError(f"{path}: empty. `align init` writes a recipe to start from.")
        document = Document(path, _unshared(yaml.constructor.construct_document(node)), node)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f":{mark.line + 1}:{mark.column + 1}" if mark is not None else ""
        said = ": ".join(" ".join(str(part).split()) for part in (error.context, error.problem) if part)
        hint = " (YAML is indented with spaces, never tabs)" if "\\t" in said or "tab" in said else ""
        raise RecipeError(f"{path}{where}: not readable as YAML: {said}{hint}") from error
    except (YAMLError, ValueError) as error:
        raise RecipeError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise RecipeError(f"{path}: not readable as YAML: an alias (*name) stands inside what it names") from error
    if not isinstance(document.data, dict):
        raise RecipeError(f"{document.place(())}: a recipe is a mapping with `name:` and `stages:` (got {document.data!r:.80})")
    return document


def _unshared(value: Any) -> Any:
    """A copy in which what YAML aliases share stands several times, so that `--set` changes one place alone."""
    if isinstance(value, dict):
        return {key: _unshared(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unshared(item) for item in value]
    return value


def set_value(data: dict[str, Any], override: str) -> tuple[Any, ...]:
    """Write one `--set stages.NAME.FIELD=VALUE` into `data`; return its place."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    dotted, equals, value = override.partition("=")
    if not equals or not all(dotted.split(".")):
        raise RecipeError(f"--set {override}: write it as stages.NAME.FIELD=VALUE")
    *parents, last = (int(name) if name.isdigit() else name for name in dotted.split("."))
    here: Any = data
    for depth, step in enumerate(parents):
        if not _has(here, step):
            raise RecipeError(f"--set {dotted}: {_nothing_there(dotted, depth, here)}")
        here = here[step]
    try:
        parsed = YAML(typ="safe", pure=True).load(value)
    except (YAMLError, ValueError) as error:
        raise RecipeError(f"--set {override}: the value is not readable as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(here, dict) and not _has(here, last):
        raise RecipeError(f"--set {dotted}: {_nothing_there(dotted, len(parents), here)}")
    here[last] = parsed
    return (*parents, last)


def _has(here: Any, step: Any) -> bool:
    return step in here if isinstance(here, dict) else isinstance(here, list) and isinstance(step, int) and step < len(here)


def _nothing_there(dotted: str, depth: int, here: Any) -> str:
    names = dotted.split(".")
    place = ".".join(names[:depth]) or "the recipe"
    if not isinstance(here, (dict, list)):
        return f"{place} is {here!r:.80} and has no {names[depth]!r}"
    known = here if isinstance(here, dict) else range(len(here))
    return f"the recipe has no {'.'.join(names[: depth + 1])!r}; {nearest(names[depth], known)}"

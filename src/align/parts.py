"""Parts: everything a recipe can name.

A part is a frozen model whose fields are its parameters and whose one verb does its work.
A direct subclass of `Part` is a family (Stage, Source, Filter, Judge, ...); the classes below it,
each with its own `kind`, are what a recipe chooses from.
"""

import difflib
import hashlib
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError, PydanticUndefined

from align.errors import PartError


class RawFileMark:
    """Marks a field that names raw input files: their bytes decide the artifact, their place does not."""


class StageNameMark:
    """Marks a field that names another stage: that stage's output decides the artifact, its name does not."""


def _resolve(path: Path, info: ValidationInfo) -> Path:
    """Expand `~`, `$NAME` and `${NAME:-what to take where it is not set}`; read a relative path from the recipe's folder."""
    text = re.sub(r"\$\{(\w+):-([^{}]*)\}", lambda found: os.environ.get(found[1]) or found[2], str(path))
    text = os.path.expanduser(os.path.expandvars(text))
    unset = re.search(r"\$\{?(\w+)", text)
    if unset:
        name = unset[1]
        raise PydanticCustomError("unset", f"the environment variable {name} is not set; set it, or write the path out")
    base = (info.context or {}).get("base")
    return Path(os.path.normpath(base / text)) if base is not None else Path(text)


RawFile = Annotated[Path, AfterValidator(_resolve), RawFileMark()]
"""A file or folder outside the store that a part reads; relative to the recipe."""

StageName = Annotated[str, StageNameMark()]
"""The name of a stage above, whose artifact a stage reads beside its `inputs`."""


class Lack(NamedTuple):
    """What a part needs beside raw files and does not find."""

    field: str
    what: str
    """`no curation database ...`, for a line that goes on with the remedy."""
    how_to_get: str


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    """Name of this part in a recipe."""

    kinds: ClassVar[dict[str, type["Part"]]] = {}
    families: ClassVar[dict[str, type["Part"]]] = {}
    version: ClassVar[int] = 1  # raise it when the same parameters give different output
    how_to_get: ClassVar[str] = ""
    """Where its raw files come from, for `align plan` and for the error when one is missing."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        if Part in cls.__bases__:
            cls.kinds = {}
            Part.families[cls.__name__.lower()] = cls
            return
        kind = cls.model_fields["kind"].default
        if kind is PydanticUndefined:
            return
        taken = cls.kinds.get(kind)
        if taken is not None and (taken.__module__, taken.__qualname__) != (cls.__module__, cls.__qualname__):
            raise PartError(f"kind {kind!r} is defined by both {_place_of(taken)} and {_place_of(cls)}; rename one of them")
        cls.kinds[kind] = cls

    @model_validator(mode="wrap")
    @classmethod
    def _choose_kind(cls, value: Any, handler: ModelWrapValidatorHandler["Part"], info: ValidationInfo) -> "Part":
        if Part not in cls.__bases__ or isinstance(value, Part):
            return handler(value)
        family = cls.__name__.lower()
        if not isinstance(value, Mapping) or "kind" not in value:
            known = ", ".join(sorted(cls.kinds))
            raise PydanticCustomError("no_kind", f"a {family} is written {{kind: ..., ...}}; known kinds: {known}")
        kind = value["kind"]
        if kind not in cls.kinds:
            raise PydanticCustomError("unknown_kind", f"unknown {family} kind {kind!r}; {nearest(str(kind), cls.kinds)}")
        return cls.kinds[kind].model_validate(value, context=info.context)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: Any) -> Any:
        if Part not in cls.__bases__ or not cls.kinds:
            return handler(core_schema)
        arms = [handler.resolve_ref_schema(handler(kind.__pydantic_core_schema__)) for kind in cls.kinds.values()]
        # Python fills `kind` in; in a recipe it is what tells the kinds of a family apart.
        return {"oneOf": [{**arm, "required": ["kind", *arm.get("required", [])]} for arm in arms]}

    def walk(self) -> Iterator["Part"]:
        """The part itself and every part inside it."""
        yield self
        for name in type(self).model_fields:
            value = getattr(self, name)
            for inner in value if isinstance(value, tuple) else value.values() if isinstance(value, dict) else (value,):
                if isinstance(inner, Part):
                    yield from inner.walk()

    def raw_files(self) -> dict[str, Path]:
        """Raw files this part reads, by a label that decides the key with their bytes; the paths themselves do not.

        By default every `RawFile` field; a source whose file names matter (a site's name, say) puts them into the label.
        """
        found: dict[str, Path] = {}
        for name in self.marked(RawFileMark):
            value = getattr(self, name)
            if isinstance(value, dict):
                found |= {f"{name}.{key}": path for key, path in value.items()}
                continue
            paths = value if isinstance(value, tuple) else () if value is None else (value,)
            found |= {f"{name}.{number}": path for number, path in enumerate(paths)}
        return found

    def lacks(self) -> list[Lack]:
        """What else it needs that is not there, such as a database; asked before any work starts."""
        return []

    @classmethod
    def marked(cls, mark: type) -> list[str]:
        """Names of the fields that carry a mark such as `RawFileMark`, at any depth of their annotation."""
        return marked_fields(cls, mark)

    def identity(self) -> dict[str, Any]:
        """What decides this part's behaviour: parameters, versions and the code of plugins; never a path or a stage's name."""
        parameters = self.model_dump(mode="json", serialize_as_any=True)
        return {
            "parameters": _without_places(self, parameters),
            "versions": [f"{part.kind}={part.version}{plugin_hash(type(part))}" for part in self.walk()],
        }


def nearest(name: str, known: Any) -> str:
    """`did you mean 'x'?` for a slip of the finger, else the list of what there is."""
    names = sorted(map(str, known))
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names) or 'none'}"


def marked_fields(model: type[BaseModel], mark: type) -> list[str]:
    """Names of the fields of a part, or of a mapping inside one, that carry a mark."""
    return [name for name, item in model.model_fields.items() if _is_marked(item.annotation, item.metadata, mark)]


def models_inside(model: BaseModel) -> Iterator[tuple[str, BaseModel]]:
    """The parts and mappings among a part's fields, by place: `judge`, `filters.0` of a list, `sources.web` of a mapping."""
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield name, value
            continue
        pairs = enumerate(value) if isinstance(value, tuple) else value.items() if isinstance(value, dict) else ()
        yield from ((f"{name}.{key}", item) for key, item in pairs if isinstance(item, BaseModel))


PLUGIN_PREFIX = "align_plugin_"
"""How the modules of a recipe's plugins are named."""


def plugin_hash(part: type[Part]) -> str:
    """Plugins have no release, so their file is their version."""
    if not is_plugin(part):
        return ""
    file = Path(getattr(sys.modules[part.__module__], "__file__", "") or "")
    return "+" + hashlib.sha256(file.read_bytes()).hexdigest()[:8] if file.is_file() else ""


def is_plugin(part: type[Part]) -> bool:
    """Whether a part comes from outside align."""
    return part.__module__.split(".")[0] != "align"


def plugin_fault(error: BaseException) -> str:
    """`FILE:LINE: TypeError: ...` if `error` went through a plugin's code, else empty: then it is ours."""
    modules = {kind.__module__ for family in Part.families.values() for kind in family.kinds.values() if is_plugin(kind)}
    modules |= {name for name in sys.modules if name.startswith(PLUGIN_PREFIX)}
    place = ""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__") in modules:
            place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{place}: {type(error).__name__}: {error}" if place else ""


def _place_of(part: type[Part]) -> str:
    """`Name in FILE` of a plugin's part, `align.module.Name` of ours."""
    file = getattr(sys.modules.get(part.__module__), "__file__", None)
    return f"{part.__qualname__} in {file}" if is_plugin(part) and file else f"{part.__module__}.{part.__qualname__}"


def _without_places(model: BaseModel, parameters: dict[str, Any]) -> dict[str, Any]:
    hidden = {*marked_fields(type(model), RawFileMark), *marked_fields(type(model), StageNameMark)}
    kept: dict[str, Any] = {}
    for name, value in parameters.items():
        if name in hidden:
            continue
        inner = getattr(model, name, None)
        if isinstance(inner, BaseModel):
            kept[name] = _without_places(inner, value)
        elif isinstance(inner, tuple) and any(isinstance(item, BaseModel) for item in inner):
            kept[name] = [_without_places(item, dumped) for item, dumped in zip(inner, value, strict=True)]
        elif isinstance(inner, dict) and any(isinstance(item, BaseModel) for item in inner.values()):
            kept[name] = {key: _without_places(inner[key], dumped) for key, dumped in value.items()}
        else:
            kept[name] = value
    return kept


def _is_marked(annotation: Any, metadata: Any, mark: type) -> bool:
    if any(isinstance(item, mark) for item in (*metadata, *getattr(annotation, "__metadata__", ()))):
        return True
    return any(_is_marked(inner, (), mark) for inner in getattr(annotation, "__args__", ()))

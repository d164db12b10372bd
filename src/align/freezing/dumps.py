"""The sources of a frozen set over again: with the parameters it was made with, and the user's own files."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import ValidationError

from align.catalogue import load_catalogue
from align.errors import InputError
from align.files import rows_as_records
from align.parts import RawFileMark, nearest
from align.records import Example
from align.sources.ingest import Source


@dataclass(frozen=True, slots=True)
class Given:
    """One `--dumps`: a path, perhaps for one stage, perhaps for one field of its source."""

    path: Path
    stage: str = ""
    field: str = ""


def parse_dumps(texts: Iterable[str], stages: Iterable[str]) -> list[Given]:
    """`PATH`, `STAGE=PATH` or `STAGE.FIELD=PATH`; a path that is not there is an error."""
    known = set(stages)
    found = []
    for text in texts:
        place, equals, path = text.partition("=")
        stage, _, field = place.partition(".")
        given = Given(Path(path), stage, field) if equals and stage in known else Given(Path(text))
        if not given.path.exists():
            raise InputError(f"--dumps {text}: no file or folder {given.path}")
        found.append(given)
    return found


def sources_again(recorded: Mapping[str, Any], given: list[Given]) -> tuple[dict[str, Source], dict[str, str]]:
    """The source of each recorded stage for which there are files; of each other one, what is missing."""
    load_catalogue()
    found: dict[str, Source] = {}
    missing: dict[str, str] = {}
    for stage, item in recorded.items():
        parameters = dict(item["source"])
        kind = Source.kinds.get(str(parameters.get("kind")))
        if kind is None:
            missing[stage] = f"reads {parameters.get('kind')!r}, a kind of a plugin that is not here"
            continue
        fields = {name: parameters[name] for name in kind.marked(RawFileMark) if parameters.get(name)}
        mine = [one for one in given if one.stage in ("", stage)]
        for name, names in fields.items():
            paths = _paths_for(
                name, [names] if isinstance(names, str) else list(names), mine, len(fields) == 1, len(recorded) == 1
            )
            if not paths:
                missing[stage] = f"wants its {name}: --dumps {stage}.{name}=PATH (it read {names})"
                break
            parameters[name] = str(paths[0]) if isinstance(names, str) else [str(path) for path in paths]
        if stage not in missing:
            found[stage] = _source(stage, parameters)
    unknown = [one for one in given if one.stage and one.stage not in recorded]
    if unknown:
        raise InputError(f"--dumps {unknown[0].stage}=...: the set has no such source; {nearest(unknown[0].stage, recorded)}")
    return found, missing


def _paths_for(field: str, names: list[str], given: list[Given], is_only_field: bool, is_only_stage: bool) -> list[Path]:
    """The files of a field: those named for it, those of the recorded names, and whatever can be meant for nothing else."""
    found: list[Path] = []
    for one in given:
        if one.field and one.field != field:
            continue
        # A set of somebody else's may name any path; only what lies in the user's folder is meant.
        inside = [one.path / name for name in names if not _leads_out(name) and (one.path / name).exists()]
        meant = bool(one.field) or ((bool(one.stage) or is_only_stage) and (is_only_field or one.path.is_dir()))
        if one.path.name in names:
            found.append(one.path)
        elif inside:
            found += inside
        elif meant:
            found.append(one.path)
    return list(dict.fromkeys(path.absolute() for path in found))


def _leads_out(name: str) -> bool:
    path = PurePath(name)
    return path.is_absolute() or ".." in path.parts


def _source(stage: str, parameters: dict[str, Any]) -> Source:
    try:
        return Source.model_validate(parameters)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(
            f"source of {stage}: {place}: {first['msg']} (recorded in the manifest, which another align wrote?)"
        ) from error


def read_again(source: Source, wanted: Mapping[str, object]) -> Iterator[Example]:
    """What a source gives now of the ids in `wanted`; an id comes as often as it stands in its files."""
    import pyarrow as pa
    import pyarrow.compute as pc

    ids = pa.array(sorted(wanted), pa.string())
    with TemporaryDirectory() as scratch:
        for number, shard in enumerate(source.shards()):
            for record in source.read(replace(shard, scratch=Path(scratch) / str(number)), Counter()):
                if isinstance(record, pa.RecordBatch):
                    yield from rows_as_records(record.filter(pc.is_in(record.column("id"), value_set=ids)), Example)
                elif isinstance(record, Example) and record.id in wanted:
                    yield record

"""The files that make a pool quick to open: Arrow that is mapped and not read, made once from the artifact's Parquet.

    pools/<content>/examples.arrow    the records, row by row as they stand in the artifact
    pools/<content>/columns.arrow     what is asked of all rows: id, content, site, source, tags, signals, shape of the response
    pools/<content>/vectors-<width>.f32   a vector of unit length a row, float32

Each is whole or absent; whoever comes second finds what the first one made.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from align.artifact import Artifact, digest_of
from align.curation.shape import FEATURES, shape_of
from align.embed.embedder import Of, embedded_text
from align.embed.tfidf import TfIdf
from align.embed.vectors import BATCH, FITTED, sample_of
from align.errors import EmptyResult, RecipeError
from align.files import arrow_schema, record_batches, record_parts, rows_as_records, write_whole
from align.locks import hold_lock
from align.progress import track
from align.records import Example, content_of
from align.strata import site_of

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

FOLDER = "pools"
VERSION = 1
"""Raised when the files hold something else than before."""
MADE_OF: Of = "both"
DIMENSIONS = 256
SHOWN = 5


def pool_folder(artifacts: Sequence[Artifact], store: Path) -> Path:
    """Where the files of these artifacts' examples belong: named by what they hold, whichever recipe made it."""
    contents = [artifact.content for artifact in artifacts]
    name = contents[0] if len(contents) == 1 else digest_of(contents)
    return store / FOLDER / f"{name}-{VERSION}"


def make_tables(artifacts: Sequence[Artifact], store: Path) -> Path:
    """Make sure that the two tables are there; return their folder."""
    folder = pool_folder(artifacts, store)
    if (folder / "columns.arrow").is_file():
        return folder
    with hold_lock(store, f"{FOLDER}-{folder.name}"):
        if not (folder / "columns.arrow").is_file():
            write_whole(folder / "examples.arrow", lambda path: _write_examples(artifacts, path))
            write_whole(folder / "columns.arrow", lambda path: _write_columns(folder / "examples.arrow", path))
    return folder


def open_table(path: Path) -> "list[pa.RecordBatch]":
    """The batches of an Arrow file, mapped: their bytes are read when they are looked at."""
    import pyarrow as pa

    reader = pa.ipc.open_file(pa.memory_map(str(path)))
    return [reader.get_batch(number) for number in range(reader.num_record_batches)]


def make_vectors(folder: Path, store: Path) -> "NDArray[np.float32]":
    """The vectors, mapped; embedded first where they are not there."""
    import numpy as np

    found = sorted(folder.glob("vectors-*.f32"))
    if not found:
        with hold_lock(store, f"{FOLDER}-{folder.name}"):
            found = sorted(folder.glob("vectors-*.f32")) or [_embed(folder)]
    width = int(found[0].stem.partition("-")[2])
    mapped = np.memmap(found[0], dtype=np.float32, mode="r")
    return np.asarray(mapped).reshape(-1, width)  # a plain array over the same bytes: a row of a memmap costs ten times as much


def make_array(path: Path, store: Path, make: "Callable[[], NDArray[Any]]") -> "NDArray[Any]":
    """An array that costs something, mapped from its file; made first where it is not there."""
    import numpy as np

    if not path.is_file():
        # a lock of its own: what it is made from may have to be made under the folder's
        with hold_lock(store, f"{FOLDER}-{path.parent.name}-{path.stem}"):
            if not path.is_file():
                write_whole(path, lambda temporary: _save(temporary, make()))
    return np.asarray(np.load(path, mmap_mode="r"))


def _save(path: Path, values: "NDArray[Any]") -> None:
    import numpy as np

    with path.open("wb") as file:  # by its name, np.save would add a suffix
        np.save(file, values)


def _write_examples(artifacts: Sequence[Artifact], path: Path) -> None:
    import pyarrow as pa

    seen: set[str] = set()
    twice: list[str] = []
    with pa.ipc.new_file(str(path), arrow_schema(Example)) as writer:
        for artifact in artifacts:
            for part in record_parts(artifact.path, Example):
                for batch in record_batches(part):
                    writer.write_batch(batch)
                    ids = batch.column("id").to_pylist()
                    twice += [item for item in ids if item in seen]
                    seen.update(ids)
    names = " and ".join(repr(artifact.name) for artifact in artifacts)
    if twice:
        raise RecipeError(
            f"{len(twice):,} ids come in twice ({', '.join(twice[:SHOWN])}): put {names} together with a `mix` stage"
        )
    if not seen:
        raise EmptyResult(f"there is nothing to curate: {names} gave no example")


def _write_columns(examples: Path, path: Path) -> None:
    """One row for each example, so that nothing else has to read the texts to say where they belong."""
    import pyarrow as pa

    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("id", "content", "site", "source")),
            ("tags", pa.list_(pa.string())),
            ("signals", arrow_schema(Example).field("signals").type),
            *((name, pa.float32()) for name in FEATURES),
        ]
    )
    batches = open_table(examples)
    with pa.ipc.new_file(str(path), schema) as writer:
        for batch in track(batches, "reading the pool", unit="batches"):
            found = list(rows_as_records(batch, Example))
            shapes = [shape_of(example.prompt, example.response or example.prompt) for example in found]
            plain = [
                [example.id for example in found],
                [content_of(example.turns) for example in found],
                [site_of(example) for example in found],
                [example.origin.source for example in found],
                [example.tags for example in found],
            ]
            columns = [pa.array(values, field.type) for values, field in zip(plain, schema, strict=False)]
            columns.append(batch.column("signals"))
            columns += [pa.array([shape[number] for shape in shapes], pa.float32()) for number in range(len(FEATURES))]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


def _embed(folder: Path) -> Path:
    """Embed every example's text by TF-IDF, squeezed; the name of the file says how wide a vector is."""
    import numpy as np

    batches = open_table(folder / "examples.arrow")
    encoder = TfIdf(dimensions=DIMENSIONS).prepare(sample_of(_texts(batches), FITTED))

    def write(path: Path) -> None:
        with path.open("wb") as file:
            for texts in _batched(track(_texts(batches), "embedding the pool", unit="texts")):
                file.write(np.ascontiguousarray(encoder.encode(texts), dtype=np.float32).tobytes())

    path = folder / f"vectors-{encoder.width}.f32"
    write_whole(path, write)
    return path


def _texts(batches: "Sequence[pa.RecordBatch]") -> Iterator[str]:
    return (embedded_text(example, MADE_OF) for batch in batches for example in rows_as_records(batch, Example))


def _batched(texts: Iterator[str]) -> Iterator[list[str]]:
    from itertools import islice

    while batch := list(islice(texts, BATCH)):
        yield batch

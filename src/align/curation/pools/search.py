"""Full-text search over a pool: which examples hold these words, the best match first (tantivy, BM25)."""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from align.errors import StoreError
from align.locks import hold_lock
from align.records import Example

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FOLDER = "search"
FIELDS = ("prompt", "response", "tags")
PROMPT_BOOST = 2.0
"""A word in the prompt tells more of what an example is about than one in the response."""
HEAP_BYTES = 64_000_000
ONE_THREAD = 1  # so that the same pool gives the same index


@dataclass(frozen=True, slots=True)
class Found:
    """What a search brought."""

    rows: "NDArray[np.int64]"
    """Places of the examples in the pool, the best match first; at most as many as were asked for."""
    total: int
    """How many match in all."""
    misread: tuple[str, ...] = ()
    """What of the query could not be read as meant, in words; the rest was searched for."""


class TextIndex:
    """The words of a pool's examples. Made once, then opened in milliseconds."""

    def __init__(self, index: Any) -> None:
        self._index = index
        self._searcher = index.searcher()

    @classmethod
    def open(cls, store: Path, folder: Path, examples: Iterable[Example]) -> "TextIndex":
        """The index in `folder`/search; it is made of `examples`, the pool in its order, where it is not there yet."""
        place = folder / FOLDER
        if not place.is_dir():
            with hold_lock(store, f"search-{folder.name}"):
                if not place.is_dir():
                    _build(place, examples)
        return cls(_load(place))

    def find(self, text: str, limit: int) -> Found:
        """Examples with all words of `text`; "in quotes" they stand together, `OR`, `-word` and `prompt:word` work too."""
        import numpy as np

        if not text.strip():
            return Found(np.empty(0, dtype=np.int64), 0)
        query, problems = self._index.parse_query_lenient(
            text, list(FIELDS), field_boosts={"prompt": PROMPT_BOOST}, conjunction_by_default=True
        )
        result = self._searcher.search(query, limit=limit)
        rows = self._searcher.fast_field_values("row", [address for _, address in result.hits])
        return Found(
            np.asarray(rows, dtype=np.int64),
            int(result.count),
            tuple(str(problem).removeprefix("Syntax Error: ") for problem in problems),
        )


def _schema() -> Any:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("row", stored=False, fast=True, indexed=False)
    for name in FIELDS:
        builder.add_text_field(name, stored=False, tokenizer_name="en_stem")  # other languages are found word by word
    return builder.build()


def _build(place: Path, examples: Iterable[Example]) -> None:
    """Make the index aside and rename it, so that a killed process leaves none that is half full."""
    import tantivy

    aside = place.with_name(f"{FOLDER}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    index = tantivy.Index(_schema(), path=str(aside))
    writer = index.writer(heap_size=HEAP_BYTES, num_threads=ONE_THREAD)
    for row, example in enumerate(examples):
        said: dict[str, list[str]] = {"assistant": [], "user": []}
        for turn in example.turns:
            said["assistant" if turn.role in ("assistant", "document") else "user"].append(turn.text)
        texts = {"prompt": said["user"], "response": said["assistant"], "tags": list(example.tags)}
        document = tantivy.Document(row=row)
        for name, items in texts.items():
            document.add_text(name, "\n".join(items))
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()
    os.replace(aside, place)


def _load(place: Path) -> Any:
    import tantivy

    try:
        index = tantivy.Index.open(str(place))
        index.reload()
    except (ValueError, OSError) as error:
        raise StoreError(f"{place}: damaged ({error}). Delete the folder: it is made anew.") from error
    return index

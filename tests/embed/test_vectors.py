"""Vectors of many texts on the disk, and the cache of those that are dear."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from align.embed.cache import VectorCache, digests_of
from align.embed.embedder import Embedder, Encoder, embedded_text
from align.embed.vectors import embed_texts, sample_of
from align.parts import Part
from align.records import Example, Origin, Turn
from toy_records import document, example

ASKED: list[str] = []


@pytest.fixture(scope="module", autouse=True)
def _forget_letters() -> object:
    yield
    Embedder.kinds.pop("letters", None)


class Letters(Embedder):
    """A dear embedder: how often a, b and c stand in a text."""

    kind: Literal["letters"] = "letters"

    def prepare(self, sample: Sequence[str]) -> Encoder:
        def encode(texts: Sequence[str]) -> np.ndarray:
            ASKED.extend(texts)
            rows = np.array([[text.count(letter) for letter in "abc"] for text in texts], dtype=np.float32)
            return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)

        return Encoder(3, encode, "letters-1")


def test_a_text_is_encoded_once_in_a_store_however_many_stages_embed_it(tmp_path: Path) -> None:
    assert issubclass(Letters, Part)
    ASKED.clear()
    one = embed_texts(Letters(), lambda: ["ab", "b", "c"], tmp_path / "artifacts" / "one.partial")
    two = embed_texts(Letters(), lambda: ["c", "ab", "aab", "ab"], tmp_path / "artifacts" / "two.partial")
    assert ASKED == ["ab", "b", "c", "aab"]
    assert one == pytest.approx(np.array([[0.5**0.5, 0.5**0.5, 0], [0, 1, 0], [0, 0, 1]]), abs=1e-3)
    assert two[1].tobytes() == two[3].tobytes() == one[0].tobytes()  # the fresh one was rounded as the kept one


def test_a_torn_cache_gives_what_is_whole_and_goes_on(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path, "torn", 2)
    digests = digests_of(["x", "y", "z"])
    cache.add(digests, np.array([[1, 0], [0, 1], [0.6, 0.8]], dtype=np.float32))
    with (tmp_path / "embeddings" / "torn" / "digests").open("r+b") as file:
        file.truncate(40)  # killed in the middle of the third
    again = VectorCache(tmp_path, "torn", 2)
    known, vectors = again.find(digests)
    assert known.tolist() == [True, True, False]
    assert vectors.tolist() == [[1, 0], [0, 1], [0, 0]]
    again.add(digests[2:], np.array([[0.5, 0.25]], dtype=np.float32))
    assert again.find(digests)[1][2].tolist() == [0.5, 0.25]
    assert cache.find(digests)[1][2].tolist() != [0, 0]  # who opened it before still reads what was whole


def test_two_caches_that_write_in_turn_see_each_other(tmp_path: Path) -> None:
    one, two = VectorCache(tmp_path, "both", 1), VectorCache(tmp_path, "both", 1)
    one.add(digests_of(["x"]), np.array([[1]], dtype=np.float32))
    two.add(digests_of(["y"]), np.array([[-1]], dtype=np.float32))
    known, vectors = two.find(digests_of(["y", "x", "z"]))
    assert known.tolist() == [True, True, False]
    assert vectors.tolist() == [[-1], [1], [0]]


def test_what_an_embedder_learns_from_does_not_depend_on_the_order_of_the_texts() -> None:
    texts = [f"text {number}" for number in range(50)]
    assert sample_of(texts, 10) == sample_of(reversed(texts), 10)
    assert len(set(sample_of(texts, 10))) == 10
    assert sorted(sample_of(texts, 100)) == sorted(texts)


def test_what_of_an_example_is_embedded() -> None:
    chat = Example(
        "a/1", (Turn("user", "Hi"), Turn("assistant", "Hello"), Turn("user", "Why?"), Turn("assistant", "So.")), Origin("a", "1")
    )
    assert embedded_text(chat, "prompt") == "Hi\n\nHello\n\nWhy?"
    assert embedded_text(chat, "response") == "So."
    assert embedded_text(chat, "both") == "Hi\n\nHello\n\nWhy?\n\nSo."
    assert embedded_text(example("a/2", "Why?"), "response") == ""
    assert (
        embedded_text(document("a/3", "A tale."), "response") == embedded_text(document("a/3", "A tale."), "prompt") == "A tale."
    )


def test_no_text_at_all_gives_no_rows(tmp_path: Path) -> None:
    assert embed_texts(Letters(), list, tmp_path).shape == (0, 3)

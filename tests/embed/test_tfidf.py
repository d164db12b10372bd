"""Texts as vectors."""

import math
from random import Random

import numpy as np
import pytest

from align.embed.tfidf import TfIdf
from align.text import words


def cosines(texts: list[str], fitted: list[str] | None = None, **fields: int) -> np.ndarray:
    vectors = TfIdf(**fields).prepare(fitted or texts).encode(texts)
    return vectors @ vectors.T


def test_likeness_is_the_cosine_of_the_weighted_words() -> None:
    # idf of "fox" (in 2 of 3 texts) is ln(4/3) + 1 = 1.2877; of the others (in one) ln(4/2) + 1 = 1.6931
    # "red fox" . "blue fox" = 1.2877^2 / (1.2877^2 + 1.6931^2) = 1.6581 / 4.5248
    fox, other = math.log(4 / 3) + 1, math.log(2) + 1
    found = cosines(["red fox", "blue fox", "a whale"])
    assert found[0, 1] == pytest.approx(fox**2 / (fox**2 + other**2), abs=1e-6)
    assert found[0, 2] == pytest.approx(0, abs=1e-6)
    assert np.diag(found) == pytest.approx([1, 1, 1])


def test_a_word_said_often_weighs_more_but_not_as_much_more() -> None:
    # both words are in one of the two texts, and equally rare: (1 + ln 3, 1) against (1, 1)
    found = cosines(["tide tide tide moon", "tide moon"], ["tide", "moon"])
    often = 1 + math.log(3)
    assert found[0, 1] == pytest.approx((often + 1) / math.sqrt((often**2 + 1) * 2), abs=1e-6)


def test_a_text_of_unknown_words_or_of_none_is_like_nothing_not_even_itself() -> None:
    found = cosines(["moss", "", "¿?", "zebra"], ["moss fern"])
    assert found.diagonal().tolist() == pytest.approx([1, 0, 0, 0])
    assert cosines(["moss"], ["?!"]).tolist() == [[0]]


def invented(count: int) -> list[str]:
    """Texts of 12 topics with 30 words each."""
    random = Random(5)
    topics = [[f"t{topic}w{number}" for number in range(30)] for topic in range(12)]
    return [" ".join(random.choices(random.choice(topics), k=15) + random.choices(topics[0], k=3)) for _ in range(count)]


def naive(texts: list[str], dimensions: int) -> np.ndarray:
    """The same with dense matrices and numpy's full decomposition."""
    vocabulary = sorted({word for text in texts for word in words(text)})
    counts = np.array([[words(text).count(word) for word in vocabulary] for text in texts], dtype=float)
    rarity = np.log((1 + len(texts)) / (1 + (counts > 0).sum(axis=0))) + 1
    rows = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0) * rarity
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    squeezed = rows @ np.linalg.svd(rows)[2][:dimensions].T
    squeezed /= np.linalg.norm(squeezed, axis=1, keepdims=True)
    return squeezed @ squeezed.T


@pytest.mark.parametrize(("count", "tolerance"), [(120, 1e-5), (700, 0.02)])  # exact; randomised
def test_squeezed_vectors_are_those_of_the_full_decomposition(count: int, tolerance: float) -> None:
    texts = invented(count)
    assert np.abs(cosines(texts, dimensions=11) - naive(texts, 11)).max() < tolerance


def test_equal_runs_give_equal_bytes_and_the_seed_is_what_decides() -> None:
    texts = invented(700)
    first, second = (TfIdf(dimensions=8).prepare(texts).encode(texts).tobytes() for _ in range(2))
    assert first == second
    assert TfIdf(dimensions=8, seed=2).prepare(texts).encode(texts).tobytes() != first


def test_a_vector_does_not_depend_on_what_it_is_embedded_with() -> None:
    texts = invented(40)
    encoder = TfIdf(dimensions=8).prepare(texts)
    assert np.abs(np.concatenate([encoder.encode(texts[:7]), encoder.encode(texts[7:])]) - encoder.encode(texts)).max() < 1e-6

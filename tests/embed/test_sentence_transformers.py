"""A model as the embedder: a real one, small enough to make here."""

from pathlib import Path

import numpy as np
import pytest

from align.embed.sentence_transformers import SentenceTransformers
from align.embed.vectors import embed_texts
from align.errors import InputError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of 16 dimensions with random weights, as sentence-transformers saves it."""
    pytest.importorskip("sentence_transformers", reason="pip install align-lm[embed]")
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    bare = tmp_path_factory.mktemp("bert")
    (bare / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "moss", "fern", "oak", "tide"]))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=9, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, max_position_embeddings=32
    )
    BertModel(config).save_pretrained(bare)
    BertTokenizerFast(str(bare / "vocab.txt")).save_pretrained(bare)
    saved = tmp_path_factory.mktemp("sentence")
    SentenceTransformer(str(bare), device="cpu").save(str(saved))  # with mean pooling, its default
    return saved


def test_vectors_have_unit_length_and_empty_texts_none(folder: Path, tmp_path: Path) -> None:
    texts = ["moss fern", "oak", " ", "moss fern"]
    work = tmp_path / "artifacts" / "one.partial"
    vectors = np.array(embed_texts(SentenceTransformers(path=folder), lambda: texts, work))
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 0, 1], abs=1e-6)
    assert vectors[0].tobytes() == vectors[3].tobytes()
    assert [path.name for path in (tmp_path / "embeddings").iterdir()], "what cost something is kept"
    again = embed_texts(SentenceTransformers(path=folder), lambda: texts[::-1], work)
    assert again[::-1].tobytes() == vectors.tobytes()


def test_the_model_decides_where_its_vectors_are_kept(folder: Path) -> None:
    def identity(**fields: int) -> str:
        return SentenceTransformers(path=folder, **fields).prepare(()).identity

    assert identity(batch_size=1) == identity() != identity(max_tokens=8)


def test_a_place_without_a_model_is_named(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers", reason="pip install align-lm[embed]")
    with pytest.raises(InputError, match=f"{tmp_path}: cannot be loaded as a sentence-transformers model"):
        SentenceTransformers(path=tmp_path).prepare(())


def test_a_hub_model_needs_a_commit() -> None:
    with pytest.raises(ValueError, match="must be a commit of 40 hexadecimal digits"):
        SentenceTransformers(hub="sentence-transformers/all-MiniLM-L6-v2", revision="main")

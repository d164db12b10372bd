"""Fixtures of the training tests."""

from collections.abc import Callable
from pathlib import Path

import pytest
from small_models import TINY, document, question, records, run

from align.artifact import Artifact


@pytest.fixture(scope="session")
def tokenizer_artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    from align.training.tokenizer import TokenizerStage

    folder = tmp_path_factory.mktemp("tokenizer")
    corpus = records(folder / "corpus", "corpus", map(document, range(30)))
    return run(TokenizerStage(vocabulary=320), folder / "tokenizer", "tokenizer", (corpus,))


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory, tokenizer_artifact: Artifact) -> Artifact:
    """A model of two layers that has read a little."""
    from align.training.pretrain import Pretraining

    folder = tmp_path_factory.mktemp("base")
    corpus = records(folder / "corpus", "corpus", map(document, range(30)))
    stage = Pretraining(tokenizer="tokenizer", model=TINY, max_tokens=64, batch_size=8, learning_rate=1e-2)
    return run(stage, folder / "base", "base", (corpus,), tokenizer=tokenizer_artifact)


@pytest.fixture
def questions(tmp_path: Path) -> Callable[[int], Artifact]:
    return lambda count: records(tmp_path / "questions", "questions", map(question, range(count)))

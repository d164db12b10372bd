"""Models to put benchmarks to."""

import pytest
from bigram_model import EOT_NAME, save_bigrams
from evaluation_setting import save_model

from align.artifact import Artifact
from align.catalogue import load_catalogue

SPACE = "Ġ"


@pytest.fixture(scope="session", autouse=True)
def _catalogue() -> None:
    load_catalogue()


@pytest.fixture(scope="session")
def says_b(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """Holds B for likelier than A, and both for likelier than the rest."""
    logits = {(SPACE, "B"): 2.0, (SPACE, "A"): 1.0, (EOT_NAME, "B"): 2.0, (EOT_NAME, "A"): 1.0}
    return save_bigrams(tmp_path_factory.mktemp("says-b"), "says_b", logits)


@pytest.fixture(scope="session")
def says_42(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """Answers ` 42` in plain text, `42` in a chat, and ends."""
    pairs = ((":", SPACE), (SPACE, "4"), (EOT_NAME, "4"), ("4", "2"), ("2", EOT_NAME))
    return save_bigrams(tmp_path_factory.mktemp("says-42"), "says_42", dict.fromkeys(pairs, 9.0))


@pytest.fixture(scope="session")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """A model of random weights with a context of 512 bytes."""
    return save_model(tmp_path_factory.mktemp("tuned"), "tuned", context=512)


@pytest.fixture(scope="session")
def untuned(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """Another one, without EOT."""
    return save_model(tmp_path_factory.mktemp("untuned"), "untuned", with_eot=False, seed=7, context=512)

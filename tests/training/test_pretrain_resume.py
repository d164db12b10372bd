"""A pretraining that was killed reads on where it stopped, and ends with the same weights."""

from pathlib import Path

import pytest
from killing import kill_when_it_has_saved, saved_steps
from small_models import TINY, document, records

from align.stage import Inputs
from align.training import keeper
from align.training.pretrain import Pretraining
from align.training.streams import BlockStream

pytestmark = pytest.mark.long  # each trains

STEPS, BLOCKS = 5, 4
FIELDS = {
    "tokenizer": "tokenizer",
    "model": TINY,
    "max_tokens": 64,
    "batch_size": BLOCKS,
    "learning_rate": 1e-2,
    "sources": {"web": {"stage": "a", "share": 0.6}, "code": {"stage": "b", "share": 0.4}},
    "tokens": STEPS * BLOCKS * 64,
}


@pytest.fixture
def named(tmp_path, tokenizer_artifact):
    web, code = records(tmp_path / "web", "web", map(document, range(9))), records(tmp_path / "code", "code", [document(50)])
    return {"tokenizer": tokenizer_artifact, "sources.web.stage": web, "sources.code.stage": code}


class Killed(Exception):
    """Ends a training as a kill would, so that the test can look on."""


@pytest.fixture
def read(monkeypatch):
    """The indices of the blocks that were read, in order."""
    indices: list[int] = []
    original = BlockStream.texts

    def texts(self, index):
        indices.append(index)
        return original(self, index)

    monkeypatch.setattr(BlockStream, "texts", texts)
    return indices


@pytest.mark.parametrize("stop", range(1, STEPS))
def test_after_a_stop_at_any_step_the_same_blocks_are_read_at_the_same_steps(tmp_path, named, read, stop, monkeypatch):
    monkeypatch.setattr(keeper, "STEPS_BETWEEN_CHECKPOINTS", 1)
    stage = Pretraining(**FIELDS)
    straight = train(stage, tmp_path / "straight", named)
    expected, read[:] = by_step(read), []
    assert [set(step) for step in expected] == [set(range(first, first + BLOCKS)) for first in range(0, STEPS * BLOCKS, BLOCKS)]

    save = keeper.Keeper.on_save

    def save_and_die(self, args, state, control, **rest):
        save(self, args, state, control, **rest)
        if state.global_step == stop:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(keeper.Keeper, "on_save", save_and_die)
        with pytest.raises(Killed):
            train(stage, tmp_path / "stopped", named)
    read[:] = []
    resumed = train(stage, tmp_path / "stopped", named)
    assert by_step(read) == expected[stop:]  # and nothing that was read before is read again
    assert resumed == straight


def by_step(indices: list[int]) -> list[list[int]]:
    return [indices[first : first + BLOCKS] for first in range(0, len(indices), BLOCKS)]


def train(stage: Pretraining, work: Path, named) -> str:
    from align.artifact import content_hash

    work.mkdir(exist_ok=True)
    stage.run(Inputs((), named), work)
    return content_hash(work)


def test_a_mixture_killed_in_training_ends_with_the_same_bytes(tmp_path, named):
    fields = FIELDS | {"tokens": 60 * BLOCKS * 64}
    work = tmp_path / "killed"
    order = {"kind": "pretrain", "fields": fields, "work": str(work), "data": [], "every": 1}
    kill_when_it_has_saved(order | {"named": {field: str(artifact.path) for field, artifact in named.items()}}, 7)
    assert saved_steps(work)[-1] < 60
    stage = Pretraining(**fields)
    assert train(stage, work, named) == train(stage, tmp_path / "whole", named)

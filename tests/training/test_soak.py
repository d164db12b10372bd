"""Trainings killed again and again, at any moment: at work, while saving, while sealing, while finding where to go on."""

import os
import random
import time
from pathlib import Path

import pytest
from killing import Order, kill, order_of, saved_steps, start, steps_of, wait_until
from small_models import question, records, run
from soak_cases import CASES, Case

from align.artifact import Artifact
from align.catalogue import load_catalogue
from align.files import hash_tree
from align.stage import Stage

KILLS = int(os.environ.get("SOAK_KILLS", "20"))
SEED = int(os.environ.get("SOAK_SEED", "1"))


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory, base: Artifact) -> Artifact:
    from align.training.sft import FineTuning

    folder = tmp_path_factory.mktemp("tuned")
    data = records(folder / "data", "data", map(question, range(8)))
    stage = FineTuning(model="base", loss_on="response", epochs=2, batch_size=4, max_tokens=64, learning_rate=1e-2)
    return run(stage, folder / "sft", "sft", (data,), model=base)


def kill_at_some_moment(order: Order, draw: random.Random) -> str:
    """Start the training, or let it go on, and kill it; say when that was."""
    work, further = Path(order["work"]), draw.randint(0, 3)
    child = start(order)
    before = max(saved_steps(work), default=0)
    if draw.random() < 0.5:  # within a save: the folder is there and the seal is not
        wait_until(child, lambda: any(step > before + further for step in steps_of(work, "") - set(saved_steps(work))))
        moment = "within a save"
    else:
        wait_until(child, lambda: max(saved_steps(work), default=0) > before + further - 1)
        moment = "at work" if further else "while it looked for where to go on"
    delay = draw.uniform(0, 0.02) if further or moment == "within a save" else draw.uniform(0, 8)
    time.sleep(delay)
    kill(child, order)
    return f"{moment}, at step {max(saved_steps(work), default=0)}"


@pytest.mark.soak
@pytest.mark.parametrize("name", CASES)
def test_a_training_killed_at_any_moment_ends_with_the_same_bytes(
    tmp_path: Path, name: str, request: pytest.FixtureRequest
) -> None:
    case: Case = CASES[name]
    load_catalogue()
    data = records(tmp_path / "data", "data", case.records())
    named: dict[str, Artifact] = {field: request.getfixturevalue(fixture) for field, fixture in case.named.items()}
    work, draw = tmp_path / "killed", random.Random(f"{SEED}/{name}")
    places = {field: artifact.path for field, artifact in named.items()}
    order = order_of(case.kind, case.fields, work, data.path, every=1, **places)
    moments = [kill_at_some_moment(order, draw) for _ in range(KILLS)]
    stage: Stage = Stage.kinds[case.kind].model_validate(case.fields)  # type: ignore[assignment]
    resumed = run(stage, work, name, (data,), **named)
    whole = run(stage, tmp_path / "whole", name, (data,), **named)
    assert hash_tree(resumed.path / "model") == hash_tree(whole.path / "model"), moments
    assert resumed.content == whole.content, moments

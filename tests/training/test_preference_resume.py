"""Preference training killed in the middle, of the training and of the reference that comes before it."""

import random

import pytest
from killing import kill, kill_when_it_has_saved, order_of, start, wait_until
from small_models import question, records, run, sentence
from test_dpo import pair

from align.training.dpo import PreferenceTraining
from align.training.kto import KahnemanTverskyOptimization
from align.training.reference import FOLDER
from align.training.sft import FineTuning

pytestmark = pytest.mark.long

STAGES = {"dpo": PreferenceTraining, "kto": KahnemanTverskyOptimization}


@pytest.fixture(scope="module")
def sft(tmp_path_factory, base):
    folder = tmp_path_factory.mktemp("sft")
    data = records(folder / "data", "data", map(question, range(8)))
    stage = FineTuning(model="base", loss_on="response", epochs=1, batch_size=4, max_tokens=64, learning_rate=1e-2)
    return run(stage, folder / "sft", "sft", (data,), model=base)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    draw = random.Random(1)
    pairs = [pair(number, sentence(draw, number % 9 + 2), sentence(draw, 5), f"Where is {number}?") for number in range(30)]
    return records(tmp_path_factory.mktemp("data") / "data", "data", pairs)


def ordered(kind, tmp_path, sft, data):
    fields = {"model": "sft", "held_out": "data", "epochs": 6, "batch_size": 15, "micro_batch_tokens": 200}
    fields |= {"learning_rate": 1e-3, "max_tokens": 64}
    return order_of(kind, fields, tmp_path / "killed", data.path, every=1, model=sft.path, held_out=data.path)


def contents(order, tmp_path, sft, data) -> tuple[str, str]:
    """Of what the killed stage leaves when it goes on, and of what one leaves that was not killed."""
    stage = STAGES[order["kind"]](**order["fields"])
    resumed = run(stage, tmp_path / "killed", order["kind"], (data,), model=sft, held_out=data)
    whole = run(stage, tmp_path / "whole", order["kind"], (data,), model=sft, held_out=data)
    return resumed.content, whole.content


@pytest.mark.parametrize("kind", ["dpo", "kto"])
def test_a_killed_training_ends_with_the_same_bytes(tmp_path, sft, data, kind):
    order = ordered(kind, tmp_path, sft, data)
    kill_when_it_has_saved(order, 3)
    resumed, whole = contents(order, tmp_path, sft, data)
    assert resumed == whole


@pytest.mark.parametrize("kind", ["dpo", "kto"])
def test_killed_while_it_reads_its_reference_it_goes_on_with_the_next_part(tmp_path, sft, data, kind, monkeypatch):
    # of thirty pairs two at once
    order = ordered(kind, tmp_path, sft, data) | {"part": 2}
    kept = tmp_path / "killed" / "scratch" / FOLDER
    child = start(order)
    wait_until(child, (kept / "rows-00002.json").is_file)
    kill(child, order)
    times = {file: file.stat().st_mtime_ns for file in kept.glob("*.json")}
    assert 3 <= len(times) < (15 if kind == "dpo" else 30)  # in the middle: the held-out pairs come after
    monkeypatch.setattr("align.training.reference.ITEMS_IN_A_PART", 2)
    resumed, whole = contents(order, tmp_path, sft, data)
    assert resumed == whole
    assert {file: file.stat().st_mtime_ns for file in times} == times

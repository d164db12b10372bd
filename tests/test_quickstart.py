"""The quickstart, walked from the dumps to the report, whole and with the process killed in the middle of four stages."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import align

# The same recipe with less text and fewer epochs; everything else is as shipped.
SMALLER = (
    "stages.corpus.source.megabytes=0.1",
    "stages.sft.epochs=3",
    "stages.dpo.epochs=1",
    "stages.base_answers.max_new_tokens=40",
    "stages.sft_answers.max_new_tokens=40",
    "stages.dpo_answers.max_new_tokens=40",
)
KILLED_IN = ("stack_exchange", "base", "sft", "sft_answers")
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}


def command(recipe: Path, store: Path) -> list[str]:
    sets = [word for override in SMALLER for word in ("--set", override)]
    return [sys.executable, "-m", "align", "run", str(recipe), "--store", str(store), *sets]


def contents(store: Path) -> dict[str, str]:
    [note] = [path for path in (store / "runs").glob("quickstart-*.json") if "unfinished" not in path.name]
    run = align.load_run(note.stem, store=store)
    return {name: artifact.content for name, artifact in run.artifacts.items()}


def kill_in(stage: str, recipe: Path, store: Path) -> None:
    """Start the run and SIGKILL it once it has begun the stage, a moment into a long one."""
    with subprocess.Popen(
        command(recipe, store), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=ENVIRONMENT
    ) as run:
        assert run.stderr is not None
        begun = next((line for line in run.stderr if line.split()[1:] == [stage, "..."]), None)
        assert begun is not None, f"stage {stage} never began"
        if stage != "stack_exchange":
            wait_for_work(store)
        run.send_signal(signal.SIGKILL)
    assert run.returncode == -signal.SIGKILL


def wait_for_work(store: Path) -> None:
    """Until the unfinished stage has left something that it will go on from."""
    deadline = time.monotonic() + 120
    while not [
        *store.glob("artifacts/*.partial/scratch/trainer/*/seal.json"),
        *store.glob("artifacts/*.partial/scratch/responses/part-*"),
    ]:
        assert time.monotonic() < deadline, "the stage left nothing to go on from"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, root: Path) -> tuple[Path, Path]:
    """The store and the report of a run that nothing interrupts."""
    store = tmp_path_factory.mktemp("whole") / "store"
    done = subprocess.run(command(root / "recipes" / "quickstart.yaml", store), capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    return store, Path(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_the_quickstart_goes_from_dumps_to_a_report(whole: tuple[Path, Path]) -> None:
    store, report = whole
    page = report.read_text(encoding="utf-8")
    for said in ("Funnel", "LIMA, table 1", "Before and after", "word_overlap", "Licences", "Lineage", "CC BY-SA"):
        assert said in page
    [note] = [path for path in (store / "runs").glob("quickstart-*.json") if "unfinished" not in path.name]
    run = align.load_run(note.stem, store=store)
    # The traps of datasets/samples/README.md: 2 planted posts, 6 first persons, 1 exact and 1 near duplicate, 2 test prompts
    assert run.counts("stack_exchange").skipped["planted post"] == 2
    assert sum(count for reason, count in run.counts("rules").dropped.items() if reason.startswith("first_person")) == 6
    assert [sum(run.counts(stage).dropped.values()) for stage in ("unique", "distinct", "clean")] == [1, 1, 2]
    # The base model's text holds none of the prompts or examples it is judged or trained on later.
    assert run.counts("corpus_clean").dropped == {}
    rates = {
        item.subject: item.value
        for stage in ("base_answers", "sft_answers")
        for item in run.measurements(stage)
        if item.metric == "eot_rate"
    }
    assert rates.keys() == {"base", "sft"}
    assert rates["base"] == 0
    [accuracy] = [item for item in run.measurements("dpo") if item.metric == "reward_accuracy"]
    assert accuracy.count == 24


@pytest.mark.slow
def test_a_second_run_reuses_everything(whole: tuple[Path, Path], root: Path) -> None:
    store, report = whole
    again = subprocess.run(command(root / "recipes" / "quickstart.yaml", store), capture_output=True, text=True, env=ENVIRONMENT)
    assert Path(again.stdout.splitlines()[-1]) == report
    assert again.stderr.count("reused") == 29  # every stage


@pytest.mark.long
@pytest.mark.slow
def test_killed_in_the_middle_the_run_ends_with_equal_contents(whole: tuple[Path, Path], root: Path, tmp_path: Path) -> None:
    recipe, store = root / "recipes" / "quickstart.yaml", tmp_path / "store"
    for stage in KILLED_IN:
        kill_in(stage, recipe, store)
    done = subprocess.run(command(recipe, store), capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    assert contents(store) == contents(whole[0])

"""Times, figures and a view of a running training: for people, not hashed, and whole after a kill."""

import io
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from event_files import events
from small_models import run

from align import progress
from align.artifact import Artifact
from align.errors import TrainingRefused
from align.records import TrainingStep
from align.training import keeper
from align.training.metrics import MetricsLog, Pace, Stopwatch, read_metrics
from align.training.reporting import Reports, services
from align.training.sft import FineTuning


def small(**fields: object) -> FineTuning:
    usual: dict[str, object] = {"model": "base", "loss_on": "response", "epochs": 2, "batch_size": 4, "max_tokens": 64}
    return FineTuning.model_validate(usual | fields)


def test_rows_and_events_beyond_the_checkpoint_are_made_anew(tmp_path: Path) -> None:
    killed = MetricsLog(tmp_path, tensorboard=True)
    for step in (1, 2, 3):
        killed.add(step, Pace(0.5, 100.0, 0.5), {"loss": 4.0 - step})
    killed.save()
    resumed = MetricsLog(tmp_path, tensorboard=True)
    resumed.go_on_from(2)
    resumed.add(3, Pace(0.25, 200.0, 0.25), {"loss": 1.0})
    resumed.close()
    rows = read_metrics(resumed.path)
    assert [(row["step"], row["loss"], row["seconds"]) for row in rows] == [(1, 3.0, 0.5), (2, 2.0, 0.5), (3, 1.0, 0.25)]
    assert events(resumed.events, "train/loss") == [(1, 3.0), (2, 2.0), (3, 1.0)]
    assert events(resumed.events, "train/tokens_per_second") == [(1, 100.0), (2, 100.0), (3, 200.0)]
    killed.close()


def test_a_metrics_file_that_cannot_be_read_stops_no_training(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "metrics.parquet").write_bytes(b"PAR1 cut off")
    log = MetricsLog(tmp_path)
    log.go_on_from(5)
    assert log.rows == []


def test_tokens_a_second_are_those_of_the_last_steps_together(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 0.0, 1.0, 1.0, 5.0])  # made, step of 1 s, step of 4 s
    monkeypatch.setattr("time.monotonic", lambda: next(now))
    watch = Stopwatch()
    for tokens, expected in ((100, Pace(1.0, 100.0, 1.0)), (900, Pace(4.0, 200.0, 2.5))):
        watch.begin_step()
        watch.end_step()
        assert watch.pace(tokens) == expected  # 1,000 tokens in 5 s


@pytest.mark.slow
def test_a_training_leaves_a_row_a_step_with_times_that_are_no_part_of_its_content(
    tmp_path: Path,
    base: Artifact,
    questions: Callable[[int], Artifact],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keeper, "SECONDS_BETWEEN_LINES", 0.0)
    data = questions(8)
    with caplog.at_level(logging.INFO, "align"):
        tracked = run(small(tracking=["tensorboard"]), tmp_path / "one", "sft", (data,), model=base)
    rows = read_metrics(tracked.path / "logs" / "metrics.parquet")
    # 8 examples in batches of 4, twice
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    assert all(row["seconds"] > 0 and row["tokens_per_second"] > 0 and row["at"] > 1.7e9 for row in rows)
    logged = {(entry.step, entry.name): entry.value for entry in tracked.read(TrainingStep)}
    for row in rows:
        for name in ("loss", "learning_rate", "grad_norm", "tokens", "num_tokens"):
            assert logged[int(row["step"]), name] == row[name]
    tokens = [row["tokens"] for row in rows]
    assert [row["num_tokens"] for row in rows] == [sum(tokens[: n + 1]) for n in range(4)]
    assert sum(tokens[:2]) == sum(tokens[2:])  # each epoch reads the same
    drawn = events(tracked.path / "logs" / "tensorboard", "train/loss")
    assert drawn == [(step, pytest.approx(logged[step, "loss"], rel=1e-6)) for step in (1, 2, 3, 4)]
    assert any("step 3 of 4" in line and "tokens/s" in line and "lr " in line for line in caplog.messages)
    plain = run(small(), tmp_path / "two", "sft", (data,), model=base)
    assert plain.content == tracked.content


@pytest.mark.slow
def test_a_terminal_is_shown_loss_rate_and_tokens_a_second(
    tmp_path: Path, base: Artifact, questions: Callable[[int], Artifact], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", 0)
    monkeypatch.setattr(progress, "REDRAW_SECONDS", 0)
    run(small(), tmp_path / "sft", "sft", (questions(8),), model=base)
    said = screen.getvalue()
    assert "sft" in said
    assert "4/4" in said
    assert "loss " in said
    assert "tokens/s" in said


def test_a_step_is_reported_once_over_all_processes_that_make_it(tmp_path: Path) -> None:
    from transformers.integrations import TensorBoardCallback
    from transformers.trainer_callback import TrainerControl, TrainerState

    class Service:
        """What a callback of transformers writes to."""

        def __init__(self) -> None:
            self.told: list[int] = []

        def add_scalar(self, name: str, value: float, step: int) -> None:
            self.told.append(step)

        def flush(self) -> None:
            pass

    service = Service()
    for first, last in ((1, 3), (2, 5)):  # killed after 3, with a checkpoint at 1
        callback, reports = TensorBoardCallback(tb_writer=service), Reports(tmp_path)
        reports.guard([callback])
        for step in range(first, last + 1):
            state = TrainerState(global_step=step, is_world_process_zero=True)
            callback.on_log(None, state, TrainerControl(), logs={"loss": 1.0})
            reports.note(step)
    assert service.told == [1, 2, 3, 4, 5]


def test_a_service_that_is_not_installed_is_told_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("align.training.reporting.find_spec", lambda name: None)
    with pytest.raises(TrainingRefused, match="tracking: trackio is not installed: pip install trackio"):
        services(["tensorboard", "trackio"])


@pytest.mark.slow
def test_weights_and_biases_gets_one_run_offline(
    tmp_path: Path, base: Artifact, questions: Callable[[int], Artifact], monkeypatch: pytest.MonkeyPatch
) -> None:
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    made = run(small(tracking=["wandb"]), tmp_path / "abc.partial", "sft", (questions(8),), model=base)
    assert wandb.run is None
    [kept] = (made.path / "logs" / "wandb").glob("offline-run-*-abc")
    assert list(kept.glob("*.wandb"))
    assert (made.path / "logs" / "sent_step").read_text() == "4\n"

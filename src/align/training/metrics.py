"""The course of a training with its times, for people: logs/metrics.parquet and what draws it. Nothing of it is hashed.

A killed training has logged steps that its checkpoint does not know. When it goes on it makes them again, with the same figures:
rows and events beyond the checkpoint are therefore dropped.
"""

import time
from collections import deque
from pathlib import Path
from typing import Any, NamedTuple

from align.errors import TrainingRefused
from align.files import write_whole

LOGS = "logs"
METRICS = Path(LOGS, "metrics.parquet")
EVENTS = Path(LOGS, "tensorboard")
RATE_STEPS = 20
"""Steps over which tokens a second are averaged."""


class Pace(NamedTuple):
    """How fast a training is, over its last steps."""

    seconds: float
    """Of the last step."""
    tokens_per_second: float
    seconds_per_step: float


class Stopwatch:
    """Times steps; what lies between them, such as saving, is not counted."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._seconds = 0.0
        self._steps: deque[tuple[float, float]] = deque(maxlen=RATE_STEPS)

    def begin_step(self) -> None:
        self._began = time.monotonic()

    def end_step(self) -> None:
        self._seconds = time.monotonic() - self._began

    def pace(self, tokens: float) -> Pace:
        """After a step that read so many tokens."""
        self._steps.append((tokens, self._seconds))
        spent = max(sum(seconds for _, seconds in self._steps), 1e-9)
        return Pace(self._seconds, sum(read for read, _ in self._steps) / spent, spent / len(self._steps))


class MetricsLog:
    """One row a step: what was logged, when, and how fast. Kept on the disk as of the last checkpoint."""

    def __init__(self, work: Path, tensorboard: bool = False) -> None:
        self.path, self.events = work / METRICS, work / EVENTS
        self.rows: list[dict[str, float]] = []
        self._writer = _event_writer(self.events) if tensorboard else None

    def go_on_from(self, step: int) -> None:
        """Take up the rows of an earlier process up to `step`, and draw them anew."""
        self.rows = [row for row in read_metrics(self.path) if row["step"] <= step] if step else []
        for row in self.rows:
            self._draw(row)

    def add(self, step: int, pace: Pace, logged: dict[str, float]) -> None:
        figures = {name: float(value) for name, value in logged.items()}
        row = {"step": step, "at": time.time(), "seconds": pace.seconds, "tokens_per_second": pace.tokens_per_second, **figures}
        self.rows.append(row)
        self._draw(row)

    def save(self) -> None:
        """Write the rows so far, whole or not at all."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        names = list(dict.fromkeys(name for row in self.rows for name in row))
        table = pa.table({name: [row.get(name) for row in self.rows] for name in names})
        write_whole(self.path, lambda temporary: pq.write_table(table, temporary, compression="zstd"))
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        self.save()
        if self._writer is not None:
            self._writer.close()

    def _draw(self, row: dict[str, float]) -> None:
        if self._writer is None:
            return
        for name, value in row.items():
            if name not in ("step", "at"):
                self._writer.add_scalar(f"train/{name}", value, int(row["step"]), walltime=row["at"])


def read_metrics(path: Path) -> list[dict[str, float]]:
    """The rows of a metrics file; none where there is none, or none that can be read: they are for people."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows: list[dict[str, float]] = pq.read_table(path).to_pylist()
    except (OSError, pa.ArrowException):
        return []
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def _event_writer(folder: Path) -> Any:
    """A writer of TensorBoard's events into an empty folder."""
    import shutil

    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise TrainingRefused(
            "tracking: tensorboard is not installed: pip install 'align-lm[tracking]', or leave it out."
        ) from error
    shutil.rmtree(folder, ignore_errors=True)  # one series in one file: events of a killed process would stand there twice
    return SummaryWriter(log_dir=str(folder), flush_secs=10)

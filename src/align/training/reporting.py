"""Services that transformers reports a training to, W&B and Trackio: one run a training, each step once, whatever kills it.

A killed training that goes on makes some steps again, with the same figures; a service that has had them is not told twice.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from align.errors import TrainingRefused
from align.training.metrics import LOGS

SENT = "sent_step"


def services(tracking: Sequence[str]) -> list[str]:
    """Those that transformers reports to; TensorBoard's events are written by `MetricsLog`."""
    wanted = [name for name in tracking if name != "tensorboard"]
    missing = [name for name in wanted if find_spec(name) is None]
    if missing:
        raise TrainingRefused(f"tracking: {missing[0]} is not installed: pip install {missing[0]}, or leave it out.")
    return wanted


def run_name(work: Path) -> str:
    """What a service calls the run: the artifact's key."""
    return work.name.partition(".")[0]


class Reports:
    """Lets the reports of a step through only the first time, over all processes that made it."""

    def __init__(self, logs: Path) -> None:
        self.path = logs / SENT
        try:
            self.sent = int(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self.sent = 0

    def guard(self, callbacks: Sequence[Any]) -> None:
        """Stand before those callbacks of a trainer that report."""
        for callback in callbacks:
            if type(callback).__module__.startswith("transformers.integrations"):
                callback.on_log = self._guarded(callback.on_log)

    def note(self, step: int) -> None:
        """Call it when all have been told of `step`."""
        if step > self.sent:
            self.sent = step
            temporary = self.path.with_suffix(".tmp")
            temporary.write_text(f"{step}\n", encoding="utf-8")
            os.replace(temporary, self.path)

    def _guarded(self, report: Any) -> Any:
        def on_log(args: Any, state: Any, control: Any, *rest: Any, **more: Any) -> Any:
            return report(args, state, control, *rest, **more) if state.global_step > self.sent else None

        return on_log


@contextmanager
def reports(tracking: Sequence[str], work: Path, callbacks: Sequence[Any]) -> Iterator[Reports | None]:
    """Report to services within this context; None where there are none. What the user has set stands."""
    if not services(tracking):
        yield None
        return
    logs = work / LOGS
    logs.mkdir(parents=True, exist_ok=True)
    usual = {"WANDB_PROJECT": "align", "WANDB_RUN_ID": run_name(work), "WANDB_RESUME": "allow", "WANDB_DIR": str(logs)}
    ours = {name: value for name, value in usual.items() if name not in os.environ}
    os.environ.update(ours)
    found = Reports(logs)
    found.guard(callbacks)
    try:
        yield found
    finally:
        if "wandb" in tracking:
            import wandb

            wandb.finish()  # else the next training would go on in this one's run
        for name in ours:
            os.environ.pop(name, None)

"""Reads what TensorBoard would show."""

from pathlib import Path


def events(folder: Path, tag: str) -> list[tuple[int, float]]:
    """Step and value of one figure, as TensorBoard reads them, doubles included."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder), size_guidance={"scalars": 0}, purge_orphaned_data=False)
    found.Reload()
    return [(item.step, item.value) for item in found.Scalars(tag)]

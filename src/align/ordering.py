"""What to order for a run: machines, GPUs, memory and disk of its trainings, from the plan's own figures. Nothing is measured."""

from dataclasses import dataclass

from align.planning import Plan, PlannedStage

OTHER = "other"
"""Stages without a model or a judge, which read, filter and choose data on the processor."""


@dataclass(frozen=True, slots=True)
class Order:
    """The largest that any training of the recipe wants; hours are of all of them."""

    machines: int
    gpus: int
    """Of each machine; 0 where processors train."""
    gpu_gigabytes: float
    host_gigabytes: float
    """Memory of each machine itself."""
    disk_gigabytes: float
    """Summed over all stages, checkpoints too, though those of a training go when it ends."""
    hours: tuple[float, float, float] | None
    """GPU-hours, or hours of the processor where there is no GPU: computed, from, to."""
    too_small_for: dict[str, float]
    """Stages whose model is larger than the GPUs of one such machine together, and its GB."""


def order_of(plan: Plan) -> Order | None:
    """None where no training has still to be made, or of none is known what it takes."""
    training = [stage for stage in plan.stages if stage.forecast.takes.machines]
    if not training:
        return None
    takes = [stage.forecast.takes for stage in training]
    gpus, size = max(item.gpus for item in takes), max(item.gpu_gigabytes for item in takes)
    loads = {stage.name: sum(stage.forecast.takes.loads.values()) for stage in plan.stages}
    return Order(
        machines=max(item.machines for item in takes),
        gpus=gpus,
        gpu_gigabytes=size,
        host_gigabytes=plan.totals.get("host_gigabytes", 0.0),
        disk_gigabytes=plan.totals.get("disk_gigabytes", 0.0),
        hours=_hours(training, gpus > 0),
        too_small_for={name: load for name, load in loads.items() if gpus and load > gpus * size},
    )


def _hours(training: list[PlannedStage], on_gpus: bool) -> tuple[float, float, float] | None:
    """A training on the processor beside others on GPUs takes no GPU-hours."""
    known = [item for item in training if item.forecast.takes.hours is not None and (item.forecast.takes.gpus or not on_gpus)]
    if not known:
        return None
    sums = [0.0, 0.0, 0.0]
    for stage in known:
        takes, hours = stage.forecast.takes, stage.forecast.figures["hours"]
        low, high = takes.hours or (hours, hours)
        gpus = takes.machines * takes.gpus or 1
        sums = [value + gpus * more for value, more in zip(sums, (hours, low, high), strict=True)]
    return sums[0], sums[1], sums[2]


def in_words(order: Order) -> str:
    """The first lines of the plan."""
    machines = f"{order.machines} machine{'s' if order.machines > 1 else ''}"
    gpus = (
        f" x {order.gpus} GPU{'s' if order.gpus > 1 else ''} x {order.gpu_gigabytes:,.0f} GB" if order.gpus else " without a GPU"
    )
    each = " each" if order.machines > 1 else ""
    text = f"Order: {machines}{gpus}, {_short(order.host_gigabytes)} GB memory{each}, {_disk(order.disk_gigabytes)} disk"
    text += " shared by all" if order.machines > 1 else ""
    if order.hours is not None:
        hours, low, high = map(_short, order.hours)
        text += f"; {hours} {'GPU-hours' if order.gpus else 'hours'} of training ({low} to {high})"
    text += "; computed, never measured"
    for name, load in order.too_small_for.items():
        text += (
            f"\n  not enough for {name}: its model takes {load:,.0f} GB and the GPUs of one machine have "
            f"{order.gpus * order.gpu_gigabytes:,.0f}; the rest would lie in the machine's memory, and be slow"
        )
    return text


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:,.2g}"


def _disk(gigabytes: float) -> str:
    return f"{gigabytes / 1000:,.1f} TB" if gigabytes >= 1000 else f"{_short(gigabytes)} GB"


def not_counted(plan: Plan) -> dict[str, tuple[str, ...]]:
    """The stages that are still to be made and have no hours, by what they do."""
    found: dict[str, tuple[str, ...]] = {}
    for stage in plan.stages:
        if stage.status != "reuse" and "hours" not in stage.forecast.figures:
            work = _work(stage)
            found[work] = (*found.get(work, ()), stage.name)
    return found


def _work(stage: PlannedStage) -> str:
    return stage.long_work or ("judging" if "judge_calls" in stage.forecast.figures else OTHER)


def uncounted_in_words(works: dict[str, tuple[str, ...]]) -> str | None:
    """The line below the total; data stages are counted there and not named, the machine-readable plan names them."""
    parts = [f"{work} ({', '.join(names)})" for work, names in works.items() if work != OTHER]
    others = len(works.get(OTHER, ()))
    if parts and others:
        parts.append(f"{others} other stages" if others > 1 else "one other stage")
    return f"not counted in hours: {', '.join(parts)}" if parts else None

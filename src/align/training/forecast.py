"""What `align plan` says of a training: steps, tokens, memory, time and disk, before anything is loaded."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from align.stage import Forecast, Takes
from align.training.adapters import Adapter, trainable_parameters
from align.training.counting import Amount
from align.training.host_memory import Host, host_memory
from align.training.launch import Launch
from align.training.memory import (
    CPU_FLOPS,
    GIGA,
    GPU_FLOPS,
    SPEED_BAND,
    STATES,
    Frozen,
    Setting,
    disk_bytes,
    gpus_that_fit,
    memory_of,
    training_flops,
    whole_while_read,
)
from align.training.shapes import READ_BY_NAME, Shape, shape_of
from align.training.training import LOGITS_AT_ONCE, Training

TRAINS_ON_CPU = 100e6
"""Parameters up to which a recipe without `launch` is supposed to mean this machine's processor."""
BAND = 0.15
"""Memory is said with a band of 15 %."""


def forecast_training(
    stage: Training, config: dict[str, Any], amount: Amount, max_tokens: int, rows: int | None = None
) -> Forecast:
    """Forecast a stage that trains a model of shape `config`.

    A row, of which `batch_size` make a step, is an example, if `rows` does not say how many there are.
    """
    kept = tuple(epoch for epoch in range(1, stage.epochs + 1) if stage.keeps(epoch))
    return replace(_forecast(stage, config, amount, max_tokens, rows), checkpoints=kept)


def _forecast(stage: Training, config: dict[str, Any], amount: Amount, max_tokens: int, rows: int | None) -> Forecast:
    rows = amount.examples if rows is None else rows
    if rows is None:
        return Forecast(
            model=config, notes=("steps, memory and time: unknown until the examples are, or `expect:` says how many",)
        )
    figures = {"steps": float(stage.split(rows, 1).steps)}
    notes = [amount.note] if amount.note else []
    context = config.get("max_position_embeddings")
    if stage.kind != "pretrain" and context is not None and max_tokens > context:
        notes.append(f"the run will refuse max_tokens: {max_tokens}: the model reads {context} tokens; write {context} or less")
    tokens = None if amount.tokens is None else amount.tokens * stage.epochs
    if tokens is not None:
        figures["tokens"] = float(tokens)
    shape = shape_of(config)
    if shape is None:
        notes.append("memory, time and disk: unknown until the model's shape is (`shape:` of its base_model names a known one)")
        return Forecast(amount.examples, amount.tokens, amount.basis, config, figures, tuple(notes))
    setting = setting_of(stage, config, shape, max_tokens)
    memory = memory_of(shape, setting)
    read = (whole_while_read(shape, setting) + memory.overhead) / GIGA
    if setting.launch.device == "gpu":
        figures["gpu_gigabytes"] = max(memory.gigabytes, read)
    is_new = stage.kind == "pretrain" and getattr(stage, "start", None) is None
    host = host_memory(shape, setting, config.get("model_type") in READ_BY_NAME, is_new)
    figures["host_gigabytes"] = host.gigabytes
    if tokens is not None:
        figures["hours"] = training_flops(shape, tokens, setting) / _speed(setting.launch) / 3600
    models = sum(map(stage.keeps, range(1, stage.epochs + 1)))
    disk = {name: size / GIGA for name, size in disk_bytes(shape, models, setting.frozen).items()}
    figures["disk_gigabytes"] = sum(disk.values())
    table = memory.parts() | {"sum": memory.gigabytes, "low": _low(memory.gigabytes), "high": _high(memory.gigabytes)}
    notes += [*_notes(shape, setting, table), *_on_gpus(setting, table, read), *_of_host(setting, host), _of_disk(disk, models)]
    takes = _takes(setting.launch, figures.get("hours"), disk)
    return Forecast(amount.examples, amount.tokens, amount.basis, config, figures, tuple(notes), table, takes=takes)


def _takes(launch: Launch, hours: float | None, disk: dict[str, float]) -> Takes:
    on_gpu = launch.device == "gpu"
    return Takes(
        machines=launch.machines,
        gpus=launch.processes // launch.machines if on_gpu else 0,
        gpu_gigabytes=launch.gpu_gigabytes if on_gpu else 0.0,
        hours=None if hours is None else (hours / (1 + SPEED_BAND), hours / (1 - SPEED_BAND)),
        disk=disk,
    )


def setting_of(stage: Training, config: dict[str, Any], shape: Shape, max_tokens: int) -> Setting:
    """How a stage trains, in the terms that memory depends on."""
    small = shape.parameters <= TRAINS_ON_CPU
    launch = stage.launch or (Launch(device="cpu") if small else Launch())
    longest = max_tokens * stage.texts
    # With one item a process there is nothing to put together.
    tokens = longest if stage.batch_size <= launch.processes else max(longest, stage.micro_batch_tokens)
    recomputes = launch.device == "gpu" if stage.gradient_checkpointing is None else stage.gradient_checkpointing
    return Setting(
        tokens=tokens,
        scored=min(tokens, max(1, LOGITS_AT_ONCE // shape.vocabulary)),
        launch=launch,
        frozen=_frozen(getattr(stage, "adapter", None), config, launch),
        optimizer=stage.optimizer,
        recomputes=recomputes,
        has_reference=stage.has_reference,
    )


def _frozen(adapter: Adapter | None, config: dict[str, Any], launch: Launch) -> Frozen | None:
    trained = None if adapter is None else trainable_parameters(config, adapter)
    if adapter is None or trained is None:
        return None
    arithmetic = "bfloat16" if launch.device == "gpu" else "float32"
    quantized = adapter.quantized(arithmetic)
    plain = 2.0 if launch.device == "gpu" else 4.0
    return Frozen(trained, plain if quantized is None else _four_bits(quantized), 4 if adapter.dtype == "float32" else 2)


def _four_bits(settings: dict[str, Any]) -> float:
    """Half a byte, and a scale for 64 weights: 4 bytes, or 1 byte and for 256 of them 4 more (Dettmers et al. 2023, §3)."""
    return 0.5 + (1 / 64 + 4 / (64 * 256) if settings["bnb_4bit_use_double_quant"] else 4 / 64)


def _speed(launch: Launch) -> float:
    return GPU_FLOPS * launch.processes if launch.device == "gpu" else CPU_FLOPS


def _low(gigabytes: float) -> float:
    return gigabytes * (1 - BAND)


def _high(gigabytes: float) -> float:
    return gigabytes * (1 + BAND)


def _notes(shape: Shape, setting: Setting, table: dict[str, float]) -> Iterator[str]:
    launch = setting.launch
    trained = "all trained" if setting.frozen is None else f"{_count(setting.frozen.trained)} of an adapter trained"
    where = f"{_gigabytes(table['sum'])} GB ({_gigabytes(table['low'])} to {_gigabytes(table['high'])}) on {_where(launch)}"
    fits = f", which fits {gpus_that_fit(table['high'])}" if launch.device == "gpu" else ""
    yield f"{_count(shape.parameters)} parameters, {trained}: {where}{fits}"
    parts = [f"{name} {_gigabytes(value)}" for name, value in table.items() if value and name not in ("sum", "low", "high")]
    yield f"GB: {' + '.join(parts)}"
    flops, unit = (GPU_FLOPS / 1e12, "TFLOP/s a GPU") if launch.device == "gpu" else (CPU_FLOPS / 1e9, "GFLOP/s")
    speed = f"{flops * (1 + SPEED_BAND):,.0f} to {flops * (1 - SPEED_BAND):,.0f} {unit}"
    yield f"computed from sizes and not measured: ±15 % for memory and disk, hours at {speed}; --calibrate measures"


def _on_gpus(setting: Setting, table: dict[str, float], read: float) -> Iterator[str]:
    launch = setting.launch
    if launch.device == "cpu":
        return
    if read > table["sum"]:
        yield f"while the weights are read each GPU holds all of them in 4 bits, {_gigabytes(read)} GB; then its share"
    high = max(table["high"], _high(read))
    if high > launch.gpu_gigabytes:
        yield (
            f"may not fit: launch.gpu_gigabytes is {launch.gpu_gigabytes:,.0f}, and 15 % above what is computed is "
            f"{high:,.0f}; take more processes with distribution: fsdp2, an adapter, or smaller micro_batch_tokens"
        )


def _of_host(setting: Setting, host: Host) -> Iterator[str]:
    launch = setting.launch
    where = f"each of {launch.machines} machines" if launch.machines > 1 else "the machine"
    here = f"{launch.processes // launch.machines} process{'es' if launch.processes > launch.machines else ''}"
    if launch.device == "cpu":
        return
    yield (
        f"memory of {where} itself: {_gigabytes(host.gigabytes)} GB {host.moment}: {_gigabytes(host.processes / GIGA)} of "
        f"{here} + the larger of {_gigabytes(host.reading / GIGA)} (reading weights) and {_gigabytes(host.saving / GIGA)} "
        "(saving a checkpoint)" + ("; and what the paged optimizer moves there" if setting.optimizer.startswith("paged") else "")
    )
    yield (
        "never measured: anything on a GPU, several machines, or a model of more than some 50M parameters; that each process "
        "holds its share and no more was, on CPUs with two and four (docs/what-was-run.md)"
    )


def _of_disk(disk: dict[str, float], models: int) -> str:
    """The store's, which every machine of a launch has to reach."""
    states = f"{STATES} checkpoints x {_gigabytes(disk['checkpoints'] / STATES)} GB until training ends"
    kept = f"models of {models} epoch{'s' if models > 1 else ''} x {_gigabytes(disk['models'] / max(models, 1))} GB"
    return f"disk: {_gigabytes(sum(disk.values()))} GB: {states} + {kept}; of the store, one for all machines"


def _where(launch: Launch) -> str:
    device = "GPU" if launch.device == "gpu" else "process"
    if launch.processes == 1:
        return "one GPU" if launch.device == "gpu" else "the processor"
    several = f"GPU{'s'}" if launch.device == "gpu" else f"{device}es on the processor"
    machines = f" of {launch.machines} machines" if launch.machines > 1 else ""
    return f"each of {launch.processes} {several}{machines} ({launch.distribution})"


def _count(parameters: float) -> str:
    return f"{parameters / 1e9:,.1f}B" if parameters >= 1e9 else f"{parameters / 1e6:,.1f}M"


def _gigabytes(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}" if value >= 0.1 else f"{value:,.2g}"

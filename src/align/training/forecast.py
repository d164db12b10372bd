"""What `align plan` says of a training: steps, tokens, memory, time and disk, before anything is loaded."""

from collections.abc import Iterator
from typing import Any

from align.stage import Forecast
from align.training.counting import Amount
from align.training.launch import Launch
from align.training.memory import CPU_FLOPS, GIGA, GPU_FLOPS, disk_bytes, gpu_memory, gpus_that_fit, training_flops
from align.training.shapes import Shape, shape_of
from align.training.training import Training

TRAINS_ON_CPU = 100e6
"""Parameters up to which a recipe without `launch` is supposed to mean this machine's processor."""
BAND = 1.15
"""Memory is said with a band of 15 %."""


def forecast_training(
    stage: Training, config: dict[str, Any], amount: Amount, max_tokens: int, rows: int | None = None
) -> Forecast:
    """Forecast a stage that trains a model of shape `config`.

    A row, of which `batch_size` make a step, is an example, if `rows` does not say how many there are.
    """
    rows = amount.examples if rows is None else rows
    if rows is None:
        return Forecast(
            model=config, notes=("steps, memory and time: unknown until the examples are, or `expect:` says how many",)
        )
    split = stage.split(rows, stage.launch.processes if stage.launch is not None else 1)
    figures = {"steps": float(split.steps)}
    notes = [amount.note] if amount.note else []
    tokens = None if amount.tokens is None else amount.tokens * stage.epochs
    if tokens is not None:
        figures["tokens"] = float(tokens)
    shape = shape_of(config)
    if shape is None:
        notes.append("memory, time and disk: unknown until the model's shape is (`shape:` of its base_model names a known one)")
    else:
        figures["disk_gigabytes"] = disk_bytes(shape, stage.epochs) / GIGA
        on_cpu = stage.launch is None and shape.parameters <= TRAINS_ON_CPU
        hardware = None if on_cpu else stage.launch or Launch()
        texts = max(1, stage.micro_batch_tokens // max_tokens)
        figures |= _figures(stage, shape, hardware, texts, max_tokens, tokens)
        notes += _notes(shape, hardware, figures)
    return Forecast(amount.examples, amount.tokens, amount.basis, config, figures, tuple(notes))


def _figures(
    stage: Training, shape: Shape, gpus: Launch | None, micro: int, max_tokens: int, tokens: int | None
) -> dict[str, float]:
    """Memory of a GPU where there are GPUs, and hours where tokens are known."""
    figures: dict[str, float] = {}
    pairs = stage.kind == "dpo"
    if gpus is not None:
        texts = max(2, micro) if pairs else micro
        figures["gpu_gigabytes"] = gpu_memory(shape, gpus, texts, max_tokens, pairs, stage.kind != "pretrain").gigabytes
    if tokens is not None:
        speed = CPU_FLOPS if gpus is None else GPU_FLOPS * gpus.processes
        figures["hours"] = training_flops(shape, tokens, pairs, gpus is not None) / speed / 3600
    return figures


def _notes(shape: Shape, gpus: Launch | None, figures: dict[str, float]) -> Iterator[str]:
    size = f"{shape.parameters / 1e9:,.1f}B" if shape.parameters >= 1e9 else f"{shape.parameters / 1e6:,.1f}M"
    band = "computed from sizes and not measured: ±15 % for memory and disk, more for time"
    if gpus is None:
        yield f"{size} parameters on the processor, at {CPU_FLOPS / 1e9:,.0f} GFLOP/s; {band}"
        return
    each = figures["gpu_gigabytes"]
    where = f"each of {gpus.processes} GPUs ({gpus.distribution})" if gpus.processes > 1 else "one GPU"
    yield f"{size} parameters: {each:,.0f} GB on {where}, which fits {gpus_that_fit(each * BAND)}"
    yield f"at {GPU_FLOPS / 1e12:,.0f} TFLOP/s a GPU; {band}"
    if each * BAND > gpus.gpu_gigabytes:
        yield (
            f"may not fit: launch.gpu_gigabytes is {gpus.gpu_gigabytes:,.0f}, and 15 % above what is computed is "
            f"{each * BAND:,.0f}; take more GPUs with distribution: fsdp2, or smaller micro_batch_tokens"
        )

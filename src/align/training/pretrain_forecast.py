"""What `align plan` says of a pretraining: tokens, steps and passes over each source; memory, time and disk by forecast.py."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from align.artifact import Artifact
from align.errors import TrainingRefused
from align.stage import Forecast
from align.training.counting import Amount, amount_of
from align.training.forecast import forecast_training
from align.training.memory import GIGA
from align.training.mixture import MANY_EPOCHS

if TYPE_CHECKING:
    from align.training.pretrain import Pretraining


def forecast_pretraining(stage: "Pretraining", data: list[Forecast], named: dict[str, Forecast]) -> Forecast:
    """Forecast a run; where `tokens` says how long it is, steps and hours are known before the documents are."""
    config, tokenizer = _model(stage, named)
    amounts = _amounts(stage, data, named, tokenizer)
    total = _total(stage, amounts)
    if total is None:
        missing = ", ".join(name for name, amount in amounts.items() if amount.tokens is None)
        note = f"steps, memory and time: unknown until the tokens of {missing} are; `expect:` of the stage can say how many"
        return Forecast(basis="unknown", model=config, notes=(note,))
    known = [amount for amount in amounts.values() if amount.examples is not None]
    examples = sum(amount.examples or 0 for amount in known) if len(known) == len(amounts) else None
    exact = all(amount.basis == "exact" for amount in amounts.values())
    # forecast_training multiplies by `epochs`.
    whole = Amount(examples, total // stage.epochs, "exact" if exact else "expected", "; ".join(_counted(amounts)))
    forecast = forecast_training(stage, config, whole, stage.max_tokens, rows=total // stage.epochs // stage.max_tokens)
    there = sum(amount.tokens or 0 for amount in amounts.values())
    figures = dict(forecast.figures)
    if "disk_gigabytes" in figures:
        files = there * (2 if config.get("vocab_size", 0) <= 2**16 else 4) / GIGA
        figures["disk_gigabytes"] += files
        forecast = replace(
            forecast,
            takes=replace(forecast.takes, disk=forecast.takes.disk | {"token files": files}),
            notes=(*forecast.notes, f"disk: {files:,.2g} GB more of files of tokens"),
        )
    tokens = there if all(amount.tokens is not None for amount in amounts.values()) else None
    return replace(forecast, tokens=tokens, figures=figures, notes=(*forecast.notes, *_passes(stage, amounts, total)))


def _model(stage: "Pretraining", named: dict[str, Forecast]) -> tuple[dict[str, Any], Artifact | None]:
    """The config of the model that comes out, as far as it is known, and the artifact that has its tokenizer."""
    if stage.model is not None:
        tokenizer = named["tokenizer"]
        tokens = tokenizer.model.get("vocab_size")
        return stage.model.config(None if tokens is None else int(tokens), stage.max_tokens), tokenizer.artifact
    start = named["start"]
    config = dict(start.model)
    if config and stage.context is not None:
        config = stage.context.extended(config)
    reads = config.get("max_position_embeddings")
    if reads is not None and stage.max_tokens > int(reads):
        raise TrainingRefused(f"max_tokens: {stage.max_tokens}: the model of `start` reads {reads} tokens; `context` extends it.")
    return config, start.artifact


def _amounts(
    stage: "Pretraining", data: list[Forecast], named: dict[str, Forecast], tokenizer: Artifact | None
) -> dict[str, Amount]:
    """What each source has, once."""
    if stage.sources is None:
        return {"inputs": amount_of(data, tokenizer, None)}
    return {name: amount_of([named[f"sources.{name}.stage"]], tokenizer, None) for name in stage.sources}


def _total(stage: "Pretraining", amounts: dict[str, Amount]) -> int | None:
    """Tokens of the run, over all epochs."""
    if stage.blocks is not None:
        return stage.blocks * stage.max_tokens
    if any(amount.tokens is None for amount in amounts.values()):
        return None
    if stage.sources is None:
        return sum(amount.tokens or 0 for amount in amounts.values()) * stage.epochs
    return round(sum((amounts[name].tokens or 0) * (source.epochs or 0) for name, source in stage.sources.items()))


def _counted(amounts: dict[str, Amount]) -> Iterator[str]:
    """How tokens were counted, each way said once; what is unknown yet does not matter where `tokens` is written."""
    yield from dict.fromkeys(amount.note for amount in amounts.values() if amount.note and amount.tokens is not None)


def _passes(stage: "Pretraining", amounts: dict[str, Amount], total: int) -> Iterator[str]:
    """How much of each source the run reads, and how often."""
    yield f"a step reads {stage.batch_size:,} x {stage.max_tokens:,} = {in_words(stage.batch_size * stage.max_tokens)} tokens"
    if stage.sources is None and stage.tokens is None:
        return
    for name, amount in amounts.items():
        read = _read(stage, name, amount, total)
        if amount.tokens is None:
            yield f"{name}: {in_words(read)} tokens read; how many passes that is, `expect` of its stage would tell"
            continue
        passes = read / max(amount.tokens, 1)
        many = f"; up to {MANY_EPOCHS} teach almost as much as new text (arXiv 2305.16264)" if passes > MANY_EPOCHS else ""
        yield f"{name}: {in_words(read)} tokens read of {in_words(amount.tokens)}, {passes:.1f} passes{many}"
        limit = None if stage.sources is None else stage.sources[name].max_epochs
        if limit is not None and passes > limit * 1.001:
            yield f"{name}: would be refused: {passes:.1f} passes, max_epochs: {limit:g}"


def _read(stage: "Pretraining", name: str, amount: Amount, total: int) -> float:
    """Tokens of the run that come from one source."""
    if stage.sources is None:
        return total
    source = stage.sources[name]
    return total * source.share if source.share is not None else (amount.tokens or 0) * (source.epochs or 0)


def in_words(number: float) -> str:
    """`150.0B`, `4.2M`, `8,192`."""
    for size, unit in ((1e12, "T"), (1e9, "B"), (1e6, "M")):
        if number >= size:
            return f"{number / size:,.1f}{unit}"
    return f"{number:,.0f}"

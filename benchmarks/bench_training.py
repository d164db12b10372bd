"""Supervised fine-tuning: trained tokens per second of CPU, align beside TRL and beside a bare PyTorch loop.

    python benchmarks/bench_training.py                        256 rows, three interleaved repeats
    python benchmarks/bench_training.py --rows 96 --repeats 1
    python benchmarks/bench_training.py --llama-factory /path/to/its/venv/bin/python

Rows are seeded and random; their lengths follow those of LIMA's 1,000 examples (log-normal, at most 2,048 tokens, about a
tenth prompt). Everyone trains the same small Llama for one epoch in float32, without recomputing activations, with AdamW, on
optimizer batches of 32 examples; loss on all tokens. The gate: the first batch's loss is the same for all who see the same 32
examples first, and the mean loss of the epoch agrees for all. Counted is the training alone, not imports, loading or set-up.
"""

import argparse
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BATCH, MICRO, LONGEST, VOCABULARY = 32, 8, 2048, 4096
SHAPE = {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 704}
RATE = 1e-4
MODES = (
    "align",
    "align packed",
    "bare loop",
    "TRL 8x4",
    "TRL 8x4 batch_rebalance",
    "TRL 8x4 padding_free",
    "TRL 8x4 bf16, checkpointing",
)
LLAMA_FACTORY = {
    "LLaMA-Factory 8x4": {},
    "LLaMA-Factory neat_packing": {
        "packing": True,
        "neat_packing": True,
        "per_device_train_batch_size": 2,
        "gradient_accumulation_steps": 5,
    },
}
"""Ten packed rows of 2,048 tokens hold about as many examples as a batch of 32."""
GATED = ("align", "align packed", "bare loop", "TRL 8x4", "TRL 8x4 padding_free")
"""Modes that see the rows in the order they stand in."""


def make_rows(count: int) -> list[list[int]]:
    """Ids; natural logarithms of lengths have LIMA's mean 6.14 and deviation 0.95."""
    draw = random.Random(1)
    lengths = [min(LONGEST, max(16, round(math.exp(draw.gauss(6.14, 0.95))))) for _ in range(count)]
    return [[draw.randrange(VOCABULARY) for _ in range(length)] for length in lengths]


def make_model() -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    return LlamaForCausalLM(LlamaConfig(vocab_size=VOCABULARY, max_position_embeddings=LONGEST, **SHAPE))


def with_align(rows: list[list[int]], folder: Path, layout: str) -> Callable[[], list[float]]:
    from align.training.job import Job
    from align.training.rows import Row, Rows
    from align.training.sft import FineTuning, dialogue_trainer

    stage = FineTuning(
        model="base", loss_on="all", epochs=1, batch_size=BATCH, learning_rate=RATE, final_learning_rate=None, layout=layout
    )
    items = Rows[Row]("sft", [Row(str(number), (), ids, ids) for number, ids in enumerate(rows)])
    job = Job(stage, folder, stage.split(len(rows)), items, "rows")
    trainer = dialogue_trainer(make_model(), a_tokenizer(), items, job)
    trainer.batches = [list(range(start, min(start + BATCH, len(rows)))) for start in range(0, len(rows), BATCH)]
    return lambda: trained(trainer)


def with_trl(rows: list[list[int]], folder: Path, **settings: Any) -> Callable[[], list[float]]:
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    usual = {"train_sampling_strategy": "sequential", "bf16": False, "gradient_checkpointing": False}
    arguments = SFTConfig(
        output_dir=str(folder), num_train_epochs=1, per_device_train_batch_size=MICRO, gradient_accumulation_steps=BATCH // MICRO,
        learning_rate=RATE, lr_scheduler_type="constant", adam_beta2=0.95, weight_decay=0.1, max_length=None, use_cpu=True,
        dataset_kwargs={"skip_prepare_dataset": True}, logging_steps=1, save_strategy="no", report_to="none", disable_tqdm=True,
        **(usual | settings),
    )  # fmt: skip
    data = Dataset.from_dict({"input_ids": rows, "labels": rows})
    trainer = SFTTrainer(model=make_model(), args=arguments, train_dataset=data, processing_class=a_tokenizer())
    return lambda: trained(trainer)


def with_bare_loop(rows: list[list[int]]) -> Callable[[], list[float]]:
    """The same micro-batches in the plainest loop: pad, forward with labels, backward, step."""
    import torch

    from align.training.batches import cuts_of
    from align.training.training import MICRO_BATCH_TOKENS

    model = make_model().train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.95), weight_decay=0.1, fused=True)

    def run() -> list[float]:
        losses = []
        for start in range(0, len(rows), BATCH):
            batch = range(start, min(start + BATCH, len(rows)))
            trained_tokens = sum(len(rows[index]) - 1 for index in batch)
            total = 0.0
            for cut in cuts_of(batch, lambda index: len(rows[index]), MICRO_BATCH_TOKENS):
                texts = [torch.tensor(rows[index]) for index in cut.examples]
                ids = torch.nn.utils.rnn.pad_sequence(texts, batch_first=True)
                labels = torch.nn.utils.rnn.pad_sequence(texts, batch_first=True, padding_value=-100)
                logits = model(input_ids=ids, use_cache=False).logits[:, :-1].flatten(0, 1)
                loss = torch.nn.functional.cross_entropy(logits, labels[:, 1:].flatten(), reduction="sum") / trained_tokens
                loss.backward()
                total += float(loss.detach())
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            losses.append(total)
        return losses

    return run


def trained(trainer: Any) -> list[float]:
    trainer.train()
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def a_tokenizer() -> Any:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = {f"<{number}>": number for number in range(VOCABULARY)}
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel(words, "<0>")), eos_token="<1>", pad_token="<2>")


def measure(mode: str, count: int) -> None:
    import torch
    from transformers import PrinterCallback

    PrinterCallback.on_log = lambda *_, **__: None  # it prints on stdout
    torch.set_num_threads(1)
    rows = make_rows(count)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepared = {
            "align": lambda: with_align(rows, folder, "padded"),
            "align packed": lambda: with_align(rows, folder, "packed"),
            "bare loop": lambda: with_bare_loop(rows),
            "TRL 8x4": lambda: with_trl(rows, folder),
            "TRL 8x4 batch_rebalance": lambda: with_trl(rows, folder, train_sampling_strategy="batch_rebalance"),
            "TRL 8x4 padding_free": lambda: with_trl(rows, folder, padding_free=True),
            "TRL 8x4 bf16, checkpointing": lambda: with_trl(rows, folder, bf16=True, gradient_checkpointing=True),
        }[mode]()
        began = time.process_time()
        losses = prepared()
        seconds = time.process_time() - began
    print(json.dumps({"seconds": seconds, "tokens": sum(map(len, rows)), "first": losses[0], "mean": sum(losses) / len(losses)}))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rows", type=int, default=256)
    arguments.add_argument("--repeats", type=int, default=3)
    arguments.add_argument("--modes", nargs="+", choices=MODES, default=MODES)
    arguments.add_argument("--llama-factory", metavar="PYTHON", help="Python of an environment that has LLaMA-Factory")
    arguments.add_argument("--measure", choices=MODES, help=argparse.SUPPRESS)
    asked = arguments.parse_args()
    if asked.measure:
        measure(asked.measure, asked.rows)
        return
    commands = {
        mode: [sys.executable, "-W", "ignore", __file__, "--measure", mode, "--rows", str(asked.rows)] for mode in asked.modes
    }
    if asked.llama_factory:
        peer = [asked.llama_factory, "-W", "ignore", str(Path(__file__).with_name("peer_llama_factory.py"))]
        commands |= {mode: [*peer, json.dumps(settings), str(asked.rows)] for mode, settings in LLAMA_FACTORY.items()}
    found: dict[str, list[dict[str, float]]] = {mode: [] for mode in commands}
    for _ in range(asked.repeats):
        for mode, command in commands.items():
            done = subprocess.run(
                command, stdout=subprocess.PIPE, text=True, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
            )
            found[mode].append(json.loads(done.stdout.splitlines()[-1]))
            print(f"  {mode}: {found[mode][-1]}", file=sys.stderr, flush=True)
    report(found)


def report(found: dict[str, list[dict[str, float]]]) -> None:
    gate(found)
    rates = {mode: [run["tokens"] / run["seconds"] for run in runs] for mode, runs in found.items()}
    medians = {mode: statistics.median(values) for mode, values in rates.items()}
    for mode, median in medians.items():
        against = "  ".join(f"{median / medians[peer]:.2f} x {peer}" for peer in ("TRL 8x4", "bare loop") if peer in medians)
        print(f"{mode:28} {median:7,.0f} tokens per CPU second ({min(rates[mode]):,.0f} to {max(rates[mode]):,.0f})  {against}")


def gate(found: dict[str, list[dict[str, float]]]) -> None:
    """Refuse figures of trainings that did not do the same."""
    first = [run["first"] for mode in GATED for run in found.get(mode, [])]
    if first and max(first) - min(first) > 1e-4:
        raise SystemExit(f"the first loss differs: {first}")
    means = [run["mean"] for runs in found.values() for run in runs]
    if max(means) / min(means) > 1.02:
        raise SystemExit(f"the mean loss differs: {means}")


if __name__ == "__main__":
    main()

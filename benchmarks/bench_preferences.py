"""DPO: CPU seconds for the same pairs, align beside TRL's DPOTrainer.

    python benchmarks/bench_preferences.py                     64 pairs, three interleaved repeats
    python benchmarks/bench_preferences.py --pairs 32 --repeats 1

Pairs are seeded and random; the lengths of their texts follow those of LIMA's examples divided by eight (log-normal, at most 256
tokens, about a tenth prompt). Everyone trains the same small Llama for one epoch in float32, without recomputing activations,
with AdamW, on the same optimizer batches of 16 pairs in the same random order. The gate: the loss of every step agrees to 1e-4.
Counted is the processor's time of everything from the trainer's construction on, the reference included; not imports and models.
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

BATCH, MICRO, LONGEST, VOCABULARY = 16, 8, 256, 4096
SHAPE = {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 704}
RATE, BETA = 3e-4, 0.1
MODES = ("align", "TRL 8x2", "TRL 8x2 precomputed", "align, second model")
PEER = "TRL 8x2"


def make_pairs(count: int) -> list[dict[str, list[int]]]:
    """Prompt, chosen and rejected ids; logarithms of lengths have LIMA's mean less ln 8, and its deviation 0.95."""
    draw = random.Random(1)

    def ids(length: int) -> list[int]:
        return [draw.randrange(3, VOCABULARY) for _ in range(length)]

    def length() -> int:
        return min(LONGEST, max(16, round(math.exp(draw.gauss(6.14 - math.log(8), 0.95)))))

    pairs = []
    for _ in range(count):
        chosen, rejected = length(), length()
        prompt = min(chosen, rejected) // 10 + 2
        pairs.append({"prompt_ids": ids(prompt), "chosen_ids": ids(chosen - prompt), "rejected_ids": ids(rejected - prompt)})
    return pairs


def make_model() -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    return LlamaForCausalLM(LlamaConfig(vocab_size=VOCABULARY, max_position_embeddings=LONGEST, **SHAPE))


def with_align(pairs: list[dict[str, list[int]]], folder: Path, how: str) -> Callable[[], list[float]]:
    from align.models import ModelPlace
    from align.training.dpo import PreferenceTraining
    from align.training.job import Job
    from align.training.pair_rows import PairRow
    from align.training.reference import Before
    from align.training.rows import Rows

    stage = PreferenceTraining(model="sft", beta=BETA, batch_size=BATCH, learning_rate=RATE, reference=how)
    rows = Rows[PairRow]("dpo", [PairRow(str(number), **pair) for number, pair in enumerate(pairs)])
    job = Job(stage, folder, stage.split(len(rows)), rows, "rows")
    model, tokenizer = make_model(), a_tokenizer()
    model.save_pretrained(folder / "start")

    def run() -> list[float]:
        trainer = stage.trainer(model, tokenizer, job)
        trainer.batches = [list(range(start, min(start + BATCH, len(rows)))) for start in range(0, len(rows), BATCH)]
        before = Before(trainer, how, "start", ModelPlace(str(folder / "start")))
        trainer.reference = before.reference(rows, "rows", "rows")
        return trained(trainer)

    return run


def with_trl(pairs: list[dict[str, list[int]]], folder: Path, precomputed: bool) -> Callable[[], list[float]]:
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    class AsTheyAre(DPOTrainer):  # it would tokenize texts by itself
        def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
            return dataset

    arguments = DPOConfig(
        output_dir=str(folder), num_train_epochs=1, per_device_train_batch_size=MICRO, gradient_accumulation_steps=BATCH // MICRO,
        learning_rate=RATE, lr_scheduler_type="constant", beta=BETA, max_length=None, use_cpu=True, bf16=False,
        activation_checkpointing=False, train_sampling_strategy="sequential", logging_steps=1, save_strategy="no",
        report_to="none", disable_tqdm=True, precompute_ref_log_probs=precomputed,
    )  # fmt: skip
    columns = {name: [pair[name] for pair in pairs] for name in pairs[0]}
    model, reference, tokenizer = make_model(), None if precomputed else make_model(), a_tokenizer()

    def run() -> list[float]:
        data = Dataset.from_dict(columns)
        return trained(AsTheyAre(model, reference, args=arguments, train_dataset=data, processing_class=tokenizer))

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
    pairs = make_pairs(count)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["HF_DATASETS_CACHE"] = name  # or TRL would find what it computed the last time
        run = {
            "align": lambda: with_align(pairs, folder, "precomputed"),
            "align, second model": lambda: with_align(pairs, folder, "model"),
            "TRL 8x2": lambda: with_trl(pairs, folder, precomputed=False),
            "TRL 8x2 precomputed": lambda: with_trl(pairs, folder, precomputed=True),
        }[mode]()
        began = time.process_time()
        losses = run()
        seconds = time.process_time() - began
    print(json.dumps({"seconds": seconds, "losses": losses}))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--pairs", type=int, default=64)
    arguments.add_argument("--repeats", type=int, default=3)
    arguments.add_argument("--modes", nargs="+", choices=MODES, default=MODES[:3])
    arguments.add_argument("--measure", choices=MODES, help=argparse.SUPPRESS)
    asked = arguments.parse_args()
    if asked.measure:
        measure(asked.measure, asked.pairs)
        return
    found: dict[str, list[dict[str, Any]]] = {mode: [] for mode in asked.modes}
    print(f"load {os.getloadavg()[0]:.1f}; {asked.pairs} pairs in batches of {BATCH}")
    for _ in range(asked.repeats):
        for mode in found:
            command = [sys.executable, "-W", "ignore", __file__, "--measure", mode, "--pairs", str(asked.pairs)]
            done = subprocess.run(
                command, stdout=subprocess.PIPE, text=True, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
            )
            found[mode].append(json.loads(done.stdout.splitlines()[-1]))
            print(f"  {mode}: {found[mode][-1]}", file=sys.stderr, flush=True)
    gate(found)
    medians = {mode: statistics.median(run["seconds"] for run in runs) for mode, runs in found.items()}
    for mode, runs in found.items():
        seconds = sorted(run["seconds"] for run in runs)
        speed = f"{medians[PEER] / medians[mode]:.2f} x {PEER}" if PEER in medians else ""
        print(f"{mode:22} {medians[mode]:6.2f} CPU seconds ({seconds[0]:.2f} to {seconds[-1]:.2f})  {speed}")


def gate(found: dict[str, list[dict[str, Any]]]) -> None:
    """Refuse figures of trainings that did not do the same."""
    every = [run["losses"] for runs in found.values() for run in runs]
    apart = max(max(step) - min(step) for step in zip(*every, strict=True))
    if apart > 1e-4:
        raise SystemExit(f"losses are up to {apart:.1e} apart: {every}")
    print(f"losses of {len(every[0])} steps agree to {apart:.0e}")


if __name__ == "__main__":
    main()

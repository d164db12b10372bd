"""LLaMA-Factory on the rows of bench_training.py. Run by bench_training.py with the Python of an environment that has it.

Its rows are texts, so each id is a word of a tokenizer that knows nothing else; its template `empty` adds nothing to them.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench_training import BATCH, LONGEST, MICRO, RATE, a_tokenizer, make_model, make_rows


def main() -> None:
    settings, count = json.loads(sys.argv[1]), int(sys.argv[2])
    rows = make_rows(count)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_model().save_pretrained(folder / "model")
        words_apart(a_tokenizer()).save_pretrained(folder / "model")
        write_data(folder, rows)
        seconds, losses = train(folder, settings)
    print(json.dumps({"seconds": seconds, "tokens": sum(map(len, rows)), "first": losses[0], "mean": sum(losses) / len(losses)}))


def words_apart(tokenizer: Any) -> Any:
    from tokenizers import pre_tokenizers

    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer


def write_data(folder: Path, rows: list[list[int]]) -> None:
    texts = [[f"<{token}>" for token in row] for row in rows]
    listed = [{"instruction": words[0], "input": "", "output": " " + " ".join(words[1:])} for words in texts]
    (folder / "rows.json").write_text(json.dumps(listed), encoding="utf-8")
    (folder / "dataset_info.json").write_text(json.dumps({"rows": {"file_name": "rows.json"}}), encoding="utf-8")


def train(folder: Path, settings: dict[str, Any]) -> tuple[float, list[float]]:
    from llamafactory.train.tuner import run_exp
    from transformers import Trainer

    took: list[float] = []
    losses: list[float] = []
    plain = Trainer.train

    def timed(trainer: Any, *rest: Any, **more: Any) -> Any:
        began = time.process_time()
        done = plain(trainer, *rest, **more)
        took.append(time.process_time() - began)
        losses.extend(entry["loss"] for entry in trainer.state.log_history if "loss" in entry)
        return done

    Trainer.train = timed
    usual = {
        "model_name_or_path": str(folder / "model"), "dataset_dir": str(folder), "dataset": "rows",
        "template": "empty", "stage": "sft",
        "do_train": True, "finetuning_type": "full", "train_on_prompt": True, "cutoff_len": LONGEST, "num_train_epochs": 1,
        "per_device_train_batch_size": MICRO, "gradient_accumulation_steps": BATCH // MICRO, "learning_rate": RATE,
        "lr_scheduler_type": "constant", "adam_beta2": 0.95, "weight_decay": 0.1, "logging_steps": 1, "save_strategy": "no",
        "report_to": "none", "disable_gradient_checkpointing": True, "flash_attn": "sdpa", "output_dir": str(folder / "out"),
        "overwrite_cache": True, "use_cpu": True,
    }  # fmt: skip
    run_exp(usual | settings)
    return took[0], losses


if __name__ == "__main__":
    main()

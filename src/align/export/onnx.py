"""A model as onnxruntime-genai runs it, its matrices in 4 bits."""

import json
import os
import subprocess
import sys
from pathlib import Path

from align.errors import ExportRefused
from align.models import ModelPlace, tokenizer_at
from align.tokens import EOT, eot_id

BUILDER = "onnxruntime_genai.models.builder"
LINES_TOLD = 5


def write_onnx(folder: Path, target: Path, cache: Path) -> None:
    """Build the ONNX model of a folder of transformers, in a process of its own: what fails there may end the process."""
    command = [sys.executable, "-m", BUILDER, "-i", str(folder), "-o", str(target), "-p", "int4", "-e", "cpu", "-c", str(cache)]
    done = run_apart(command)
    config = target / "genai_config.json"
    if done.returncode or not config.is_file():
        raise ExportRefused(f"onnx-int4: {BUILDER} gave no model: {what_it_said(done)}")
    said = json.loads(config.read_text(encoding="utf-8"))["model"]["eos_token_id"]
    end = eot_id(tokenizer_at(ModelPlace(str(folder))))
    if end not in (said if isinstance(said, list) else [said]):
        raise ExportRefused(f"{config}: answers end at {said} and not at {EOT} ({end})")


def run_apart(command: list[str]) -> "subprocess.CompletedProcess[str]":
    """Run a program without a network, its output kept."""
    surroundings = os.environ | {"HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, env=surroundings)


def what_it_said(done: "subprocess.CompletedProcess[str]") -> str:
    """How a process ended, and its last words."""
    ended = f"killed by signal {-done.returncode}" if done.returncode < 0 else f"exit {done.returncode}"
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    return f"{ended}: {' | '.join(lines[-LINES_TOLD:]) or 'it said nothing'}"

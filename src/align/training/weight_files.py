"""The files that a model's weights lie in, read and written a matrix at a time (safetensors)."""

import json
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from align.errors import InputError
from align.files import write_json
from align.models import ModelPlace

WHOLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
LARGEST_FILE = 50 * 10**9
"""Bytes of a file, as transformers 5 cuts them."""
STORED = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.bfloat16: "BF16",
    torch.float16: "F16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
"""What safetensors calls the types of numbers."""


@dataclass(frozen=True, slots=True)
class WeightFiles:
    """Where each matrix of a model lies."""

    files: dict[str, Path]

    def read(self, name: str) -> torch.Tensor:
        """A matrix, in memory of its own: the file is not kept open, or what was read of it would stay in memory."""
        from safetensors import safe_open

        with safe_open(self.files[name], framework="pt") as opened:
            return opened.get_tensor(name).clone()

    def hold(self, model: Any) -> bool:
        """Whether every parameter of a model is here under its own name and in its shape, and the model has nothing else."""
        from safetensors import safe_open

        wanted = {name: list(weights.shape) for name, weights in model.named_parameters()}
        stored: dict[str, list[int]] = {}
        for path in set(self.files.values()):
            with safe_open(path, framework="pt") as opened:
                stored |= {name: opened.get_slice(name).get_shape() for name in opened.keys()}  # noqa: SIM118 # no mapping
        same = all(stored.get(name) == shape for name, shape in wanted.items())
        return same and model.state_dict().keys() <= {name for name, _ in model.named_parameters(remove_duplicate=False)}


def weight_files(place: ModelPlace) -> WeightFiles | None:
    """The files of a whole model, in its folder or where the hub's were put; None where they are not found."""
    whole = _file(place, WHOLE)
    if whole is not None:  # first, as transformers looks: where both lie there, one process and several read the same
        return WeightFiles(dict.fromkeys(_names(whole), whole))
    index = _file(place, INDEX)
    if index is None:
        return None
    try:
        listed: dict[str, str] = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
    except (ValueError, KeyError) as error:
        raise InputError(f"{index}: not an index of safetensors ({error!r}); is the download complete?") from error
    found = {name: _file(place, name) for name in set(listed.values())}
    return None if None in found.values() else WeightFiles({name: Path(str(found[file])) for name, file in listed.items()})


def write_divided(model: Any, folder: Path, is_writer: bool) -> None:
    """Write a divided model's weights, gathered matrix by matrix: no process ever has more than one of them whole.

    Every process calls it, and one writes.
    """
    state, seen = dict[str, Any](), set[int]()
    for name, values in model.state_dict(keep_vars=True).items():
        if id(values) not in seen:  # tied matrices are stored once
            state[name] = values
        seen.add(id(values))
    cut = _cut(state)
    for number, names in enumerate(cut, start=1):
        file = folder / (WHOLE if len(cut) == 1 else f"model-{number:05d}-of-{len(cut):05d}.safetensors")
        _write_file(file if is_writer else None, {name: state[name] for name in names})
    if is_writer and len(cut) > 1:
        places = {
            name: f"model-{number:05d}-of-{len(cut):05d}.safetensors" for number, names in enumerate(cut, 1) for name in names
        }
        write_json(folder / INDEX, {"metadata": {"total_size": sum(map(_bytes, state.values()))}, "weight_map": places})


def _cut(state: dict[str, Any]) -> list[list[str]]:
    """Names that go into a file together."""
    cut: list[list[str]] = [[]]
    size = 0
    for name, values in state.items():
        if cut[-1] and size + _bytes(values) > LARGEST_FILE:
            cut.append([])
            size = 0
        cut[-1].append(name)
        size += _bytes(values)
    return cut


def _write_file(path: Path | None, state: dict[str, Any]) -> None:
    """A safetensors file: the length of a header, the header in JSON, and the numbers; larger types first, then by name."""
    names = sorted(state, key=lambda name: (-state[name].element_size(), name))
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name in names:
        begin, end = end, end + _bytes(state[name])
        header[name] = {"dtype": STORED[state[name].dtype], "shape": list(state[name].shape), "data_offsets": [begin, end]}
    told = json.dumps(header, separators=(",", ":")).encode()
    told += b" " * (-len(told) % 8)
    with nullcontext() if path is None else path.open("wb") as file:
        if file is not None:
            file.write(len(told).to_bytes(8, "little") + told)
        for name in names:
            values = state[name].detach()
            whole = values.full_tensor() if hasattr(values, "full_tensor") else values  # all processes hand in their shares
            if file is not None:
                whole.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tofile(file)


def _bytes(values: Any) -> int:
    return int(values.numel() * values.element_size())


def _names(path: Path) -> Iterable[str]:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as opened:
        return list(opened.keys())


def _file(place: ModelPlace, name: str) -> Path | None:
    if place.revision is None:
        path = Path(place.path, name)
        return path if path.is_file() else None
    from huggingface_hub import try_to_load_from_cache  # the model's shape was read, so its files were fetched

    found = try_to_load_from_cache(place.path, name, revision=place.revision)
    return Path(found) if isinstance(found, str) else None

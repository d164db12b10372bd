"""A model that is about to be divided over processes: each gets room without values, and no process ever holds it whole.

Memory that nothing was written to takes none. accelerate divides the room, then has the first process send the values matrix by
matrix, of which every process keeps its share. Here the first process reads each matrix from the disk when its turn has come;
transformers would read the whole model before: of 65B in float32 that is 261 GB. A process then holds its share, one matrix, and
in the first one the input and the output matrix, to which EOT's row is added before.
"""

import gc
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from align.errors import TrainingRefused
from align.merging import widen
from align.models import ModelPlace, model_at
from align.processes import process_rank
from align.training.shapes import READ_BY_NAME
from align.training.weight_files import WeightFiles, weight_files

log = logging.getLogger(__name__)

ONE_COPY = "FSDP_CPU_RAM_EFFICIENT_LOADING"
"""What accelerate and transformers read: set where only the first process has the values."""
KEPT = "values_on_disk"


class OnDisk:
    """What the room of a model stands for."""

    def __init__(self, files: WeightFiles) -> None:
        self.files, self.is_sent = files, False
        self._room: dict[int, tuple[torch.Tensor, str]] = {}

    def stands_for(self, room: torch.Tensor, name: str) -> None:
        """Note that `room` is the place of a stored matrix; kept, or its address could become another's."""
        self._room[room.data_ptr()] = (room, name)

    def values(self, found: torch.Tensor) -> torch.Tensor:
        """Those that belong where `found` is."""
        _, name = self._room.get(found.data_ptr(), (None, None))
        return found if name is None else self.files.read(name).to(found.dtype)

    def forget(self) -> None:
        """The room is not needed any more."""
        self._room.clear()
        self.is_sent = True

    def missing(self, state: Mapping[str, torch.Tensor]) -> list[str]:
        """Names of stored matrices whose room is not in the model any more."""
        held = {values.data_ptr() for values in state.values()}
        return [name for address, (_, name) in self._room.items() if address not in held]


class ReadWhenAsked(Mapping[str, torch.Tensor]):
    """A model's state: of what is room the values on the disk."""

    def __init__(self, state: Mapping[str, torch.Tensor], disk: OnDisk) -> None:
        self.state, self.disk = state, disk

    def __getitem__(self, name: str) -> torch.Tensor:
        return self.disk.values(self.state[name])

    def __contains__(self, name: object) -> bool:
        return name in self.state  # without reading it

    def __iter__(self) -> Iterator[str]:
        return iter(self.state)

    def __len__(self) -> int:
        return len(self.state)


def only_first_has_values() -> bool:
    """Whether models are about to be divided; accelerate writes `True` where `true` stood."""
    return os.environ.get(ONE_COPY, "").lower() == "true"


def model_to_divide(place: ModelPlace, dtype: str = "float32", **options: Any) -> Any:
    """The model at a place; where it is about to be divided, only room for it, with the right frequencies of positions."""
    if not only_first_has_values():
        return model_at(place, dtype, **options)
    model = _without_values(place, dtype, **options)
    if process_rank() > 0:
        return room_for(model)
    family, files = str(model.config.model_type), None
    if family in READ_BY_NAME and place.base is None and _sends_from_disk():
        files = weight_files(place)
    if files is None or not files.hold(model):
        log.info(
            "the first process reads the whole model: it is an adapter with its base, or how %s is stored is not known", family
        )
        return model_at(place, dtype, **options)
    return _fill_later(room_for(model), files)


def new_to_divide(make: Callable[[], Any]) -> Any:
    """A model of fresh weights; where it is about to be divided the first process draws them, and the others have room.

    They are drawn one after the other from one seed, so that the model is the one that one process would make.
    """
    if not only_first_has_values() or process_rank() == 0:
        return make()
    with torch.device("meta"):
        model = make()
    return room_for(model)


def room_for(model: Any) -> Any:
    """Give a model that is on no device room in memory, without values."""
    room: dict[int, Any] = {}  # tied matrices stay one
    for module in model.modules():
        for name, weights in module._parameters.items():
            if weights is not None:
                empty = torch.nn.Parameter(torch.empty_like(weights, device="cpu"), requires_grad=weights.requires_grad)
                module._parameters[name] = room.setdefault(id(weights), empty)
        buffers = {name: values for name, values in module._buffers.items() if values is not None}
        for name, values in buffers.items():
            module._buffers[name] = torch.empty_like(values, device="cpu")
        if buffers:
            model._init_weights(module)  # frequencies of positions: not stored with a model, and not sent around
    return model


def share_buffers(model: Any) -> None:
    """Give every process the first one's buffers: an adapter keeps the rows that it stands beside in some, and few have them."""
    if not only_first_has_values() or not torch.distributed.is_initialized():
        return
    from accelerate import PartialState

    for values in model.buffers():
        sent = values.to(PartialState().device)
        torch.distributed.broadcast(sent, src=0)
        values.copy_(sent)


def check_filled(model: Any) -> None:
    """Refuse a model whose room was never filled, which another accelerate may do."""
    disk = on_disk(model)
    if disk is not None and not disk.is_sent:
        raise TrainingRefused(
            "launch: the model was divided without its weights, since accelerate did not send them as it did when align was "
            "written. Install the versions in constraints.txt, or write distribution: ddp."
        )


def on_disk(model: Any) -> OnDisk | None:
    """What a model's room stands for, however it is wrapped; None where it has values of its own."""
    return next((getattr(module, KEPT) for module in model.modules() if hasattr(module, KEPT)), None)


def _without_values(place: ModelPlace, dtype: str, **options: Any) -> Any:
    """The model at a place on no device: its shapes and its config."""
    if place.base is None:
        return model_at(place, dtype, device_map={"": "meta"}, **options)
    model = _without_values(place.base, dtype, **options)
    widen(model, Path(place.path))
    return model.requires_grad_(True)


def _fill_later(model: Any, files: WeightFiles) -> Any:
    """Note what the room is for; the input and the output matrix are read now, since a row may be added to them."""
    disk = OnDisk(files)
    ends = [module for module in (model.get_input_embeddings(), model.get_output_embeddings()) if module is not None]
    now = {id(weights) for module in ends for weights in module.parameters()}
    for name, weights in model.named_parameters():
        if id(weights) in now:
            with torch.no_grad():
                weights.copy_(files.read(name))
        else:
            disk.stands_for(weights.data, name)
    setattr(model, KEPT, disk)
    return model


def _sends_from_disk() -> bool:
    """Have accelerate ask for each matrix when it sends it; whether its loader is the one that is known here."""
    from accelerate.utils import fsdp_utils

    original = getattr(fsdp_utils, "fsdp2_load_full_state_dict", None)
    if original is None:
        return False
    if hasattr(original, "reads_from_disk"):
        return True

    def send(accelerator: Any, model: Any, full_sd: Any, *rest: Any, **more: Any) -> Any:
        disk = on_disk(model)
        if disk is None:
            return original(accelerator, model, full_sd, *rest, **more)
        lost = disk.missing(full_sd)
        if lost:
            raise TrainingRefused(
                f"launch: {len(lost)} of the model's matrices have moved before their values were read, {lost[0]} for example. "
                f"This is a fault of align's; write distribution: ddp."
            )
        sent = original(accelerator, model, ReadWhenAsked(full_sd, disk), *rest, **more)
        disk.forget()
        gc.collect()
        return sent

    send.reads_from_disk = True  # type: ignore[attr-defined]
    fsdp_utils.fsdp2_load_full_state_dict = send
    return True

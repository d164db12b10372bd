"""Put an adapter on a model, keep what it is to be while a trainer handles it, and write it. On PEFT, imported inside functions.

Where PEFT 0.21 and TRL 1.16 do other than wanted:
- TRL casts every adapter beside a quantized base to bfloat16, whatever it was: `keep_dtype` again after the trainer is made.
- PEFT drops the bias of an output matrix of which rows are trained (phi has one): `_keep_output_bias`.
- PEFT writes a folder of this machine, and names in an order that changes from run to run, into adapter_config.json; and where
  rows were added it writes the whole embedding: `save_adapter` writes neither.
"""

import json
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from align.artifact import SCRATCH
from align.errors import TrainingRefused
from align.files import write_json
from align.merging import ADAPTER_CONFIG, ADAPTER_WEIGHTS, has_transposed, old_names_allowed
from align.models import ModelPlace, model_at
from align.parts import nearest
from align.processes import process_rank
from align.quantized import Settings, need_bitsandbytes, settings_of
from align.tokens import eot_id
from align.training.adapters import ALL_LINEAR, Adapter
from align.training.eot import add_eot
from align.training.linear_modules import matches

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

NAME = "default"
"""What PEFT calls a model's only adapter."""


def adapted_model(
    place: ModelPlace, adapter: Adapter, tokenizer: "PreTrainedTokenizerFast", work: Path, seed: int
) -> "PeftModel":
    """The model at a place, frozen, with a new adapter and with EOT in model and tokenizer, ready to train."""
    model = frozen_base(place, adapter, work)
    add_eot(model, tokenizer)
    return put_adapter(model, place, adapter, [eot_id(tokenizer) or 0], seed)


def frozen_base(place: ModelPlace, adapter: Adapter, work: Path) -> "PreTrainedModel":
    """The model at a place as it stands beside an adapter: in bfloat16 on GPUs, quantized if the adapter says so."""
    import torch

    from align.training.loading import model_to_divide

    on_gpu = torch.cuda.is_available()
    dtype = "bfloat16" if on_gpu else "float32"
    settings = adapter.quantized(dtype)
    return model_to_divide(place, dtype) if settings is None else _quantized_at(place, dtype, settings, work, on_gpu)


def put_adapter(model: "PreTrainedModel", place: ModelPlace, adapter: Adapter, tokens: Sequence[int], seed: int) -> "PeftModel":
    """Freeze the model of `place` and put an adapter on it that trains the rows of `tokens` too; the same on every process."""
    import torch
    from peft import LoraConfig, get_peft_model

    from align.training.loading import share_buffers

    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=adapter.rank,
        lora_alpha=adapter.alpha,
        lora_dropout=adapter.dropout,
        target_modules=_target_names(model, adapter),
        trainable_token_indices=_rows(model, tokens) if tokens else None,
        fan_in_fan_out=has_transposed(model),
    )
    with torch.random.fork_rng(devices=[]), old_names_allowed():  # A is drawn on the CPU
        torch.manual_seed(seed)
        adapted: PeftModel = get_peft_model(model, config)
    # One in the store is named beside the adapter (align.models): here would stand a folder of this machine.
    config.base_model_name_or_path, config.revision = (place.path, place.revision) if place.revision else (None, None)
    _keep_output_bias(adapted)
    keep_dtype(adapted, adapter)
    share_buffers(adapted)
    return adapted


def is_adapted(model: Any) -> bool:
    """Whether a model, unwrapped, has an adapter on it."""
    from peft import PeftModel

    return isinstance(model, PeftModel)


def keep_dtype(model: Any, adapter: Adapter) -> None:
    """Give what is trained the dtype that the recipe says; call it after a trainer was made, before there is an optimizer."""
    import torch

    for weights in model.parameters():
        if weights.requires_grad:
            weights.data = weights.data.to(getattr(torch, adapter.dtype))


def save_adapter(model: "PeftModel", folder: Path, is_main: bool = True, gathered: dict[str, Any] | None = None) -> None:
    """Write the adapter, its config and the whole model's config.

    Every process calls it and one writes, unless a state that was gathered from all is handed in.
    """
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    trained = {name: weights for name, weights in model.named_parameters() if weights.requires_grad}
    if gathered is None:
        gathered = {name: _whole(weights) for name, weights in trained.items()}
    if not is_main:  # it may have been handed nothing
        return
    folder.mkdir(parents=True, exist_ok=True)
    state = get_peft_model_state_dict(
        model, state_dict={name: _whole(gathered[name]) for name in trained}, adapter_name=NAME, save_embedding_layers=False
    )
    save_file(dict(sorted(state.items())), folder / ADAPTER_WEIGHTS, metadata={"format": "pt"})
    write_json(folder / ADAPTER_CONFIG, _plain(model.peft_config[NAME].to_dict() | {"inference_mode": True}))
    model.config.save_pretrained(str(folder))
    settings = settings_of(model.config)
    if settings is not None:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        write_json(folder / "config.json", config | {"quantization_config": settings})


def read_adapter(model: "PeftModel", folder: Path) -> None:
    """Give an adapter the values that `save_adapter` wrote, and leave its dtype; PEFT's own way makes float32 of bfloat16."""
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    found = set_peft_model_state_dict(model, load_file(folder / ADAPTER_WEIGHTS), adapter_name=NAME)
    if found.unexpected_keys:
        raise TrainingRefused(f"{folder}: its adapter is another one's: it has {', '.join(found.unexpected_keys[:3])}, ...")


def row_weights(module: Any, token: int) -> tuple[Any, int | None]:
    """The parameter that holds a token's row of an embedding or an output matrix, and the row's number in it.

    Beside an adapter that is a small matrix of the rows that are trained; None where the token's is not among them.
    """
    rows = getattr(module, "token_adapter", None)
    if rows is None:
        return module.weight, token
    indices = list(rows.token_indices[NAME])
    return rows.trainable_tokens_delta[NAME], indices.index(token) if token in indices else None


def _quantized_at(place: ModelPlace, dtype: str, settings: Settings, work: Path, on_gpu: bool) -> "PreTrainedModel":
    import torch
    from transformers import BitsAndBytesConfig

    need_bitsandbytes("adapter kind qlora")
    # accelerate divides 4-bit weights over GPUs (fsdp2) only where they are stored as if they were of its dtype.
    storage = {"bnb_4bit_quant_storage": torch.bfloat16} if on_gpu else {}
    device = {"device_map": {"": int(os.environ.get("LOCAL_RANK", "0"))}} if on_gpu else {}
    config = BitsAndBytesConfig(**{name: value for name, value in settings.items() if name != "quant_method"}, **storage)
    if place.base is not None:  # only weights on disk can be quantized
        place = ModelPlace(str(_merged_copy(place, work / SCRATCH / "base")))
    return model_at(place, dtype, quantization_config=config, **device)


def _merged_copy(place: ModelPlace, copy: Path) -> Path:
    """A model that is an adapter with its base, written whole; the first process does it, the others wait."""
    if process_rank() == 0 and not copy.is_dir():
        writing = copy.with_name("base.tmp")
        shutil.rmtree(writing, ignore_errors=True)
        model_at(place, "float32").save_pretrained(str(writing))
        os.replace(writing, copy)
    while not copy.is_dir():
        time.sleep(0.2)
    return copy


def _target_names(model: "PreTrainedModel", adapter: Adapter) -> list[str]:
    """Last parts of the names of the modules to adapt; refuses a target that is none."""
    known = _linear_names(model)
    names = sorted({name.rpartition(".")[2] for name in known})
    if adapter.targets == ALL_LINEAR:
        return names
    for target in adapter.targets:
        if not any(matches(name, [target]) for name in known):
            raise TrainingRefused(
                f"adapter.targets: {target!r}: the model ({model.config.model_type}) has no such linear module; "
                f"{nearest(target, names)}. Its modules: {', '.join(names)}. Of embeddings and the output matrix EOT's rows are "
                f"trained in any case."
            )
    return sorted(adapter.targets)


def _linear_names(model: "PreTrainedModel") -> list[str]:
    """Names of all linear modules, quantized ones too, but the output matrix."""
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    output = model.get_output_embeddings()
    return [name for name, module in model.named_modules() if isinstance(module, (nn.Linear, Conv1D)) and module is not output]


def _rows(model: "PreTrainedModel", tokens: Sequence[int]) -> dict[str, list[int]]:
    """PEFT's `trainable_token_indices`, under the names that this family gives its embeddings."""
    inside, outside = model.get_input_embeddings(), model.get_output_embeddings()
    names = {module: name for name, module in model.named_modules()}
    if inside.weight is outside.weight:  # PEFT ties the two by itself
        return {names[inside]: list(tokens)}
    return {names[inside]: list(tokens), names[outside]: list(tokens)}


def _keep_output_bias(model: "PeftModel") -> None:
    output = model.get_output_embeddings()
    rows = getattr(output, "token_adapter", None)
    if rows is None or getattr(rows.base_layer, "bias", None) is None:
        return

    def add_bias(layer: Any, inputs: Any, scores: Any) -> Any:
        from_base = layer.disable_adapters or layer.merged or not layer.active_adapters
        return scores if from_base else scores + layer.base_layer.bias.to(scores.dtype)

    rows.register_forward_hook(add_bias)


def _whole(weights: Any) -> Any:
    """A parameter on the CPU, gathered where it is divided over processes."""
    found = weights.full_tensor() if hasattr(weights, "full_tensor") else weights
    return found.detach().cpu().contiguous()


def _plain(value: Any) -> Any:
    """As JSON; sets in order, or equal adapters would have unequal bytes."""
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in sorted(value.items())}
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value

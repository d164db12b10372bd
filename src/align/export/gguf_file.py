"""A model as llama.cpp reads it: one file with weights, sizes and tokenizer."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from align.errors import ExportRefused
from align.export.gguf_shape import add_shape, architecture_of, rope_factors
from align.export.gguf_vocabulary import add_vocabulary

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

Quant = Literal["F16", "Q8_0", "Q4_0"]

BLOCK = 32
"""Weights of one row that share a scale; a row that it does not divide is kept in 16 bits."""
KEPT_FINER = ("token_embd.weight", "output.weight")
"""In 4 bits these stay in 8: on the output matrix hangs whether EOT is the likeliest token."""
WORST_ERROR = {"F32": 1e-6, "F16": 1e-3, "Q8_0": 0.02, "Q4_0": 0.25}
"""Largest share of a tensor's norm that its rounding may change."""


def write_gguf(folder: Path, name: str, quant: Quant, path: Path) -> None:
    """Write the model of a folder of transformers into one GGUF file, and check it by reading it back.

    Tensor by tensor, so that no more than one is in memory.
    """
    from gguf import GGUFWriter, LlamaFileType
    from transformers import AutoConfig, AutoTokenizer

    config = AutoConfig.from_pretrained(folder)
    architecture = architecture_of(config)
    writer = GGUFWriter(path, architecture)
    writer.add_name(name)
    writer.add_file_type(
        {"F16": LlamaFileType.MOSTLY_F16, "Q8_0": LlamaFileType.MOSTLY_Q8_0}.get(quant, LlamaFileType.MOSTLY_Q4_0)
    )
    writer.add_quantization_version(2)
    add_shape(writer, config)
    add_vocabulary(writer, AutoTokenizer.from_pretrained(folder), config.vocab_size)
    for told, values in _tensors(folder, config, architecture):
        kind = tensor_kind(told, values.shape, quant)
        stored = _stored(told, values, kind)
        writer.add_tensor_info(told, stored.shape, stored.dtype, stored.nbytes, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for told, values in _tensors(folder, config, architecture):
        writer.write_tensor_data(_stored(told, values, tensor_kind(told, values.shape, quant)))
    writer.close()
    _check(path, folder, config, architecture)


def tensor_kind(name: str, shape: tuple[int, ...], quant: Quant) -> Any:
    """The type a tensor is stored in: what is no matrix (norms, biases) in 32 bits, as llama.cpp wants it."""
    from gguf import GGMLQuantizationType as Kind

    if len(shape) < 2:
        return Kind.F32
    if quant == "F16" or shape[-1] % BLOCK:
        return Kind.F16
    return Kind.Q8_0 if quant == "Q8_0" or name in KEPT_FINER else Kind.Q4_0


def permuted(values: "Array", heads: int) -> "Array":
    """Rows of a query or key matrix in the order of llama.cpp's rope.

    It turns neighbouring pairs of a head's rows, transformers row i with row i + half.
    """
    halves = values.reshape(heads, 2, values.shape[0] // heads // 2, *values.shape[1:])
    return halves.swapaxes(1, 2).reshape(values.shape)


def _tensors(folder: Path, config: Any, architecture: str) -> "Iterator[tuple[str, Array]]":
    """Every tensor under llama.cpp's name, as it is stored there, in float32."""
    from gguf import MODEL_ARCH
    from gguf.tensor_mapping import get_tensor_name_map

    names = get_tensor_name_map(MODEL_ARCH[architecture.upper()], config.num_hidden_layers)
    factors = rope_factors(config)
    if factors is not None:
        yield "rope_freqs.weight", factors
    for theirs, values in _stored_tensors(folder):
        if theirs == "lm_head.weight" and config.tie_word_embeddings:
            continue
        ours = names.get_name(theirs, try_suffixes=(".weight", ".bias"))
        if ours is None:
            raise ExportRefused(f"gguf: llama.cpp's {architecture} has no place for the tensor {theirs}")
        if architecture == "llama" and ".attn_q." in ours:
            values = permuted(values, config.num_attention_heads)
        elif architecture == "llama" and ".attn_k." in ours:
            values = permuted(values, config.num_key_value_heads)
        yield ours, values


def _stored_tensors(folder: Path) -> "Iterator[tuple[str, Array]]":
    from safetensors import safe_open

    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, "pt") as tensors:
            for name in sorted(tensors.keys()):
                yield name, tensors.get_tensor(name).float().numpy()


def _stored(name: str, values: "Array", kind: Any) -> "Array":
    import numpy as np
    from gguf.quants import quantize

    with np.errstate(over="ignore"):
        stored: Array = quantize(values, kind)
    if kind.name == "F16" and not bool(np.isfinite(stored).all()):
        raise ExportRefused(f"gguf: {name} holds numbers that 16 bits cannot say (the largest: {np.abs(values).max():.3g})")
    return stored


def _check(path: Path, folder: Path, config: Any, architecture: str) -> None:
    """Read the file back and compare each tensor with what should stand there."""
    import numpy as np
    from gguf import GGUFReader
    from gguf.quants import dequantize

    found = {tensor.name: tensor for tensor in GGUFReader(path).tensors}
    for name, values in _tensors(folder, config, architecture):
        tensor = found.pop(name, None)
        if tensor is None:
            raise ExportRefused(f"{path}: the tensor {name} was not written")
        read = dequantize(tensor.data, tensor.tensor_type).reshape(values.shape)
        error = float(np.linalg.norm(read - values) / max(float(np.linalg.norm(values)), 1e-30))
        if not error <= WORST_ERROR[tensor.tensor_type.name]:
            raise ExportRefused(
                f"{path}: {name} differs from the model's by {error:.1%} of its size; {tensor.tensor_type.name} explains less"
            )
    if found:
        raise ExportRefused(f"{path}: holds tensors that the model does not have: {', '.join(sorted(found))}")
